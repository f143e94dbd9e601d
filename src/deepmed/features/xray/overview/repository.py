"""SQL of lists of runs, in the caller's session."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from deepmed.core.jobs.tables import Job
from deepmed.features.xray.runs.repository import STATUSES, Line
from deepmed.features.xray.tables import XrayClient, XrayRun, XrayRunMetric, XrayServerEvaluation
from deepmed.kit.database.batches import in_batches


@dataclass(frozen=True)
class Wanted:
    """Which runs; None stands for all."""

    status: str | None = None
    training_mode: str | None = None
    since: datetime | None = None
    """Those that began then or later."""
    name: str | None = None


@dataclass(frozen=True)
class Spread:
    """What a metric was over a run's epochs."""

    least: float
    most: float


def count(session: Session, owner_id: int, wanted: Wanted) -> int:
    query = select(func.count(XrayRun.id)).outerjoin(Job, Job.id == XrayRun.job_id)
    return session.scalar(query.where(*_which(owner_id, wanted))) or 0


def rests_on(session: Session, owner_id: int, path: str) -> bool:
    """Whether a run was made of the images at that path."""
    query = select(XrayRun.id).where(XrayRun.owner_id == owner_id, XrayRun.source_path == path)
    return session.scalar(query.limit(1)) is not None


def page(
    session: Session,
    owner_id: int,
    wanted: Wanted,
    *,
    sort_by: str = "start_time",
    descending: bool = True,
    limit: int | None = None,
    offset: int = 0,
) -> list[Line]:
    """In order; runs that have no such value come last either way."""
    query = select(XrayRun, Job).outerjoin(Job, Job.id == XrayRun.job_id)
    key = SORTS[sort_by]
    ordered = [key.desc(), XrayRun.id.desc()] if descending else [key.asc(), XrayRun.id.asc()]
    query = query.where(*_which(owner_id, wanted)).order_by(key.is_(None), *ordered)
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return [(found[0], found[1]) for found in session.execute(query)]


def spreads(
    session: Session, ids: Collection[int], metrics: Collection[str]
) -> dict[int, dict[str, Spread]]:
    """By run and metric, over all epochs."""
    found: dict[int, dict[str, Spread]] = {run: {} for run in ids}
    table = XrayRunMetric
    for some in in_batches(sorted(ids)):
        query = select(
            table.run_id,
            table.metric_name,
            func.min(table.metric_value),
            func.max(table.metric_value),
        )
        query = query.where(table.run_id.in_(some), table.metric_name.in_(metrics))
        query = query.group_by(table.run_id, table.metric_name)
        for run, name, least, most in session.execute(query):
            found[run][name] = Spread(least, most)
    return found


def counts(session: Session, ids: Collection[int]) -> dict[int, int]:
    """Stored numbers of each run."""
    return _counted(session, XrayRunMetric.run_id, ids)


def clients(session: Session, ids: Collection[int]) -> dict[int, int]:
    """Clients of each federated run."""
    return _counted(session, XrayClient.run_id, ids)


def last_epochs(session: Session, ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """By run, the numbers of its last epoch; a run without epochs is left out."""
    found: dict[int, dict[str, Any]] = {}
    for some in in_batches(sorted(ids)):
        for row in session.scalars(_last(some)):
            epoch = found.setdefault(row.run_id, {"epoch": row.step})
            epoch[row.metric_name] = row.metric_value
    return found


def epochs_at(session: Session, wanted: Mapping[int, int]) -> dict[int, dict[str, Any]]:
    """By run, the numbers of one of its epochs; a run that has none of it is left out."""
    found: dict[int, dict[str, Any]] = {}
    table = XrayRunMetric
    for some in in_batches(sorted(wanted)):
        places = [and_(table.run_id == run, table.step == wanted[run]) for run in some]
        for row in session.scalars(select(table).where(or_(*places))):
            epoch = found.setdefault(row.run_id, {"epoch": row.step})
            epoch[row.metric_name] = row.metric_value
    return found


def evaluations(
    session: Session, ids: Collection[int]
) -> dict[int, Sequence[XrayServerEvaluation]]:
    """By run, the common model after each round, in order."""
    found: dict[int, list[XrayServerEvaluation]] = {run: [] for run in ids}
    table = XrayServerEvaluation
    for some in in_batches(sorted(ids)):
        query = select(table).where(table.run_id.in_(some))
        for row in session.scalars(query.order_by(table.run_id, table.round_number)):
            found[row.run_id].append(row)
    return dict(found)


def _last(ids: Collection[int]) -> Select[XrayRunMetric]:
    table = XrayRunMetric
    steps = select(table.run_id, func.max(table.step).label("step")).where(table.run_id.in_(ids))
    last = steps.group_by(table.run_id).subquery()
    both = and_(table.run_id == last.c.run_id, table.step == last.c.step)
    return select(table).join(last, both).order_by(table.run_id, table.metric_name)


def _counted(
    session: Session, column: InstrumentedAttribute[int], ids: Collection[int]
) -> dict[int, int]:
    found = dict.fromkeys(ids, 0)
    for some in in_batches(sorted(ids)):
        query = select(column, func.count()).where(column.in_(some)).group_by(column)
        for run, number in session.execute(query):
            found[run] = number
    return found


def _which(owner_id: int, wanted: Wanted) -> list[ColumnElement[bool]]:
    which = [XrayRun.owner_id == owner_id]
    if wanted.status is not None:
        which.append(STATUSES[wanted.status])
    if wanted.training_mode is not None:
        which.append(XrayRun.training_mode == wanted.training_mode)
    if wanted.since is not None:
        which.append(XrayRun.start_time >= wanted.since)
    if wanted.name is not None:
        which.append(XrayRun.run_description == wanted.name)
    return which


def _best(metric: str, evaluated: Any) -> ColumnElement[Any]:
    """The largest of all epochs or, of a federated run, of all rounds behind the first model."""
    epochs = select(func.max(XrayRunMetric.metric_value)).where(
        XrayRunMetric.run_id == XrayRun.id, XrayRunMetric.metric_name == metric
    )
    rounds = select(func.max(evaluated)).where(
        XrayServerEvaluation.run_id == XrayRun.id, XrayServerEvaluation.round_number > 0
    )
    return case(
        (XrayRun.training_mode == "federated", rounds.scalar_subquery()),
        else_=epochs.scalar_subquery(),
    )


SORTS: dict[str, Any] = {
    "id": XrayRun.id,
    "start_time": XrayRun.start_time,
    "end_time": XrayRun.end_time,
    "training_mode": XrayRun.training_mode,
    "run_description": XrayRun.run_description,
    "status": case(*((told, name) for name, told in STATUSES.items())),
    "best_val_accuracy": _best("val_acc", XrayServerEvaluation.accuracy),
    "best_val_recall": _best("val_recall", XrayServerEvaluation.recall),
}
"""By what lists can be sorted."""
