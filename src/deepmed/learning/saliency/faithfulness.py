"""Whether a map tells what the score depends on: insertion and deletion curves (D-17).

Patches are put in, or taken away, from the one that the map calls most important to the least. A
faithful map makes the drawing unusual soon after the first patches come, and usual soon after the
first ones go. The curves are on 1 - p, so with few comparison children they climb in few steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepmed.kit.seeds import derive
from deepmed.learning.encoders import Prepared
from deepmed.learning.saliency.controls import pixel_hash
from deepmed.learning.saliency.fills import Fill, Ranking, choose_fill
from deepmed.learning.saliency.generator import CONTROLS, METHODS, SaliencyMapGenerator
from deepmed.learning.saliency.maps import SaliencyMap, patch_order
from deepmed.learning.saliency.score import FloatArray, PageScore, ScoredPixels

STEPS = 16


@dataclass(frozen=True, eq=False)
class Curves:
    """One map's two curves on 1 - p.

    Attributes:
        insertion: (steps + 1,), from the filled page to the drawing.
        deletion: (steps + 1,), from the drawing to the filled page.

    Example:
        >>> curves = Curves(np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.0]))
        >>> curves.insertion_area, curves.deletion_area, curves.score
        (0.75, 0.25, 0.5)
    """

    insertion: FloatArray
    deletion: FloatArray

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve, 0 to 1; the larger the better."""
        return _area(self.insertion)

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve, 0 to 1; the smaller the better."""
        return _area(self.deletion)

    @property
    def score(self) -> float:
        """Insertion less deletion: about 0 where the order says nothing, 1 at most."""
        return self.insertion_area - self.deletion_area


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """The curves of one drawing's maps, beside those of the controls.

    Attributes:
        p: of the drawing itself.
        fill: what stood in missing patches, with its own p.
        curves: by method; the controls `random`, `sobel`, `ink_density` and `fill_difference` are
            always among them.

    Example:
        >>> Faithfulness(0.05, "paper", 0.8, {}).curves
        {}
    """

    p: float
    fill: str
    fill_p: float
    curves: dict[str, Curves]

    @property
    def scores(self) -> dict[str, float]:
        """Insertion less deletion by method."""
        return {method: curves.score for method, curves in self.curves.items()}


def insertion_deletion(
    page: ScoredPixels,
    ranking: Ranking,
    fill: Fill,
    values: FloatArray,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Curves:
    """The two curves of one map.

    The crop and the further columns of the drawing stay as they are. Source: Petsiuk, Das and
    Saenko, RISE, BMVC 2018, on 1 - p in place of a class's probability.

    Args:
        page: the score around the drawing.
        ranking: from scores to the drawing's own p.
        fill: what stands in missing patches.
        values: (rows, columns) of the map.
        steps: how many times patches are moved.
        seed: of the order among patches of equal value.

    Returns:
        Both curves.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> from deepmed.learning.saliency.fills import paper_fill
        >>> page = example_page()
        >>> curves = insertion_deletion(
        ...     page, lambda scores: 1 / (1 + scores), paper_fill(page), np.eye(14))
        >>> curves.insertion[-1] == curves.deletion[0], len(curves.insertion)
        (np.True_, 17)
    """
    order = patch_order(values, seed)
    moved = np.rint(np.linspace(0, len(order), steps + 1)).astype(int)
    place = np.argsort(order)
    first = place[None, :] < moved[:, None]
    scores = page.mixed_scores(fill.pixels, np.concatenate([~first, first]))
    unusual = 1 - ranking(scores)
    return Curves(insertion=unusual[: steps + 1], deletion=unusual[steps + 1 :])


def measure_faithfulness(
    page: PageScore,
    ranking: Ranking,
    maps: Sequence[SaliencyMap],
    fill: Fill,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Faithfulness:
    """The curves of a drawing's maps and of the controls, all with the same fill.

    Args:
        page: the score around the drawing.
        ranking: from scores to the drawing's own p.
        maps: the drawing's maps, one a method.
        fill: what `choose_fill` chose.
        steps: how many times patches are moved.
        seed: of the random control and of the order among equals.

    Returns:
        Curves by method.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> rank = lambda scores: 1 / (1 + scores / 40)
        >>> found = measure_faithfulness(page, rank, [], choose_fill(page, rank, page.page))
        >>> sorted(found.curves)
        ['fill_difference', 'ink_density', 'random', 'sobel']
    """
    stream = derive(seed, "patch-order", pixel_hash(page))
    values = {name: METHODS[name].make(page, fill, seed) for name in CONTROLS}
    values |= {made.method: made.values for made in maps}
    ends = ranking(np.concatenate([page.scores(page.pixels), page.scores(fill.pixels)]))
    return Faithfulness(
        p=float(ends[0]),
        fill=fill.name,
        fill_p=float(ends[1]),
        curves={
            name: insertion_deletion(page, ranking, fill, grid, steps=steps, seed=stream)
            for name, grid in values.items()
        },
    )


def explain_and_measure(
    generator: SaliencyMapGenerator,
    prepared: Prepared,
    ranking: Ranking,
    methods: Sequence[str],
    *,
    typical: Prepared | None = None,
    steps: int = STEPS,
) -> tuple[list[SaliencyMap], Faithfulness]:
    """Make a drawing's maps with the fill that its ranking allows, and measure them.

    Args:
        generator: makes the maps.
        prepared: the drawing.
        ranking: from scores to the drawing's own p.
        methods: which maps.
        typical: the nearest typical drawing of the fitting part.
        steps: how many times patches are moved.

    Returns:
        The maps in the order of the methods, and their faithfulness.

    Raises:
        SaliencyGenerationError: no fill is usual; see `choose_fill`.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> maps, found = explain_and_measure(SaliencyMapGenerator(page.function), page.page,
        ...     lambda scores: 1 / (1 + scores / 40), ["gradient"], typical=page.page)
        >>> maps[0].method, "gradient" in found.scores
        ('gradient', True)
    """
    page = generator.function.at(prepared)
    fill = choose_fill(page, ranking, typical)
    maps = [generator.generate_saliency_map(prepared, method, fill) for method in methods]
    measured = measure_faithfulness(page, ranking, maps, fill, steps=steps, seed=generator.seed)
    return maps, measured


def _area(curve: FloatArray) -> float:
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))
