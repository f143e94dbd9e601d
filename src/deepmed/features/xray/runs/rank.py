"""One process of a training on several devices, other than the first: `python -m …rank FILE`.

It trains, and writes nothing: the first one does. It ends when that one has ended, or was killed.
"""

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepmed.kit import privacy


def run(said: Mapping[str, Any]) -> None:
    """Train along to the end."""
    from deepmed.features.xray.configuration import ConfigManager  # noqa: PLC0415 - after opt-outs
    from deepmed.features.xray.configuration.settings import (  # noqa: PLC0415 - likewise
        data_settings,
        network_settings,
        preprocessing_of,
        training_settings,
    )
    from deepmed.features.xray.runs.kept import CHECKPOINTS  # noqa: PLC0415 - likewise
    from deepmed.features.xray.runs.ranks import rows_from  # noqa: PLC0415 - likewise
    from deepmed.features.xray.source import read_image  # noqa: PLC0415 - likewise
    from deepmed.learning.classification import (  # noqa: PLC0415 - likewise
        EventStream,
        ModelSetupUtils,
        fit_network,
    )
    from deepmed.learning.classification.ranks import RankOfMachine  # noqa: PLC0415 - likewise
    from deepmed.learning.imaging import XRayDataModule  # noqa: PLC0415 - likewise

    config, folder = ConfigManager(said["configuration"]).config, Path(said["folder"])
    data = XRayDataModule(
        rows_from(said["train"]),
        rows_from(said["validation"]),
        None,
        preprocessing_of(config),
        data_settings(config, folder / "cache"),
        read_image,
    )
    training = training_settings(config)
    module, chain = ModelSetupUtils.build_model_and_callbacks(
        network_settings(config, said["classes"], _path(said["weights_dir"])),
        training,
        data.class_counts,
        folder / CHECKPOINTS,
        EventStream([]),
    )
    place = RankOfMachine(said["rank"], said["size"], said["port"])
    trainer = ModelSetupUtils.build_trainer(training, chain, folder, place=place)
    fit_network(trainer, module, data, resume_from=_path(said["resume_from"]))


def _path(told: str | None) -> Path | None:
    return None if told is None else Path(told)


def _end_with_the_first() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    privacy.apply()
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    run(json.loads(Path(sys.argv[1]).read_bytes()))
