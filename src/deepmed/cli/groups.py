"""Which commands there are; none of their modules is imported before it is called (P-16)."""

from importlib import import_module
from typing import Any, NamedTuple

import click


class Entry(NamedTuple):
    """Where a command or a group of commands is found, and its line in `deepmed --help`."""

    module: str
    attribute: str
    """A `typer.Typer`, or a plain function with Typer's annotations."""
    line: str


COMMANDS = {
    "serve": Entry("deepmed.cli.serve", "app", "Serve pages and API on this machine."),
    "demo": Entry("deepmed.cli.demo", "app", "Run the whole drawings flow on sample data."),
    "drawings": Entry("deepmed.cli.drawings", "app", "Children's drawings, scored by age."),
    "xray": Entry("deepmed.cli.xray", "app", "Chest X-rays: train, evaluate, show runs."),
    "images": Entry("deepmed.cli.images", "app", "Images of any kind, told apart by class."),
    "worker": Entry("deepmed.cli.worker", "worker", "Work off queued jobs, until stopped."),
    "job": Entry("deepmed.cli.jobs", "app", "Long work: see how far it is, cancel it, retry it."),
    "bench": Entry("deepmed.cli.bench", "app", "Make the published figures again."),
    "verify": Entry("deepmed.cli.runs", "verify", "Recompute a run's figures and check them."),
    "reproduce": Entry("deepmed.cli.runs", "reproduce", "Train a run again and compare."),
    "registry": Entry("deepmed.cli.registry", "app", "Signed models and their files."),
    "db": Entry("deepmed.cli.db", "app", "Bring the database up to date, or check it."),
    "backup": Entry("deepmed.cli.backup", "app", "Back up everything, check it, go back to it."),
    "doctor": Entry("deepmed.cli.doctor", "app", "Show settings, and what is wrong here."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else _load(cmd_name, entry)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])


def _load(name: str, entry: Entry) -> click.Command:
    import typer
    from typer.main import get_command

    from deepmed.cli.help_texts import reflow, teach

    teach()
    found: Any = getattr(import_module(entry.module), entry.attribute)
    if not isinstance(found, typer.Typer):
        application = typer.Typer(add_completion=False)
        application.command(name)(found)
        found = application
    command = reflow(get_command(found))
    command.name = name
    command.short_help = entry.line
    return command
