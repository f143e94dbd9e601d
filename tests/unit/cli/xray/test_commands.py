"""`deepmed xray …`: how each command ends, what it says, and that its help teaches."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from deepmed.app import open_home
from deepmed.cli.entry import command_line, main
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit import settings as kit_settings
from factories.launching import XRAYS, fork_children
from factories.xray import SMALL, write_films
from factories.xray_runs import publish_untrained

from .conftest import Ask

Fill = Callable[[tuple[object, ...]], list[object]]
SETTINGS = [part for one in SMALL for part in ("--set", one)]


def commands() -> dict[str, click.Command]:
    found = command_line.get_command(click.Context(command_line), "xray")
    assert isinstance(found, click.Group)
    return found.commands


GOOD: dict[str, tuple[object, ...]] = {
    "train": ("{films}", "--experiment", "first", "--queue", *SETTINGS),
    "federate": ("{films}", "--clients", 3, "--strategy", "fedprox", "--queue"),
    "rounds": ("{waiting}",),
    "runs": (),
    "show": ("{waiting}",),
    "cancel": ("{waiting}",),
    "resume": ("{cancelled}", "--queue"),
    "delete": ("{cancelled}", "--yes"),
    "compare": ("{completed}", "{completed}"),
    "report": ("{completed}", "--to", "report.pdf"),
    "export": ("{completed}", "--format", "exported", "--to", "model.pt2"),
    "predict": ("{image}", "--map", "{map}"),
    "serve": ("{completed}",),
    "config": ("--level", 3),
}
BAD: dict[str, tuple[tuple[object, ...], str]] = {
    "train": (("missing", "--experiment", "first"), "validation"),
    "federate": (("missing",), "validation"),
    "rounds": ((99999,), "not_found"),
    "runs": (("--status", "odd"), "validation"),
    "show": ((99999,), "not_found"),
    "cancel": ((2**40,), "not_found"),
    "resume": ((99999,), "not_found"),
    "delete": ((99999,), "not_found"),  # nobody is asked about what is not there
    "compare": ((99998, 99999), "not_found"),
    "report": ((99999, "--to", "report.txt"), "validation"),
    "export": ((99999, "--to", "model.onnx"), "not_found"),
    "predict": (("missing.png",), "no_model"),
    "serve": ((99999,), "not_found"),
    "config": (("--set", "epoch=3"), "validation"),
}


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return write_films(tmp_path / "films", 12)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two completed runs."""
    folder = tmp_path_factory.mktemp("published")
    source = write_films(folder / "films", 12)
    with open_home(kit_settings.load(home=folder / "home")) as opened:
        for draw in (0, 1):
            publish_untrained(opened, source, "network=vgg16_bn", "width=1", draw=draw)
    return folder / "home"


@pytest.fixture
def fill(ask: Ask, films: Path, home: Path, request: pytest.FixtureRequest) -> Fill:
    """Puts what there is in place of the names."""
    if {"{completed}", "{image}"} & set(GOOD[request.node.callspec.params["name"]]):
        shutil.copytree(request.getfixturevalue("published"), home, dirs_exist_ok=True)

    def filled(arguments: tuple[object, ...]) -> list[object]:
        completed = iter((1, 2))

        def waiting() -> object:
            return ask("xray", "train", films, *GOOD["train"][1:], "--json").json["run_id"]

        def cancelled() -> object:
            number = waiting()
            assert ask("xray", "cancel", number, "--json").json["status"] == "failed"
            return number

        made = {
            "{films}": lambda: films,
            "{waiting}": waiting,
            "{cancelled}": cancelled,
            "{completed}": lambda: next(completed),
            "{image}": lambda: films / "Images" / "f1-0.png",
            "{map}": lambda: films.parent / "map.png",
            "report.pdf": lambda: films.parent / "report.pdf",
            "model.pt2": lambda: films.parent / "model.pt2",
        }
        return [made[str(one)]() if str(one) in made else one for one in arguments]

    return filled


def test_every_command_is_tried() -> None:
    assert set(GOOD) == set(BAD) == set(commands())


