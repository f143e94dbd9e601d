"""A training that has taken its images in and was stopped there, without any training."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.core.home import Home
from deepmed.features.xray.configuration.settings import source_options, split_settings
from deepmed.features.xray.preparation import DataPrepUtils
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.source import DataSourceExtractor, Pseudonyms
from deepmed.features.xray.tables import FAILED
from deepmed.features.xray.uploads import Uploads
from factories.films import film, labelled, png, zipped
from factories.xray import small
from factories.xray_rows import run_row

PATIENTS, BROKEN = 16, 3
TWIN, STRANGER = "images/p20.png", "images/p0.png"
"""Of two patients, and nearly the same film."""


def source_files() -> dict[str, bytes]:
    """A damaged image, a row without image, an image without label, and two that look alike."""
    files = labelled(PATIENTS, broken=(BROKEN,))
    files["labels.csv"] += b"\np20,0\np21,1"
    files[TWIN] = png(_nearly(film(0)))
    files["images/unlabelled.png"] = png(film(99))
    return files


def uploaded(home: Home, folder: Any, files: dict[str, bytes] | None = None) -> str:
    """A ZIP of these files as somebody uploads it; its name."""
    path = zipped(folder / "films.zip", source_files() if files is None else files)
    with path.open("rb") as content:
        return Uploads(home).receive("films.zip", content).uid


def begun(home: Home, uid: str) -> int:
    """A failed run that has taken in and split the images of an upload."""
    upload, config = Uploads(home).get(uid), small()
    number = run_row(
        home,
        "begun",
        status=FAILED,
        stage="prepare_dataset",
        reason="It was switched off.",
        results=None,
        source_path=str(upload.path),
    )
    run = XrayRuns.of(home).get(number)[0]
    source = DataSourceExtractor(
        folder_of(home, run) / "source",
        Pseudonyms.of(home.registry.keys),
        source_options(config.config, home.settings),
    ).extract_and_validate(upload.path)
    plan = DataPrepUtils.prepare_dataset(source, split_settings(config.config))
    plan.save(folder_of(home, run) / "split.json")
    return number


def _nearly(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same but for noise that a correlation of 0.98 or so is left with."""
    noise = np.random.default_rng(5).normal(0, 10, pixels.shape)
    return np.clip(pixels * 0.9 + noise, 0, 255).astype(np.uint8)
