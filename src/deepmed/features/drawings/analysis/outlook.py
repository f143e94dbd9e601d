"""What a batch could select at best, said before it is analysed (D-10)."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, not_, or_
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.scoring import Scene
from deepmed.features.drawings.embeddings import repository as embeddings
from deepmed.features.drawings.models.kinds import SUBJECT_AWARE, is_given
from deepmed.features.drawings.models.repository import of_ages
from deepmed.features.drawings.tables import Drawing
from deepmed.learning.calibration.batch import batch_outlook
from deepmed.learning.reference import Role

Condition = ColumnElement[bool]


@dataclass
class _Newcomers:
    """The new children of a batch: how many calibrate for each, and how much it drew."""

    calibrating: dict[int, int] = field(default_factory=dict)
    drawn: Counter[int] = field(default_factory=Counter)

    def add(self, item: ActiveModel, drawn: Iterable[tuple[int, int]]) -> None:
        """Children for whom a model answers, each with the number of such drawings."""
        n = item.model.model.calibration.n_children
        for child, number in drawn:
            self.calibrating[child] = max(n, self.calibrating.get(child, 0))
            self.drawn[child] += number

    def look_at(self, scene: Scene, drawings: Sequence[Drawing], embedded: Container[int]) -> None:
        for drawing in drawings:
            item = scene.model_of(drawing)
            scorable = item is not None and not drawing.is_blank and drawing.id in embedded
            if item and scorable and item.model.role(scene.who(drawing)) is Role.NEW:
                self.add(item, [(drawing.child_id, 1)])

    def outlook(self, percentile: float) -> dict[str, Any]:
        children = sorted(self.drawn)
        return outlook_of(
            [self.calibrating[child] for child in children],
            [self.drawn[child] for child in children],
            percentile,
        )


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
    found = _Newcomers()
    found.look_at(scene, drawings, embedded)
    return found.outlook(percentile)


def outlook_of_all(
    session: Session, owner_id: int, scene: Scene, copied: Sequence[Drawing], percentile: float
) -> dict[str, Any]:
    """The same of all drawings of an owner, which the database counts by child.

    Args:
        session: of the database.
        owner_id: whose drawings.
        scene: active models, and whose the copied drawings are.
        copied: those whose very picture is there several times: each is looked at by itself.
        percentile: as above.
    """
    found = _Newcomers()
    embedded = embeddings.present(session, scene.encoder, [drawing.id for drawing in copied])
    found.look_at(scene, copied, embedded)
    asked: list[Condition] = []
    if copied:
        asked.append(Drawing.pixel_hash.not_in({drawing.pixel_hash for drawing in copied}))
    if embeddings.count_missing(session, owner_id, scene.encoder):
        asked.append(embeddings.is_embedded(scene.encoder))
    for item, mine in _answering(session, owner_id, scene):
        known = item.model.fit_children | item.model.model.children
        drawn = repository.drawn_by_child(session, owner_id, [*mine, *asked])
        found.add(item, [one for one in drawn if one[0] not in known])
    return found.outlook(percentile)


def _answering(
    session: Session, owner_id: int, scene: Scene
) -> Iterator[tuple[ActiveModel, list[Condition]]]:
    """Each model with the conditions of the drawings that it answers for, as `model_of` has it."""
    aware = [item for item in scene.active if item.row.kind == SUBJECT_AWARE]
    given = Drawing.subject.in_(_given(session, owner_id) if aware else [])
    theirs = [of_ages(item.ages) for item in aware]
    for item in scene.active:
        mine: list[Condition] = [*of_ages(item.ages)]
        if item.row.kind == SUBJECT_AWARE:
            mine.append(given)
        elif aware:
            covered = or_(*(low & high for low, high in theirs))
            mine.append(or_(Drawing.subject.is_(None), not_(given), not_(covered)))
        yield item, mine


def _given(session: Session, owner_id: int) -> list[str]:
    """The subjects that drawings are given, as they are written there."""
    written = repository.subjects(session, owner_id)
    return [subject for subject in written if subject is not None and is_given(subject)]


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
