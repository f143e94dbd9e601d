"""A training on images that stay with their holders: who took part, round after round."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepmed.core.jobs.pages import Shown
from deepmed.features.xray.federated import repository
from deepmed.features.xray.federated.repository import ClientRound
from deepmed.features.xray.pages import result_charts as charts
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.tables import XrayClient, XrayServerEvaluation
from deepmed.web.charts import Chart, Table

FEDERATED = "federated"
DRAWN = {"auroc": "AUROC", "recall": "sensitivity", "accuracy": "accuracy"}
EVALUATED = (
    "round", "images", "loss", "AUROC", "accuracy", "precision", "sensitivity", "F1",
    "true positives", "false positives", "true negatives", "false negatives",
)  # fmt: skip
TAKEN = (
    "round", "client", "what came of it", "training images", "loss in training",
    "validation images", "loss of the common model", "AUROC of the common model",
)  # fmt: skip
STRATEGIES = {
    "fedavg": "FedAvg: the common weights are the mean of the clients' own, each counted by its "
    "images",
    "fedprox": "FedProx: as FedAvg, and each client is held near the common weights while it "
    "learns",
}


def content(run: StoredRun) -> dict[str, Any]:
    """The rounds so far; of a run that was trained in one place there are none."""
    follows = run.job is not None and Shown(run.job, None).open
    common = {
        "run": run.run,
        "completed": run.is_completed,
        "followed": run.job if follows else None,
    }
    if run.run.training_mode != FEDERATED:
        return {**common, "federated": False}
    with run.home.database.read() as session:
        clients = repository.clients(session, run.run.id)
        rounds = repository.rounds(session, run.run.id)
        evaluations = repository.server_evaluations(session, run.run.id)
    configuration = run.run.configuration
    return {
        **common,
        "federated": True,
        "planned": configuration["experiment"]["num_rounds"],
        "done": max((each.number for each in rounds), default=0),
        "strategy": STRATEGIES[configuration["federated"]["strategy"]],
        "settings": configuration["federated"],
        "clients": clients,
        "patients": sum(_held(each, "train")["patients"] for each in clients),
        "holdings": _holdings(clients, (run.run.results or {}).get("classes")),
        "taken": Table(list(TAKEN), list(_taken(rounds, clients))),
        "lost": [each for each in rounds if each.reason],
        "charts": list(_charts(evaluations)),
    }


def _held(client: XrayClient, part: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = client.client_config[part]
    return found


def _holdings(clients: Sequence[XrayClient], classes: Sequence[str] | None) -> Table:
    labels = sorted({label for each in clients for label in _held(each, "train")["labels"]})
    rows: list[list[object]] = [
        [
            each.client_identifier,
            _held(each, "train")["patients"],
            _held(each, "train")["images"],
            *[_held(each, "train")["labels"].get(label, 0) for label in labels],
            _held(each, "validation")["patients"],
            _held(each, "validation")["images"],
        ]
        for each in clients
    ]
    names = [f"class {label}" if classes is None else classes[int(label)] for label in labels]
    named = [f"training images of {name}" for name in names]
    return Table(
        [
            "client",
            "training patients",
            "training images",
            *named,
            "validation patients",
            "validation images",
        ],
        rows,
    )


def _taken(rounds: Sequence[ClientRound], clients: Sequence[XrayClient]) -> Iterator[list[object]]:
    watched = {each.client_identifier: _held(each, "validation")["images"] for each in clients}
    for each in rounds:
        evaluated = each.evaluation or {}
        yield [
            each.number,
            each.client,
            each.reason or "took part",
            each.examples,
            each.metrics.get("train_loss"),
            watched.get(each.client) if evaluated else None,
            evaluated.get("val_loss"),
            evaluated.get("val_auroc"),
        ]


def _charts(evaluations: Sequence[XrayServerEvaluation]) -> Iterator[Chart]:
    if not evaluations:
        return
    rows = [_row(each) for each in evaluations]
    lines = [
        charts.Curve(name, [(each.round_number, value) for each, value in _known(evaluations, key)])
        for key, name in DRAWN.items()
    ]
    title = "The common model on the server's validation images"
    yield charts.by_round(title, [each for each in lines if each.points], list(EVALUATED), rows)
    losses = [(each.round_number, each.loss) for each in evaluations]
    yield charts.by_round(
        "Loss on the same images",
        [charts.Curve("loss", losses)],
        ["round", "images", "loss"],
        [row[:3] for row in rows],
        shares=False,
    )


def _known(
    evaluations: Sequence[XrayServerEvaluation], key: str
) -> Iterator[tuple[XrayServerEvaluation, float]]:
    for each in evaluations:
        value = getattr(each, key)
        if value is not None:
            yield each, value


def _row(each: XrayServerEvaluation) -> list[object]:
    return [
        each.round_number,
        each.num_samples,
        each.loss,
        each.auroc,
        each.accuracy,
        each.precision,
        each.recall,
        each.f1_score,
        each.true_positives,
        each.false_positives,
        each.true_negatives,
        each.false_negatives,
    ]
