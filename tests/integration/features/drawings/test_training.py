"""Training through kills and beside another process, and every detector on real vectors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from sqlalchemy import func, select, text

from deepmed.app import open_home
from deepmed.core.registry.manifest import Package
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.training import GroupTraining
from deepmed.features.drawings.runs.reproduce import reproduce
from deepmed.features.drawings.tables import ModelMember
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import settings as kit_settings
from deepmed.learning.detectors import detector_names
from deepmed.learning.reference import from_files
from factories import training_alone
from factories.drawings import add_drawings, embed, sketches
from factories.homes import QUICK, train
from factories.launching import LEARNING, Command

GROUP = AgeRange(6, 9)


class Killed(BaseException):
    """What a process would not survive; no `except Exception` catches it."""


def contents(bench: Workbench) -> dict[str, Any]:
    with bench.database.read() as session:
        rows = repository.all_models(session, bench.owner_id)
        return {
            "models": [(row.kind, row.age_min, row.is_active) for row in rows],
            "artefacts": session.scalars(select(func.count(Artifact.id))).one(),
            "recipes": len(set(session.scalars(select(Artifact.recipe_hash)))),
            "members": session.scalars(select(func.count(ModelMember.id))).one(),
            "unnamed": sum(
                row.artifact_id not in set(session.scalars(select(Artifact.id))) for row in rows
            ),
        }


def package(bench: Workbench) -> Package:
    with bench.database.read() as session:
        row = ModelManager(bench).active(session)[0]
        uid = session.get_one(Artifact, row.artifact_id).uid
    return bench.registry.package(uid)


WHOLE = {
    "models": [("group", 3.0, True), ("pooled", 3.0, True), ("group", 6.0, True)],
    "artefacts": 3,
    "recipes": 3,
    "unnamed": 0,
}


@pytest.mark.req("D-8.1")
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("place", ["publish", "row", "activate"])
def test_a_kill_at_any_step_is_completed_by_the_next_call(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, place: str, nth: int
) -> None:
    """Right before an artefact, between it and its row, and before models come into use."""
    add_drawings(bench, [*sketches(24, 4.5), *sketches(24, 7.5)])
    embed(bench)
    target: tuple[object, str] = {
        "publish": (ArtifactRegistry, "publish"),
        "row": (repository, "add"),
        "activate": (repository, "activate"),
    }[place]
    _kill_at(monkeypatch, *target, nth)
    with pytest.raises(Killed):
        train(bench, "3-6,6-9")
    monkeypatch.undo()
    partial = contents(bench)
    assert not any(is_active for _, _, is_active in partial["models"])
    again = train(bench, "3-6,6-9")
    done = contents(bench)
    assert {name: done[name] for name in WHOLE} == WHOLE
    assert len(again.trained) == 3 - len(partial["models"])
    assert train(bench, "3-6,6-9").trained == []
    assert contents(bench) == done


@pytest.mark.req("D-8.1")
def test_two_processes_that_train_at_once_make_nothing_twice(bench: Workbench) -> None:
    add_drawings(bench, [*sketches(24, 4.5), *sketches(24, 7.5)])
    embed(bench)
    bench.registry.verify  # noqa: B018 - both processes find the keys made
    home, program = str(bench.settings.home), training_alone.__name__
    both = [Command(home, load=LEARNING, program=program) for _ in range(2)]
    said = [one.ended() for one in both]
    assert [one.returncode for one in said] == [0, 0], said
    assert sorted(int(one.stdout) for one in said) == [0, 3]
    done = contents(bench)
    assert {name: done[name] for name in WHOLE} == WHOLE


class TestAutoencoder:
    @pytest.mark.req("D-15.2", "D-8.3", "V-6.1", "P-13.1")
    def test_who_asks_for_it_gets_it_with_its_architecture_and_it_is_reproduced(
        self, bench: Workbench
    ) -> None:
        add_drawings(bench, sketches(30))
        embed(bench)
        config = QUICK.model_copy(update={"detector": "autoencoder", "comparison_drawings": 10})
        run = train(bench, [GROUP], config)
        found = package(bench)
        record = json.loads(found.files["model.detector.json"])
        arrays = safetensors.numpy.load(found.files["model.weights.safetensors"])
        assert run.models[0].model_type == "autoencoder"
        assert record["architecture"]["hidden_dims"]
        assert record["architecture"]["input_dim"] == 65
        assert record["parameters"]["config"]["seed"] == record["parameters"]["seed"]
        assert arrays["mean"].shape == arrays["scale"].shape == (65,)
        recipe = found.manifest.lineage["recipe"]
        other = {**recipe, "config": {**recipe["config"], "seed": 1}}
        with bench.database.read() as session:
            same = reproduce(bench, session, from_files(found.files), recipe)
            different = reproduce(bench, session, from_files(found.files), other)
        assert same.agrees
        assert same.largest_difference <= 1e-6
        assert not different.agrees


class TestDefault:
    """Everything as a user gets it: the built-in encoder, and planted drawings that decide."""

    @pytest.fixture
    def plain(self, tmp_path: Path) -> Any:
        opened = open_home(kit_settings.load(home=tmp_path / "plain"))
        yield Workbench(
            opened.settings, opened.database, opened.storage, opened.registry, opened.owner_id
        )
        opened.close()

    @pytest.mark.req("D-15.1", "D-15.2", "D-15.3", "D-16.3", "D-5.3", "D-9.2")
    def test_one_group_is_trained_on_the_built_in_encoder(self, plain: Workbench) -> None:
        add_drawings(plain, sketches(42))
        embed(plain)
        run = GroupTraining(plain, GroupTrainingConfig(planted_sources=2)).train([GROUP])
        metrics = package(plain).manifest.metrics
        rows = {row["name"]: row for row in metrics["selection"]["rows"]}
        detectors = {name for name, row in rows.items() if row["role"] == "detector"}
        simple = {name: rows[name]["overall"]["auroc"] for name in detectors - {"autoencoder"}}
        best = {name for name, auroc in simple.items() if auroc == max(simple.values())}
        lead = metrics["selection"]["lead"]
        wins = lead is not None and lead["low"] > 0
        assert detectors == set(detector_names()) >= {"knn", "mahalanobis", "pca", "autoencoder"}
        assert {"ink and box", "Sobel energy", "random projection"} == set(rows) - detectors
        assert metrics["selection"]["chosen"] in ({"autoencoder"} if wins else best)
        assert run.models[0].model_type == metrics["selection"]["chosen"]
        assert [row["dimension"] for row in metrics["layouts"]] == [768, 769, 832]
        assert metrics["children"] == {"fit": 21, "borrowed": 0, "calibration": 21}
        assert run.models[0].vision_model.startswith("hog-pyramid@fp32/")
        with plain.database.read() as session:
            stored = session.execute(
                text("SELECT DISTINCT encoder_name, vector_dimension FROM drawing_embeddings")
            ).all()
        assert [tuple(row) for row in stored] == [("hog-pyramid", 768)]


@pytest.mark.req("D-9.4")
def test_the_members_rows_hold_the_scores_of_the_artefact(trained: Workbench) -> None:
    with trained.database.read() as session:
        for row in ModelManager(trained).active(session):
            model = ModelManager(trained).load_model(session, row)
            stored = {
                member.drawing_id: member.score
                for member in repository.members(session, row.id)
                if member.part == "calibration"
            }
            signed = dict(
                zip(
                    model.model.calibration_drawings.tolist(),
                    np.asarray(model.model.calibration.scores).tolist(),
                    strict=True,
                )
            )
            assert stored == signed


def _kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, nth: int) -> None:
    real, calls = getattr(owner, name), [0]

    def die(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == nth:
            raise Killed
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, die)
