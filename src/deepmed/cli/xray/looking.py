"""Runs are listed and shown."""

from typing import Annotated

import typer

from deepmed.cli.output import JsonFlag, Output
from deepmed.cli.xray.telling import COLUMNS, say, state
from deepmed.cli.xray.workplace import Id, open_runs


def runs(
    status: Annotated[str | None, typer.Option(help="in_progress, completed or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: JsonFlag = False,
) -> None:
    """List trainings on X-rays, newest first.

    The number in the first column is what `show`, `cancel` and `resume` take. --status failed
    finds those that `resume` can take further.
    """
    from deepmed.features.xray.runs.service import described

    out = Output(as_json)
    with open_runs() as found:
        rows = [described(line) for line in found.page(status, limit)]
    if not rows:
        out.say("There are no such runs. Begin one: deepmed xray train SOURCE --experiment NAME")
    out.table(
        ["Run", "Name", "Status", "Step", "Began", "Ended"],
        [[one[name] for name in COLUMNS] for one in rows],
    )
    out.finish({"runs": rows})


def show(run: Id, as_json: JsonFlag = False) -> None:
    """Show a run: how far it is, why it failed, or what it is worth.

    Figures are those of the test part, each with its interval over patients, or over images of
    which nothing says whose they are; beside them stand those at 0.5 after calibration.
    """
    out = Output(as_json)
    with open_runs() as found:
        told = state(found, run)
    say(out, told)
    out.finish(told)
