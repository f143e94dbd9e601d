"""How far a map may be trusted: its curves beside random, edges and ink, and does it change (D-17).

A map that stays as it is when the detector is re-initialised shows the drawing and not the score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.explanation.case import Case, CaseLoader
from deepmed.features.drawings.explanation.methods import MeasuredOn
from deepmed.features.drawings.explanation.pace import is_slow
from deepmed.learning.encoders import Prepared
from deepmed.learning.errors import InsufficientDataError, SaliencyGenerationError
from deepmed.learning.saliency.faithfulness import Faithfulness, measure_faithfulness
from deepmed.learning.saliency.fills import Fill, choose_fill
from deepmed.learning.saliency.generator import SaliencyMapGenerator
from deepmed.learning.saliency.maps import SaliencyMap
from deepmed.learning.saliency.randomisation import LIMIT, knowing_nothing, map_correlation
from deepmed.learning.saliency.report import GATE_CONTROLS, MARGIN_OVER_RANDOM

RANDOM = "random"
MARGINS = {name: MARGIN_OVER_RANDOM if name == RANDOM else 0.0 for name in GATE_CONTROLS}
"""By how much a map beats each of these, before it may be called faithful."""


@dataclass(frozen=True)
class Trust:
    """A map with its figure, or with the reason why there is none."""

    map: SaliencyMap
    found: Faithfulness | None
    reason: str | None
    measured_on: MeasuredOn = MeasuredOn.MAP
    randomised: float | None = None
    """Rank correlation with the same map of a detector that knows nothing."""

    @property
    def faithful(self) -> bool | None:
        """Whether this map beats random orders by 0.1, edges and ink, and needs the detector.

        None where it was not measured.
        """
        if self.found is None:
            return None
        needed = self.randomised is not None and self.randomised < LIMIT
        return needed and self.map.explains_score and beats(self.found.scores, self.map.method)

    def to_dict(self) -> dict[str, Any]:
        """The figure with its rows and curves, ready for JSON."""
        found = self.found
        return {
            "faithful": self.faithful,
            "reason": self.reason,
            "measured_on": self.measured_on.value,
            "method": self.map.method,
            "explains_score": self.map.explains_score,
            "fill": found.fill if found else self.map.fill,
            "fill_p": found.fill_p if found else None,
            "scores": found.scores if found else {},
            "randomised": self.randomised,
            "curves": {
                name: {"insertion": curves.insertion.tolist(), "deletion": curves.deletion.tolist()}
                for name, curves in (found.curves if found else {}).items()
            },
        }


def beats(scores: Mapping[str, float], method: str) -> bool:
    """Whether a map's score reaches the margin over every control."""
    own = scores[method]
    return all(
        own - scores[name] >= margin and own > scores[name] for name, margin in MARGINS.items()
    )


def measure(cases: CaseLoader, case: Case, method: str, *, however_slow: bool = False) -> Trust:
    """Make the map of a case, and measure how faithful it is where the encoder is quick enough.

    Where nothing that could stand in its patches is usual itself, the map is made with paper and
    no figure is given.
    """
    generator = SaliencyMapGenerator(cases.score_function(case))
    prepared = cases.prepared(case.image)
    page = generator.function.at(prepared)
    fill, refusal = None, None
    try:
        fill = choose_fill(page, case.ranking, cases.typical(case))
    except SaliencyGenerationError as error:
        refusal = str(error)
    made = generator.generate_saliency_map(prepared, method, fill)
    if not however_slow and is_slow(generator.function.encoder):
        return Trust(made, None, None, MeasuredOn.MODEL)
    if fill is None:
        return Trust(made, None, refusal)
    found = measure_faithfulness(page, case.ranking, [made], fill, seed=generator.seed)
    return Trust(made, found, None, randomised=randomised(generator, prepared, made, fill))


def randomised(
    generator: SaliencyMapGenerator, prepared: Prepared, made: SaliencyMap, fill: Fill
) -> float | None:
    """How alike the map stays when the detector is re-initialised; None where a map is constant.

    Args:
        generator: made the map.
        prepared: the drawing.
        made: its map.
        fill: what the map compares with.
    """
    blank = SaliencyMapGenerator(
        knowing_nothing(generator.function, generator.seed), generator.seed
    )
    try:
        return map_correlation(made, blank.generate_saliency_map(prepared, made.method, fill))
    except InsufficientDataError:
        return None
