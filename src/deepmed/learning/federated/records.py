"""Between torch's tensors and Flower's records."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict

from deepmed.learning.federated.client import Answer, Order, State
from deepmed.learning.federated.errors import FederatedTrainingError

ARRAYS, CONFIG, METRICS, EXAMPLES = "arrays", "config", "metrics", "num-examples"


def state_record(state: State) -> ArrayRecord:
    """Weights as Flower takes them.

    Example:
        >>> record = state_record({"a": torch.ones(2)})
        >>> state_of(record)["a"]
        tensor([1., 1.])
    """
    return ArrayRecord({name: Array(one.detach().cpu().numpy()) for name, one in state.items()})


def state_of(record: ArrayRecord) -> dict[str, torch.Tensor]:
    """Weights of Flower's record, by name."""
    return {name: torch.from_numpy(np.array(one.numpy())) for name, one in record.items()}


def order_of(message: Message, epochs: int) -> Order:
    """What a message of a strategy asks a client to do."""
    config = message.content.config_records[CONFIG]
    return Order(
        round_number=int(str(config["server-round"])),
        epochs=epochs,
        learning_rate=float(str(config["learning-rate"])),
        proximal_mu=float(str(config.get("proximal-mu", 0.0))),
    )


def content_of(answer: Answer) -> RecordDict:
    """An answer as strategies take it."""
    metrics = MetricRecord({EXAMPLES: answer.examples, **answer.metrics})
    events = ConfigRecord({"events": json.dumps([list(one) for one in answer.events])})
    records = RecordDict({METRICS: metrics, CONFIG: events})
    if answer.state:
        records[ARRAYS] = state_record(answer.state)
    return records


def answer_of(content: RecordDict) -> Answer:
    """The answer that stands in a reply, without its weights."""
    metrics = dict(content.metric_records[METRICS])
    events = json.loads(str(content.config_records[CONFIG]["events"]))
    return Answer(
        {},
        int(_number(metrics.pop(EXAMPLES))),
        {name: _number(value) for name, value in metrics.items()},
        tuple((kind, data) for kind, data in events),
    )


def check_answer(content: RecordDict, common: ArrayRecord) -> None:
    """Make sure that a client's answer can be averaged with the others.

    Args:
        content: of its reply.
        common: the weights that it was sent.

    Raises:
        FederatedTrainingError: weights have other names or shapes or are no numbers, or it claims
            to have no images.
    """
    answer = answer_of(content)
    weights: Any = content.array_records.get(ARRAYS, {})
    shapes = {name: tuple(one.shape) for name, one in weights.items()}
    if answer.examples < 1 or shapes != {name: tuple(one.shape) for name, one in common.items()}:
        raise FederatedTrainingError("The client's weights are of another network.")
    if not all(bool(np.isfinite(one.numpy()).all()) for one in weights.values()):
        raise FederatedTrainingError("The client's training diverged: weights are no numbers.")


def weighted_means(contents: Sequence[RecordDict], weighted_by: str) -> MetricRecord:
    """Each figure's mean over the clients that have it, by their images.

    Flower's own counts a figure that a client does not have, such as the AUROC of images of one
    class, as if it were 0.

    Example:
        >>> one = RecordDict({"metrics": MetricRecord({"num-examples": 1, "val_acc": 1.0})})
        >>> two = RecordDict({"metrics": MetricRecord({"num-examples": 3, "val_acc": 0.0})})
        >>> dict(weighted_means([one, two], "num-examples"))
        {'val_acc': 0.25}
    """
    found = [dict(content.metric_records[METRICS]) for content in contents]
    names = dict.fromkeys(name for row in found for name in row if name != weighted_by)
    means: dict[str, Any] = {}
    for name in names:
        pairs = [(_number(row[name]), _number(row[weighted_by])) for row in found if name in row]
        means[name] = sum(value * weight for value, weight in pairs) / sum(
            weight for _, weight in pairs
        )
    return MetricRecord(means)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FederatedTrainingError("A client's figure is no number.")
    return float(value)
