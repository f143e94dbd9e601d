"""The whole comparison on a trained data folder: who is looked at, and what comes of it."""

from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.encoders import compare as module
from deepmed.features.drawings.encoders import material
from deepmed.features.drawings.encoders.compare import compare
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.errors import InsufficientDataError
from factories.drawings import add_drawings, embed, sketches
from factories.encoder import NAME, OTHER_NAME


def silent(_what: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "PLANTED_SOURCES", 6)
    monkeypatch.setattr(module, "candidates", lambda _settings: [])


@pytest.mark.req("D-15.1")
def test_children_who_calibrate_a_model_are_never_looked_at(trained: Workbench) -> None:
    found = material.gather(trained, seed=5)
    with trained.database.read() as session:
        calibrating = {
            member.child_id
            for model in repository.in_use(session, trained.owner_id)
            for member in repository.members(session, model.id)
            if member.part == "calibration"
        }
    looked_at = set(found.rows.children.tolist())
    assert calibrating
    assert not looked_at & calibrating
    assert set(found.planted.planted.rows.children.tolist()) <= looked_at
    assert found.kept_back >= len(calibrating)


def test_without_models_those_are_kept_back_who_would_calibrate(bench: Workbench) -> None:
    add_drawings(bench, sketches(60))
    embed(bench)
    found = material.gather(bench, seed=0)
    assert found.kept_back == 30
    assert len(np.unique(found.rows.children)) == 30


def test_of_many_drawings_whole_children_are_taken(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "MOST_DRAWINGS", 20)
    add_drawings(bench, sketches(80))
    embed(bench)
    first, again = material.gather(bench, seed=0), material.gather(bench, seed=0)
    assert len(first.rows) == 20
    assert first.rows.drawings.tolist() == again.rows.drawings.tolist()


def test_too_few_children_are_refused_with_a_reason(bench: Workbench) -> None:
    add_drawings(bench, sketches(8))
    embed(bench)
    with pytest.raises(InsufficientDataError, match=r"at least 10\. Nothing was compared"):
        material.gather(bench, seed=0)


@pytest.mark.usefixtures("small")
def test_each_question_has_a_row_an_encoder_and_the_trivial_ones(trained: Workbench) -> None:
    steps: list[str] = []
    found: dict[str, Any] = compare(
        trained, [OTHER_NAME], 0, lambda what, _done, _total: steps.append(what)
    ).to_dict()
    assert [task["task"] for task in found["tasks"]] == [
        "retrieval",
        "age error",
        "age order",
        "planted anomalies",
    ]
    for task in found["tasks"]:
        names = [row["name"] for row in task["rows"]]
        assert names[:3] == [NAME, OTHER_NAME, "ink and box"]
        assert names[3:] == ([] if task["task"] == "age order" else ["always the same answer"])
        assert task["rows"][0]["beside_present"] is None
        assert task["verdict"]
    planted = found["tasks"][3]["rows"]
    assert planted[3]["figure"]["estimate"] == 0.5
    # One encoder reads the page sideways: it sees no less, so nothing may come of it.
    retrieval = found["tasks"][0]["rows"]
    assert retrieval[0]["figure"]["estimate"] == retrieval[1]["figure"]["estimate"]
    assert "no reason here to change" in found["verdict"]
    assert {one["name"] for one in found["encoders"]} == {NAME, OTHER_NAME}
    assert all(one["ms_an_image"] >= 0 for one in found["encoders"])
    assert f"Embedding with {OTHER_NAME}" in steps


@pytest.mark.usefixtures("small")
def test_the_same_seed_gives_the_same_figures(trained: Workbench) -> None:
    first, again = (compare(trained, [OTHER_NAME], 3, silent).to_dict() for _ in range(2))
    for found in (first, again):
        found.pop("encoders")
    assert first == again


@pytest.mark.usefixtures("small")
def test_what_cannot_be_run_is_named_with_its_reason(trained: Workbench) -> None:
    found = compare(trained, ["facebook/dinov2-base", OTHER_NAME, NAME], 0, silent)
    assert list(found.keys) == [NAME, OTHER_NAME]
    assert "not on this machine" in found.left_out["facebook/dinov2-base"]


@pytest.mark.usefixtures("small")
def test_drawings_of_one_subject_and_age_leave_questions_open(bench: Workbench) -> None:
    add_drawings(bench, sketches(60, spread=0.0))
    found = compare(bench, [], 0, silent).to_dict()
    reasons = [task["reason"] for task in found["tasks"]]
    assert reasons[0] == "The drawings show fewer than two known subjects."
    assert reasons[1] == reasons[2] == "All drawings are of one age."
    assert reasons[3] is None
