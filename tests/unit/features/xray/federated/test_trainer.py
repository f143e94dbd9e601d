"""A federated run from its source to its artefact, beside the centralised one on the same films."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deepmed.app import open_home
from deepmed.app.kinds import job_kinds
from deepmed.core.home import Home
from deepmed.features.xray.bench import trainings
from deepmed.features.xray.bench.scores import at_half
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.configuration.settings import federated_settings
from deepmed.features.xray.federated import repository as federated
from deepmed.features.xray.federated.bench import FULL, QUICK, SETTINGS, _configured, _row
from deepmed.features.xray.federated.dealt import deal
from deepmed.features.xray.federated.service import start_federated
from deepmed.features.xray.federated.trainer import FederatedTrainer
from deepmed.features.xray.preparation import SplitPlan
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.steps import Watcher
from deepmed.features.xray.runs.verify import recompute
from deepmed.features.xray.tables import XrayRun
from deepmed.kit import settings as kit_settings
from deepmed.kit.errors import ConfigurationError, ValidationError
from deepmed.learning.classification import TrainingCancelledError
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.federated import FederatedSettings
from deepmed.learning.imaging.rows import ImageRow
from factories.api import Api
from factories.xray import small

CLIENTS, ROUNDS = 2, 2
CELLS = ("tp", "tn", "fp", "fn")
TOGETHER = (
    f"num_clients={CLIENTS}",
    f"num_rounds={ROUNDS}",
    "strategy=fedprox",
    "partition=dirichlet",
    "dirichlet_alpha=1",
)


@pytest.fixture(scope="module")
def together(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A data folder with one completed federated run, number 1, that went through at once."""
    folder = tmp_path_factory.mktemp("federated") / "home"
    with open_home(kit_settings.load(home=folder)) as home:
        FederatedTrainer(home, small(*TOGETHER)).train(films, "together")
        yield home


EPOCH = {
    *("epoch", "global_step", "timestamp", "learning_rate", "train_loss", "train_acc", "train_f1"),
    *("val_loss", "val_acc", "val_precision", "val_recall", "val_f1", "val_auroc"),
    *("val_cm_tp", "val_cm_tn", "val_cm_fp", "val_cm_fn"),
    *("val_specificity", "val_auprc", "val_ece"),  # ours
}
OF_A_CLIENT = {"client_id", "round_num"}
LEARNING = {
    "gradient_stats": {"step", "total_norm", "layer_norms", "max_norm", "min_norm"},
    "lr_update": {"current_lr", "step", "epoch", "scheduler_type"},
}
SHARED = {
    "training_start": {
        "run_id", "experiment_name", "max_epochs", "training_mode", "client_id", "first_epoch",
    },
    "epoch_end": {"epoch", "phase", "metrics", "client_id", "round_number"},
    "batch_metrics": {
        "step", "batch_idx", "loss", "accuracy", "recall", "f1", "epoch", "timestamp",
        *OF_A_CLIENT,
    },
    "status": {"status", "message"},
}  # fmt: skip
CENTRALISED = {
    **SHARED,
    **LEARNING,
    "epoch_start": {"epoch", "total_epochs"},
    "training_end": {
        "run_id", "status", "experiment_name", "best_epoch", "best_val_recall", "total_epochs",
        "training_duration",
    },
    "early_stopping": {"epoch", "best_metric_value", "metric_name", "patience", "reason"},
    "error": {"error", "error_type"},
}  # fmt: skip
FEDERATED = {
    **SHARED,
    **{kind: {*keys, *OF_A_CLIENT} for kind, keys in LEARNING.items()},
    "training_end": {"run_id", "status", "experiment_name", "total_rounds", "training_mode"},
    "training_mode": {"is_federated", "num_rounds", "num_clients"},
    "round_metrics": {"round", "total_rounds", "metrics"},
    "round_end": {"round", "total_rounds", "fit_metrics", "eval_metrics", "failed_clients"},
}
"""The contract's keys of each type of message. Ours beyond it: `first_epoch`, from which a training
that goes on counts; `failed_clients`; and of whom the numbers of a client's steps are."""
ROUND = {"loss", "accuracy", "precision", "recall", "f1", "auroc", *(f"cm_{c}" for c in CELLS)}


