"""`deepmed drawings training …`: train on a folder with settings of one's own, and compare them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.core.home import Home
    from deepmed.features.drawings.tables import TrainingReport
    from deepmed.features.drawings.training.environment import LocalTrainingEnvironment
    from deepmed.features.drawings.training.sweeping import Sweep

training = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="""Train an autoencoder on a folder, with settings of your own.

    For models that are used by `analyze`, take `deepmed drawings train`: it chooses the detector
    by itself. This is for whoever wants to choose: children are split into three parts that share
    nobody. One trains, one watches and stops the training in time, one is looked at once at the
    end. `config` shows what can be set, `sweep` compares settings without opening the last part,
    `run` trains and reports.
    """,
)
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
FORMS = ("html", "pdf", "json", "csv")


def register(app: typer.Typer) -> None:
    app.add_typer(training, name="training")


@training.command("run")
def run(
    folder: Folder,
    overrides: Overrides = None,
    metadata: Metadata = "metadata.csv",
    config: ConfigFile = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave it to a worker or a running server.")
    ] = False,
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
    with _opened() as (_, environment):
        number = environment.start_training_job(
            wanted, Dataset(str(folder.absolute()), metadata, by_path=True)
        )
        if not queue:
            _work(environment, number)
        shown = _shown(environment, number)
    _say(out, shown)
    out.finish(shown)
    if not queue and shown["status"] != "completed":
        raise typer.Exit(1)


@training.command("list")
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
    with _opened() as (_, trainings):
        found = [
            described(line) for line in trainings.list_training_jobs(environment, status, limit)
        ]
    if not found:
        out.say("There are no such trainings. Begin one: deepmed drawings training run FOLDER")
    out.table(
        ["Id", "Name", "Where", "Status", "Began", "Ended"],
        [
            [
                one["id"],
                one["job_name"],
                one["environment"],
                one["status"],
                one["start_timestamp"],
                one["end_timestamp"],
            ]
            for one in found
        ],
    )
    out.finish({"jobs": found})


@training.command("show")
def show(job: Id, as_json: JsonFlag = False) -> None:
    """Show a training: how far it is, why it failed, or what it came to.

    While it runs, ask again to see the epochs go by. When it is completed, the figures and what
    they mean are in its `report`.
    """
    out = Output(as_json)
    with _opened() as (_, environment):
        shown = _shown(environment, job)
    _say(out, shown)
    out.finish(shown)


@training.command("cancel")
def cancel(job: Id, as_json: JsonFlag = False) -> None:
    """Stop a training; its checkpoint is kept for a day, so that `resume` can go on.

    One that nobody works on stops at once, one that runs within ten seconds. A training that has
    ended already is refused and stays as it is.
    """
    out = Output(as_json)
    with _opened() as (_, environment):
        environment.cancel_training_job(job)
        shown = _shown(environment, job)
    if shown["status"] == "cancelled":
        out.say(f"Training {job} is cancelled.")
    else:
        out.say(f"Training {job} was asked to stop; its worker sees to it within ten seconds.")
    out.finish(shown)


@training.command("resume")
def resume(
    job: Id,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave it to a worker or a running server.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let a failed or cancelled training go on from its last checkpoint.

    It keeps the settings that it was started with, and comes to the very same model as a training
    that was never interrupted. With --queue, `show` tells how far it is.
    """
    out = Output(as_json)
    with _opened() as (_, environment):
        environment.resume_training_job(job)
        if not queue:
            _work(environment, job)
        shown = _shown(environment, job)
    _say(out, shown)
    out.finish(shown)
    if not queue and shown["status"] != "completed":
        raise typer.Exit(1)


