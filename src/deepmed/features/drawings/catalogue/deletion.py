"""Deleting a drawing, or all of a child's, with everything that was derived from them (D-30)."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.audit.repository import happened, record
from deepmed.core.datasets.service import DatasetService
from deepmed.features.drawings.catalogue import repository
from deepmed.features.drawings.data_export.expiry import delete_all
from deepmed.features.drawings.tables import Drawing
from deepmed.kit.database import Database
from deepmed.kit.errors import NotFoundError
from deepmed.kit.storage import FileStorageService

_ACTIONS = {"drawing": "drawings.delete_drawing", "child": "drawings.delete_child"}


@dataclass(frozen=True)
class DeletionReport:
    """What went, and what to do about the models that had learned from it."""

    drawings: list[int]
    children: int
    embeddings: int
    analyses: int
    explanations: int
    annotations: int
    model_members: int
    """Parts in models, calibration scores included."""
    dataset_items: int
    files: int
    models_to_retrain: list[int] = field(default_factory=list)

    @property
    def retraining(self) -> str | None:
        """What to do first, in words; None where no model had used the drawings."""
        if not self.models_to_retrain:
            return None
        names = ", ".join(map(str, self.models_to_retrain))
        return (
            f"Models that had used these drawings are marked: {names}. Train them anew with "
            "`deepmed drawings train --replace` and the same --groups; until then they still rest "
            "on the deleted drawings."
        )

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "retraining": self.retraining}


class Deletion:
    """Rows go in one transaction; their files after it, and only those that no other row names."""

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
        self._on_deleted = on_deleted

    def of_drawing(self, drawing_id: int) -> DeletionReport:
        with self._database.write() as session:
            drawing = repository.get(session, self._owner_id, drawing_id)
            report, files = self._delete(session, [drawing], [drawing.child_id])
            self._record(session, "drawing", drawing_id, report)
        return self._finish(report, files)

    def preview_of_drawing(self, drawing_id: int) -> DeletionReport:
        """What `of_drawing` would report; nothing is deleted. Raises NotFoundError."""
        with self._database.read() as session:
            drawing = repository.get(session, self._owner_id, drawing_id)
            siblings = repository.drawings_of(session, self._owner_id, drawing.child_id)
            items = DatasetService(session, self._owner_id).count([drawing.source_hash])
            return DeletionReport(
                drawings=[drawing_id],
                children=int(len(siblings) == 1),
                dataset_items=items,
                files=len(self._files(session, [drawing_id])),
                models_to_retrain=repository.models_of(session, self._owner_id, [drawing_id]),
                **repository.derived(session, [drawing_id]),
            )

    def of_child(self, code: str) -> DeletionReport:
        with self._database.write() as session:
            child = repository.find_child(session, self._owner_id, code)
            if child is None:
                raise NotFoundError(f"There is no child {code!r}.")
            drawings = repository.drawings_of(session, self._owner_id, child.id)
            report, files = self._delete(session, drawings, [child.id])
            self._record(session, "child", child.id, report)
        return self._finish(report, files)

    def _delete(
        self, session: Session, drawings: Sequence[Drawing], children: Sequence[int]
    ) -> tuple[DeletionReport, list[str]]:
        ids = [drawing.id for drawing in drawings]
        hashes = [drawing.source_hash for drawing in drawings]
        files = self._files(session, ids)
        derived = repository.derived(session, ids)
        models = repository.mark_models(session, self._owner_id, ids)
        repository.promote_duplicates(session, ids)
        repository.forget_in_batches(session, self._owner_id, ids)
        items = DatasetService(session, self._owner_id).forget(hashes)
        session.flush()
        session.expunge_all()  # the database itself deletes them, with what hangs on them
        repository.delete_drawings(session, ids)
        repository.forget_exports(session, self._owner_id)
        gone = repository.delete_childless(session, children)
        report = DeletionReport(
            drawings=ids,
            children=gone,
            dataset_items=items,
            files=len(files),
            models_to_retrain=models,
            **derived,
        )
        return report, files

    def _files(self, session: Session, ids: Sequence[int]) -> list[str]:
        """Theirs, and every exported file: it may show them, and can be made again."""
        exports = repository.exported_files(session, self._owner_id)
        return repository.files_of(session, ids) + exports

    def _record(self, session: Session, kind: str, number: int, report: DeletionReport) -> None:
        counts = asdict(report)
        record(session, self._owner_id, _ACTIONS[kind], kind, number, **counts)

    def _finish(self, report: DeletionReport, files: Sequence[str]) -> DeletionReport:
        # A stop from here on leaves files that no row names: the sweep takes them.
        for key in files:
            self._storage.delete(key)
        delete_all(self._storage, self._owner_id)
        if self._on_deleted:
            self._on_deleted(report.drawings)
        return report


def deleted_since(session: Session, owner_id: int, moment: datetime) -> bool:
    """Whether an owner has deleted drawings at that moment or after it."""
    return happened(session, owner_id, _ACTIONS.values(), moment)
