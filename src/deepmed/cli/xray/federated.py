"""Trainings on images that stay with their holders."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output
from deepmed.cli.xray.training import see_through
from deepmed.cli.xray.workplace import ConfigFile, Id, Level, Queue, Settings, open_runs

if TYPE_CHECKING:
    from deepmed.features.xray.federated.repository import ClientRound


class StrategyName(StrEnum):
    FEDAVG = "fedavg"
    FEDPROX = "fedprox"


class PartitionName(StrEnum):
    IID = "iid"
    DIRICHLET = "dirichlet"


def federate(
    source: Annotated[
        Path,
        typer.Argument(
            help="A ZIP or a folder: images with a table of labels, or one folder a class."
        ),
    ],
    experiment: Annotated[
        str, typer.Option(help="What the run is called.")
    ] = "pneumonia_federated",
    clients: Annotated[
        int | None, typer.Option(min=2, max=100, help="Holders of images; 2 when unset.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often weights are averaged; 3 when unset.")
    ] = None,
    strategy: Annotated[
        StrategyName | None, typer.Option(help="How the clients' weights become one's.")
    ] = None,
    partition: Annotated[
        PartitionName | None,
        typer.Option(help="Patients dealt evenly, or by a Dirichlet distribution."),
    ] = None,
    processes: Annotated[
        bool, typer.Option("--processes", help="Each client as a process, over gRPC.")
    ] = False,
    csv: Annotated[
        str | None, typer.Option(help="Name of the table; any CSV with its columns when unset.")
    ] = None,
    level: Level = None,
    settings: Settings = None,
    config: ConfigFile = None,
    queue: Queue = False,
    as_json: JsonFlag = False,
) -> None:
    """Simulate clients that learn together and never give away an image.

    Training and validation patients are dealt to clients; the test part is that of `train` with
    the same seed, so that `show` of both compares. A client that dies in a round is left out of it.
    Other values go by --set, such as local_epochs=2, dirichlet_alpha=0.3 or proximal_mu=0.1.
    """
    from deepmed.app.kinds import job_kinds
    from deepmed.features.xray.configuration import ConfigManager
    from deepmed.features.xray.federated.service import start_federated

    out = Output(as_json)
    said = {
        "num_clients": clients,
        "num_rounds": rounds,
        "strategy": strategy,
        "partition": partition,
        "clients_run": "processes" if processes else None,
    }
    overrides = [f"{name}={value}" for name, value in said.items() if value is not None]
    wanted = ConfigManager.load(config, level=level, overrides=[*(settings or []), *overrides])
    with open_runs() as runs:
        run, _ = start_federated(runs.home, job_kinds(), source, experiment, wanted, csv)
        see_through(out, runs, run.id, queue=queue)


def rounds(run: Id, as_json: JsonFlag = False) -> None:
    """Show what each client of a federated run did, and the common model after each round.

    Round 0 is the model before anybody learned. Its figures are those of the validation part at
    0.5; the test part is looked at once, when the training is over: `show`.
    """
    from deepmed.features.xray.federated import repository

    out = Output(as_json)
    with open_runs() as runs:
        runs.get(run)
        with runs.home.database.read() as session:
            clients = repository.clients(session, run)
            parts = repository.rounds(session, run)
            measured = repository.server_evaluations(session, run)
    if not clients:
        out.say(f"Run {run} has no clients: it is no federated one, or has not begun.")
    out.table(
        ["Client", "Images", "Patients"],
        [[one.client_identifier, *_held(one.client_config)] for one in clients],
        "Training images by client",
    )
    out.table(
        ["Round", "Client", "State", "Images", "Training loss", "AUROC of its own"],
        [_row(one) for one in parts],
    )
    out.table(
        ["Round", "Loss", "Accuracy", "Recall", "AUROC"],
        [[one.round_number, one.loss, one.accuracy, one.recall, one.auroc] for one in measured],
        "The common model on validation",
    )
    out.finish(
        {
            "run_id": run,
            "clients": [{"client": one.client_identifier, **one.client_config} for one in clients],
            "rounds": [vars(one) for one in parts],
            "server_evaluations": [_plain(one) for one in measured],
        }
    )


def _held(config: dict[str, Any]) -> list[int]:
    return [config["train"]["images"], config["train"]["patients"]]


def _row(one: "ClientRound") -> list[Any]:
    return [
        one.number,
        one.client,
        one.status if one.reason is None else f"{one.status}: {one.reason}",
        one.examples,
        one.metrics.get("train_loss"),
        one.metrics.get("val_auroc"),
    ]


def _plain(row: Any) -> dict[str, Any]:
    hidden = {"id", "run_id"}
    return {name: getattr(row, name) for name in row.__table__.columns.keys() if name not in hidden}  # noqa: SIM118 - of columns, not of a dict