def said_by(home: Home) -> list[tuple[str, dict[str, Any]]]:
    with home.database.read() as session:
        return [(one.type, dict(one.data)) for one in repository.events(session, 1, 0, 10_000)]


def said_keys(home: Home) -> set[str]:
    return {kind for kind, _ in said_by(home)}


def differing(home: Home, keys: Mapping[str, set[str]]) -> Iterator[str]:
    """Messages that do not have exactly the keys of their type."""
    for kind, data in said_by(home):
        if set(data) != keys.get(kind):
            yield f"{kind}: {sorted(data)}"
        if kind == "round_metrics" and set(data["metrics"]) != ROUND:
            yield f"{kind}: {sorted(data['metrics'])}"
        if kind == "epoch_end" and set(data["metrics"]) != wanted_of(data):
            yield f"{kind} of {data['phase']}: {sorted(data['metrics'])}"


def wanted_of(data: Mapping[str, Any]) -> set[str]:
    """What validation alone says has nothing of training in it."""
    return {one for one in EPOCH if data["phase"] == "train" or not one.startswith("train_")}


def stored(home: Home) -> StoredRun:
    return StoredRun.of(home, 1)


def messages(home: Home, kind: str) -> list[dict[str, Any]]:
    with home.database.read() as session:
        told = repository.events(session, 1, 0, 10_000)
    assert [one.sequence for one in told] == list(range(len(told)))
    return [one.data for one in told if one.type == kind]


@pytest.mark.req("X-14.1")
def test_it_is_tested_on_the_patients_of_the_centralised_run(together: Home, trained: Home) -> None:
    ours, theirs = stored(together), stored(trained)
    assert (ours.run.training_mode, ours.status) == ("federated", "completed")
    assert ours.run.split_digest == theirs.run.split_digest
    images = [[one["image"] for one in run.predictions["test"]] for run in (ours, theirs)]
    assert images[0] == images[1]
    assert set(ours.evaluation) == set(theirs.evaluation)
    checks = recompute(ours.package.files, ours.package.manifest.metrics, ours.run.configuration)
    assert all(check.agrees for check in checks)


@pytest.mark.req("X-14.1")
def test_clients_share_all_patients_but_those_of_the_test(together: Home) -> None:
    with together.database.read() as session:
        told = [one.client_config for one in federated.clients(session, 1)]
    parts = stored(together).split["parts"]
    for part in ("train", "validation"):
        assert sum(one[part]["images"] for one in told) == len(parts[part])
        people = {row[3] for row in parts[part]}
        assert sum(one[part]["patients"] for one in told) == len(people)
    assert json.dumps(told).find(parts["train"][0][3]) == -1
    holdings = deal(plan_of(together), 2, federated_settings(small(*TOGETHER).config), 42)
    assert [one.describe() for one in holdings] == told
    held = {row.patient for one in holdings for row in (*one.train, *one.validation)}
    assert not held & {row[3] for row in parts["test"]}


def plan_of(home: Home) -> SplitPlan:
    split = stored(home).split
    rows = [
        ImageRow(name, Path(name), patient, label, digest)
        for part in split["parts"].values()
        for name, digest, label, patient in part
    ]
    return SplitPlan.from_json(json.dumps(split), rows)


@pytest.mark.req("X-14.1")
def test_tables_messages_and_history_say_the_same_of_every_round(together: Home) -> None:
    with together.database.read() as session:
        parts = federated.rounds(session, 1)
        measured = federated.server_evaluations(session, 1)
    assert [(one.number, one.client) for one in parts] == [
        (number, f"client_{client}") for number in range(1, ROUNDS + 1) for client in range(CLIENTS)
    ]
    assert all(one.status == "completed" and one.examples for one in parts)
    assert all({"train_loss", "val_loss"} <= set(one.metrics) for one in parts)
    assert [one.round_number for one in measured] == list(range(ROUNDS + 1))
    for row, said in zip(measured, messages(together, "round_metrics"), strict=True):
        cells = [row.true_positives, row.true_negatives, row.false_positives, row.false_negatives]
        assert sum(map(int, filter(None, cells))) == row.num_samples
        assert said["round"] == row.round_number
        assert said["metrics"]["auroc"] == row.auroc
        assert said["metrics"]["cm_tp"] == row.true_positives
    history = stored(together).history
    assert [one["val_auroc"] for one in history] == [one.auroc for one in measured[1:]]
    for number, said in enumerate(messages(together, "round_end"), 1):
        losses = [
            (one.metrics["train_loss"], one.examples) for one in parts if one.number == number
        ]
        mean = sum(loss * (n or 0) for loss, n in losses) / sum(n or 0 for _, n in losses)
        assert said["fit_metrics"]["train_loss"] == pytest.approx(mean)
        assert history[number - 1]["train_loss"] == pytest.approx(mean)


