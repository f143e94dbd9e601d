"""What the commands share: their arguments, and the owner's trainings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deepmed.core.home import Home
    from deepmed.features.drawings.training.environment import LocalTrainingEnvironment

Id = Annotated[int, typer.Argument(metavar="JOB", help="Id of a training, as `list` shows it.")]
Folder = Annotated[Path, typer.Argument(help="Folder with the pictures.")]
Metadata = Annotated[
    str,
    typer.Option(
        "--metadata",
        help="CSV or JSON in the folder: `filename` and `age_years` a picture; `child_id`, "
        "`subject` and `expert_label` where they are known.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="YAML with settings; what it leaves out is as packaged."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PLACE=VALUE]...",
        help="Settings, such as optimizer=sgd, epochs=50, model.hidden_dims=[64,8].",
    ),
]


@contextmanager
def open_trainings() -> "Iterator[tuple[Home, LocalTrainingEnvironment]]":
    """The data folder, and its owner's trainings."""
    from deepmed.app import open_home
    from deepmed.app.kinds import job_kinds
    from deepmed.features.drawings.training.environment import LocalTrainingEnvironment

    with open_home() as home:
        yield home, LocalTrainingEnvironment.of(home, job_kinds())
