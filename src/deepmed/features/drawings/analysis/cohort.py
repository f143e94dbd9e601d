"""The new children of a batch together: one p a child, and what a search through all may select.

Nothing here changes a flag: q stands beside it (D-10).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import overviews, repository
from deepmed.features.drawings.analysis.outlook import outlook_of
from deepmed.features.drawings.tables import AnalysisBatch, AnomalyAnalysis, Drawing
from deepmed.learning.calibration.batch import child_p_values

LATER = (
    "A later call answered a drawing of this child anew, and which of its answers this batch gave "
    "cannot be told any more."
)
MOVED = "Drawings were given to another child since, so this q is none of the child as it is now."


@dataclass(frozen=True)
class CohortChild:
    """A child that is new to the models, with its drawings of the batch."""

    id: int
    code: str | None
    drawing_ids: list[int]
    flagged: list[int]
    """Which of them are flagged, by their own answers."""
    p_value: float | None
    q_value: float | None
    selected: bool
    """Whether q is within the level."""
    reason: str | None
    """Why a number is missing."""


@dataclass(frozen=True)
class Cohort:
    """A batch as a search through many children."""

    batch: AnalysisBatch
    percentile: float
    outlook: dict[str, Any]
    """What could be selected at best, whatever the drawings show."""
    children: list[CohortChild]
    """The smallest q first."""
    not_new: int
    """Drawings with a p by children of the training: they have no q."""
    without_p: int
    """Drawings without an answer, and those that were deleted since."""


def cohort(session: Session, batch: AnalysisBatch, percentile: float) -> Cohort:
    """The new children of a batch that is done.

    Args:
        session: of the database.
        batch: of the owner who asks.
        percentile: stands in where the answers' own rule has none, or several.
    """
    new = [int(number) for number, q in batch.q_values.items() if q is not None]
    drawings = repository.drawings(session, batch.owner_id, new) if new else []
    answers = overviews.answers_of(session, batch, [each.id for each in drawings])
    percentile = _percentile(list(answers.values())) or percentile
    groups: dict[int, list[Drawing]] = defaultdict(list)
    for drawing in drawings:
        groups[drawing.child_id].append(drawing)
    outlook = _outlook(groups, answers, percentile)
    level = outlook["level"]
    children = [_child(mine, answers, batch.q_values, level) for mine in groups.values()]
    return Cohort(
        batch,
        percentile,
        outlook,
        sorted(children, key=_order),
        not_new=len(batch.q_values) - len(new),
        without_p=batch.total - len(batch.q_values),
    )


def _percentile(answers: Sequence[AnomalyAnalysis]) -> float | None:
    """The one that the answers share; None where each model has its own rule."""
    found = {(answer.results.get("ranking") or {}).get("percentile") for answer in answers}
    return found.pop() if len(found) == 1 else None


def _outlook(
    groups: Mapping[int, Sequence[Drawing]],
    answers: Mapping[int, AnomalyAnalysis],
    percentile: float,
) -> dict[str, Any]:
    known = {
        child: [answers[each.id].results["ranking"]["n_children"] for each in mine]
        for child, mine in groups.items()
        if all(each.id in answers for each in mine)
    }
    return outlook_of(
        [max(calibrating) for calibrating in known.values()],
        [len(calibrating) for calibrating in known.values()],
        percentile,
    )


def _child(
    mine: Sequence[Drawing],
    answers: Mapping[int, AnomalyAnalysis],
    q_values: Mapping[str, float],
    level: float,
) -> CohortChild:
    child = mine[0].child
    known = [answers[each.id] for each in mine if each.id in answers]
    values = [answer.p_value for answer in known if answer.p_value is not None]
    found = {q_values[str(each.id)] for each in mine}
    p_value = child_p_values(values, [child.id] * len(values))[child.id] if values else None
    q_value = found.pop() if len(found) == 1 else None
    if len(values) < len(mine):
        p_value = None
    reasons = [*([LATER] if p_value is None else []), *([MOVED] if q_value is None else [])]
    return CohortChild(
        id=child.id,
        code=child.code,
        drawing_ids=[each.id for each in mine],
        flagged=[answer.drawing_id for answer in known if answer.is_anomaly],
        p_value=p_value,
        q_value=q_value,
        selected=q_value is not None and q_value <= level,
        reason=" ".join(reasons) or None,
    )


def _order(child: CohortChild) -> tuple[float, float, int]:
    q = 2.0 if child.q_value is None else child.q_value
    return q, 2.0 if child.p_value is None else child.p_value, child.id
