"""Which run answers where nobody names one, looked for in rows alone."""

from datetime import timedelta
from typing import Any

import pytest

from deepmed.core.home import Home
from deepmed.core.registry.tables import Artifact
from deepmed.features.xray.inference.errors import NoModelError
from deepmed.features.xray.inference.repository import choose
from deepmed.features.xray.inference.service import XrayInference
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.reading import StoredRun
from factories.xray import small
from factories.xray_rows import BEGAN, run_row


def completed(home: Home, name: str = "a run", **changes: Any) -> int:
    """A run that was completed after all before it."""
    results = {
        "images": {"train": 9, "validation": 3, "test": changes.get("tested", 3)},
        "operating_point": {"threshold": changes.get("threshold", 0.4)},
    }
    number = run_row(home, name, results=results)
    resolved = small().resolved
    resolved["system"]["sample_fraction"] = changes.get("fraction", 1.0)
    with home.database.write() as session:
        row = Artifact(
            owner_id=home.owner_id, uid=f"{number:032}", kind="xray", recipe_hash=f"{number:064}",
            manifest_hash=f"{number:064}", lineage={}, metrics={},
        )  # fmt: skip
        session.add(row)
        session.flush()
        ended = BEGAN + timedelta(days=number)
        repository.change(
            session, number, artifact_id=row.id, end_time=ended, configuration=resolved,
            reproduces=changes.get("reproduces"),
        )  # fmt: skip
    return number


def serving(home: Home) -> int:
    return XrayInference.of(home).serving().run_id


@pytest.mark.req("X-17.1")
def test_no_run_takes_over_that_was_made_for_something_else(empty: Home) -> None:
    with pytest.raises(NoModelError, match="Train one first"):
        serving(empty)
    completed(empty, "on a tenth", fraction=0.1)
    with pytest.raises(NoModelError, match="unless it is chosen"):
        serving(empty)
    several = completed(empty, "three classes", threshold=None)
    assert serving(empty) == several
    first = completed(empty)
    assert serving(empty) == first
    completed(empty, "on a tenth", fraction=0.1)
    completed(empty, "untested", tested=0)
    completed(empty, "three classes", threshold=None)
    completed(empty, "a run (again)", reproduces="0" * 32)
    assert serving(empty) == first
    assert "None was chosen" in XrayInference.of(empty).serving().because
    better = completed(empty, "better (again)")  # as a person may call one
    assert serving(empty) == better


def test_a_run_that_trains_another_one_again_says_which(empty: Home) -> None:
    first = StoredRun.of(empty, run_row(empty, "x" * 1024, training_mode="federated")).run
    again = StoredRun.of(empty, DBOperationsUtils(empty).create_reproduction(first)).run
    assert (again.reproduces, again.status) == (first.uid, "in_progress")
    assert again.run_description.endswith("x (again)")
    for name in ("training_mode", "configuration", "source_path", "csv_filename", "owner_id"):
        assert getattr(again, name) == getattr(first, name)
    assert first.reproduces is None


@pytest.mark.req("X-17.1")
def test_a_chosen_run_serves_whatever_is_completed_later(empty: Home) -> None:
    chosen = completed(empty, "on a tenth", fraction=0.1)
    completed(empty)
    with empty.database.write() as session:
        choose(session, empty.owner_id, chosen)
    found = XrayInference.of(empty).serving()
    assert (found.run_id, found.chosen) == (chosen, True)
    assert found.because == "It was chosen to serve."


def test_the_one_that_serves_is_found_behind_many_that_may_not(empty: Home) -> None:
    first = completed(empty)
    for _ in range(22):
        completed(empty, tested=0)
    assert serving(empty) == first
