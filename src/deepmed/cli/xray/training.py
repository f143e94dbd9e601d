"""Trainings begin, go on and stop."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.output import JsonFlag, Output
from deepmed.cli.xray.telling import say, state
from deepmed.cli.xray.workplace import ConfigFile, Id, Level, Queue, Settings, open_runs

if TYPE_CHECKING:
    from deepmed.features.xray.runs.service import XrayRuns


def train(
    source: Annotated[
        Path,
        typer.Argument(
            help="A ZIP or a folder: images with a table of labels, or one folder a class."
        ),
    ],
    experiment: Annotated[str, typer.Option(help="What the run is called.")],
    csv: Annotated[
        str | None, typer.Option(help="Name of the table; any CSV with its columns when unset.")
    ] = None,
    level: Level = None,
    settings: Settings = None,
    config: ConfigFile = None,
    queue: Queue = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a classifier on images, and say what it is worth on patients it never saw.

    Images are split by patient; threshold and calibration are fixed on validation, and the test
    part is looked at once. A later value wins: --config, then --level, then --set. Interrupted, a
    run goes on from its last epoch: `resume`.
    """
    from deepmed.features.xray.configuration import ConfigManager

    out = Output(as_json)
    wanted = ConfigManager.load(config, level=level, overrides=settings or [])
    with open_runs() as runs:
        run, _ = runs.start(source, experiment, wanted, csv)
        see_through(out, runs, run.id, queue=queue)


def resume(run: Id, queue: Queue = False, as_json: JsonFlag = False) -> None:
    """Let a failed or cancelled run go on from where it was.

    It keeps the settings and the split that it was started with, and goes on behind its last
    finished epoch. A completed run is refused and stays as it is.
    """
    out = Output(as_json)
    with open_runs() as runs:
        runs.resume(run)
        see_through(out, runs, run, queue=queue)


def cancel(run: Id, as_json: JsonFlag = False) -> None:
    """Stop a run; what it has learned stays, so that `resume` can go on.

    One that nobody works on stops at once, one that runs within ten seconds. A run that has ended
    already is refused and stays as it is.
    """
    out = Output(as_json)
    with open_runs() as runs:
        runs.cancel(run)
        told = state(runs, run)
    if told["status"] == "failed":
        out.say(f"Run {run} is cancelled.")
    else:
        out.say(f"Run {run} was asked to stop; its worker sees to it within ten seconds.")
    out.finish(told)


def config(
    level: Level = None,
    settings: Settings = None,
    file: ConfigFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the configuration of a training: the defaults, with what you change.

    Every place can be given to `train` by --set, or in a YAML file by --config. A name that occurs
    once needs no section before it: epochs=5 is experiment.epochs=5.
    """
    from deepmed.features.xray.configuration import LEVELS, ConfigManager

    out = Output(as_json)
    made = ConfigManager.load(file, level=level, overrides=settings or [])
    for section, values in made.resolved.items():
        out.table(
            ["Place", "Value"], [[name, str(value)] for name, value in values.items()], section
        )
    out.table(
        ["Level", "Name", "Epochs", "Batch", "Learning rate"],
        [[one.number, one.name, one.epochs, one.batch_size, one.learning_rate] for one in LEVELS],
    )
    out.finish({"config": made.resolved})


def see_through(out: Output, runs: "XrayRuns", number: int, *, queue: bool) -> None:
    """To its end, unless a worker sees to it; ends with 1 where no model came of it."""
    if not queue:
        _work(out, runs, number)
    told = state(runs, number)
    say(out, told)
    out.finish(told)
    if not queue and told["status"] != "completed":
        raise typer.Exit(1)


def _work(out: Output, runs: "XrayRuns", number: int) -> None:
    """Run it here and now, in a child that a signal can end."""
    from deepmed.cli.worker import work_on

    run, job = runs.get(number)
    if job is not None:
        out.note(f"Run {run.id} begins; Ctrl-C stops it, and `resume` goes on with it.")
        work_on(out, runs.home, job)
