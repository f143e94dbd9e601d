"""`deepmed drawings training …`: train on a folder with settings of one's own, and compare them."""

from collections.abc import Callable

import typer

from deepmed.cli.drawings.training.comparing import sweep
from deepmed.cli.drawings.training.configuring import config
from deepmed.cli.drawings.training.packing import container
from deepmed.cli.drawings.training.reporting import report
from deepmed.cli.drawings.training.running import cancel, list_jobs, resume, run, show

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
COMMANDS: dict[str, Callable[..., None]] = {
    "run": run,
    "list": list_jobs,
    "show": show,
    "cancel": cancel,
    "resume": resume,
    "report": report,
    "sweep": sweep,
    "config": config,
    "container": container,
}
for name, command in COMMANDS.items():
    training.command(name)(command)


def register(app: typer.Typer) -> None:
    app.add_typer(training, name="training")
