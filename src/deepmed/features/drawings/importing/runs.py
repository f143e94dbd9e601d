"""How far an import came: kept in the database, so that it outlives the process."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.importing import repository
from deepmed.features.drawings.tables import ImportRun
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.errors import DeepMedError
from deepmed.kit.ids import new_uid


class UploadProgress:
    """The progress of the owner's imports by their ids."""

    def __init__(self, database: Database, owner_id: int) -> None:
        self._database = database
        self._owner_id = owner_id

    def update(self, session: Session, uid: str, done: int, status: str = "running") -> None:
        """In the transaction that stores the drawings, so the two never disagree."""
        repository.update_run(session, self._owner_id, uid, {"done": done, "status": status})

    def get(self, upload_id: str) -> dict[str, Any]:
        """`progress` in percent and `status` in words; an unknown id is `not_found`."""
        with self._database.read() as session:
            run = repository.run(session, self._owner_id, upload_id)
            if run is None:
                return {"progress": 0, "status": "not_found"}
            share = run.done / run.total if run.total else 1.0
            progress = 100.0 if run.status == "completed" else 100 * share
            return {"progress": progress, "status": _status_text(run)}

    def report(self, upload_id: str) -> dict[str, Any] | None:
        """What a completed import came to; None where it is not completed."""
        with self._database.read() as session:
            run = repository.run(session, self._owner_id, upload_id)
        return None if run is None or run.status != "completed" else run.report

    @contextmanager
    def run(self, source: str, total: int, uid: str | None = None) -> Iterator[str]:
        """Give the run's id; the run is `failed` unless the block itself finished it.

        A run whose id is known already (it was killed, and is repeated) begins anew.
        """
        uid = uid or new_uid()
        begun = {"source": source, "status": "started", "total": total, "done": 0, "report": {}}
        with self._database.write() as session:
            if repository.run(session, self._owner_id, uid) is None:
                repository.add_run(session, ImportRun(owner_id=self._owner_id, uid=uid, **begun))
            else:
                repository.update_run(session, self._owner_id, uid, begun)
        try:
            yield uid
        except BaseException as error:
            # The stop itself is what the caller must see, even if it cannot be written down.
            with suppress(DeepMedError), self._database.write() as session:
                self._fail(session, uid, error)
            raise

    def announce(self, uid: str, source: str, total: int) -> None:
        """A run that will begin soon: whoever asks for it finds it."""
        row = ImportRun(
            owner_id=self._owner_id,
            uid=uid,
            source=source,
            status="started",
            total=total,
            report={},
        )
        with self._database.write() as session:
            repository.add_run(session, row)

    def finish(self, session: Session, uid: str, source: str, report: dict[str, Any]) -> None:
        moment = clock.now()
        values = {"status": "completed", "report": report, "finished_at": moment}
        repository.update_run(session, self._owner_id, uid, values)
        repository.close_older_runs(session, self._owner_id, source, uid, moment)

    def _fail(self, session: Session, uid: str, error: BaseException) -> None:
        reason = str(error) or type(error).__name__
        values = {"status": "failed", "report": {"error": reason}, "finished_at": clock.now()}
        repository.update_run(session, self._owner_id, uid, values)


def _status_text(run: ImportRun) -> str:
    report = run.report
    if run.status == "running":
        return f"processing_file_{run.done}"
    if run.status == "completed":
        good = report["stored"] + report["already_present"]
        return f"completed_{good}_successful_{report['rejected']}_errors"
    if run.status == "failed":
        return f"failed_{report.get('error', '')}"
    return run.status
