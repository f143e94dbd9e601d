"""What the commands share: how a drawing is named, and how the home is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deepmed.features.drawings.workbench import Workbench
    from deepmed.kit.settings import Settings

Id = Annotated[int, typer.Argument(help="Id of a drawing, as `list` shows it.")]


@contextmanager
def open_bench(settings: "Settings | None" = None) -> Iterator["Workbench"]:
    """The drawings' workbench of the data folder that the settings name."""
    from deepmed.app import open_home
    from deepmed.features.drawings.workbench import Workbench

    with open_home(settings) as home:
        yield Workbench.of(home)
