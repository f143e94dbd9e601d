"""Help that teaches, and that loads nothing heavy."""

import json
import re
import subprocess
import sys
from functools import cache

import click
import pytest

from deepmed.cli.entry import command_line, main
from deepmed.features.drawings.explanation.texts import FORBIDDEN_WORDS

FORBIDDEN = re.compile(rf"\b({'|'.join(FORBIDDEN_WORDS)})", re.IGNORECASE)
LABELS = (
    "normal, concern or severe",
    "normal, concern, severe or ''",
)
"""The names of the labels that an expert may have given; they are the caller's words."""


@cache
def group() -> click.Group:
    found = command_line.get_command(click.Context(command_line), "drawings")
    assert isinstance(found, click.Group)
    return found


def commands() -> dict[str, click.Command]:
    """All commands; of a group those in it, named `model export` for example."""
    found: dict[str, click.Command] = {}
    for name, command in group().commands.items():
        inner = command.commands if isinstance(command, click.Group) else {}
        found |= {f"{name} {one}": own for one, own in inner.items()} or {name: command}
    return found


@pytest.mark.req("P-16.1")
@pytest.mark.parametrize("name", commands())
def test_the_help_of_every_command_teaches(name: str) -> None:
    first, *rest = (commands()[name].help or "").split("\n\n")
    assert first.endswith(".")
    assert first[0].isupper()
    assert len(first) <= 100
    # Two lines of a terminal at least.
    assert len(" ".join(rest)) > 80, f"{name} says what it does, and not how to use it"


@pytest.mark.req("P-16.1")
@pytest.mark.parametrize("name", commands())
def test_every_argument_and_option_is_explained(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 400)
    assert main(["drawings", *name.split(), "--help"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    for parameter in commands()[name].params:
        told = getattr(parameter, "help", None)
        assert told, f"{name} {parameter.name}"
        assert " ".join(told.split()) in page
    assert "--json" in page


@pytest.mark.req("P-16.1")
def test_no_help_of_drawings_loads_a_model_library_or_the_database() -> None:
    code = (
        "import contextlib, io, json, sys\n"
        "from deepmed.cli.entry import main\n"
        "pages = {}\n"
        "for name in ['', *sys.argv[1:]]:\n"
        "    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out):\n"
        "        code = main(['drawings', *name.split(), '--help'])\n"
        "    pages[name] = [code, out.getvalue()]\n"
        "heavy = {'torch', 'sqlalchemy', 'transformers', 'sklearn', 'numpy', 'PIL', 'pydantic'}\n"
        "print(json.dumps({'pages': pages, 'heavy': sorted(heavy & set(sys.modules))}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *commands()], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["heavy"] == []
    for name, (ended, page) in found["pages"].items():
        assert ended == 0
        assert f"Usage: deepmed drawings {name}".strip() in page


@pytest.mark.req("D-28.1")
@pytest.mark.parametrize("name", ["", *commands()])
def test_no_help_holds_a_forbidden_word(name: str) -> None:
    command = commands()[name] if name else group()
    said = " ".join(
        [command.help or "", *(getattr(one, "help", None) or "" for one in command.params)]
    )
    for labels in LABELS:
        said = said.replace(labels, "")
    assert len(said) > 100
    assert not FORBIDDEN.findall(said)