@pytest.mark.req("X-14.1")
def test_its_messages_are_those_of_the_contract(together: Home) -> None:
    (mode,) = messages(together, "training_mode")
    assert mode == {"is_federated": True, "num_rounds": ROUNDS, "num_clients": CLIENTS}
    (start,) = messages(together, "training_start")
    assert (start["training_mode"], start["client_id"]) == ("federated", None)
    (end,) = messages(together, "training_end")
    assert end == {
        "run_id": 1,
        "status": "completed",
        "experiment_name": "together",
        "total_rounds": ROUNDS,
        "training_mode": "federated",
    }
    of_clients = [one for one in messages(together, "epoch_end") if one["client_id"] is not None]
    assert {(one["client_id"], one["round_number"]) for one in of_clients} == {
        (client, number) for client in range(CLIENTS) for number in range(1, ROUNDS + 1)
    }
    assert {one["epoch"] for one in of_clients} == set(range(1, ROUNDS + 1))


@pytest.mark.req("X-9.1")
@pytest.mark.req("X-14.1")
def test_what_clients_say_while_they_learn_is_told_with_whose_and_when_it_is(
    together: Home,
) -> None:
    both = {(client, number) for client in range(CLIENTS) for number in range(1, ROUNDS + 1)}
    for kind in ("batch_metrics", "gradient_stats", "lr_update"):
        said = messages(together, kind)
        assert {(one["client_id"], one["round_num"]) for one in said} == both, kind
    epochs = [(one["round_num"], one["epoch"]) for one in messages(together, "lr_update")]
    assert all(number == epoch for number, epoch in epochs)


@pytest.mark.req("X-9.1")
@pytest.mark.req("P-10.1")
def test_every_message_has_exactly_the_keys_of_its_type(together: Home, trained: Home) -> None:
    whole = said_keys(trained)
    assert not list(differing(trained, CENTRALISED))
    assert not list(differing(together, FEDERATED))
    assert set(CENTRALISED) - {"early_stopping", "error"} <= whole
    assert set(FEDERATED) <= said_keys(together)


@pytest.mark.req("X-9.1")
@pytest.mark.req("X-19.1")
def test_metrics_files_messages_and_history_of_a_federated_run_are_the_same_numbers(
    together: Home,
) -> None:
    client = Api.of(together).client
    history = stored(together).history
    rows = [
        {
            name: one
            for name, one in said["metrics"].items()
            if name not in {"global_step", "timestamp"}
        }
        for said in messages(together, "epoch_end")
        if said["client_id"] is None
    ]
    assert history == rows
    assert (
        json.loads(stored(together).file("history.json"))[0]["train_loss"] == rows[0]["train_loss"]
    )
    found = client.get("/api/runs/1/metrics").json()
    for told, row in zip(found["training_history"], rows, strict=True):
        assert told == {name: row.get(name) for name in told}
        assert told["train_loss"] is not None
    assert client.get("/api/runs/1/download/json").json()["epochs"] == history
    table = csv.DictReader(io.StringIO(client.get("/api/runs/1/download/csv").text))
    assert [{name: float(one) for name, one in row.items() if one} for row in table] == [
        {name: float(one) for name, one in row.items()} for row in history
    ]
    kept = history[(stored(together).run.results or {})["best_epoch"] - 1]
    assert found["final_metrics"]["loss"] == kept["val_loss"]
    assert found["confusion_matrix"]["true_positives"] == kept["val_cm_tp"]
    assert found["measured_on"]["epoch"] == kept["epoch"]
    status = client.get("/experiments/status/1").json()
    assert status["latest_metrics"] == history[-1]


