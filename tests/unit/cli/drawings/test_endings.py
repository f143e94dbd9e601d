"""How each command ends: exit codes, and one JSON object for programs whatever happens."""

import io
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepmed.kit import settings as kit_settings
from factories.drawings import line_drawing
from factories.launching import LEARNING, fork_children
from factories.training_sets import write_set

from .conftest import Ask
from .test_help import commands

Arguments = Callable[[Path, int], list[object]]


def picture(folder: Path) -> Path:
    from deepmed.kit.pictures import encode_png

    path = folder / "new.png"
    path.write_bytes(encode_png(line_drawing(77, 7.0)))
    return path


SHORT = ("model=small", "epochs=1")
GOOD: dict[str, Arguments] = {
    "import": lambda folder, _: [picture(folder), "--age", "7"],
    "samples": lambda folder, _: [folder / "made"],
    "show": lambda _, drawing: [drawing],
    "edit": lambda _, drawing: [drawing, "--prompt", "a house"],
    "withdraw": lambda _, drawing: [drawing],
    "delete": lambda _, drawing: [drawing, "--yes"],
    "sweep": lambda *_: [],
    "list": lambda *_: [],
    "embed": lambda *_: [],
    "vectors": lambda *_: [],
    "compare-encoders": lambda *_: ["--encoder", "ink-grid-turned"],
    "groups": lambda *_: ["--groups", "3-6,6-9"],
    "train": lambda *_: ["--groups", "9-12", "--detector", "knn", "--candidate"],
    "models": lambda *_: [],
    "status": lambda *_: [],
    "threshold": lambda *_: ["--percentile", "90"],
    "train-models": lambda *_: ["--skip-training"],
    "analyze": lambda _, drawing: [drawing],
    "explain": lambda _, drawing: [drawing],
    "compare": lambda _, drawing: [drawing],
    "faithfulness": lambda *_: ["{group}"],
    "report": lambda folder, _: ["--out", folder / "report.html"],
    "cohort": lambda *_: [],
    "export-explanation": lambda folder, drawing: [drawing, "--out", folder / "explained.json"],
    "annotate": lambda _, drawing: [drawing, "A thick line"],
    "annotations": lambda _, drawing: [drawing],
    "model export": lambda *_: ["{group}"],
    "model exports": lambda *_: [],
    "model validate": lambda *_: ["{export}"],
    "model deploy": lambda *_: ["{export}", "--replace"],
    "model undeploy": lambda *_: ["{group}"],
    "model deployed": lambda *_: [],
    "training run": lambda folder, _: [write_set(folder), *SHORT, "--queue"],
    "training list": lambda *_: [],
    "training show": lambda *_: ["{waiting}"],
    "training cancel": lambda *_: ["{waiting}"],
    "training resume": lambda *_: ["{cancelled}", "--queue"],
    "training report": lambda *_: ["{trained}"],
    "training sweep": lambda folder, _: [write_set(folder), "model=small", "epochs=1,2"],
    "training config": lambda *_: ["epochs=50"],
    "training container": lambda folder, _: [folder / "image"],
}
BAD: dict[str, tuple[Arguments, str]] = {
    "import": (lambda folder, _: [folder / "missing"], "validation"),
    "samples": (lambda folder, _: [picture(folder) / "inside"], "storage"),
    "show": (lambda *_: [99999], "not_found"),
    "edit": (lambda *_: [99999, "--age", "7"], "not_found"),
    "withdraw": (lambda *_: [99999], "not_found"),
    "delete": (lambda *_: ["--child", "nobody", "--yes"], "not_found"),
    "list": (lambda *_: ["--label", "odd"], "validation"),
    "vectors": (lambda *_: ["--delete", "nobodys@fp32/1"], "not_found"),
    "groups": (lambda *_: ["--groups", "six to nine"], "validation"),
    "train": (lambda *_: ["--detector", "guess"], "validation"),
    "threshold": (lambda *_: ["--percentile", "30"], "validation"),
    "analyze": (lambda *_: [99999], "not_found"),
    "explain": (lambda *_: [99999], "not_found"),
    "compare": (lambda *_: [99999], "not_found"),
    "faithfulness": (lambda *_: [99999], "not_found"),
    "report": (lambda folder, _: ["--out", folder], "storage"),
    "cohort": (lambda *_: ["nobodys"], "not_found"),
    "export-explanation": (
        lambda folder, _: [99999, "--out", folder / "explained.json"],
        "not_found",
    ),
    "annotate": (lambda *_: [99999, "A thick line"], "not_found"),
    "annotations": (lambda *_: [99999], "not_found"),
    "model export": (lambda *_: [99999], "not_found"),
    "model validate": (lambda *_: ["nothing"], "not_found"),
    "model deploy": (lambda *_: ["nothing"], "not_found"),
    "model undeploy": (lambda *_: [99999], "not_found"),
    "training run": (lambda folder, _: [folder / "missing"], "dataset_refused"),
    "training show": (lambda *_: [99999], "not_found"),
    "training cancel": (lambda *_: [99999], "not_found"),
    "training resume": (lambda *_: [99999], "not_found"),
    "training report": (lambda *_: [99999], "not_found"),
    "training sweep": (lambda folder, _: [folder, "epochs=3"], "validation"),
    "training config": (lambda *_: ["_target_=os.system"], "validation"),
    "training container": (lambda folder, _: [picture(folder) / "inside"], "storage"),
}
"""What fails, and the code of its error; the others fail by a wrong setting below."""
FEATURE = "deepmed.features.drawings"
WITHOUT_A_HOME = (
    f"{FEATURE}.samples.files.create_sample_drawings",
    f"{FEATURE}.training.config.TrainingConfigManager.load_config",
    f"{FEATURE}.training.sagemaker.container.SageMakerContainerBuilder.build_training_container",
)
BY_SETTING = sorted(set(commands()) - set(BAD))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little to explain, so that each command ends soon."""
    monkeypatch.setattr("deepmed.features.drawings.explanation.model_figure.MOST_DRAWINGS", 5)
    monkeypatch.setattr("deepmed.features.drawings.report.gathering.MOST_CARDS", 1)
    monkeypatch.setattr("deepmed.features.drawings.report.gathering.MOST_THUMBNAILS", 5)


def group(ask: Ask, _: Path) -> object:
    models: list[dict[str, Any]] = ask("models", "--json").json["models"]
    return next(one["id"] for one in models if one["kind"] == "group")


def export(ask: Ask, folder: Path) -> object:
    return ask("model", "export", group(ask, folder), "--json").json["model_id"]


def waiting(ask: Ask, folder: Path) -> object:
    begun = ask("training", "run", write_set(folder), *SHORT, "--queue", "--json")
    return begun.json["job_id"]


def cancelled(ask: Ask, folder: Path) -> object:
    number = waiting(ask, folder)
    assert ask("training", "cancel", number, "--json").json["status"] == "cancelled"
    return number


def trained_job(ask: Ask, folder: Path) -> object:
    """The job's process knows nothing of the tests' own encoder, so it takes the default one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPMED_ENCODER", "hog-pyramid")
        fork_children(patch, LEARNING)
        kit_settings.current.cache_clear()
        done = ask("training", "run", write_set(folder), *SHORT, "--json")
    kit_settings.current.cache_clear()
    return done.json["job_id"]


