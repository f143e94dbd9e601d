"""A run as everybody reads it."""

from pathlib import Path

import pytest

from deepmed.core.home import Home
from deepmed.features.xray.runs import artifact
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit.errors import ConflictError, NotFoundError
from factories.xray import small


def test_a_completed_run_is_read_from_its_artefact(trained: Home) -> None:
    run = StoredRun.of(trained, 1)
    results = run.run.results or {}
    assert (run.status, run.reason, run.is_completed) == ("completed", None, True)
    assert run.evaluation["test"] == results["test"]
    assert run.model["operating_point"] == run.evaluation["operating_point"]
    assert {name: len(records) for name, records in run.predictions.items()} == {
        name: results["images"][name] for name in ("validation", "test")
    }
    assert run.split["digest"] == run.run.split_digest
    assert run.intake["source"]["taken"] == results["intake"]["taken"]
    assert run.card["title"] == "Training first"
    assert run.artifact.uid == results["artifact"]
    assert run.file(artifact.WEIGHTS)
    assert [row["epoch"] for row in run.history] == [1, 2, 3]


def test_a_run_without_an_end_has_no_figures_and_says_so(empty: Home, films: Path) -> None:
    number = DBOperationsUtils(empty).create_training_run(str(films), "begun", small().resolved)
    run = StoredRun.of(empty, number)
    assert (run.status, run.is_completed, run.history) == ("in_progress", False, [])
    with pytest.raises(ConflictError, match="in_progress"):
        assert run.evaluation
    with pytest.raises(ConflictError, match="not completed"):
        assert run.artifact


@pytest.mark.req("S-3.1")
def test_another_owners_run_does_not_exist(trained: Home) -> None:
    stranger = trained.for_owner(trained.owner_id + 1)
    for number in (1, 0, -1, 2**40):
        with pytest.raises(NotFoundError):
            StoredRun.of(stranger, number)