@pytest.mark.parametrize("name", GOOD)
def test_done_is_0_with_one_object_or_in_words(name: str, ask: Ask, fill: Fill) -> None:
    answer = ask("xray", name, *fill(GOOD[name]), "--json")
    assert answer.code == 0, answer.err
    assert "code" not in answer.json
    if name in {"report", "export"}:
        assert Path(answer.json["file"]).stat().st_size == answer.json["bytes"] > 1000
    told = ask("xray", name, *fill(GOOD[name]))
    assert told.code == 0, told.err
    assert told.out.strip()
    assert not told.out.startswith("{")


@pytest.mark.parametrize("name", BAD)
def test_failed_is_1_with_one_object_and_one_line(name: str, ask: Ask) -> None:
    arguments, code = BAD[name]
    answer = ask("xray", name, *arguments, "--json")
    assert (answer.code, answer.json["code"]) == (1, code)
    assert answer.err.startswith("Error: ")
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("name", GOOD)
def test_wrong_usage_is_2_and_an_interruption_130(
    name: str, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("xray", name, "--nonsense", "--json").json["code"] == "usage"

    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("deepmed.app.open_home", interrupt)
    monkeypatch.setattr("deepmed.features.xray.configuration.ConfigManager.load", interrupt)
    arguments = [1 if str(one).startswith("{") else one for one in GOOD[name]]
    answer = ask("xray", name, *arguments, "--json")
    assert (answer.code, answer.json["code"]) == (130, "interrupted")


@pytest.mark.parametrize("name", GOOD)
def test_help_teaches(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = (commands()[name].help or "").split("\n\n")
    assert first.endswith(".")
    assert len(first) <= 100
    assert len(" ".join(rest)) > 80
    assert all(getattr(one, "help", None) for one in commands()[name].params)
    assert main(["xray", name, "--help"]) == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.req("P-16.1")
def test_no_help_of_xray_loads_a_model_library_or_the_database() -> None:
    code = (
        "import contextlib, io, json, sys\n"
        "from deepmed.cli.entry import main\n"
        "for name in ['', *sys.argv[1:]]:\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        assert main(['xray', *name.split(), '--help']) == 0\n"
        "heavy = {'torch', 'lightning', 'monai', 'sqlalchemy', 'numpy', 'PIL', 'pydantic'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *commands()], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


@pytest.mark.req("X-10.1")
@pytest.mark.req("X-11.1")
def test_what_is_trained_in_the_foreground_is_listed_shown_verified_and_reproduced(
    ask: Ask, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = shutil.make_archive(str(films), "zip", films)
    fork_children(monkeypatch, XRAYS)
    begun = ask("xray", "train", packed, "--experiment", "first", *SETTINGS, "--set", "epochs=1")
    assert begun.code == 0, begun.err
    assert "Run 1 (first) is completed." in begun.out
    (artifact,) = re.findall(r"deepmed verify (\w{32})", begun.out)
    (row,) = ask("xray", "runs", "--status", "completed", "--json").json["runs"]
    assert (row["experiment_name"], row["status"]) == ("first", "completed")
    assert ask("xray", "runs", "--status", "failed", "--json").json["runs"] == []
    steps = re.findall(r"Step \d of \d", ask("job", "logs", 1).out)
    assert steps == [f"Step {number} of 9" for number in range(1, 10)]
    shown = ask("xray", "show", 1, "--json").json
    assert [one["epoch"] for one in shown["history"]] == [1]
    assert shown["results"]["artifact"] == artifact
    told = ask("xray", "show", 1)
    assert "Test part" in told.out
    assert "train: 16 images of 8 patients." in told.out
    assert ask("verify", artifact, "--rescore", "--json").json["agrees"] is True
    again = ask("reproduce", artifact, "--json").json
    assert (again["agrees"], again["same_data"], again["largest_difference"]) == (True, True, 0)
    assert again["run_id"] == 2
    with open_home() as home:
        first, second = (StoredRun.of(home, number).run for number in (1, 2))
    assert (first.reproduces, second.reproduces) == (None, first.uid)
    answer = ask("xray", "resume", 1, "--json")
    assert (answer.code, answer.json["code"]) == (1, "conflict")
