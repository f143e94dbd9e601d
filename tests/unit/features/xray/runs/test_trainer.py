"""From a source to a stored model: what a run leaves behind, whole, cut off, or failed."""

import csv
import io
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch.accelerators import CPUAccelerator
from safetensors.torch import load
from sqlalchemy import select

from deepmed.core.audit.repository import history
from deepmed.core.home import Home
from deepmed.features.xray.configuration.settings import training_settings
from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.runs import artifact, map_checks, repository
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.results import scoring_settings
from deepmed.features.xray.runs.sinks import kept_metrics
from deepmed.features.xray.runs.steps import STEPS, Step, Watcher
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.features.xray.tables import XrayRun
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.classification import CallbacksSetup, TrainingCancelledError
from factories.films import zipped
from factories.xray import small, write_classes


class CutOffError(Exception):
    """What ends a run in a test as a failing machine would."""


def run_of(home: Home, number: int = 1) -> XrayRun:
    with home.database.read() as session:
        return repository.run_of(session, home.owner_id, number)


def files_of(home: Home, number: int = 1) -> dict[str, bytes]:
    results = run_of(home, number).results
    assert results is not None
    return home.registry.load(results["artifact"])


def messages(home: Home, number: int = 1) -> list[Any]:
    with home.database.read() as session:
        return list(repository.events(session, number, 0, 10_000))


def figures(home: Home, number: int = 1) -> Any:
    return json.loads(files_of(home, number)[artifact.EVALUATION])


@pytest.mark.req("X-11.1")
def test_all_nine_steps_are_gone_through_in_order(trained: Home) -> None:
    told = [event.data["status"] for event in messages(trained) if event.type == "status"]
    assert told == [*(step.name for step in STEPS), "completed"]
    assert [step.number for step in STEPS] == list(range(1, 10))
    run = run_of(trained)
    assert (run.status, run.stage, run.reason) == ("completed", "complete", None)
    assert run.end_time is not None
    assert run.end_time > run.start_time


@pytest.mark.req("X-10.1")
def test_the_resolved_configuration_is_stored(trained: Home) -> None:
    assert run_of(trained).configuration == small().resolved
    package = trained.registry.package((run_of(trained).results or {})["artifact"])
    assert package.manifest.provenance["configuration"] == small().resolved


@pytest.mark.req("X-20.1")
def test_the_artefact_has_all_that_its_use_needs(trained: Home) -> None:
    files = files_of(trained)
    model = json.loads(files[artifact.MODEL])
    assert model["classes"] == ["NORMAL", "PNEUMONIA"]
    assert model["preprocessing"]["size"] == [28, 28]
    assert 0 < model["operating_point"]["threshold"] < 1
    assert model["operating_point"]["temperature"] > 0
    assert model["split_digest"] == run_of(trained).split_digest
    assert {"torch", "lightning", "monai", "safetensors"} <= set(model["libraries"])
    assert model["first_weights"]["source"] == "random"
    assert load(files[artifact.WEIGHTS])
    assert trained.registry.verify((run_of(trained).results or {})["artifact"]).ok


@pytest.mark.req("X-15.1")
@pytest.mark.req("X-15.2")
def test_the_test_part_is_looked_at_once_and_the_look_is_written_down(trained: Home) -> None:
    with trained.database.read() as session:
        looks = [
            event.details
            for event in history(session, trained.owner_id)
            if event.action == "xray.test_look"
        ]
    assert len(looks) == 1
    assert looks[0]["split"] == run_of(trained).split_digest
    test = figures(trained)["test"]
    assert test["at_half"]["threshold"] == 0.5
    assert test["report"]["threshold"] == figures(trained)["operating_point"]["threshold"]
    assert test["report"]["split"] == "test"


def test_no_patient_stands_on_both_sides(trained: Home) -> None:
    parts = json.loads(files_of(trained)[artifact.SPLIT])["parts"]
    people = [{row[3] for row in rows} for rows in parts.values()]
    assert sum(map(len, people)) == len(set().union(*people)) == 40
    assert sum(map(len, parts.values())) == 80


