"""The commands that the pages print are commands that there are."""

import re
import shlex
from pathlib import Path

import click
import pytest

from deepmed.cli.entry import command_line

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]


def printed() -> list[str]:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    lines += re.findall(r"`(deepmed [^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return sorted({line for line in lines if line.startswith("deepmed ")})


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = command_line
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found, f"there is no command {words[0]}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("line", printed())
def test_a_printed_command_exists_with_its_options(line: str) -> None:
    command, words = resolve(shlex.split(line, comments=True)[1:])
    known = {"--help"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts}
    assert {word for word in words if word.startswith("-")} <= known