@training.command("report")
def report(
    job: Id,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Write HTML, PDF, JSON and CSV into this folder.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a training's figures, and write its report.

    Beside each figure stands what it means. With --out the same is written as HTML, PDF, JSON and
    CSV, named `training-JOB`, with the course of the training and advice for the next one.
    """
    from deepmed.features.drawings.training.reports.content import figures
    from deepmed.features.drawings.training.reports.download import document_of
    from deepmed.features.drawings.training.reports.generator import TrainingReportGenerator
    from deepmed.kit.errors import NotFoundError
    from deepmed.kit.files import export

    out, files = Output(as_json), []
    with _opened() as (home, environment):
        rows = environment.reports(job)
        if not rows:
            raise NotFoundError(f"Training {job} has no report: it is not completed.")
        document = document_of(home, rows[0])
    for form in FORMS if out_folder is not None else ():
        path = Path(out_folder or ".") / f"training-{job}.{form}"
        files.append(str(export(path, TrainingReportGenerator().render(document, form))))
    out.table(
        ["Figure", "Value", "Meaning"],
        [[one.name, one.value, one.meaning] for one in figures(document)],
    )
    for line in (*document.advice, *document.notes):
        out.say(line)
    for file in files:
        out.say(f"Written: {file}")
    out.finish({"training_job_id": job, "files": files, "metrics": document.metrics.to_dict()})


@training.command("sweep")
def sweep(
    folder: Folder,
    overrides: Overrides = None,
    metadata: Metadata = "metadata.csv",
    config: ConfigFile = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Write the best settings as YAML for `run`.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare every combination of some settings.

    Give several values to what you compare: optimizer=adam,sgd optimizer.learning_rate=0.001,0.01.
    Settings are ordered by the planted anomalies that they find in drawings of children who watch.
    The test part stays closed, so that `run` with the best ones still has an honest end.
    """
    from deepmed.features.drawings.embeddings.service import EmbeddingService
    from deepmed.features.drawings.training.config import (
        ParameterSweepConfig,
        TrainingConfigManager,
    )
    from deepmed.features.drawings.training.config.composing import composed
    from deepmed.features.drawings.training.config.overrides import read_overrides
    from deepmed.features.drawings.training.datasets import Dataset
    from deepmed.features.drawings.training.sweeping import sweep as compare
    from deepmed.kit.errors import ValidationError

    out, manager = Output(as_json), TrainingConfigManager()
    read = read_overrides(overrides or [])
    several = [one for one in read if len(one.values) > 1]
    if not several:
        raise ValidationError(
            "Nothing is to be compared: give several values to a setting, such as "
            "optimizer.learning_rate=0.001,0.003,0.01."
        )
    single = [one for one in read if len(one.values) == 1]
    base = composed(single, None if config is None else manager.load_config(config))
    with _opened() as (home, _), out.progress("Training") as progress:
        found = compare(
            EmbeddingService(home.settings, home.storage),
            base,
            ParameterSweepConfig.of(several),
            Dataset(str(folder.absolute()), metadata, by_path=True),
            progress,
        )
    _say_sweep(out, found)
    if save is not None and found.best is not None:
        best = found.best.config.model_copy(update={"job_name": base.job_name})
        out.say(f"Written: {manager.save_config(best, save)}")
    out.finish(
        {
            "rule": found.rule,
            "drawings": found.drawings,
            "planted": found.planted,
            "trials": [_trial(one.to_dict()) for one in found.trials],
        }
    )


@training.command("config")
def config(
    overrides: Overrides = None,
    file: ConfigFile = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write it there, for --config of `run`.")
    ] = None,
    choices: Annotated[
        bool, typer.Option("--choices", help="List the packaged choices instead.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the settings of a training as YAML: the packaged ones, with what you change.

    A packaged choice replaces a whole part (optimizer=sgd, model=small, data=half), any other
    place takes a value (epochs=50). Files may hold values only: nothing in them is run, and
    nothing is read from elsewhere.
    """
    from deepmed.features.drawings.training.config import TrainingConfigManager
    from deepmed.features.drawings.training.config.overrides import groups

    out, manager = Output(as_json), TrainingConfigManager()
    if choices:
        for name, found in groups().items():
            out.say(f"{name}: {', '.join(found)}")
        out.finish({"choices": groups()})
        return
    made = manager.load_config(file, overrides or [])
    written = None if out_file is None else manager.save_config(made, out_file)
    out.say(f"Written: {written}" if written else manager.to_yaml(made).rstrip())
    warnings = manager.validate_config(made)["warnings"]
    for warning in warnings:
        out.note(f"Note: {warning}.")
    out.finish({"config": made.model_dump(mode="json"), "warnings": warnings, "file": written})


@training.command("container")
def container(
    folder: Annotated[Path, typer.Argument(help="Where to write what the image is built from.")],
    image: Annotated[str, typer.Option(help="Name and tag of the image.")] = "deepmed-training",
    build: Annotated[bool, typer.Option("--build", help="Let Docker build it now.")] = False,
    push: Annotated[
        str | None, typer.Option("--push", help="Push it to this repository of Amazon's.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the container in which Amazon SageMaker trains, and check it.

    Where no Docker is, the commands are printed that build and push it where there is one.
    """
    from deepmed.features.drawings.training.sagemaker.container import (
        SageMakerContainerBuilder,
        push_steps,
    )

    out, builder = Output(as_json), SageMakerContainerBuilder(folder)
    made = builder.build_training_container(image, build=build)
    steps = list(made.steps)
    if push is not None:
        steps = builder.push_to_ecr(image, push) if build else push_steps(image, push)
    out.say(f"Written and checked: {', '.join(made.files)} in {folder}")
    if made.built:
        out.say(f"Built: {image}")
    for step in steps:
        out.say(f"  {step}")
    out.finish(
        {"folder": folder, "files": made.files, "image": image, "built": made.built, "steps": steps}
    )


@contextmanager
def _opened() -> "Iterator[tuple[Home, LocalTrainingEnvironment]]":
    """The data folder, and its owner's trainings."""
    from deepmed.app import open_home
    from deepmed.app.kinds import job_kinds
    from deepmed.features.drawings.training.environment import LocalTrainingEnvironment

    with open_home() as home:
        yield home, LocalTrainingEnvironment.of(home, job_kinds())


def _work(environment: "LocalTrainingEnvironment", number: int) -> None:
    """Run the training here and now, in a child that a signal can end."""
    from deepmed.app import open_home
    from deepmed.app.kinds import job_kinds
    from deepmed.cli.worker import work_in_foreground
    from deepmed.core.jobs.supervisor import Supervisor

    _, job = environment.get_job(number)
    work_in_foreground(Supervisor(open_home, job_kinds(), only=job.id, once=True))


def _shown(environment: "LocalTrainingEnvironment", number: int) -> dict[str, Any]:
    found = environment.get_job_status(number)
    reports = environment.reports(number)
    return {**found, "report": _report(reports[0]) if reports else None}


def _report(row: "TrainingReport") -> dict[str, Any]:
    return {
        "id": row.id,
        "final_loss": row.final_loss,
        "validation_accuracy": row.validation_accuracy,
        "validation_accuracy_reason": row.metrics_summary["validation_accuracy_reason"],
        "best_epoch": row.best_epoch,
        "training_time_seconds": row.training_time_seconds,
        "artifact": row.metrics_summary["artifact"],
        "created_timestamp": row.created_timestamp,
    }


def _say(out: Output, shown: Mapping[str, Any]) -> None:
    out.say(f"Training {shown['job_id']} ({shown['job_name']}) is {shown['status']}.")
    if shown["error"]:
        out.say(str(shown["error"]))
    progress = shown.get("progress")
    if progress:
        out.say(f"Epoch {progress['epoch']} of {progress['total_epochs']}.")
    made = shown["report"]
    if made:
        out.say(f"Loss {made['final_loss']:.4g} at epoch {made['best_epoch']}.")
        out.say(f"Its report: deepmed drawings training report {shown['job_id']} --out FOLDER")


def _trial(trial: dict[str, Any]) -> dict[str, Any]:
    """Without the whole configuration: what was chosen tells the trials apart."""
    chosen = [{"place": place, "value": value} for place, value in trial["chosen"].items()]
    return {name: value for name, value in trial.items() if name != "config"} | {"chosen": chosen}


def _say_sweep(out: Output, found: "Sweep") -> None:
    out.table(
        ["Trial", "Settings", "AUROC of planted", "Interval", "Validation error", "Best epoch"],
        [
            [
                one.number,
                ", ".join(f"{place}={value}" for place, value in one.chosen.items()),
                one.planted and one.planted["estimate"],
                f"{one.planted['low']:.2f} to {one.planted['high']:.2f}"
                if one.planted
                else one.reason,
                one.validation_error,
                one.best_epoch,
            ]
            for one in found.trials
        ],
    )
    out.say(
        f"Ordered by {found.rule}, on {found.drawings['validation']} drawings that watched and "
        f"{found.planted} planted ones. Where intervals overlap, this comparison cannot tell."
    )
