"""A run that was cut off goes on with what is its own, and with nothing else."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepmed.core.home import Home
from deepmed.features.xray.preparation import DataPrepUtils, SplitPlan
from deepmed.features.xray.preparation.data_preparation import SplitSettings
from deepmed.features.xray.runs import artifact
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.kept import keep_fit, kept_fit, kept_plan
from deepmed.features.xray.runs.sampling import some_patients
from deepmed.features.xray.runs.scored import ScoredPart
from deepmed.features.xray.runs.steps import Step, Watcher
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.features.xray.source import DataSource
from deepmed.kit.errors import IntegrityError
from deepmed.learning.imaging.rows import ImageRow
from factories.films import png
from factories.xray import film_of, small, write_films

from .test_trainer import CutOffError, files_of, run_of

SETTINGS = SplitSettings(look_for_lookalikes=False)
SUMMARY = {"best_checkpoint": "best.safetensors"}


def source_of(patients: int) -> DataSource:
    rows = tuple(
        ImageRow(f"f{one}", Path(f"f{one}"), f"p{one}", one % 2, f"{one:064}")
        for one in range(patients)
    )
    return DataSource(Path(), ("well", "ill"), rows)


def cut(step: Step) -> None:
    if step.number == 5:
        raise CutOffError


@pytest.mark.req("X-11.2")
def test_a_run_whose_images_changed_is_not_split_anew(empty: Home, tmp_path: Path) -> None:
    films = write_films(tmp_path / "source", 12)
    chosen = small("look_for_lookalikes=false")
    with pytest.raises(CutOffError):
        CentralizedTrainer(empty, chosen, Watcher(step=cut)).train(films, "first")
    folder = folder_of(empty, run_of(empty))
    split = (folder / "split.json").read_bytes()
    assert run_of(empty).split_digest == json.loads(split)["digest"]
    table = films / "stage2_train_metadata.csv"
    whole = table.read_text()
    (films / "Images" / "more.png").write_bytes(png(film_of(99)))
    for changed in (f"{whole}\np99,1,more.png,F", whole.replace("\np3,1,f3-1.png,M", "")):
        table.write_text(changed)
        with pytest.raises(IntegrityError, match="start a new run"):
            CentralizedTrainer(empty, watcher=Watcher(step=cut)).train(films, run_id=1)
        assert run_of(empty).split_digest == json.loads(split)["digest"]
        assert (folder / "split.json").read_bytes() == split
    (films / "Images" / "more.png").unlink()
    table.write_text(whole)
    with pytest.raises(CutOffError):
        CentralizedTrainer(empty, watcher=Watcher(step=cut)).train(films, run_id=1)


def test_a_split_that_leaves_images_of_the_source_out_is_not_its_own(tmp_path: Path) -> None:
    plan = DataPrepUtils.prepare_dataset(source_of(20), SETTINGS)
    plan.save(tmp_path / "split.json")
    assert kept_plan(tmp_path, source_of(20)) == plan
    assert kept_plan(tmp_path, source_of(22)) is None
    assert kept_plan(tmp_path, source_of(18)) is None
    assert kept_plan(tmp_path / "nowhere", source_of(20)) is None


@pytest.mark.req("X-11.2")
def test_a_training_that_is_over_belongs_to_its_split_and_checkpoint(tmp_path: Path) -> None:
    plan = DataPrepUtils.prepare_dataset(source_of(20), SETTINGS)
    best = tmp_path / "checkpoints" / SUMMARY["best_checkpoint"]
    best.parent.mkdir()
    best.write_bytes(b"weights")
    assert kept_fit(tmp_path, plan) is None
    over = keep_fit(tmp_path, plan, SUMMARY, [{"epoch": 1}])
    assert kept_fit(tmp_path, plan) == over
    other: SplitPlan = replace(plan, digest="0" * 64)
    with pytest.raises(IntegrityError, match="another split"):
        kept_fit(tmp_path, other)
    best.write_bytes(b"others")
    with pytest.raises(IntegrityError, match="Start a new run"):
        kept_fit(tmp_path, plan)
    best.unlink()
    with pytest.raises(IntegrityError, match="removed"):
        kept_fit(tmp_path, plan)
    (tmp_path / "fitted.json").write_text(json.dumps({"summary": SUMMARY, "history": []}))
    with pytest.raises(IntegrityError):
        kept_fit(tmp_path, plan)


@pytest.mark.req("X-15.2")
def test_scores_of_the_test_part_belong_to_split_and_weights(tmp_path: Path) -> None:
    rows = source_of(2).rows
    part = ScoredPart.of(rows, [0, 1], [0, 1], np.array([[0.5], [1.5]]))
    path, of = tmp_path / "scores.json", {"split": "a", "weights": "b"}
    assert ScoredPart.load(path, of) is None
    part.save(path, of)
    assert ScoredPart.load(path, of) == part
    for other in ({**of, "split": "c"}, {**of, "weights": "c"}):
        with pytest.raises(IntegrityError, match="not looked at again"):
            ScoredPart.load(path, other)


def test_what_a_run_keeps_says_what_it_is_of(trained: Home) -> None:
    run = run_of(trained)
    folder = folder_of(trained, run)
    weights = files_of(trained)[artifact.WEIGHTS]
    tested: dict[str, Any] = json.loads((folder / "test-scores.json").read_bytes())
    of = {"split": run.split_digest, "weights": hashlib.sha256(weights).hexdigest()}
    assert tested["of"] == of
    assert json.loads((folder / "fitted.json").read_bytes())["split"] == run.split_digest


@pytest.mark.req("X-15.1")
@pytest.mark.parametrize("scored", [[0, 2], [0, 2, 4, 4], [2, 0, 4]])
def test_scores_of_some_images_alone_are_no_result(scored: list[int]) -> None:
    with pytest.raises(IntegrityError, match="3 that a part has"):
        ScoredPart.of(source_of(6).rows, [0, 2, 4], scored, np.zeros((len(scored), 1)))


def test_which_patients_are_sampled_does_not_rest_on_what_they_are_called() -> None:
    source = source_of(40)
    renamed = replace(
        source,
        rows=tuple(
            replace(row, patient=hashlib.sha256(row.patient.encode()).hexdigest())
            for row in reversed(source.rows)
        ),
    )
    kept = [{row.image_id for row in some_patients(one, 0.25, 7).rows} for one in (source, renamed)]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 10
