"""Exports that are kept for a day and fetched by their owner alone."""

from dataclasses import dataclass

from deepmed.features.drawings.exports import repository
from deepmed.features.drawings.exports.expiry import FOLDER, KEPT, delete_expired
from deepmed.features.drawings.exports.exporter import VisualizationExporter, Written
from deepmed.features.drawings.exports.gathering import ContentGatherer
from deepmed.features.drawings.exports.options import Wanted
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from deepmed.features.drawings.tables import ExplanationExport
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from deepmed.kit.errors import NotFoundError
from deepmed.kit.ids import new_uid


@dataclass(frozen=True)
class ExportService:
    """Writes and keeps files for one owner."""

    loader: ExplanationLoader

    @property
    def bench(self) -> Workbench:
        return self.loader.bench

    def write(self, analysis_id: int, wanted: Wanted) -> Written:
        """The file's content; nothing is kept.

        Raises:
            NotFoundError: no such analysis, or it has no explanation.
            ConflictError: a text for parents was asked for and is switched off.
        """
        content = ContentGatherer(self.loader).gather(analysis_id, wanted)
        return VisualizationExporter().export(content)

    def export(self, analysis_id: int, wanted: Wanted) -> tuple[ExplanationExport, list[str]]:
        """A kept file, and what it could not show; raises as `write` does.

        Raises:
            StorageError: there is no room for it; nothing was kept.
        """
        delete_expired(self.bench.database, self.bench.storage)
        made = self.write(analysis_id, wanted)
        name = self.bench.storage.generate_unique_filename(
            f".{wanted.format}", f"interpretability_analysis_{analysis_id}_"
        )
        # A stop between file and row leaves a file that no row names: the sweep takes it.
        written = self.bench.storage.put(f"{FOLDER}/{name}", made.content, overwrite=False)
        moment = clock.now()
        row = ExplanationExport(
            uid=new_uid(),
            owner_id=self.bench.owner_id,
            analysis_id=analysis_id,
            format=wanted.format,
            file_path=written.key,
            file_size=written.size,
            created_at=moment,
            expires_at=moment + KEPT,
        )
        with self.bench.database.write() as session:
            # The drawing may have been deleted meanwhile, and its explanation with it.
            return repository.add(session, row), made.notes

    def get(self, uid: str) -> ExplanationExport:
        """A file that is still kept. Raises NotFoundError."""
        with self.bench.database.read() as session:
            row = repository.by_uid(session, self.bench.owner_id, uid, clock.now())
        if row is None:
            raise NotFoundError(
                f"There is no export {uid}; a file is kept for a day. Export it again."
            )
        return row
