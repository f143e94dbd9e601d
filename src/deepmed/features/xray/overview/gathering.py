"""Runs with their numbers, gathered with a few queries however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.xray.overview import numbers, repository
from deepmed.features.xray.runs.repository import Line, reason_of, status_of
from deepmed.features.xray.tables import COMPLETED, XrayRun

FEDERATED = "federated"
_MINUTE = 60.0
_WHOLE = 100.0


@dataclass(frozen=True)
class Seen:
    """One run as lists show it."""

    line: Line
    bests: dict[str, float]
    """By metric the largest over all epochs or rounds, of the loss the smallest."""
    last: dict[str, Any] | None
    """The last epoch or round."""
    kept: dict[str, Any] | None
    """The epoch or round whose weights are kept; the last one as long as that is not decided."""
    metrics_count: int
    clients: int
    rounds: int
    """Rounds that ended, the first model not counted."""

    @property
    def run(self) -> XrayRun:
        return self.line[0]

    @property
    def status(self) -> str:
        return status_of(self.line)

    @property
    def reason(self) -> str | None:
        return reason_of(self.line)

    @property
    def is_federated(self) -> bool:
        return self.run.training_mode == FEDERATED

    @property
    def minutes(self) -> float | None:
        """From its beginning to its end, waiting included."""
        end = self.run.end_time
        return None if end is None else (end - self.run.start_time).total_seconds() / _MINUTE

    @property
    def current_epoch(self) -> int:
        """The last epoch, or round, that ended; 0 before the first."""
        return 0 if self.last is None else int(self.last["epoch"])

    @property
    def total_epochs(self) -> int | None:
        """As many as it was told to train at most; rounds where it is federated."""
        told = self.run.configuration["experiment"]
        most: int | None = told.get("num_rounds" if self.is_federated else "epochs")
        return most

    @property
    def progress(self) -> float:
        """In percent."""
        if self.status == COMPLETED:
            return _WHOLE
        total = self.total_epochs
        return min(_WHOLE, _WHOLE * self.current_epoch / total) if total else 0.0


def gather(session: Session, lines: Sequence[Line]) -> list[Seen]:
    """Each with its numbers, in the same order."""
    ids = [run.id for run, _ in lines]
    central = [run.id for run, _ in lines if run.training_mode != FEDERATED]
    federated = [run.id for run, _ in lines if run.training_mode == FEDERATED]
    spreads = repository.spreads(session, central, numbers.MEASURED)
    last = repository.last_epochs(session, ids)
    chosen = {run.id: epoch for run, _ in lines if (epoch := kept_epoch(run)) is not None}
    kept = repository.epochs_at(session, chosen)
    stored = repository.counts(session, ids)
    clients = repository.clients(session, federated)
    rounds = {
        run: [numbers.epoch_of(each) for each in found]
        for run, found in repository.evaluations(session, federated).items()
    }
    return [
        _federated(
            Numbers(rounds[run.id], last.get(run.id), kept.get(run.id), stored[run.id]),
            (run, job),
            clients[run.id],
        )
        if run.id in rounds
        else Seen(
            (run, job),
            {
                name: one.least if name == numbers.LOSS else one.most
                for name, one in spreads[run.id].items()
            },
            last.get(run.id),
            kept.get(run.id) or last.get(run.id),
            stored[run.id],
            0,
            0,
        )
        for run, job in lines
    ]


def kept_epoch(run: XrayRun) -> int | None:
    """The epoch or round whose weights a completed run keeps."""
    found: int | None = (run.results or {}).get("best_epoch") if run.status == COMPLETED else None
    return found


@dataclass(frozen=True)
class Numbers:
    """What is stored of a federated run."""

    evaluations: list[dict[str, Any]]
    last: dict[str, Any] | None
    kept: dict[str, Any] | None
    count: int


def _federated(found: Numbers, line: Line, clients: int) -> Seen:
    """Its rows are those that a centralised run has; a run without them has its evaluations."""
    behind = [row for row in found.evaluations if row["epoch"] > 0]
    bests = {name: numbers.best(behind, name) for name in numbers.OF_ROUNDS}
    last = found.last or (found.evaluations[-1] if found.evaluations else None)
    return Seen(
        line,
        {name: value for name, value in bests.items() if value is not None},
        last,
        found.kept or numbers.kept_of(behind, kept_epoch(line[0])) or last,
        found.count,
        clients,
        len(behind),
    )