def test_the_counts_of_a_run_are_those_of_its_files(trained: Home) -> None:
    files, found = files_of(trained), run_of(trained).results or {}
    split = json.loads(files[artifact.SPLIT])
    for part, rows in split["parts"].items():
        assert found["images"][part] == len(rows)
        assert found["patients"][part] == len({row[3] for row in rows})
        if part != "train":
            report = found[part]["report"]
            assert report["n_items"] == len(json.loads(files[artifact.PREDICTIONS])[part])
            assert report["n_patients"] == found["patients"][part]
    assert found["audit"]["lookalikes"] == len(split["audit"]["lookalikes"])
    assert (found["audit"]["crossing"], found["audit"]["dropped"]) == (0, 0)
    assert found["intake"] == {
        "found": 80, "taken": 80, "rejected": 0, "without_file": 0, "unlabelled": 0
    }  # fmt: skip
    curve = json.loads(files[artifact.HISTORY_JSON])
    assert found["total_epochs"] == len(curve) == 3
    best = max(curve, key=lambda row: row["val_auroc"])
    assert found["best_epoch"] == best["epoch"]
    weights = load(files[artifact.WEIGHTS])
    learned = {name: one for name, one in weights.items() if not name.endswith(
        ("running_mean", "running_var", "num_batches_tracked"))}  # fmt: skip
    assert found["parameters"] == sum(one.numel() for one in learned.values())
    assert found["first_weights"]["loaded"] == 0
    run = run_of(trained)
    assert run.end_time is not None
    assert 0 < found["training_seconds"] <= (run.end_time - run.start_time).total_seconds()


@pytest.mark.req("V-4.1")
def test_a_run_keeps_whether_its_heat_maps_need_the_weights(trained: Home) -> None:
    """Measured on one image each of validation's patients; the model card says what came of it."""
    files = files_of(trained)
    found = json.loads(files[artifact.MODEL])[map_checks.RECORD]
    people = {one["patient"] for one in json.loads(files[artifact.PREDICTIONS])["validation"]}
    assert (found["split"], found["unit"], found["limit"]) == ("validation", "patient", 0.5)
    assert set(found["methods"]) == {"grad_cam", "grad_cam_plus_plus", "occlusion"}
    known = [one for one in found["methods"].values() if one["passed"] is not None]
    assert known
    for one in known:
        assert 0 < one["n_items"] <= len(people)
        for depth in (map_checks.TOP, map_checks.WHOLE):
            told = one["depths"][depth]
            assert len(told["correlations"]) == one["n_items"]
            assert told["estimate"] == pytest.approx(np.mean(told["correlations"]))
        bound = told["estimate"] if told["high"] is None else told["high"]
        assert one["passed"] == told["passed"] == (bound < found["limit"])
    card = trained.registry.package((run_of(trained).results or {})["artifact"]).manifest.card
    assert len(card["heat_maps"]) == 3
    assert "rank correlation is" in " ".join(card["heat_maps"])


def test_the_card_says_on_whom_it_was_trained_and_measured(trained: Home) -> None:
    card = trained.registry.package((run_of(trained).results or {})["artifact"]).manifest.card
    parts = json.loads(files_of(trained)[artifact.SPLIT])["parts"]
    assert set(card["images"]) == {"train", "validation", "test"}
    for part, rows in parts.items():
        assert card["images"][part] == len(rows) > 0
        labels = [label for _, _, label, _ in rows]
        assert list(card["images_of"][part].values()) == [labels.count(0), labels.count(1)]
        assert card["patients"][part] == len({patient for *_, patient in rows})
        assert card["counted_by"][part] == "patient"


@pytest.mark.req("X-9.1")
def test_messages_files_and_numbers_say_the_same_without_gaps(trained: Home) -> None:
    told = messages(trained)
    assert [event.sequence for event in told] == list(range(len(told)))
    epochs = [
        event.data["metrics"]
        for event in told
        if event.type == "epoch_end" and event.data["phase"] == "train"
    ]
    assert epochs == kept_metrics(folder_of(trained, run_of(trained)))
    files = files_of(trained)
    assert json.loads(files[artifact.HISTORY_JSON]) == epochs
    rows = list(csv.DictReader(io.StringIO(files[artifact.HISTORY_CSV].decode())))
    assert [float(row["val_loss"]) for row in rows] == [one["val_loss"] for one in epochs]
    with trained.database.read() as session:
        stored = repository.metrics(session, 1)
    kept = {(row.step, row.metric_name): row.metric_value for row in stored}
    assert kept[3, "val_auroc"] == epochs[2]["val_auroc"]
    assert {name for _, name in kept} >= {"train_loss", "val_recall", "learning_rate"}
    assert len(epochs) == 3


@pytest.mark.req("X-11.2")
@pytest.mark.parametrize("number", [7])
def test_a_run_that_is_cut_off_at_a_step_goes_on_to_the_same_end(
    empty: Home, trained: Home, films: Path, number: int
) -> None:
    def cut(step: Step) -> None:
        if step.number == number:
            raise CutOffError

    with pytest.raises(CutOffError):
        CentralizedTrainer(empty, small(), Watcher(step=cut)).train(films, "first")
    run = run_of(empty)
    assert (run.status, run.stage) == ("failed", STEPS[number - 1].name)
    assert "CutOffError" in (run.reason or "")
    CentralizedTrainer(empty).train(films, "first", run_id=1)
    assert run_of(empty).status == "completed"
    assert figures(empty) == figures(trained)


