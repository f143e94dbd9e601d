"""How far a call of analysis came, kept in the database, so that it outlives the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.tables import AnalysisBatch
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock, ids
from deepmed.kit.errors import DeepMedError, NotFoundError
from deepmed.learning.errors import LearningError


class BatchAnalysisTracker:
    """The batches of one owner."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def create_batch(self, total: int, uid: str | None = None) -> str:
        """A batch that may wait for its turn; its uid.

        Args:
            total: how many drawings it has.
            uid: the upload's whose drawings they are, so that both have one id; an analysis that
                it had before makes room.
        """
        with self.bench.database.write() as session:
            before = repository.batch(session, self.bench.owner_id, uid) if uid else None
            if before is not None:
                session.delete(before)
                session.flush()
            return self._add(session, uid or ids.new_uid(), total).uid

    @contextmanager
    def running(self, waiting: str | None, total: int = 0) -> Iterator[AnalysisBatch]:
        """A batch that begins, or begins again; where the block fails, it keeps the reason.

        Of two batches, the one that began later has the greater id.

        Args:
            waiting: uid of a batch that waited; None begins a new one.
            total: how many drawings a new one has.
        """
        with self.bench.database.write() as session:
            uid = waiting or ids.new_uid()
            if waiting is not None:
                # Others ran while it waited, so it takes its place among them now.
                before = self.get_batch(session, waiting)
                total = before.total
                session.delete(before)
                session.flush()
            begun = self._add(session, uid, total)
        with self.keeping_reason(uid):
            yield begun

    @contextmanager
    def keeping_reason(self, uid: str) -> Iterator[None]:
        """Where the block fails, so did the batch."""
        try:
            yield
        except (DeepMedError, LearningError) as error:
            with self.bench.database.write() as session:
                self.add_error(session, uid, str(error))
            raise

    def update_batch(
        self, session: Session, uid: str, *, status: str, q_values: dict[str, Any] | None = None
    ) -> None:
        """A batch that came to its end, well or not."""
        row = self.get_batch(session, uid)
        row.status, row.completed_at = status, clock.now()
        if q_values is not None:
            row.q_values = q_values

    def add_result(self, session: Session, uid: str, drawings: int = 1) -> None:
        """So many more drawings have their answers; in the transaction that stores these."""
        self.get_batch(session, uid).completed += drawings

    def add_error(self, session: Session, uid: str, reason: str) -> None:
        """It failed: what is answered is kept, the others are not."""
        row = self.get_batch(session, uid)
        row.failed, row.errors = row.total - row.completed, [*row.errors, reason]
        self.update_batch(session, uid, status="failed")

    def finish(self, session: Session, uid: str, q_values: dict[str, Any]) -> None:
        self.update_batch(session, uid, status="completed", q_values=q_values)

    def get_batch(self, session: Session, uid: str) -> AnalysisBatch:
        row = repository.batch(session, self.bench.owner_id, uid)
        if row is None:
            raise NotFoundError(f"There is no batch {uid}.")
        return row

    def _add(self, session: Session, uid: str, total: int) -> AnalysisBatch:
        return repository.add_batch(
            session,
            AnalysisBatch(
                uid=uid,
                owner_id=self.bench.owner_id,
                status="processing",
                total=total,
                errors=[],
                q_values={},
            ),
        )
