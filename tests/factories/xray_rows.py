"""Runs that have ended, as rows alone: for what looks at numbers of epochs and rounds."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from deepmed.core.home import Home
from deepmed.features.xray.federated import repository as federated
from deepmed.features.xray.runs import repository
from deepmed.features.xray.tables import COMPLETED, XrayRun, XrayServerEvaluation
from factories.films import labelled
from factories.xray import small

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MINUTES = 12.5
_EPOCH = {
    "train_loss": 0.7, "train_acc": 0.5, "train_f1": 0.4, "val_loss": 0.6, "val_acc": 0.6,
    "val_precision": 0.5, "val_recall": 0.9, "val_f1": 0.65, "val_auroc": 0.7,
    "val_cm_tp": 9.0, "val_cm_tn": 6.0, "val_cm_fp": 9.0, "val_cm_fn": 1.0,
    "learning_rate": 0.001,
}  # fmt: skip
EPOCHS: tuple[Mapping[str, float], ...] = (
    _EPOCH,
    {**_EPOCH, "val_loss": 0.4, "val_acc": 0.8, "val_auroc": 0.9, "val_recall": 0.7},
    {**_EPOCH, "train_loss": 0.3, "val_loss": 0.5, "val_acc": 0.75, "val_precision": 0.9,
     "val_recall": 0.6, "val_f1": 0.7, "val_auroc": 0.85,
     "val_cm_tp": 6.0, "val_cm_tn": 9.0, "val_cm_fp": 1.0, "val_cm_fn": 4.0},
)  # fmt: skip
"""What central_row's epochs came to; the second is the most accurate."""
ROUNDS: tuple[Mapping[str, Any], ...] = (
    {"loss": 0.9, "accuracy": 0.95, "precision": 0.5, "recall": 1.0, "f1_score": 0.6, "auroc": 0.5},
    {"loss": 0.5, "accuracy": 0.7, "precision": 0.6, "recall": 0.8, "f1_score": 0.7, "auroc": 0.8},
    {"loss": 0.6, "accuracy": 0.6, "precision": 0.8, "recall": 0.5, "f1_score": 0.6, "auroc": 0.7},
)
"""What federated_row's common model came to, from the model at first on."""
HELD = {
    "train": {"images": 20, "patients": 10, "labels": {"0": 10, "1": 10}},
    "validation": {"images": 4, "patients": 2, "labels": {"0": 2, "1": 2}},
}
"""What each of federated_row's clients has."""
_CELLS = {
    "true_positives": 5, "true_negatives": 7, "false_positives": 3, "false_negatives": 5,
}  # fmt: skip


def films_zip(patients: int = 12) -> bytes:
    """Labelled films as they are uploaded."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in labelled(patients).items():
            archive.writestr(name, content)
    return packed.getvalue()


def run_row(home: Home, name: str = "a run", **values: Any) -> int:
    """A run that has ended, if not told otherwise."""
    given = {
        "status": COMPLETED,
        "stage": "complete",
        "results": {"best_epoch": 2, "operating_point": None, "test": None},
        "start_time": BEGAN,
        "end_time": BEGAN + timedelta(minutes=MINUTES),
        "source_path": "nowhere",
        **values,
    }
    with home.database.write() as session:
        run = XrayRun(
            owner_id=home.owner_id,
            run_description=name,
            configuration=small().resolved,
            **given,
        )
        session.add(run)
        session.flush()
        return run.id


def central_row(
    home: Home,
    name: str = "on all images",
    epochs: Sequence[Mapping[str, float]] = EPOCHS,
    **values: Any,
) -> int:
    """A centralized run of these epochs."""
    number = run_row(home, name, **values)
    with home.database.write() as session:
        for step, numbers in enumerate(epochs, 1):
            parts = dict.fromkeys(numbers, "validation")
            repository.replace_metrics(session, number, step, numbers, parts)
    return number


def federated_row(home: Home, name: str = "over two clients", **values: Any) -> int:
    """A federated run of two clients, of whom the second did not answer in the last round."""
    number = run_row(home, name, training_mode="federated", **values)
    with home.database.write() as session:
        federated.replace_clients(session, number, {"client_0": HELD, "client_1": HELD})
        for place, client in enumerate(federated.clients(session, number)):
            for step in (1, 2):
                answered = (place, step) != (1, 2)
                said = {"status": "completed", "examples": 20, "metrics": _reply(step + place)}
                told = said if answered else {"status": "failed", "reason": "It did not answer."}
                span = (BEGAN, BEGAN + timedelta(seconds=step))
                federated.put_round(session, client.id, step, span, told)
        for step, numbers in enumerate(ROUNDS):
            federated.put_server_evaluation(
                session,
                XrayServerEvaluation(
                    run_id=number,
                    round_number=step,
                    num_samples=20,
                    evaluation_time=BEGAN,
                    additional_metrics={},
                    **numbers,
                    **_CELLS,
                ),
            )
    return number


def _reply(step: int) -> dict[str, float]:
    return {"train_loss": 1 / step, "val_loss": 0.9 / step, "val_acc": 1 - 0.4 / step}
