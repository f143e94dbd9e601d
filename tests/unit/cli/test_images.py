"""`deepmed images …`: the trainer of the X-rays for any folder of classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.features.xray.configuration import LEVELS
from factories.xray import write_classes


def ask(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["images", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.req("X-13.1")
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
@pytest.mark.usefixtures("home")
def test_any_folder_of_classes_is_trained_by_a_level_with_colours_and_flips(
    level: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_classes(tmp_path / "leaves", ("oak", "ash", "elm"), 1)
    told = ask(capsys, "train", source, "--level", level.name, "--queue")
    assert (told["experiment_name"], told["status"]) == ("leaves", "in_progress")
    chosen = told["configuration"]["experiment"]
    assert (chosen["color_mode"], chosen["may_flip"]) == ("RGB", True)
    asked = (chosen["epochs"], chosen["batch_size"], chosen["learning_rate"])
    assert asked == (level.epochs, level.batch_size, level.learning_rate)
    assert [run["run_id"] for run in ask(capsys, "runs")["runs"]] == [told["run_id"]]


@pytest.mark.usefixtures("home")
def test_what_a_file_and_a_setting_say_counts_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_classes(tmp_path / "leaves", ("oak", "ash"), 1)
    file = tmp_path / "grey.yaml"
    file.write_text("experiment:\n  color_mode: L\n  epochs: 7\n")
    told = ask(
        capsys, "train", source, "--config", file, "--set", "may_flip=false", "--queue",
        "--experiment", "named",
    )  # fmt: skip
    chosen = told["configuration"]["experiment"]
    assert (chosen["color_mode"], chosen["may_flip"], chosen["epochs"]) == ("L", False, 7)
    assert told["experiment_name"] == "named"
    assert told["configuration"]["data"]["class_names"] == ["0", "1"]


@pytest.mark.usefixtures("home")
def test_an_unknown_level_and_a_missing_folder_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = ask(capsys, "train", tmp_path, "--level", "9", code=1)
    assert refused["code"] == "validation"
    assert "5 (best)" in refused["message"]
    assert ask(capsys, "train", tmp_path / "missing", code=1)["code"] == "validation"
