"""What people note beside an explanation; it changes nothing of what the machine said (D-20).

Nothing that was written is overwritten: a change and a deletion are further versions, each with
its author and its time. Only deleting the drawing removes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.audit.repository import record
from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.annotations import repository
from deepmed.features.drawings.annotations.kinds import AnnotationType, Note
from deepmed.features.drawings.tables import Annotation, AnnotationVersion
from deepmed.kit.database import Database
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.kit.ids import new_uid

CREATED, EDITED, DELETED = "created", "edited", "deleted"


@dataclass(frozen=True)
class AnnotationService:
    """The notes of one owner's people.

    Attributes:
        database: of the data folder.
        owner_id: whose drawings they are written to.
        author: who writes, as the server or the command knows it.
    """

    database: Database
    owner_id: int
    author: str

    def annotate(self, analysis_id: int, note: Note) -> Annotation:
        """Add a note to an analysis. Raises NotFoundError."""
        with self.database.write() as session:
            self._check(session, analysis_id)
            row = Annotation(owner_id=self.owner_id, uid=new_uid(), analysis_id=analysis_id)
            repository.add(session, row)
            return self._append(session, row, CREATED, note)

    def edit(
        self, analysis_id: int, uid: str, changes: Mapping[str, Any], version: int | None = None
    ) -> Annotation:
        """Change parts of a note; what it was before stays in its history.

        Args:
            analysis_id: which analysis it was written to.
            uid: the note.
            changes: by the names of `Note`; what is absent stays as it is.
            version: the one that the writer has seen; None: whichever is the newest.

        Raises:
            NotFoundError: there is no such note any more.
            ConflictError: somebody has changed it since that version.
        """
        with self.database.write() as session:
            row = self._standing(session, analysis_id, uid, version)
            before = note_of(newest(row))
            fields = {name: getattr(before, name) for name in Note.__dataclass_fields__}
            after = Note(**(fields | dict(changes)))
            return row if after == before else self._append(session, row, EDITED, after)

    def delete(self, analysis_id: int, uid: str) -> Annotation:
        """Take a note back; its history is kept. Raises NotFoundError."""
        with self.database.write() as session:
            row = self._standing(session, analysis_id, uid, None)
            return self._append(session, row, DELETED, note_of(newest(row)))

    def get(self, analysis_id: int, uid: str) -> Annotation:
        """A note with its history, deleted or not. Raises NotFoundError."""
        with self.database.read() as session:
            return self._find(session, analysis_id, uid)

    def listed(self, analysis_id: int, *, with_deleted: bool = False) -> list[Annotation]:
        """The notes to an analysis in order of writing. Raises NotFoundError."""
        with self.database.read() as session:
            self._check(session, analysis_id)
            rows = repository.of_analysis(session, self.owner_id, analysis_id)
        return [row for row in rows if with_deleted or not is_deleted(row)]

    def _check(self, session: Session, analysis_id: int) -> None:
        if analyses.analysis(session, self.owner_id, analysis_id) is None:
            raise NotFoundError(f"There is no analysis {analysis_id}.")

    def _find(self, session: Session, analysis_id: int, uid: str) -> Annotation:
        row = repository.by_uid(session, self.owner_id, analysis_id, uid)
        if row is None:
            raise NotFoundError(f"There is no annotation {uid} of analysis {analysis_id}.")
        return row

    def _standing(
        self, session: Session, analysis_id: int, uid: str, version: int | None
    ) -> Annotation:
        row = self._find(session, analysis_id, uid)
        if is_deleted(row):
            raise NotFoundError(
                f"The annotation {uid} was deleted; nothing was changed. Its history is kept."
            )
        present = newest(row).version
        if version not in (None, present):
            raise ConflictError(
                f"Somebody changed this annotation meanwhile: it is at version {present}. Nothing "
                "was changed. Read it again, and send your change with that version.",
                version=present,
            )
        return row

    def _append(self, session: Session, row: Annotation, deed: str, note: Note) -> Annotation:
        number = newest(row).version + 1 if row.versions else 1
        version = AnnotationVersion(
            version=number,
            deed=deed,
            region_id=note.region_id,
            text=note.text,
            type=note.type.value,
            author=self.author,
            user_id=note.user_id,
        )
        repository.append(session, row, version)
        # The words stay out of the audit trail, which outlives the drawing.
        record(
            session,
            self.owner_id,
            f"drawings.annotation_{deed}",
            "annotation",
            row.uid,
            analysis_id=row.analysis_id,
            author=self.author,
            version=number,
        )
        return row


def newest(row: Annotation) -> AnnotationVersion:
    return row.versions[-1]


def is_deleted(row: Annotation) -> bool:
    return newest(row).deed == DELETED


def note_of(version: AnnotationVersion) -> Note:
    return Note(version.region_id, version.text, AnnotationType(version.type), version.user_id)


def told(row: Annotation, regions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """An annotation as answers, exports and commands tell it.

    Args:
        row: the annotation.
        regions: of the map, so that the place of the note can be shown.
    """
    first, last = row.versions[0], newest(row)
    boxes = {region["region_id"]: region["bounding_box"] for region in regions}
    return {
        "annotation_id": row.uid,
        "analysis_id": row.analysis_id,
        "region_id": last.region_id,
        "bounding_box": boxes.get(last.region_id),
        "annotation_text": last.text,
        "annotation_type": last.type,
        "author": first.author,
        "user_id": last.user_id,
        "created_at": first.at,
        "updated_at": last.at,
        "version": last.version,
        "deleted": is_deleted(row),
    }


def history(row: Annotation) -> list[dict[str, Any]]:
    """Every version, the oldest first."""
    return [
        {
            "version": one.version,
            "deed": one.deed,
            "region_id": one.region_id,
            "annotation_text": one.text,
            "annotation_type": one.type,
            "author": one.author,
            "user_id": one.user_id,
            "at": one.at,
        }
        for one in row.versions
    ]
