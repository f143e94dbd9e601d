"""`deepmed images …`: images of any kind, told apart by the trainer of the X-rays (X-13)."""

from pathlib import Path
from typing import Annotated

import typer

from deepmed.cli.output import JsonFlag, Output
from deepmed.cli.xray import deleting, looking, training
from deepmed.cli.xray.workplace import ConfigFile, Level, Queue, Settings, open_runs

app = typer.Typer(
    help="Train classifiers on images of any kind, and see what they are worth.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def train(
    source: Annotated[
        Path,
        typer.Argument(
            help="A folder or a ZIP: one folder a class, or images with a table of labels."
        ),
    ],
    experiment: Annotated[
        str | None, typer.Option(help="What the run is called; like the source when unset.")
    ] = None,
    csv: Annotated[
        str | None, typer.Option(help="Name of the table; any CSV with its columns when unset.")
    ] = None,
    level: Level = None,
    settings: Settings = None,
    config: ConfigFile = None,
    queue: Queue = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a classifier on images of two or more classes, and say what it is worth.

    The trainer is that of the X-rays, with colours, and with flipped images where it varies them;
    its runs stand in one list. A later value wins: --config, then --level, then --set.
    """
    from deepmed.features.xray.configuration import ConfigManager
    from deepmed.features.xray.configuration.neutral import ANY_IMAGES

    out = Output(as_json)
    wanted = ConfigManager.load(config, level=level, overrides=settings or [], start=ANY_IMAGES)
    with open_runs() as runs:
        name = experiment or source.absolute().stem
        run, _ = runs.start(source, name, wanted, csv)
        training.see_through(out, runs, run.id, queue=queue)


app.command("resume")(training.resume)
app.command("cancel")(training.cancel)
app.command("delete")(deleting.delete)
app.command("runs")(looking.runs)
app.command("show")(looking.show)