@pytest.mark.req("X-16.1")
def test_the_benchmark_sets_it_beside_the_centralised_one_image_by_image(
    together: Home, trained: Home
) -> None:
    ours, theirs = (trainings._read(home, 1, older=False) for home in (together, trained))
    row = _row(SETTINGS[0], ours, theirs, QUICK)
    beside = at_half(theirs.results["test"]["at_half"])
    difference = row["difference"]["auroc"]
    assert difference["estimate"] == pytest.approx(
        row["figures"]["auroc"]["estimate"] - beside["auroc"]["estimate"]
    )
    for figure in (difference, row["figures"]["auroc"]):
        assert (figure["unit"], figure["split"]) == ("image", "test")
        assert figure["n_items"] == len(ours.predictions["test"])
    assert row["test_looks"] == 1
    assert row["made"]["older_than_run"] is False


def test_the_best_round_by_validation_is_kept(together: Home) -> None:
    results = stored(together).run.results or {}
    aurocs = [one["val_auroc"] for one in stored(together).history]
    assert results["best_epoch"] == 1 + aurocs.index(max(aurocs))
    assert results["federated"]["settings"]["strategy"] == "fedprox"


@pytest.mark.req("X-14.1")
def test_a_cancelled_run_goes_on_behind_its_last_round_to_the_same_model(
    together: Home, empty: Home, films: Path
) -> None:
    done: list[int] = []
    watcher = Watcher(
        progress=lambda number, _total, text: done.append(number) if text == "Training" else None,
        cancelled=lambda: 1 in done and 2 not in done,
    )
    with pytest.raises(TrainingCancelledError, match="last finished round"):
        FederatedTrainer(empty, small(*TOGETHER), watcher).train(films, "together")
    FederatedTrainer(empty).train(films, "together", run_id=1)
    starts = [one["first_epoch"] for one in messages(empty, "training_start")]
    assert starts == [1, 2]
    with empty.database.read() as session:
        assert len(federated.rounds(session, 1)) == CLIENTS * ROUNDS
    ours, whole = stored(empty), stored(together)
    shares = [[one["logits"] for one in run.predictions["test"]] for run in (ours, whole)]
    assert shares[0] == shares[1]


def test_more_clients_than_patients_fail_the_run_in_words(empty: Home, films: Path) -> None:
    with pytest.raises(InsufficientDataError, match="20 clients need at least 2 each"):
        FederatedTrainer(empty, small("num_clients=20")).train(films)
    assert "20 clients" in str(stored(empty).run.reason)
    assert stored(empty).run.training_mode == "federated"


def test_it_starts_as_a_job_with_its_own_settings(empty: Home, films: Path) -> None:
    chosen = FederatedSettings(clients=3, rounds=7, partition="dirichlet", alpha=0.2)
    run, job = start_federated(empty, job_kinds(), films, "queued", small(), federated=chosen)
    assert job is not None
    assert (run.training_mode, job.kind) == ("federated", "xray.federated")
    config = ConfigManager(stored(empty).run.configuration).config
    assert federated_settings(config) == chosen


def test_what_cannot_be_federated_is_refused_before_it_starts(
    empty: Home, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gradual = small("fine_tune_layers_count=0", "progressive_unfreeze=true")
    with pytest.raises(ValidationError, match="does not unfreeze"):
        start_federated(empty, job_kinds(), films, "gradual", gradual)
    with pytest.raises(ValidationError, match="at most num_clients"):
        small("clients_per_round=5")
    monkeypatch.setattr("deepmed.learning.federated.settings.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'deepmed\[federated\]'"):
        start_federated(empty, job_kinds(), films, "without", small())
    with empty.database.read() as session:
        assert session.query(XrayRun).count() == 0


@pytest.mark.parametrize("effort", [FULL, QUICK])
def test_clients_pass_over_their_images_as_often_as_the_centralised_training(effort: Any) -> None:
    told = _configured(effort, 0).config.experiment
    assert told.epochs == told.num_rounds * told.local_epochs