@pytest.mark.req("X-11.2")
def test_a_run_that_is_cut_off_between_epochs_goes_on_behind_the_last(
    empty: Home, trained: Home, films: Path
) -> None:
    def cut(done: int, _total: int, text: str) -> None:
        if (done, text) == (2, "Training"):
            raise CutOffError

    with pytest.raises(CutOffError):
        CentralizedTrainer(empty, small(), Watcher(progress=cut)).train(films, "first")
    CentralizedTrainer(empty).train(films, "first", run_id=1)
    assert figures(empty) == figures(trained)
    told = messages(empty)
    assert [event.sequence for event in told] == list(range(len(told)))
    starts = [event.data["first_epoch"] for event in told if event.type == "training_start"]
    assert starts == [1, 2]


@pytest.mark.req("X-11.2")
def test_a_cancelled_run_ends_and_says_so(empty: Home, films: Path) -> None:
    with pytest.raises(TrainingCancelledError):
        CentralizedTrainer(empty, small(), Watcher(cancelled=lambda: True)).train(films, "first")
    assert run_of(empty).status == "failed"
    assert "cancelled" in (run_of(empty).reason or "")
    told = [event.data.get("status") for event in messages(empty)]
    assert told.count("cancelled") == 1
    assert told[-1] == "cancelled"


@pytest.mark.req("X-11.2")
def test_a_signal_to_stop_cancels_the_run_and_leaves_the_process(empty: Home, films: Path) -> None:
    def stop(done: int, _total: int, text: str) -> None:
        if (done, text) == (1, "Training"):
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(TrainingCancelledError, match="signal"):
            CentralizedTrainer(empty, small(), Watcher(progress=stop)).train(films, "first")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert run_of(empty).status == "failed"
    assert CentralizedTrainer(empty).train(films, run_id=1)["total_epochs"] == 3


@pytest.mark.req("X-18.1")
def test_images_are_scored_as_they_are_served_whatever_trained(tmp_path: Path) -> None:
    wanted = training_settings(small("device=cuda", "devices=4", "precision=16-mixed").config)
    trainer = CallbacksSetup.create_trainer_from_config(scoring_settings(wanted), (), tmp_path)
    assert isinstance(trainer.accelerator, CPUAccelerator)
    assert (trainer.num_devices, trainer.precision) == (1, "32-true")


@pytest.mark.req("X-11.1")
def test_a_failure_is_told_with_its_reason(empty: Home, films: Path, tmp_path: Path) -> None:
    source = tmp_path / "copy"
    shutil.copytree(films, source)
    table = source / "stage2_train_metadata.csv"
    table.write_text(table.read_text().replace("p3,1", "p3,7"))
    trainer = CentralizedTrainer(empty, small())
    assert trainer.get_training_status()["status"] is None
    with pytest.raises(SourceRefusedError, match="7"):
        trainer.train(source, "wrong labels")
    told = trainer.get_training_status()
    assert (told["status"], told["stage"]) == ("failed", "extract_and_validate")
    folder = folder_of(empty, run_of(empty))
    assert (told["checkpoint_dir"], told["logs_dir"]) == (f"{folder}/checkpoints", str(folder))
    assert told["config"] == {
        "epochs": 3, "learning_rate": 0.01, "batch_size": 8, "validation_split": 0.15
    }  # fmt: skip
    assert told["temp_dir_active"] is False
    assert "7" in told["reason"]
    last = messages(empty)[-1]
    assert (last.type, last.data["error"]) == ("error", told["reason"])


def test_a_completed_run_is_not_trained_again(trained: Home, films: Path) -> None:
    with pytest.raises(ConflictError, match="completed"):
        CentralizedTrainer(trained).train(films, run_id=1)
    assert run_of(trained).status == "completed"
    with pytest.raises(NotFoundError):
        CentralizedTrainer(trained).train(films, run_id=2)


@pytest.mark.req("X-13.1")
def test_several_classes_of_any_images_go_through_the_same_trainer(
    empty: Home, tmp_path: Path
) -> None:
    source = write_classes(tmp_path / "source", ("dark", "grey", "light"))
    archive = zipped(
        tmp_path / "images.zip",
        {
            path.relative_to(source).as_posix(): path.read_bytes()
            for path in sorted(source.rglob("*.png"))
        },
    )
    found = CentralizedTrainer(empty, small("epochs=1", "look_for_lookalikes=false")).train(archive)
    assert found["classes"] == ["dark", "grey", "light"]
    assert found["operating_point"]["threshold"] is None
    assert found["test"]["report"]["figures"]["accuracy"]["estimate"] is not None


def test_two_runs_never_mix(trained: Home) -> None:
    with trained.database.read() as session:
        assert list(session.scalars(select(XrayRun.id))) == [1]
        assert repository.find(session, trained.owner_id + 1, 1) is None
