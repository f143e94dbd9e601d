"""Runs summed up over all of an owner's (contract 1.3)."""

from collections.abc import Sequence
from datetime import timedelta

from deepmed.features.xray.overview import numbers, repository
from deepmed.features.xray.overview.gathering import Seen, gather
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.schemas.runs import AnalyticsSummary, ModeSummary, TopRun
from deepmed.features.xray.tables import COMPLETED, FAILED
from deepmed.kit import clock

MOST_TOP = 10
_METRICS = ("val_acc", "val_precision", "val_recall", "val_f1")


def summary(
    runs: XrayRuns, status: str | None, training_mode: str | None, days: int | None
) -> AnalyticsSummary:
    """Of the runs with this status; how many succeed is counted among all that have ended."""
    since = None if days is None else clock.now() - timedelta(days=days)
    owner = runs.home.owner_id

    def which(told: str | None) -> repository.Wanted:
        return repository.Wanted(told, training_mode, since)

    with runs.home.database.read() as session:
        found = gather(session, repository.page(session, owner, which(status)))
        completed = repository.count(session, owner, which(COMPLETED))
        failed = repository.count(session, owner, which(FAILED))
    ended = completed + failed
    return AnalyticsSummary(
        total_runs=len(found),
        success_rate=completed / ended if ended else None,
        centralized=_mode([seen for seen in found if not seen.is_federated]),
        federated=_mode([seen for seen in found if seen.is_federated]),
        top_runs=[_top(seen) for seen in sorted(found, key=_place)[:MOST_TOP]],
    )


def _mode(found: Sequence[Seen]) -> ModeSummary:
    accuracy, precision, recall, f1 = (
        numbers.mean([seen.bests.get(metric) for seen in found]) for metric in _METRICS
    )
    return ModeSummary(
        count=len(found),
        avg_accuracy=accuracy,
        avg_precision=precision,
        avg_recall=recall,
        avg_f1=f1,
        avg_duration_minutes=numbers.mean([seen.minutes for seen in found]),
    )


def _place(seen: Seen) -> tuple[float, int]:
    """The most accurate first, of equals the older; a run without accuracy comes last."""
    return -seen.bests.get("val_acc", -1.0), seen.run.id


def _top(seen: Seen) -> TopRun:
    accuracy, precision, recall, f1 = (seen.bests.get(metric) for metric in _METRICS)
    return TopRun(
        run_id=seen.run.id,
        run_description=seen.run.run_description,
        training_mode=seen.run.training_mode,
        best_accuracy=accuracy,
        best_precision=precision,
        best_recall=recall,
        best_f1=f1,
        duration_minutes=seen.minutes,
        start_time=seen.run.start_time,
        status=seen.status,
    )
