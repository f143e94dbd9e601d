"""The benchmark on X-rays, made small: what it trains, what it looks at, what it keeps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepmed.core.audit.repository import history
from deepmed.features.xray.bench import repository, trainings
from deepmed.features.xray.bench.classic import BENCHMARK, NAME, hog_and_svm
from deepmed.features.xray.bench.published_split import PublishedSplit
from deepmed.features.xray.bench.scores import FIGURES
from deepmed.features.xray.bench.tables import tables
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import XrayRun, XrayRunEvent
from deepmed.kit import clock
from deepmed.learning.federated import FlowerMissingError
from factories.published import measured, opened, write_published
from factories.recount import auroc


@pytest.mark.req("X-16.1")
def test_each_seed_is_a_run_of_the_trainer_on_the_published_split(
    workplace: Path, first: Any
) -> None:
    with opened(workplace / "work" / "home") as home:
        runs = {run.run_description: run for run, _ in XrayRuns.of(home).page()}
    run = runs["seed 0"]
    assert (run.status, run.configuration["system"]["seed"]) == ("completed", 0)
    experiment = run.configuration["experiment"]
    assert (experiment["network"], experiment["stem"], experiment["weights"]) == (
        "resnet18",
        "3x3",
        None,
    )
    (row,) = first["seeds"]
    assert row["images"] == {"train": 48, "validation": 16, "test": 16}
    assert row["audit"]["published"]
    assert 0 < row["training_seconds"] <= row["timing"]["seconds"]


@pytest.mark.req("X-16.1")
def test_figures_are_those_of_the_stored_test_predictions_at_one_half(
    workplace: Path, first: Any
) -> None:
    with opened(workplace / "work" / "home") as home:
        number = next(r.id for r, _ in XrayRuns.of(home).page() if r.run_description == "seed 0")
        run = XrayRuns.of(home).get(number)[0]
        files = home.registry.package(run.results["artifact"]).files  # type: ignore[index] # completed
    records = json.loads(files["predictions.json"])["test"]
    chances = np.array([one["probability"] for one in records])
    labels = np.array([one["label"] for one in records])
    found = first["seeds"][0]["figures"]
    area = auroc(chances[labels == 0].tolist(), chances[labels == 1].tolist())
    assert found["auroc"]["estimate"] == pytest.approx(area)
    called = chances >= 0.5
    assert found["accuracy"]["estimate"] == pytest.approx(np.mean(called == labels))
    assert found["sensitivity"]["estimate"] == pytest.approx(called[labels == 1].mean())
    assert found["specificity"]["estimate"] == pytest.approx(1 - called[labels == 0].mean())
    assert first["spread"]["auroc"]["mean"] == pytest.approx(area)
    assert set(found) == set(FIGURES)


@pytest.mark.req("X-16.1")
def test_others_stand_beside_and_their_looks_at_the_test_part_are_written_down(
    workplace: Path, first: Any
) -> None:
    classic, (published,) = first["classic"], first["published"]
    assert classic["name"] == "HOG + SVM"
    assert set(classic["figures"]) == set(FIGURES)
    assert (published["auroc"], published["accuracy"]) == (0.944, 0.854)
    assert first["test_looks"] == 2
    with opened(workplace / "work" / "home") as home, home.database.read() as session:
        looks = [e for e in history(session, home.owner_id) if e.action == "xray.test_look"]
    assert len([one for one in looks if one.object_type == "benchmark"]) >= 1
    # One of the seed, and one each of the three variants, at the published validation part.
    assert len([one for one in looks if one.object_type == "xray_run"]) == 1 + 3


@pytest.mark.req("X-15.2")
def test_variants_never_see_the_test_part(workplace: Path, first: Any) -> None:
    table = (workplace / "work" / "variants" / "labels.csv").read_text(encoding="utf-8")
    assert "test-" not in table
    assert not list((workplace / "work" / "variants").glob("test-*"))
    assert first["variants"]["images"]["test"]["images"] == 16  # the published validation part
    assert first["variants"]["images"]["validation"]["images"] == 4
    loss, metric = first["variants"]["questions"]
    assert (loss["ours"], loss["other"]) == ("cross-entropy", "focal loss")
    assert (metric["ours"], metric["other"]) == ("val_auroc", "val_recall")
    for one in (loss, metric):
        (pair,) = one["seeds"]
        ours, other = (pair[side]["figures"]["auroc"]["estimate"] for side in ("ours", "other"))
        assert pair["difference"]["auroc"]["estimate"] == pytest.approx(ours - other)
        assert "AUROC: no difference" in one["verdict"]  # one seed is no verdict


@pytest.mark.req("X-16.1")
def test_what_was_promised_stands_with_what_was_reached(first: Any) -> None:
    found = {one["promise"]: one for one in first["promises"]}
    limits = [one["limit"] for one in found.values()]
    assert limits == [0.97, 0.90, 600, 400, 1.2]
    auroc_, accuracy, seconds, *_ = found.values()
    assert auroc_["value"] == first["spread"]["auroc"]["mean"]
    assert auroc_["passed"] == (auroc_["value"] >= 0.97)
    assert accuracy["value"] == first["spread"]["accuracy"]["mean"]
    assert (seconds["value"], seconds["passed"]) == (first["seeds"][0]["timing"]["seconds"], True)


def test_a_second_call_trains_nothing_and_gives_the_same_figures(
    workplace: Path, first: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("classic.hog_and_svm", "loading.loading"):
        short = name.partition(".")[2]
        kept = first["classic" if "classic" in name else "loading"]
        monkeypatch.setattr(
            f"deepmed.features.xray.bench.run.{short}", lambda *_a, kept=kept, **_k: kept
        )
    together = {"test_looks": 4}
    monkeypatch.setattr("deepmed.features.xray.bench.run._federated", lambda *_: together)
    again, told = measured(workplace, federated=True)
    assert again["test_looks"] == 1 + first["classic"]["test_looks"] + 4
    assert not [one for one in told if "epoch" in one]
    assert sum("taken from an earlier call" in one for one in told) == 4
    (made,) = [row["made"] for row in first["seeds"]]
    (kept,) = [row["made"] for row in again["seeds"]]
    assert (made["older_than_run"], kept["older_than_run"]) == (False, True)
    assert kept == {**made, "older_than_run": True}
    assert set(made["environment"]["code"]) == {"version", "commit", "changed"}
    assert made["libraries"]["torch"]
    for name in ("seeds", "spread", "variants", "promises"):
        assert without_age(again[name]) == without_age(first[name])


def test_what_is_missing_for_clients_is_said_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_published(tmp_path / "split.npz")
    monkeypatch.setattr("deepmed.learning.federated.settings.find_spec", lambda _name: None)
    with pytest.raises(FlowerMissingError, match="Nothing was started"):
        measured(tmp_path, federated=True)
    assert not (tmp_path / "work").exists()


def without_age(found: Any) -> Any:
    if isinstance(found, list):
        return [without_age(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {name: without_age(one) for name, one in found.items() if name != "older_than_run"}


def test_every_figure_says_of_what_it_is(first: Any) -> None:
    (seed,) = first["seeds"]
    for figures, split in (
        (seed["figures"], "test"),
        (seed["validation"], "validation"),
        (first["classic"]["figures"], "test"),
        *(
            (pair[of], "published validation")
            for question in first["variants"]["questions"]
            for pair in question["seeds"]
            for of in ("difference",)
        ),
        *(
            (pair[side]["figures"], "published validation")
            for question in first["variants"]["questions"]
            for pair in question["seeds"]
            for side in ("ours", "other")
        ),
    ):
        for figure in figures.values():
            if figure["low"] is not None:
                assert figure["split"] == split
                assert figure["n_items"] > 0
                assert figure["method"]
            assert figure["unit"] in {"image", None}
            assert "patient" not in f"{figure['method']} {figure['reason']}"


def test_looks_of_a_call_that_is_made_again_are_counted(workplace: Path) -> None:
    with opened(workplace / "work" / "home") as home:
        with home.database.read() as session:
            before = repository.looks_at_test(session, home.owner_id, NAME, BENCHMARK)
        split = PublishedSplit.read(workplace / "split.npz")
        assert hog_and_svm(home, split, resamples=10)["test_looks"] == before + 1


def test_seconds_are_unknown_where_a_training_was_taken_up_again(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as home:
        with home.database.write() as session:
            run = XrayRun(
                owner_id=home.owner_id,
                run_description="seed 0",
                source_path="source",
                configuration={},
                end_time=clock.now(),
            )
            session.add(run)
            session.flush()
            for sequence in range(2):
                session.add(
                    XrayRunEvent(
                        run_id=run.id,
                        sequence=sequence,
                        type="status",
                        timestamp="",
                        data={"status": "create_run"},
                    )
                )
        assert trainings._seconds(home, run) is None


def test_tables_hold_every_row(first: Any) -> None:
    found = {table.title: table for table in tables(first)}
    models = [row[0] for row in found["Test part"].rows]
    assert models[2:] == ["seed 0", "HOG + SVM", "ResNet-18 at 28x28, as published"]
    assert len(found["Promises"].rows) == 5
    for table in found.values():
        assert all(len(row) == len(table.columns) for row in table.rows)
