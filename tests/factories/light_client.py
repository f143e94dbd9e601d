"""A client process that learns nothing and loads no torch: client_1 gets stuck the first time."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from deepmed.learning.federated.joining import join

STEP, EXAMPLES = 0.001, 10


def main(file: Path) -> None:
    """A file beside its list says that it has an order and is stuck."""
    number, secret = json.loads(file.read_bytes())["number"], json.loads(sys.stdin.readline())
    app = ClientApp()

    @app.train()
    def train(message: Message, context: object) -> Message:
        mark = file.with_suffix(".stuck")
        if number == 1 and not mark.exists():
            mark.touch()
            time.sleep(300)
        given = message.content.array_records["arrays"].items()
        moved = ArrayRecord({name: Array(np.asarray(one.numpy() + STEP)) for name, one in given})
        return Message(answer(moved), reply_to=message)

    @app.evaluate()
    def evaluate(message: Message, context: object) -> Message:
        return Message(answer(None), reply_to=message)

    join(secret["address"], number, secret["token"], app)


def answer(weights: ArrayRecord | None) -> RecordDict:
    content = RecordDict(
        {
            "metrics": MetricRecord({"num-examples": EXAMPLES}),
            "config": ConfigRecord({"figures": '{"train_loss": 0.5}', "events": "[]"}),
        }
    )
    if weights is not None:
        content["arrays"] = weights
    return content


if __name__ == "__main__":
    main(Path(sys.argv[1]))
