"""Runs go, with all that they made."""

from typing import Annotated

import typer

from deepmed.cli.output import JsonFlag, Output
from deepmed.cli.xray.workplace import Id, open_runs


def delete(
    run: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete a run that has ended, with its model, its predictions and all that it said.

    The images that you trained on stay where you keep them, and so do exports and reports that you
    wrote elsewhere; backups made before still hold the run. This cannot be undone.
    """
    from deepmed.features.xray.deletion import check_ended, delete_run

    out = Output(as_json)
    with open_runs() as runs:
        if not yes:
            check_ended(runs.home, run)
            typer.confirm(f"Delete run {run} for good?", abort=True, err=True)
        delete_run(runs.home, run)
    out.say(f"Run {run} was deleted, with its model and its figures.")
    out.finish({"run_id": run, "deleted": True})
