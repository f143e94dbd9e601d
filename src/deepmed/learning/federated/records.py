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
COUNTS = "_cm_"
"""In the names of the confusion matrix' cells."""


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
    """An answer as strategies take it.

    Flower refuses replies that do not all have the same figures, and a client whose images are of
    one class has no AUROC: so the figures go beside its record of metrics.
    """
    said = {"figures": dict(answer.metrics), "events": [list(one) for one in answer.events]}
    records = RecordDict(
        {
            METRICS: MetricRecord({EXAMPLES: answer.examples}),
            CONFIG: ConfigRecord({name: json.dumps(one) for name, one in said.items()}),
        }
    )
    if answer.state:
        records[ARRAYS] = state_record(answer.state)
    return records


def answer_of(content: RecordDict) -> Answer:
    """The answer that stands in a reply, without its weights."""
    config = content.config_records[CONFIG]
    figures, events = (json.loads(str(config[name])) for name in ("figures", "events"))
    return Answer(
        {},
        int(_number(content.metric_records[METRICS][EXAMPLES])),
        {str(name): _number(value) for name, value in figures.items()},
        tuple((str(kind), dict(data)) for kind, data in events),
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
    """Each figure's mean over the clients that have it, by their images; of counts the sum.

    Args:
        contents: of the clients' replies.
        weighted_by: not asked: it is always the number of images.

    Example:
        >>> one = content_of(Answer({}, 1, {"val_acc": 1.0, "val_auroc": 0.9}))
        >>> two = content_of(Answer({}, 3, {"val_acc": 0.0}))
        >>> dict(weighted_means([one, two], EXAMPLES))
        {'val_acc': 0.25, 'val_auroc': 0.9}
    """
    del weighted_by
    answers = [answer_of(content) for content in contents]
    means: dict[str, Any] = {}
    for name in dict.fromkeys(name for answer in answers for name in answer.metrics):
        having = [answer for answer in answers if name in answer.metrics]
        weight = sum(answer.examples for answer in having)
        if COUNTS in name:
            means[name] = sum(one.metrics[name] for one in having)
        else:
            means[name] = sum(one.metrics[name] * one.examples for one in having) / weight
    return MetricRecord(means)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FederatedTrainingError("A client's figure is no number.")
    return float(value)
