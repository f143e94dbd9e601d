"""How far a map may be trusted: its curves beside random, edges and ink alone (D-17)."""

from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.explanation.case import Case, CaseLoader
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.faithfulness import Faithfulness, explain_and_measure
from deepmed.learning.saliency.generator import SaliencyMapGenerator
from deepmed.learning.saliency.maps import SaliencyMap
from deepmed.learning.saliency.report import GATE_CONTROLS, MARGIN_OVER_RANDOM

RANDOM = "random"


@dataclass(frozen=True)
class Trust:
    """A map with its figure, or with the reason why there is none."""

    map: SaliencyMap
    found: Faithfulness | None
    reason: str | None

    @property
    def faithful(self) -> bool | None:
        """Whether this map beats random orders by 0.1, and edges and ink; None: not measured."""
        if self.found is None:
            return None
        scores = self.found.scores
        own = scores[self.map.method]
        margins = {name: MARGIN_OVER_RANDOM if name == RANDOM else 0.0 for name in GATE_CONTROLS}
        return self.map.explains_score and all(
            own - scores[name] >= margin and own > scores[name] for name, margin in margins.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """The figure with its rows and curves, ready for JSON."""
        found = self.found
        return {
            "faithful": self.faithful,
            "reason": self.reason,
            "method": self.map.method,
            "explains_score": self.map.explains_score,
            "fill": found.fill if found else self.map.fill,
            "fill_p": found.fill_p if found else None,
            "scores": found.scores if found else {},
            "curves": {
                name: {"insertion": curves.insertion.tolist(), "deletion": curves.deletion.tolist()}
                for name, curves in (found.curves if found else {}).items()
            },
        }


def measure(cases: CaseLoader, case: Case, method: str) -> Trust:
    """Make the map of a case and measure how faithful it is.

    Where nothing that could stand in its patches is usual itself, the map is made with paper and
    no figure is given.
    """
    generator = SaliencyMapGenerator(cases.score_function(case))
    prepared = cases.prepared(case.image)
    try:
        maps, found = explain_and_measure(
            generator, prepared, case.ranking, [method], typical=cases.typical(case)
        )
    except SaliencyGenerationError as error:
        made = generator.generate_saliency_map(prepared, method)
        return Trust(made, None, str(error))
    return Trust(maps[0], found, None)
