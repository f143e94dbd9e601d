"""One client of a federated training, as a process: `python -m …client FILE`.

The file lists its own images and how they are learned from. Where the server is, and the token
that lets it in, come by standard input. It ends when the server does.
"""

import json
import sys
from pathlib import Path

from deepmed.kit import privacy


def main(file: Path) -> int:
    privacy.apply()
    import torch  # noqa: PLC0415 - after the opt-outs

    from deepmed.features.xray.configuration import ConfigManager  # noqa: PLC0415 - likewise
    from deepmed.features.xray.federated.dealt import Holding  # noqa: PLC0415 - likewise
    from deepmed.features.xray.federated.processes import rows_from  # noqa: PLC0415 - likewise
    from deepmed.features.xray.federated.taking_part import (  # noqa: PLC0415 - likewise
        Work,
        local_client,
    )
    from deepmed.learning.federated.app import client_app  # noqa: PLC0415 - likewise
    from deepmed.learning.federated.joining import join  # noqa: PLC0415 - likewise

    said, secret = json.loads(file.read_bytes()), json.loads(sys.stdin.readline())
    torch.set_num_threads(said["threads"])
    config = ConfigManager(said["configuration"]).config
    work = Work(
        config, said["classes"], said["class_counts"], Path(said["folder"]), cancelled=_never
    )
    own = Holding(rows_from(said["train"]), rows_from(said["validation"]))
    client = local_client(work, said["number"], own)
    app = client_app(client, config.experiment.local_epochs)
    join(secret["address"], said["number"], secret["token"], app)
    return 0


def _never() -> bool:
    """Its server ends it."""
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
