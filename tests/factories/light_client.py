"""A client process that learns nothing and loads no torch: client_1 never answers, others do."""

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
    """Its mark, a file beside its list, says that it has its order."""
    number, secret = json.loads(file.read_bytes())["number"], json.loads(sys.stdin.readline())
    app = ClientApp()

    @app.train()
    def train(message: Message, context: object) -> Message:
        file.with_suffix(f".{'stuck' if number == 1 else 'learning'}").touch()
        if number == 1:
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
