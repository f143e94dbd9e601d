"""What a federated training tells of its rounds: messages, tables and files agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from deepmed.core.home import Home
from deepmed.features.xray.federated import repository
from deepmed.features.xray.tables import XrayServerEvaluation
from deepmed.kit import clock

if TYPE_CHECKING:
    from deepmed.learning.classification.events import EventStream
    from deepmed.learning.federated import ClientResult, RoundResult

ANSWERED, FAILED = "completed", "failed"
_FIGURES = {
    "accuracy": "val_acc",
    "precision": "val_precision",
    "recall": "val_recall",
    "f1": "val_f1",
    "auroc": "val_auroc",
}
_CELLS = {
    "true_positives": "val_cm_tp",
    "true_negatives": "val_cm_tn",
    "false_positives": "val_cm_fp",
    "false_negatives": "val_cm_fn",
}
_ROUND = {
    "epoch_end": "round_number",
    "batch_metrics": "round_num",
    "gradient_stats": "round_num",
    "lr_update": "round_num",
}
"""Which messages of clients are passed on, and what each calls the round: the server says of whom
and of when they are, whatever a client says."""
_NAMED = {*_FIGURES.values(), *_CELLS.values(), "val_loss"}
Figures = Mapping[str, float]


def client_name(number: int) -> str:
    return f"client_{number}"


@dataclass(frozen=True)
class Measured:
    """The common weights on the server's validation images; what is no number is left out."""

    metrics: Figures
    images: int

    def get(self, name: str) -> float | None:
        return self.metrics.get(name)

    def cell(self, name: str) -> int | None:
        value = self.metrics.get(name)
        return None if value is None else round(value)


@dataclass(frozen=True)
class Recorder:
    """Writes a run's clients, rounds and server evaluations, and says them in its stream."""

    home: Home
    run_id: int
    stream: "EventStream"
    rounds: int

    def clients(self, configs: Sequence[Mapping[str, Any]], *, anew: bool) -> None:
        """Who takes part; a run that goes on keeps what its first attempt wrote."""
        if anew:
            named = {client_name(number): one for number, one in enumerate(configs)}
            with self.home.database.write() as session:
                repository.replace_clients(session, self.run_id, named)
        self.stream.emit(
            "training_mode",
            {"is_federated": True, "num_rounds": self.rounds, "num_clients": len(configs)},
        )

    def measured(self, number: int, found: Measured) -> None:
        """The common weights after a round; 0 is before the first."""
        row = XrayServerEvaluation(
            run_id=self.run_id,
            round_number=number,
            loss=found.metrics["val_loss"],
            accuracy=found.get("val_acc"),
            precision=found.get("val_precision"),
            recall=found.get("val_recall"),
            f1_score=found.get("val_f1"),
            auroc=found.get("val_auroc"),
            num_samples=found.images,
            additional_metrics={
                name: value for name, value in found.metrics.items() if name not in _NAMED
            },
            **{name: found.cell(cell) for name, cell in _CELLS.items()},
        )
        with self.home.database.write_concurrently() as session:
            repository.put_server_evaluation(session, row)
        self.stream.emit(
            "round_metrics",
            {"round": number, "total_rounds": self.rounds, "metrics": _told(found)},
        )

    def round_done(self, result: "RoundResult") -> None:
        """What every client did in it."""
        end = clock.now()
        for one in result.clients:
            for kind, data in one.answer.events if one.answer else ():
                if kind in _ROUND:
                    said = {"client_id": one.number, _ROUND[kind]: result.number}
                    self.stream.emit(kind, {**data, **said})
        with self.home.database.write_concurrently() as session:
            known = {
                row.client_identifier: row.id for row in repository.clients(session, self.run_id)
            }
            for one in result.clients:
                span = (_before(end, result.seconds), end)
                place = known[client_name(one.number)]
                repository.put_round(session, place, result.number, span, _said(one))
        self.stream.emit(
            "round_end",
            {
                "round": result.number,
                "total_rounds": self.rounds,
                "fit_metrics": dict(result.fit_metrics),
                "eval_metrics": dict(result.eval_metrics),
                "failed_clients": [
                    {"client_id": one.number, "reason": one.reason}
                    for one in result.clients
                    if one.answer is None
                ],
            },
        )


def _said(one: "ClientResult") -> dict[str, Any]:
    if one.answer is None:
        return {"status": FAILED, "reason": one.reason}
    return {
        "status": ANSWERED,
        "examples": one.answer.examples,
        "metrics": dict(one.answer.metrics),
        "evaluation": dict(one.evaluation or {}),
    }


def _told(found: Measured) -> dict[str, Any]:
    return {
        "loss": found.metrics["val_loss"],
        **{name: found.get(metric) for name, metric in _FIGURES.items()},
        **{f"cm_{cell.rpartition('_')[2]}": found.cell(cell) for cell in _CELLS.values()},
    }


def _before(end: datetime, seconds: float) -> datetime:
    return end - timedelta(seconds=seconds)
