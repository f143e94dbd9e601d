"""What the commands share: their arguments, and the owner's runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deepmed.features.xray.runs.service import XrayRuns

Id = Annotated[int, typer.Argument(metavar="RUN", help="Number of a run, as `runs` shows it.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PLACE=VALUE",
        help="A value of the configuration, such as epochs=5 or img_size=64,64; repeat it.",
    ),
]
Level = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        help="How much effort: 1 (fast, one epoch) to 5 (best), by number or by name.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="YAML with sections; what it leaves out is the default."),
]
Queue = Annotated[bool, typer.Option("--queue", help="Leave it to a worker or a running server.")]


@contextmanager
def open_runs() -> "Iterator[XrayRuns]":
    """The owner's runs in the data folder."""
    from deepmed.app import open_home
    from deepmed.app.kinds import job_kinds
    from deepmed.features.xray.runs.service import XrayRuns

    with open_home() as home:
        yield XrayRuns.of(home, job_kinds())
