"""Trainings begin, go on and stop."""

from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.drawings.training.telling import say, state
from deepmed.cli.drawings.training.workplace import (
    ConfigFile,
    Folder,
    Id,
    Metadata,
    Overrides,
    open_trainings,
)
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.training.environment import LocalTrainingEnvironment

COLUMNS = ("id", "job_name", "environment", "status", "start_timestamp", "end_timestamp")
Queue = Annotated[bool, typer.Option("--queue", help="Leave it to a worker or a running server.")]


def run(
    folder: Folder,
    overrides: Overrides = None,
    metadata: Metadata = "metadata.csv",
    config: ConfigFile = None,
    queue: Queue = False,
    as_json: JsonFlag = False,
) -> None:
    """Train on a folder and report what it came to.

    Interrupted, it goes on from its last checkpoint: `resume`. environment=sagemaker trains in
    Amazon's cloud, where DEEPMED_SAGEMAKER_BUCKET, _ROLE_ARN and _IMAGE are set.
    """
    from deepmed.features.drawings.training.config import TrainingConfigManager
    from deepmed.features.drawings.training.datasets import Dataset

    out = Output(as_json)
    manager = TrainingConfigManager()
    wanted = manager.load_config(config, overrides or [])
    for warning in manager.validate_config(wanted)["warnings"]:
        out.note(f"Note: {warning}.")
    with open_trainings() as (_, environment):
        number = environment.start_training_job(
            wanted, Dataset(str(folder.absolute()), metadata, by_path=True)
        )
        _see_through(out, environment, number, queue=queue)


def list_jobs(
    status: Annotated[
        str | None,
        typer.Option(help="pending, preparing, running, completed, failed or cancelled."),
    ] = None,
    environment: Annotated[str | None, typer.Option(help="local or sagemaker.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List trainings, newest first.

    The id in the first column is what `show`, `cancel`, `resume` and `report` take. --status failed
    finds those that `resume` can take further.
    """
    from deepmed.features.drawings.training.environment import described

    out = Output(as_json)
    with open_trainings() as (_, trainings):
        found = [
            described(line) for line in trainings.list_training_jobs(environment, status, limit)
        ]
    if not found:
        out.say("There are no such trainings. Begin one: deepmed drawings training run FOLDER")
    out.table(
        ["Id", "Name", "Where", "Status", "Began", "Ended"],
        [[one[name] for name in COLUMNS] for one in found],
    )
    out.finish({"jobs": found})


def show(job: Id, as_json: JsonFlag = False) -> None:
    """Show a training: how far it is, why it failed, or what it came to.

    While it runs, ask again to see the epochs go by. When it is completed, the figures and what
    they mean are in its `report`.
    """
    out = Output(as_json)
    with open_trainings() as (_, environment):
        told = state(environment, job)
    say(out, told)
    out.finish(told)


def cancel(job: Id, as_json: JsonFlag = False) -> None:
    """Stop a training; its checkpoint is kept for a day, so that `resume` can go on.

    One that nobody works on stops at once, one that runs within ten seconds. A training that has
    ended already is refused and stays as it is.
    """
    out = Output(as_json)
    with open_trainings() as (_, environment):
        environment.cancel_training_job(job)
        told = state(environment, job)
    if told["status"] == "cancelled":
        out.say(f"Training {job} is cancelled.")
    else:
        out.say(f"Training {job} was asked to stop; its worker sees to it within ten seconds.")
    out.finish(told)


def resume(job: Id, queue: Queue = False, as_json: JsonFlag = False) -> None:
    """Let a failed or cancelled training go on from its last checkpoint.

    It keeps the settings that it was started with, and comes to the very same model as a training
    that was never interrupted. With --queue, `show` tells how far it is.
    """
    out = Output(as_json)
    with open_trainings() as (_, environment):
        environment.resume_training_job(job)
        _see_through(out, environment, job, queue=queue)


def _see_through(
    out: Output, environment: "LocalTrainingEnvironment", number: int, *, queue: bool
) -> None:
    """To its end, unless a worker sees to it; ends with 1 where no model came of it."""
    if not queue:
        _work(out, environment, number)
    told = state(environment, number)
    say(out, told)
    out.finish(told)
    if not queue and told["status"] != "completed":
        raise typer.Exit(1)


def _work(out: Output, environment: "LocalTrainingEnvironment", number: int) -> None:
    """Run the training here and now, in a child that a signal can end."""
    from deepmed.cli.worker import work_on

    _, job = environment.get_job(number)
    work_on(out, environment.home, job)
