"""What the routes of runs answer (contract 1.3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepmed.features.xray.overview import numbers, repository
from deepmed.features.xray.overview.gathering import Seen, gather, kept_epoch
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.schemas.runs import (
    ConfusionMatrix,
    EpochMetrics,
    FederatedInfo,
    FinalEpochStats,
    FinalMetrics,
    MeasuredOn,
    RunList,
    RunMetadata,
    RunMetrics,
    RunSummary,
    RunView,
)

_FINAL = {
    "accuracy": "val_acc",
    "precision": "val_precision",
    "recall": "val_recall",
    "f1_score": "val_f1",
    "auc": "val_auroc",
    "loss": "val_loss",
}
MIDDLE = 0.5
_NO_TEST = "The split has no test part."


def listed(
    runs: XrayRuns,
    wanted: repository.Wanted,
    *,
    sort_by: str,
    descending: bool,
    limit: int,
    offset: int,
) -> RunList:
    """A page, and how many there are in all."""
    owner = runs.home.owner_id
    with runs.home.database.read() as session:
        lines = repository.page(
            session,
            owner,
            wanted,
            sort_by=sort_by,
            descending=descending,
            limit=limit,
            offset=offset,
        )
        return RunList(
            runs=[_summary(seen) for seen in gather(session, lines)],
            total=repository.count(session, owner, wanted),
        )


def metrics(runs: XrayRuns, run_id: int) -> RunMetrics:
    """Epochs or rounds of a run, and what it came to."""
    stored = stored_run(runs, run_id)
    rows = course(stored)
    kept = numbers.kept_of(rows, kept_epoch(stored.run))
    results = stored.run.results if stored.is_completed else None
    test = (results or {}).get("test")
    return RunMetrics(
        experiment_id=f"run_{stored.run.id}",
        run_id=stored.run.id,
        status=stored.status,
        reason=stored.reason,
        final_metrics=FinalMetrics(**final_of(kept)),
        measured_on=_measured_on(stored, kept),
        training_history=[_epoch(row) for row in rows],
        total_epochs=len(rows),
        metadata=_metadata(stored, rows, kept),
        confusion_matrix=_matrix(kept),
        operating_point=(results or {}).get("operating_point"),
        test=test,
        test_reason=None if test else _why_no_test(stored),
    )


def view(runs: XrayRuns, run_id: int) -> RunView:
    """Everything that the run's row says, and its card."""
    stored = stored_run(runs, run_id)
    run = stored.run
    return RunView(
        run_id=run.id,
        experiment_name=run.run_description,
        training_mode=run.training_mode,
        status=stored.status,
        stage=run.stage,
        reason=stored.reason,
        job_id=None if stored.job is None else stored.job.id,
        start_time=run.start_time,
        end_time=run.end_time,
        configuration=run.configuration,
        results=run.results if stored.is_completed else None,
        card=None if run.artifact_id is None else stored.card,
    )


def stored_run(runs: XrayRuns, run_id: int) -> StoredRun:
    """Raises NotFoundError where there is none of this owner."""
    return StoredRun.of(runs.home, run_id, runs.ledger.kinds)


def course(stored: StoredRun) -> list[dict[str, Any]]:
    """Its epochs or rounds, as its history and its messages have them.

    A federated run without a history has its evaluations, the first model left out.
    """
    if stored.history or stored.run.training_mode != "federated":
        return stored.history
    with stored.home.database.read() as session:
        found = repository.evaluations(session, [stored.run.id])[stored.run.id]
    return [numbers.epoch_of(row) for row in found if row.round_number > 0]


def final_of(row: Mapping[str, Any] | None) -> dict[str, float | None]:
    """Of an epoch, in the contract's names."""
    return {name: (row or {}).get(own) for name, own in _FINAL.items()}


def _summary(seen: Seen) -> RunSummary:
    run, found = seen.run, numbers.cells(seen.kept)
    return RunSummary(
        id=run.id,
        training_mode=run.training_mode,
        status=seen.status,
        start_time=run.start_time,
        end_time=run.end_time,
        best_val_recall=seen.bests.get("val_recall"),
        best_val_accuracy=seen.bests.get("val_acc"),
        metrics_count=seen.metrics_count,
        run_description=run.run_description,
        reason=seen.reason,
        federated_info=_federated(seen) if seen.is_federated else None,
        final_epoch_stats=FinalEpochStats(**numbers.shares(found)) if found else None,
    )


def _federated(seen: Seen) -> FederatedInfo:
    last = seen.last or {}
    return FederatedInfo(
        num_rounds=seen.rounds,
        num_clients=seen.clients,
        has_server_evaluation=seen.last is not None,
        best_accuracy=seen.bests.get("val_acc"),
        best_recall=seen.bests.get("val_recall"),
        latest_round=last.get("epoch"),
        latest_accuracy=last.get("val_acc"),
    )


def _epoch(row: Mapping[str, Any]) -> EpochMetrics:
    return EpochMetrics(**{name: row.get(name) for name in EpochMetrics.model_fields})


def _measured_on(stored: StoredRun, row: Mapping[str, Any] | None) -> MeasuredOn | None:
    """Which weights, on which images."""
    if row is None:
        return None
    images = (stored.run.results or {}).get("images", {}) if stored.is_completed else {}
    found = numbers.cells(row)
    return MeasuredOn(
        split="validation",
        epoch=row["epoch"],
        is_kept=row["epoch"] == kept_epoch(stored.run),
        n=images.get("validation") if found is None else sum(found.values()),
        threshold=MIDDLE,
    )


def _metadata(
    stored: StoredRun, rows: Sequence[Mapping[str, Any]], kept: Mapping[str, Any] | None
) -> RunMetadata:
    final = final_of(kept)
    return RunMetadata(
        experiment_name=stored.run.run_description,
        start_time=stored.run.start_time,
        end_time=stored.run.end_time,
        total_epochs=len(rows),
        best_epoch=numbers.best_epoch(rows),
        kept_epoch=kept_epoch(stored.run),
        monitor_metric=stored.run.configuration["experiment"]["monitor_metric"],
        best_val_accuracy=numbers.best(rows, "val_acc"),
        best_val_precision=numbers.best(rows, "val_precision"),
        best_val_recall=numbers.best(rows, "val_recall"),
        best_val_loss=numbers.best(rows, "val_loss"),
        best_val_f1=numbers.best(rows, "val_f1"),
        best_val_auroc=numbers.best(rows, "val_auroc"),
        final_accuracy=final["accuracy"],
        final_precision=final["precision"],
        final_recall=final["recall"],
        final_f1=final["f1_score"],
        final_auc=final["auc"],
        final_loss=final["loss"],
    )


def _matrix(row: Mapping[str, Any] | None) -> ConfusionMatrix | None:
    found = numbers.cells(row)
    if found is None:
        return None
    return ConfusionMatrix(
        true_positives=found["tp"],
        true_negatives=found["tn"],
        false_positives=found["fp"],
        false_negatives=found["fn"],
        **numbers.shares(found),
    )


def _why_no_test(stored: StoredRun) -> str:
    if stored.is_completed:
        return _NO_TEST
    return f"The run is {stored.status}; the test part is looked at once, at its end."
