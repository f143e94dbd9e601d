"""Help as people should see it, where Typer's own needs a hand."""

import inspect
from typing import Any

import click
from typer import main as maker
from typer.core import TyperArgument


class ArgumentWithHelp(TyperArgument):
    """Typer 0.20 hands an argument's help over before click 8.5 sets it, to nothing."""

    def __init__(self, *, help: str | None = None, **settings: Any) -> None:  # noqa: A002 - Typer's name
        super().__init__(help=help, **settings)
        self.help = help


def teach() -> None:
    """Let every command that Typer makes from now on keep its arguments' help."""
    vars(maker)["TyperArgument"] = ArgumentWithHelp  # Typer offers no other door


def reflow(command: click.Command) -> click.Command:
    """Let paragraphs be as wide as the terminal: a docstring's lines end where the code's do."""
    if command.help:
        paragraphs = inspect.cleandoc(command.help).split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for inner in getattr(command, "commands", {}).values():
        reflow(inner)
    return command
