"""The section on the learned encoder, and the verdict in the committed result counted again."""

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from benchmark_pretraining import FILE, pretraining_section
from deepmed.features.drawings.bench.pretraining.verdict import judge, spread

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def result() -> Any:
    return json.loads((ROOT / FILE).read_text(encoding="utf-8"))


def test_without_a_result_there_is_no_section(tmp_path: Path) -> None:
    assert not pretraining_section(tmp_path)


def test_the_section_shows_verdict_conditions_and_every_row(result: Any) -> None:
    section = pretraining_section(ROOT)
    assert result["verdict"]["words"] in section
    for each in result["verdict"]["conditions"]:
        assert f"| {each['condition']} | {'yes' if each['holds'] else '**no**'} |" in section
    for task in result["tasks"]:
        for row in task["rows"]:
            figure = row["figure"]
            shown = f"{figure['estimate']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
            assert f"| {row['name']} | {shown} |" in section


def test_the_verdict_is_that_of_the_figures(result: Any) -> None:
    tasks = [{**task, "spread": spread(task)} for task in result["tasks"]]
    largest = max(each["file_bytes"] for each in result["trainings"])
    assert tasks == result["tasks"]
    assert judge(tasks, largest) == result["verdict"]


def test_differences_are_those_of_the_figures(result: Any) -> None:
    for task in result["tasks"]:
        present = task["rows"][0]
        sign = 1 if task["higher_is_better"] else -1
        for row in task["rows"][1:]:
            less = sign * (row["figure"]["estimate"] - present["figure"]["estimate"])
            assert row["beside"]["estimate"] == pytest.approx(less, abs=1e-9)
            assert row["beside"]["low"] <= row["beside"]["estimate"] <= row["beside"]["high"]


def test_the_spread_is_over_three_trainings_of_one_recipe(result: Any) -> None:
    assert [each["seed"] for each in result["trainings"]] == [0, 1, 2]
    assert len({each["weight_hash"] for each in result["trainings"]}) == 3
    for each in result["trainings"]:
        assert each["steps"] == result["recipe"]["steps"]
        assert each["curve"][-1]["step"] == each["steps"]
    primary = result["tasks"][0]
    learned = [row for row in primary["rows"] if row["role"] == "learned"]
    values = [row["beside"]["estimate"] for row in learned]
    assert primary["spread"]["beside"]["mean"] == pytest.approx(statistics.fmean(values))
    assert primary["spread"]["beside"]["deviation"] == pytest.approx(statistics.stdev(values))
