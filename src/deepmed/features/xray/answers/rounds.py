"""What the routes of federated rounds answer; a centralized run has none (contract 1.3)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deepmed.features.xray.answers.runs import stored_run
from deepmed.features.xray.federated import repository
from deepmed.features.xray.federated.repository import ClientRound
from deepmed.features.xray.overview import numbers
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.schemas.runs import (
    BackfillAnswer,
    BestRound,
    Cells,
    ClientBest,
    ClientMetrics,
    EvaluationSummary,
    FederatedRound,
    FederatedRounds,
    LatestMetrics,
    RoundMetrics,
    RunClientMetrics,
    ServerEvaluation,
    ServerEvaluations,
)
from deepmed.features.xray.tables import XrayClient, XrayServerEvaluation
from deepmed.kit.errors import ValidationError

_CELLS = tuple(Cells.model_fields)
_BEST = {
    "best_val_accuracy": "val_acc",
    "best_val_precision": "val_precision",
    "best_val_recall": "val_recall",
    "best_val_f1": "val_f1",
    "best_val_auroc": "val_auroc",
    "lowest_val_loss": "val_loss",
}
Evaluations = Sequence[XrayServerEvaluation]


def rounds(runs: XrayRuns, run_id: int) -> FederatedRounds:
    run = stored_run(runs, run_id).run
    with runs.home.database.read() as session:
        found = _behind(repository.server_evaluations(session, run.id))
        clients = repository.clients(session, run.id)
    return FederatedRounds(
        is_federated=run.training_mode == "federated",
        num_rounds=len(found),
        num_clients=len(clients),
        rounds=[FederatedRound(round=row.round_number, metrics=_of_round(row)) for row in found],
    )


def server_evaluations(runs: XrayRuns, run_id: int) -> ServerEvaluations:
    run = stored_run(runs, run_id).run
    with runs.home.database.read() as session:
        found = repository.server_evaluations(session, run.id)
    return ServerEvaluations(
        run_id=run.id,
        is_federated=run.training_mode == "federated",
        has_server_evaluation=bool(found),
        evaluations=[_evaluation(row) for row in found],
        summary=_summary(found) if found else None,
    )


def client_metrics(runs: XrayRuns, run_id: int) -> RunClientMetrics:
    run = stored_run(runs, run_id).run
    with runs.home.database.read() as session:
        clients = repository.clients(session, run.id)
        found = repository.rounds(session, run.id)
        evaluated = _behind(repository.server_evaluations(session, run.id))
    told: dict[str, list[ClientRound]] = defaultdict(list)
    for each in found:
        told[each.client].append(each)
    return RunClientMetrics(
        run_id=run.id,
        is_federated=run.training_mode == "federated",
        num_clients=len(clients),
        clients=[_client(client, told[client.client_identifier]) for client in clients],
        aggregated_metrics=[
            {"round": row.round_number, **_latest(row).model_dump()} for row in evaluated
        ],
    )


def backfill(runs: XrayRuns, run_id: int) -> BackfillAnswer:
    """Nothing can be missing: a round and its evaluation are written in the same moment.

    Raises:
        ValidationError: it is a centralized run.
    """
    run = stored_run(runs, run_id).run
    if run.training_mode != "federated":
        raise ValidationError(
            f"Run {run.id} is not federated, so it has no rounds; nothing was changed."
        )
    with runs.home.database.read() as session:
        found = repository.server_evaluations(session, run.id)
    return BackfillAnswer(
        run_id=run.id,
        success=True,
        message=f"Nothing was missing: each of {len(found)} evaluations was stored as its round "
        "ended.",
        rounds_processed=0,
    )


def _behind(found: Evaluations) -> list[XrayServerEvaluation]:
    """Without the model at first."""
    return [row for row in found if row.round_number > 0]


def _of_round(row: XrayServerEvaluation) -> RoundMetrics:
    return RoundMetrics(
        loss=row.loss,
        accuracy=row.accuracy,
        precision=row.precision,
        recall=row.recall,
        f1=row.f1_score,
        auroc=row.auroc,
    )


def _latest(row: XrayServerEvaluation) -> LatestMetrics:
    return LatestMetrics(**{name: getattr(row, name) for name in LatestMetrics.model_fields})


def _evaluation(row: XrayServerEvaluation) -> ServerEvaluation:
    cells = {name: getattr(row, name) for name in _CELLS}
    return ServerEvaluation(
        **_latest(row).model_dump(),
        round=row.round_number,
        num_samples=row.num_samples,
        evaluation_time=row.evaluation_time,
        confusion_matrix=None if None in cells.values() else Cells(**cells),
        additional_metrics=row.additional_metrics or None,
    )


def _summary(found: Evaluations) -> EvaluationSummary:
    behind = _behind(found)

    def best(value: Callable[[XrayServerEvaluation], float | None]) -> BestRound | None:
        measured = [(value(row), row.round_number) for row in behind]
        told = [(one, number) for one, number in measured if one is not None]
        if not told:
            return None
        top = max(one for one, _ in told)
        return BestRound(value=top, round=min(number for one, number in told if one == top))

    return EvaluationSummary(
        total_rounds=len(behind),
        latest_round=found[-1].round_number,
        latest_metrics=_latest(found[-1]),
        best_accuracy=best(lambda row: row.accuracy),
        best_recall=best(lambda row: row.recall),
        best_precision=best(lambda row: row.precision),
        best_f1_score=best(lambda row: row.f1_score),
    )


def _client(client: XrayClient, told: Sequence[ClientRound]) -> ClientMetrics:
    rows: list[Mapping[str, Any]] = [
        {"step": step, "round": each.number, **each.metrics, **each.evaluation}
        for step, each in enumerate((one for one in told if one.metrics or one.evaluation), 1)
    ]
    return ClientMetrics(
        client_id=client.id,
        client_identifier=client.client_identifier,
        total_steps=len(rows),
        training_history=[dict(row) for row in rows],
        best_metrics=ClientBest(**{name: numbers.best(rows, own) for name, own in _BEST.items()}),
    )
