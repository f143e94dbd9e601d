"""What a training says and keeps."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from deepmed.learning.classification import (
    CancellationCallback,
    EarlyStopping,
    TrainingCancelledError,
    TrainingSettings,
    TrainingSettingsError,
    fit_network,
    predict_network,
    read_checkpoint,
    restore_network,
)
from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.events import EVENT_TYPES
from deepmed.learning.classification.trainer import _without_advice
from factories.small_training import CutOff, SmallTraining, images, prepared, trained

ORDER = [
    "ModelCheckpoint",
    "EarlyStopping",
    "EarlyStoppingSignalCallback",
    "LearningRateMonitor",
    "HighestValRecallCallback",
    "MetricsCollectorCallback",
    "BatchMetricsCallback",
    "GradientMonitorCallback",
    "ProgressiveUnfreezeCallback",
]
LOGGED = {
    *(f"val_{name}" for name in ("loss", "acc", "precision", "recall", "f1", "auroc", "auprc")),
    *(f"val_{name}" for name in ("specificity", "ece", "cm_tp", "cm_tn", "cm_fp", "cm_fn")),
}
CELLS = ("tp", "tn", "fp", "fn")
ALL = LOGGED | {"train_loss", "train_acc", "train_f1"}
FACTS = {"epoch", "global_step", "timestamp", "learning_rate"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SmallTraining:
    return trained(
        tmp_path_factory.mktemp("run"),
        network={"fine_tune_layers": 0},
        epochs=5,
        progressive_unfreeze=True,
        batch=4,
    )


@pytest.mark.req("X-8.1")
def test_callbacks_are_declared_in_order_and_checkpoints_run_last(run: SmallTraining) -> None:
    declared = [type(one).__name__ for one in run.chain.callbacks]
    assert declared[: len(ORDER)] == ORDER
    called = [type(one).__name__ for one in run.trainer.callbacks]
    assert called == [*declared[1:], "ModelCheckpoint"]


@pytest.mark.req("X-8.1")
def test_a_checkpoint_knows_what_all_others_know_of_its_epoch(run: SmallTraining) -> None:
    kept = read_checkpoint(run.chain.checkpoint.last)["callbacks"]
    assert [row["epoch"] for row in kept["MetricsCollectorCallback"]["epoch_metrics"]] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert kept["HighestValRecallCallback"] == run.chain.recall.state_dict()


@pytest.mark.req("X-8.1")
def test_the_best_three_checkpoints_are_kept_and_the_last(run: SmallTraining) -> None:
    folder = Path(run.chain.checkpoint.dirpath)
    rows = run.chain.collector.epoch_metrics
    best = sorted(rows, key=lambda row: -row["val_auroc"])[:3]
    scores = sorted(row["val_auroc"] for row in best)
    files = sorted(path.stem for path in folder.iterdir() if path.stem != "last")
    assert len(files) == 3
    kept = sorted(float(name.rsplit("_", 1)[1]) for name in files)
    assert kept == pytest.approx(scores, abs=5e-4)
    assert all(re.fullmatch(r"pneumonia_model_0[1-5]_\d\.\d{3}", name) for name in files)
    assert read_checkpoint(run.chain.checkpoint.last)["epoch"] == 4


@pytest.mark.req("X-8.2")
@pytest.mark.parametrize(("monitor", "mode"), [("val_recall", "max"), ("val_loss", "min")])
def test_what_is_monitored_can_be_chosen(monitor: str, mode: str, tmp_path: Path) -> None:
    chain = prepared(tmp_path, monitor=monitor).chain
    for one in (chain.checkpoint, chain.stopping):
        assert (one.monitor, one.mode) == (monitor, mode)


def test_the_best_checkpoint_serves_what_was_measured(run: SmallTraining) -> None:
    best = run.chain.collector.best_row
    assert best is not None
    assert run.chain.checkpoint.best is not None
    other = prepared(Path(run.chain.checkpoint.dirpath))
    restore_network(other.module.model, run.chain.checkpoint.best)
    found = predict_network(other.trainer, other.module, images(shuffled=False))
    assert found["index"].tolist() == list(range(16))
    right = ((found["logits"][:, 0] > 0).long() == found["labels"]).float().mean()
    assert float(right) == pytest.approx(best["val_acc"])


@pytest.mark.req("X-9.1")
def test_a_runs_messages_have_no_gaps_and_are_json(run: SmallTraining) -> None:
    assert [event.sequence for event in run.events] == list(range(len(run.events)))
    assert {event.type for event in run.events} <= set(EVENT_TYPES)
    for event in run.events:
        json.dumps(event.to_json(), allow_nan=False)


@pytest.mark.req("X-9.1")
def test_each_epoch_is_told_with_what_tables_need(run: SmallTraining) -> None:
    ends = run.said("epoch_end")
    assert [(end["epoch"], end["phase"]) for end in ends] == [
        (epoch, phase) for epoch in range(1, 6) for phase in ("val", "train")
    ]
    for end in ends:
        assert set(end["metrics"]) == FACTS | (LOGGED if end["phase"] == "val" else ALL)
    rows = [end["metrics"] for end in ends if end["phase"] == "train"]
    assert all(sum(row[f"val_cm_{cell}"] for cell in CELLS) == 16 for row in rows)
    assert all(type(row["val_cm_tp"]) is int for row in rows)
    assert rows == run.chain.collector.epoch_metrics
    assert [start["epoch"] for start in run.said("epoch_start")] == [1, 2, 3, 4, 5]


@pytest.mark.req("X-9.1")
def test_start_and_end_are_told_once(run: SmallTraining) -> None:
    (start,), (end,) = run.said("training_start"), run.said("training_end")
    assert (start["run_id"], start["experiment_name"], start["max_epochs"]) == (7, "small", 5)
    rows = run.chain.collector.epoch_metrics
    best = max(rows, key=lambda row: row["val_auroc"])
    assert (end["status"], end["total_epochs"]) == ("completed", 5)
    assert end["best_epoch"] == best["epoch"]
    assert end["best_val_recall"] == max(row["val_recall"] for row in rows)
    assert end["best_val_recall"] == run.chain.recall.best_recall
    assert end["training_duration"] > 0


@pytest.mark.req("X-8.1")
def test_every_second_batch_is_told_as_asked(run: SmallTraining) -> None:
    told = run.said("batch_metrics")
    assert [one["batch_idx"] for one in told] == [0, 2] * 5
    assert {"step", "loss", "accuracy", "recall", "f1", "epoch", "timestamp"} <= set(told[0])


@pytest.mark.req("X-8.1")
def test_gradients_are_told_by_layer(run: SmallTraining) -> None:
    told = run.said("gradient_stats")
    assert [one["step"] for one in told] == list(range(0, 20, 2))
    assert list(told[0]["layer_norms"]) == ["classifier"]
    norms = told[-1]["layer_norms"]
    assert set(norms) == {"classifier", *(layer.name for layer in run.module.model.layers())}
    assert told[-1]["total_norm"] == pytest.approx(sum(one**2 for one in norms.values()) ** 0.5)
    assert told[-1]["max_norm"] == max(norms.values())


@pytest.mark.req("X-8.1")
def test_another_step_size_is_told(run: SmallTraining) -> None:
    told = run.said("lr_update")
    assert [one["epoch"] for one in told] == [1, 2, 3, 4, 5]
    rates = [one["current_lr"] for one in told]
    assert rates[0] == 1e-3
    assert rates == sorted(rates, reverse=True)
    assert told[0]["scheduler_type"] == "CosineAnnealingWarmRestarts"


@pytest.mark.req("X-8.1")
@pytest.mark.req("X-7.1")
def test_layers_join_four_at_a_time_from_the_last_on(tmp_path: Path) -> None:
    seen: list[int] = []

    class Looks(Watcher):
        def on_train_epoch_end(self, _trainer: Any, module: Any) -> None:
            seen.append(module.model.fine_tune_layers_count)

    frozen = {"fine_tune_layers": 0}
    made = prepared(tmp_path, network=frozen, extra=(Looks(),), epochs=6, progressive_unfreeze=True)
    made.trainer.limit_train_batches = made.trainer.limit_val_batches = 1
    fit_network(made.trainer, made.module, images(), images(shuffled=False))
    # 15, 35, 55 and 75 % of six epochs; ResNet-18 has nine layers.
    assert seen == [0, 4, 8, 9, 9, 9]


def test_nothing_can_be_unfrozen_where_nothing_is_frozen(tmp_path: Path) -> None:
    with pytest.raises(TrainingSettingsError, match="none is frozen"):
        prepared(tmp_path, progressive_unfreeze=True)


@pytest.mark.req("X-8.1")
def test_training_ends_without_improvement_and_says_so_once(tmp_path: Path) -> None:
    run = trained(tmp_path, epochs=6, patience=1, min_delta=1.0, monitor="val_loss")
    (said,) = run.said("early_stopping")
    assert (said["epoch"], said["metric_name"], said["patience"]) == (2, "val_loss", 1)
    assert said["reason"] == "val_loss has not improved by 1 in the last epoch."
    assert run.chain.stopping.stopped
    assert len(run.chain.collector.epoch_metrics) == 2
    kinds = [event.type for event in run.events]
    assert kinds.index("early_stopping") < kinds.index("training_end")


def test_a_metric_that_is_no_number_says_so() -> None:
    stopping = EarlyStopping(TrainingSettings())
    stopping._evaluate_stopping_criteria(torch.tensor(float("nan")))
    assert stopping.stopped
    assert stopping.reason == "val_auroc is not a number."


@pytest.mark.req("X-7.1")
def test_the_test_part_is_measured_by_its_own_name(run: SmallTraining) -> None:
    before = run.chain.recall.state_dict(), len(run.events)
    with _without_advice():
        (tested,) = run.trainer.test(run.module, images(shuffled=False), verbose=False)
        (again,) = run.trainer.validate(run.module, images(shuffled=False), verbose=False)
    assert set(tested) == {name.replace("val_", "test_") for name in LOGGED}
    assert tested["test_auroc"] == again["val_auroc"]
    assert (run.chain.recall.state_dict(), len(run.events)) == before


@pytest.mark.req("X-7.1")
def test_several_classes_are_learned_by_the_same_trainer(tmp_path: Path) -> None:
    made = prepared(tmp_path, network={"classes": 3}, counts=(6, 5, 5), epochs=1, loss="weighted")
    fit_network(made.trainer, made.module, images(classes=3), images(classes=3, shuffled=False))
    (row,) = made.chain.collector.epoch_metrics
    assert set(row) == FACTS | {name for name in ALL if "_cm_" not in name}
    assert 0 < row["val_auroc"] < 1
    with pytest.raises(TrainingSettingsError, match="Images of 2 classes were counted"):
        prepared(tmp_path, network={"classes": 3})


def test_a_failure_is_told_with_its_kind(tmp_path: Path) -> None:
    run = trained(tmp_path, extra=(CutOff(0),))
    assert run.said("error") == [{"error": "the machine failed", "error_type": "CutOffError"}]
    assert not run.said("training_end")


def test_a_cancelled_training_ends_at_the_next_batch(tmp_path: Path) -> None:
    asked = iter([False, True])
    stop = CancellationCallback(lambda: next(asked), every=0)
    made = prepared(tmp_path, extra=(stop,))
    with pytest.raises(TrainingCancelledError):
        fit_network(made.trainer, made.module, images(), images(shuffled=False))
    assert made.trainer.global_step == 1
    assert made.said("status")[-1]["status"] == "cancelled"
