"""One client of a federated training, as a process: `python -m …client FILE`.

The file lists its own images and how they are learned from. Where the server is, and the token
that lets it in, come by standard input. It ends when the server does.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from deepmed.kit import privacy


def run(file: Path, secret: Mapping[str, str], ended: Callable[[], None] | None = None) -> None:
    """Learn as the server orders, until it has no more orders."""
    import torch  # noqa: PLC0415 - after the opt-outs

    from deepmed.features.xray.configuration import ConfigManager  # noqa: PLC0415 - likewise
    from deepmed.features.xray.federated.dealt import Holding  # noqa: PLC0415 - likewise
    from deepmed.features.xray.federated.taking_part import (  # noqa: PLC0415 - likewise
        Work,
        local_client,
    )
    from deepmed.features.xray.runs.ranks import rows_from  # noqa: PLC0415 - likewise
    from deepmed.learning.federated.app import client_app  # noqa: PLC0415 - likewise
    from deepmed.learning.federated.joining import join  # noqa: PLC0415 - likewise

    said = json.loads(file.read_bytes())
    torch.set_num_threads(said["threads"])
    config = ConfigManager(said["configuration"]).config
    work = Work(
        config, said["classes"], said["class_counts"], Path(said["folder"]), cancelled=_never
    )
    own = Holding(rows_from(said["train"]), rows_from(said["validation"]))
    app = client_app(local_client(work, said["number"], own), config.experiment.local_epochs)
    join(secret["address"], said["number"], secret["token"], app, ended)


def _never() -> bool:
    """Its server ends it."""
    return False


if __name__ == "__main__":
    privacy.apply()
    # Its server has all that it wants or is gone: what it still learns, nobody asks for.
    run(Path(sys.argv[1]), json.loads(sys.stdin.readline()), lambda: os._exit(0))
