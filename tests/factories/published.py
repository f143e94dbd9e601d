"""A published split as small as can be, and the benchmark that is run on it."""

from pathlib import Path
from typing import Any

import numpy as np

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.features.xray.bench.recipe import Effort
from deepmed.features.xray.bench.run import run
from deepmed.kit import settings as kit_settings

SIDE = 28
PARTS = {"train": 48, "val": 16, "test": 16}


def write_published(path: Path, **changed: Any) -> Path:
    """Noise, with a bright field in images of class 1; `changed` replaces arrays by name."""
    random = np.random.default_rng(3)
    arrays: dict[str, Any] = {}
    for part, count in PARTS.items():
        labels = np.arange(count) % 2
        images = random.integers(0, 100, (count, SIDE, SIDE), dtype=np.uint8)
        images[labels == 1, 8:20, 8:20] += random.integers(20, 90, dtype=np.uint8)
        arrays[f"{part}_images"] = images
        arrays[f"{part}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(path, **{**arrays, **changed})
    return path


TINY = ("epochs=1", "width=4", "head=[8]", "batch_size=16", "look_for_lookalikes=false")
EFFORT = Effort(
    quick=True,
    overrides=TINY,
    variant_overrides=("learning_rate=0.01",),
    resamples=50,
    loading_images=4,
    loading_repeats=1,
)


def opened(folder: Path) -> Home:
    return open_home(kit_settings.load(home=folder))


def measured(
    folder: Path, seeds: int = 1, *, federated: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """The result of a call with that work folder, and what it said on the way."""
    told: list[str] = []
    result = run(
        folder / "split.npz",
        range(seeds),
        EFFORT,
        open_home=opened,
        step=told.append,
        work=folder / "work",
        note="tiny",
        federated=federated,
    )
    return result, told
