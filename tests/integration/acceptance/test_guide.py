"""The demo and the training guide's commands, run for real under the socket guard."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deepmed.kit.privacy import GUARD_VARIABLE

STAGES = {
    "make samples",
    "import",
    "embed",
    "train",
    "analyse",
    "measure on unseen drawings",
    "explain and report",
}


class Machine:
    """A data folder and the command line."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str | Path) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "deepmed.cli", *map(str, words), "--json"],
            env={
                **os.environ,
                "DEEPMED_HOME": str(self.home),
                "OMP_NUM_THREADS": "1",
                GUARD_VARIABLE: "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("guide") / "home")


@pytest.fixture(scope="module")
def demo(machine: Machine) -> Any:
    return machine.run("demo")


@pytest.mark.req("S-25.3")
def test_the_demo_runs_whole_under_the_socket_guard(demo: Any) -> None:
    """The guard ends a command that tries to leave; tests/conftest.py fails on swallowed tries."""
    assert set(demo["seconds"]) == STAGES
    assert [group["age_group"] for group in demo["groups"]] == ["3.0-6.0", "6.0-9.0", "9.0-12.0"]


@pytest.mark.req("D-3.3")
def test_false_alarms_are_counted_on_a_hundred_unseen_drawings_a_group(demo: Any) -> None:
    for group in demo["groups"]:
        rate, spread = group["false_alarm_rate"], group["false_alarm_spread"]
        assert group["typical_drawings"] == 100
        assert rate["low"] <= group["false_alarms"] / 100 <= rate["high"]
        assert spread["low"] <= rate["estimate"] <= spread["high"]


def test_the_demo_finds_what_nobody_overlooks(demo: Any) -> None:
    flagged = sum(group["flagged_by_kind"]["filled_page"][0] for group in demo["groups"])
    assert flagged >= 2


def test_the_report_stands_alone(demo: Any) -> None:
    page = Path(demo["report"]).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http-equiv" in page
    assert not any(word in page for word in ('src="http', 'href="http', "url(http"))


def test_a_second_demo_makes_nothing_twice(machine: Machine, demo: Any) -> None:
    before = machine.run("drawings", "status")
    again = machine.run("demo")
    after = machine.run("drawings", "status")
    assert {**after, "total_analyses": 0} == {**before, "total_analyses": 0}
    figures = ("false_alarms", "planted_flagged", "auroc", "run")
    assert [[g[f] for f in figures] for g in again["groups"]] == [
        [g[f] for f in figures] for g in demo["groups"]
    ]


@pytest.mark.req("D-3.4")
def test_train_models_takes_the_guides_arguments_and_ends_with_its_status(
    machine: Machine, demo: Any
) -> None:
    assert demo["groups"]
    found = machine.run("drawings", "train-models", "--skip-embeddings", "--models-only")
    guide = ("total_models", "active_models", "training_models", "failed_models")
    assert [found[name] for name in guide] == [3, 3, 0, 0]
    assert found["total_drawings"] == 95 + 33
    assert found["system_status"] == "ready"
    assert found["analysis"] is None


@pytest.mark.req("D-3.4")
def test_train_models_can_leave_training_out_and_test_one_drawing(
    machine: Machine, demo: Any
) -> None:
    assert demo["groups"]
    found = machine.run("drawings", "train-models", "--skip-training")
    assert found["analysis"]["drawing_id"] == 1
    assert 0 <= found["analysis"]["normalized_score"] <= 100


@pytest.mark.req("D-3.5")
def test_samples_and_planted_anomalies_are_a_command(machine: Machine, tmp_path: Path) -> None:
    made = machine.run("drawings", "samples", tmp_path / "typical", "--planted")
    assert len(made["drawings"]) == 95
    assert len(made["planted"]) == 33
    assert len(list((tmp_path / "typical").glob("*.png"))) == 95
    assert (tmp_path / "typical_planted" / "planted.csv").exists()
