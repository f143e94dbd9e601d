"""What an owner has: look, filter, mend, withdraw."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.audit.repository import record
from deepmed.features.drawings.catalogue import repository
from deepmed.features.drawings.catalogue.deletion import Deletion, DeletionReport
from deepmed.features.drawings.catalogue.facts import facts_of
from deepmed.features.drawings.catalogue.filters import (
    NEWEST_FIRST,
    DrawingFilter,
    Sort,
    check_page,
)
from deepmed.features.drawings.importing.repository import child as child_of
from deepmed.features.drawings.metadata import (
    FIELDS,
    DrawingMetadata,
    ExpertLabel,
    extract_metadata,
)
from deepmed.features.drawings.tables import Drawing
from deepmed.kit.database import Database
from deepmed.kit.errors import ValidationError
from deepmed.kit.storage import FileStorageService

_TRAINING_FIELDS = {"age_years", "age_precision", "expert_label", "child_id"}
_ANY = DrawingFilter()


@dataclass(frozen=True)
class DrawingPage:
    drawings: list[Drawing]
    total_count: int
    page: int
    page_size: int

    @property
    def total_pages(self) -> int:
        return math.ceil(self.total_count / self.page_size)


class DrawingCatalogue:
    """The drawings of one owner; another owner's are not found. Opens its own transactions.

    Drawings come back detached, with their child loaded: they can be read, and change nothing.

    Args:
        on_deleted: told the ids of deleted drawings after the commit, so that what is kept in
            memory (a cache of vectors, an index) can forget them.
    """

    def __init__(
        self,
        database: Database,
        storage: FileStorageService,
        owner_id: int,
        on_deleted: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        self._database = database
        self._storage = storage
        self._owner_id = owner_id
        self._deletion = Deletion(database, storage, owner_id, on_deleted)

    def list_drawings(
        self,
        filters: DrawingFilter = _ANY,
        *,
        sort: str = NEWEST_FIRST,
        page: int = 1,
        page_size: int = 20,
    ) -> DrawingPage:
        """A page of 1 to 100 drawings; one beyond the last is empty.

        Raises:
            ValidationError: a page, a size or a sort that does not exist.
        """
        check_page(page, page_size)
        order = Sort.parse(sort)
        with self._database.read() as session:
            total = repository.count(session, self._owner_id, filters)
            skipped = (page - 1) * page_size
            found: list[Drawing] = []
            if skipped < total:
                after = (
                    repository.key_before(session, self._owner_id, filters, order, skipped)
                    if skipped
                    else None
                )
                found = repository.page(
                    session, self._owner_id, filters, order, limit=page_size, after=after
                )
            session.expunge_all()
        return DrawingPage(found, total, page, page_size)

    def iterate(
        self, filters: DrawingFilter = _ANY, *, sort: str = "id", batch: int = 500
    ) -> Iterator[Drawing]:
        """All drawings in order, read in batches; one deleted meanwhile is left out."""
        order, after = Sort.parse(sort), None
        while True:
            with self._database.read() as session:
                found = repository.page(
                    session, self._owner_id, filters, order, limit=batch, after=after
                )
                session.expunge_all()
            yield from found
            if len(found) < batch:
                return
            after = repository.key_of(found[-1], order)

    def get(self, drawing_id: int) -> Drawing:
        """Raises NotFoundError where there is none, or it is another owner's."""
        with self._database.read() as session:
            drawing = repository.get(session, self._owner_id, drawing_id)
            session.expunge_all()
            return drawing

    def picture(self, drawing_id: int) -> bytes:
        """The stored PNG."""
        return self._storage.get(self.get(drawing_id).file_path)

    def statistics(self) -> dict[str, Any]:
        """Numbers of drawings, ages and labels, as the contract has them."""
        with self._database.read() as session:
            found = repository.statistics(session, self._owner_id)
        labels = found["expert_labels"]
        return {**found, "expert_labels": {str(each): labels.get(each, 0) for each in ExpertLabel}}

    def edit(self, drawing_id: int, changes: Mapping[str, object]) -> Drawing:
        """Change what is known of a drawing; the change is on the audit trail.

        An age, a label or a child that changes marks the models that used the drawing, because
        they would be trained otherwise now.

        Raises:
            NotFoundError: there is no such drawing.
            ValidationError: names each field that cannot be used; nothing was changed.
        """
        unknown = sorted(set(changes) - set(FIELDS))
        if unknown:
            raise ValidationError(f"A drawing has no field {', '.join(unknown)} to change.")
        with self._database.write() as session:
            drawing = repository.get(session, self._owner_id, drawing_id)
            before = facts_of(drawing)
            wanted = _merged(before, changes)
            after = wanted.model_dump(mode="json")
            changed = sorted(name for name in after if after[name] != before[name])
            if changed:
                self._apply(session, drawing, after, changed)
            session.flush()
            session.expunge_all()
            return drawing

    def withdraw(self, drawing_id: int, *, withdrawn: bool = True) -> Drawing:
        """Keep a drawing and let it take no part in training any more; or take that back."""
        with self._database.write() as session:
            drawing = repository.get(session, self._owner_id, drawing_id)
            if drawing.withdrawn != withdrawn:
                drawing.withdrawn = withdrawn
                models = repository.mark_models(session, self._owner_id, [drawing_id])
                self._record(session, drawing, "withdraw" if withdrawn else "restore", models)
            session.flush()
            session.expunge_all()
            return drawing

    def delete_drawing(self, drawing_id: int) -> DeletionReport:
        """Delete a drawing with all that was derived from it. Raises NotFoundError."""
        return self._deletion.of_drawing(drawing_id)

    def preview_deletion(self, drawing_id: int) -> DeletionReport:
        """What deleting it would take along; nothing is changed. Raises NotFoundError."""
        return self._deletion.preview_of_drawing(drawing_id)

    def delete_child(self, child: str) -> DeletionReport:
        """Delete all drawings of a child, by the caller's child id. Raises NotFoundError."""
        return self._deletion.of_child(child)

    def _apply(
        self, session: Session, drawing: Drawing, after: Mapping[str, Any], changed: list[str]
    ) -> None:
        before = facts_of(drawing)
        for name in changed:
            if name == "child_id":
                self._move(session, drawing, after["child_id"])
            else:
                setattr(drawing, name, after[name])
        models = []
        if _TRAINING_FIELDS & set(changed):
            models = repository.mark_models(session, self._owner_id, [drawing.id])
        # Whose drawing it is stands there only as "changed": the trail outlives a deletion.
        told = [name for name in changed if name != "child_id"]
        self._record(
            session,
            drawing,
            "edit",
            models,
            changed=changed,
            before={name: before[name] for name in told},
            after={name: after[name] for name in told},
        )

    def _move(self, session: Session, drawing: Drawing, code: str | None) -> None:
        former = drawing.child_id
        drawing.child = child_of(session, self._owner_id, code)
        session.flush()
        repository.move_members(session, drawing.id, drawing.child.id)
        repository.delete_childless(session, [former])

    def _record(
        self, session: Session, drawing: Drawing, deed: str, models: list[int], **details: Any
    ) -> None:
        record(
            session,
            self._owner_id,
            f"drawings.{deed}",
            "drawing",
            drawing.id,
            models_to_retrain=models,
            **details,
        )


def _merged(before: Mapping[str, Any], changes: Mapping[str, object]) -> DrawingMetadata:
    fields = {name: before[name] for name in FIELDS}
    merged = extract_metadata({**fields, **changes})
    if "age_years" in changes:
        return merged
    return merged.model_copy(update={"age_precision": before["age_precision"]})
