"""What a batch could select at best, said before it is analysed (D-10)."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import asdict
from typing import Any

from deepmed.features.drawings.analysis.scoring import Scene
from deepmed.features.drawings.tables import Drawing
from deepmed.learning.calibration.batch import batch_outlook
from deepmed.learning.reference import Role


def outlook(
    scene: Scene, drawings: Sequence[Drawing], percentile: float, embedded: Container[int]
) -> dict[str, Any]:
    """Whether any new child's drawing of the batch could have a q-value within the level.

    A child's smallest p is the number of its new drawings times the smallest that any of these
    can have, which is the one whose model most children calibrate.

    Args:
        scene: active models.
        drawings: the batch.
        percentile: the level asked for is 1 - percentile / 100.
        embedded: ids of the drawings that can be scored.
    """
    calibrating: dict[int, int] = {}
    counts: Counter[int] = Counter()
    for drawing in drawings:
        item = scene.model_of(drawing)
        scorable = item is not None and not drawing.is_blank and drawing.id in embedded
        if item and scorable and item.model.role(scene.who(drawing)) is Role.NEW:
            n = item.model.model.calibration.n_children
            calibrating[drawing.child_id] = max(n, calibrating.get(drawing.child_id, 0))
            counts[drawing.child_id] += 1
    children = sorted(counts)
    return outlook_of(
        [calibrating[child] for child in children],
        [counts[child] for child in children],
        percentile,
    )


def outlook_of(
    calibrating: Sequence[int], counts: Sequence[int], percentile: float
) -> dict[str, Any]:
    """The same, by how many children calibrate for each new child, and how much it drew."""
    found = batch_outlook(calibrating, counts, percentile)
    return {**asdict(found), "statement": _statement(found.n_children, found.can_select_any)}


def _statement(children: int, can_select_any: bool) -> str | None:  # noqa: FBT001 - a fact, no switch
    if not children or can_select_any:
        return None
    return (
        f"Looking at {children} new children at once, no drawing could stay selected after the "
        "correction for many looks: too few children calibrate. The single flags stand as they are."
    )
