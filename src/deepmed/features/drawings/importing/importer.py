"""Bringing drawings in, so that a crash leaves nothing half-stored and a re-run completes it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.audit.repository import record
from deepmed.core.datasets.service import MAX_ITEM_NAME, MAX_NAME, DatasetService, Item
from deepmed.features.drawings.catalogue.facts import facts_of
from deepmed.features.drawings.importing import repository
from deepmed.features.drawings.importing.plan import (
    ImportPlan,
    PlannedDrawing,
    Rejection,
    plan_import,
)
from deepmed.features.drawings.importing.report import (
    DuplicateDrawing,
    ImportReport,
    PresentDrawing,
    StoredDrawing,
    dataset_card,
)
from deepmed.features.drawings.importing.runs import UploadProgress
from deepmed.features.drawings.importing.sources import Source, open_source
from deepmed.features.drawings.metadata import FIELDS, DrawingMetadata
from deepmed.features.drawings.tables import Drawing
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import (
    PictureLimits,
    encode_png,
    ink_coverage,
    is_blank,
    pixel_hash,
    read_picture,
)
from deepmed.kit.settings import Settings
from deepmed.kit.storage import ORPHAN_AGE, FileStorageService

FOLDER = "uploads/drawings"
DATASET_KIND = "drawings"
CHUNK = 25

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Prepared:
    """A picture whose file is stored and whose row is not yet."""

    planned: PlannedDrawing
    metadata: DrawingMetadata
    values: dict[str, Any]
    notes: tuple[str, ...]


@dataclass
class _Work:
    """One import on its way."""

    source: Source
    report: ImportReport
    items: dict[str, int] = field(default_factory=dict)
    """Drawing ids by the names that the dataset will have."""


class DrawingImporter:
    """Stores the drawings of one owner; it opens the transactions, so nobody else commits.

    Each picture's file is written first and its row afterwards, in short transactions of 25
    drawings. A process that is killed in between leaves at most files that no row names, which
    `sweep` removes.
    """

    def __init__(
        self, database: Database, storage: FileStorageService, settings: Settings, owner_id: int
    ) -> None:
        self._database = database
        self._storage = storage
        self._settings = settings
        self._owner_id = owner_id
        self._limits = PictureLimits.of(settings)
        self.progress = UploadProgress(database, owner_id)

    def import_source(
        self,
        path: Path,
        *,
        name_pattern: str | None = None,
        metadata: Path | str | None = None,
        defaults: Mapping[str, object] | None = None,
        dataset_name: str | None = None,
        licence_note: str = "",
        as_dataset: bool = True,
        run: str | None = None,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Import a picture, a folder or a ZIP.

        All metadata is checked before anything is stored. Pictures that cannot be read are
        listed in the report while the others are stored. Bytes that are stored already are not
        stored again, so that calling this anew completes an interrupted import.

        Args:
            path: what to import; how it is treated is decided by content.
            name_pattern: metadata in file names, such as `{subject}_age{age}_{child_id}`.
            metadata: the CSV or JSON, on disk or by its name in the source; found by itself
                where it is called `metadata.csv` or `metadata.json`, or is the only table.
            defaults: fields for all drawings (`age_years` only for a single picture).
            dataset_name: name of the dataset version; the source's own name when unset.
            licence_note: what may be done with the drawings, kept with the dataset.
            as_dataset: False stores the drawings without making a dataset version of them.
            run: id under which its progress is told; a new one when unset.
            progress: called with the numbers of files done and in all.

        Raises:
            BatchRefusedError: a picture has no usable age or metadata; nothing was stored.
            ArchiveRefusedError: the ZIP is unsafe; nothing was stored.
            ValidationError: nothing to import, or a table or pattern that cannot be used.
            StorageError: the file store failed; what was stored before is kept.
        """
        with open_source(path, self._settings) as source:
            plan = plan_import(
                source, name_pattern=name_pattern, metadata=metadata, defaults=defaults
            )
            with self.progress.run(source.name[-500:], len(plan.drawings), run) as uid:
                work = _Work(source, _new_report(source, plan, uid))
                self._store_all(work, plan.drawings, progress)
                with self._database.write() as session:
                    if as_dataset:
                        self._register(session, work, dataset_name, licence_note)
                    self._finish(session, work)
        return work.report

    def sweep(self, older_than: timedelta = ORPHAN_AGE) -> list[str]:
        """Delete the files of killed imports; returns their keys.

        Only for a store that this installation has for itself: another one's files look like
        orphans here.
        """
        with self._database.read() as session:
            known = repository.file_paths(session)
        return self._storage.sweep_orphans(known, FOLDER, older_than)

    def _store_all(
        self, work: _Work, drawings: Sequence[PlannedDrawing], progress: Progress | None
    ) -> None:
        for start in range(0, len(drawings), CHUNK):
            done = min(start + CHUNK, len(drawings))
            self._store_chunk(work, drawings[start:done], done)
            if progress:
                progress(done, len(drawings))

    def _store_chunk(self, work: _Work, chunk: Sequence[PlannedDrawing], done: int) -> None:
        contents = self._read(work, chunk)
        hashes = {planned: hashlib.sha256(data).hexdigest() for planned, data in contents.items()}
        fresh = self._without_present(work, hashes)
        prepared = [
            made
            for planned in fresh
            if (made := self._prepare(work, planned, contents[planned], hashes[planned]))
        ]
        with self._database.write() as session:
            unneeded = [each for each in prepared if not self._insert(session, work, each)]
            self.progress.update(session, work.report.run, done)
        for each in unneeded:
            self._storage.delete(each.values["file_path"])

    def _read(self, work: _Work, chunk: Sequence[PlannedDrawing]) -> dict[PlannedDrawing, bytes]:
        contents = {}
        for planned in chunk:
            try:
                contents[planned] = work.source.read(planned.file)
            except ImageProcessingError as error:
                work.report.rejected.append(_rejection(planned, error.message))
        return contents

    def _without_present(
        self, work: _Work, hashes: Mapping[PlannedDrawing, str]
    ) -> list[PlannedDrawing]:
        with self._database.read() as session:
            known = repository.by_source_hash(session, self._owner_id, list(hashes.values()))
            for planned, source_hash in hashes.items():
                if source_hash in known:
                    _note_present(work, planned, known[source_hash])
            return [planned for planned, each in hashes.items() if each not in known]

    def _prepare(
        self, work: _Work, planned: PlannedDrawing, data: bytes, source_hash: str
    ) -> _Prepared | None:
        try:
            picture = read_picture(data, self._limits)
        except ImageProcessingError as error:
            work.report.rejected.append(_rejection(planned, error.message))
            return None
        if planned.metadata is None:  # it was no picture when the plan was made
            work.report.rejected.append(_rejection(planned, "it changed during the import"))
            return None
        filename = self._storage.generate_unique_filename(".png")
        values = {
            "filename": filename,
            "original_name": planned.file.name[-500:],
            "file_path": f"{FOLDER}/{filename}",
            "source_hash": source_hash,
            "pixel_hash": pixel_hash(picture.pixels),
            "width": picture.width,
            "height": picture.height,
            "ink_coverage": ink_coverage(picture.pixels),
            "is_blank": is_blank(picture.pixels),
            **planned.metadata.model_dump(mode="json", exclude={"child_id"}),
        }
        self._storage.put(values["file_path"], encode_png(picture.pixels), overwrite=False)
        return _Prepared(planned, planned.metadata, values, picture.notes)

    def _insert(self, session: Session, work: _Work, prepared: _Prepared) -> bool:
        """False where the same bytes were stored meanwhile."""
        drawing, is_new = repository.add_drawing(
            session, self._owner_id, prepared.metadata.child_id, prepared.values
        )
        if not is_new:
            _note_present(work, prepared.planned, drawing)
            return False
        name = prepared.planned.file.name
        report = work.report
        report.stored.append(StoredDrawing(name, drawing.id, prepared.notes))
        report.without_child_id += prepared.metadata.child_id is None
        work.items[name] = drawing.id
        if drawing.is_blank:
            report.blank.append(name)
        if drawing.duplicate_of is not None:
            report.duplicates.append(DuplicateDrawing(name, drawing.id, drawing.duplicate_of))
        return True

    def _register(
        self, session: Session, work: _Work, dataset_name: str | None, licence_note: str
    ) -> None:
        report = work.report
        ids = sorted(set(work.items.values()))
        found = repository.by_ids(session, self._owner_id, ids)
        # A drawing that somebody deleted while this import ran is no part of the dataset.
        present = {name: found[number] for name, number in work.items.items() if number in found}
        if present:
            dataset = DatasetService(session, self._owner_id).register(
                (dataset_name or work.source.name)[:MAX_NAME],
                DATASET_KIND,
                [_item(name, drawing) for name, drawing in present.items()],
                card=dataset_card(list(found.values())),
                provenance=f"{work.source.origin()}; imported {clock.now():%Y-%m-%d}",
                licence_note=licence_note,
            )
            repository.attach_dataset(session, self._owner_id, list(found), dataset.id)
            report.dataset_id, report.dataset_version = dataset.id, dataset.version

    def _finish(self, session: Session, work: _Work) -> None:
        report = work.report
        report.rejected.sort(key=lambda rejection: rejection.name)
        self.progress.finish(session, report.run, work.source.name[-500:], report.to_record())
        counts = {**report.counts(), "dataset_id": report.dataset_id}
        record(session, self._owner_id, "drawings.import", "import", report.run, **counts)


def _new_report(source: Source, plan: ImportPlan, uid: str) -> ImportReport:
    return ImportReport(
        source=source.name,
        run=uid,
        rejected=list(plan.rejected),
        unknown_files=list(plan.unknown_files),
        notes=list(plan.notes),
    )


def _rejection(planned: PlannedDrawing, reason: str) -> Rejection:
    return Rejection(planned.file.name, reason, planned.row)


def _note_present(work: _Work, planned: PlannedDrawing, drawing: Drawing) -> None:
    """The first values are kept; other ones are told."""
    conflicts = {}
    if planned.metadata is not None:
        stored = facts_of(drawing)
        for name, brought in planned.metadata.model_dump(mode="json", include=set(FIELDS)).items():
            if brought is not None and brought != stored[name]:
                conflicts[name] = [stored[name], brought]
    work.report.already_present.append(PresentDrawing(planned.file.name, drawing.id, conflicts))
    work.items[planned.file.name] = drawing.id


def _item(name: str, drawing: Drawing) -> Item:
    return Item(name[-MAX_ITEM_NAME:], drawing.source_hash, facts_of(drawing))