STANDS_FOR: dict[object, Callable[[Ask, Path], object]] = {
    "{group}": group,
    "{export}": export,
    "{waiting}": waiting,
    "{cancelled}": cancelled,
    "{trained}": trained_job,
}
"""Objects that a command needs and that are made for it first."""


def filled(arguments: list[object], ask: Ask, folder: Path) -> list[object]:
    return [STANDS_FOR[one](ask, folder) if one in STANDS_FOR else one for one in arguments]


def test_every_command_is_tried() -> None:
    assert set(GOOD) == set(commands())
    assert set(BAD) <= set(commands())


@pytest.mark.parametrize("name", GOOD)
def test_done_is_0_with_one_object(
    name: str, ask: Ask, flagged: int, few: None, tmp_path: Path
) -> None:
    arguments = filled(GOOD[name](tmp_path, flagged), ask, tmp_path)
    answer = ask(*name.split(), *arguments, "--json")
    assert answer.code == 0, answer.err
    assert answer.json
    assert "code" not in answer.json


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"train", "samples", "delete"}))
def test_people_are_told_in_words(
    name: str, ask: Ask, flagged: int, few: None, tmp_path: Path
) -> None:
    answer = ask(*name.split(), *filled(GOOD[name](tmp_path, flagged), ask, tmp_path))
    assert answer.code == 0, answer.err
    assert answer.out.strip()
    assert not answer.out.startswith("{")


@pytest.mark.parametrize("name", BAD)
def test_failed_is_1_with_one_object_and_one_line(
    name: str, ask: Ask, flagged: int, few: None, tmp_path: Path
) -> None:
    make, code = BAD[name]
    answer = ask(*name.split(), *make(tmp_path, flagged), "--json")
    assert answer.code == 1
    assert answer.json["code"] == code
    assert answer.json["message"]
    assert len(answer.json["error_id"]) == 32
    assert answer.err.startswith("Error: ")
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("name", BY_SETTING)
def test_a_wrong_setting_fails_with_one_object(
    name: str, ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DEEPMED_SEED", "many")
    answer = ask(*name.split(), *GOOD[name](tmp_path, 1), "--json")
    assert answer.code == 1
    assert answer.json["code"] == "configuration"
    assert "DEEPMED_SEED" in answer.json["message"]


@pytest.mark.parametrize("name", commands())
def test_wrong_usage_is_2_with_one_object(name: str, ask: Ask, tmp_path: Path) -> None:
    answer = ask(*name.split(), "--nonsense", "--json")
    assert answer.code == 2
    assert answer.json["code"] == "usage"
    assert "--nonsense" in answer.json["message"]
    assert f"Usage: deepmed drawings {name}" in answer.err


@pytest.mark.parametrize("name", commands())
def test_interrupted_is_130_with_one_object(
    name: str, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    # A data folder is opened by all commands but three, which do their own work instead.
    for place in ("deepmed.app.open_home", *WITHOUT_A_HOME):
        monkeypatch.setattr(place, interrupt)
    arguments = [1 if one in STANDS_FOR else one for one in GOOD[name](tmp_path, 1)]
    answer = ask(*name.split(), *arguments, "--json")
    assert answer.code == 130
    assert answer.json["code"] == "interrupted"
    assert "run the command again" in answer.err


def test_a_refused_question_deletes_nothing_and_says_so_in_one_object(
    ask: Ask, flagged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    answer = ask("delete", flagged, "--json")
    assert answer.code == 1
    assert answer.json["code"] == "stopped"
    assert "Delete for good?" in answer.err
    assert ask("show", flagged, "--json").json["drawing"]["id"] == flagged


def test_a_question_that_is_interrupted_ends_with_130(
    ask: Ask, flagged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("click.termui.visible_prompt_func", interrupt)
    answer = ask("delete", flagged, "--json")
    assert answer.code == 130
    assert answer.json["code"] == "interrupted"
    assert ask("show", flagged, "--json").json["drawing"]["id"] == flagged


def test_a_confirmed_question_deletes(
    ask: Ask, flagged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert ask("delete", flagged, "--json").json["drawings"] == [flagged]
