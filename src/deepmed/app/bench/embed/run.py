"""`deepmed bench embed`: how long embedding stored pictures takes, and what memory (D-25)."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from deepmed.app.bench.embed.folder import filled, samples
from deepmed.app.bench.embed.pace import Pace, memory, pace
from deepmed.app.bench.embed.untrained import NAME as UNTRAINED
from deepmed.app.bench.embed.untrained import write_vit_base
from deepmed.app.bench.platform.figures import Figure
from deepmed.core.registry.provenance import environment
from deepmed.kit.clock import now

FORMAT = 1
Stage = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How much is measured: images a run by encoder, runs, and images for the memory's curve."""

    quick: int = 512
    transformer: int = 32
    repeats: int = 3
    many: int = 20_000


FULL = Effort()
BUILT_IN = ("hog-pyramid", "scattering")
MEASURED_MEMORY = "hog-pyramid"


def run(seed: int, stage: Stage, *, note: str = "", effort: Effort = FULL) -> dict[str, Any]:
    """Measure in data folders that are removed afterwards.

    Args:
        seed: of the sample drawings.
        stage: told what is being measured.
        note: what a reader should know of this run.
        effort: how much is measured.
    """
    made_on, started, begun = environment(), now(), time.perf_counter()
    figures = dict(_paces(seed, stage, effort))
    stage(f"memory over {effort.many:,} images")
    with filled(effort.many, seed, MEASURED_MEMORY) as bench:
        curve = memory(bench, effort.many)
    figures[f"memory gained over {effort.many:,} images"] = curve.growth()
    return {
        "benchmark": "embed",
        "format": FORMAT,
        "date": started.isoformat(timespec="seconds"),
        "seed": seed,
        "environment": {
            **made_on,
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            "torch_threads": torch.get_num_threads(),
        },
        "note": note,
        "effort": vars(effort),
        "pictures": "the sample drawings in turn, 224 pixels a side",
        "memory_curve": [{"images": done, "mib": size} for done, size in curve.points],
        "seconds": round(time.perf_counter() - begun, 1),
        "figures": {name: figure.to_dict() for name, figure in figures.items()},
    }


def _paces(seed: int, stage: Stage, effort: Effort) -> Iterator[tuple[str, Figure]]:
    for name in BUILT_IN:
        stage(name)
        yield from _pace(name, effort.quick, seed, effort.repeats).figures(name)
    stage(UNTRAINED)
    with TemporaryDirectory() as folder:
        weights = write_vit_base(Path(folder) / "untrained")
        found = _pace(str(weights), effort.transformer, seed, effort.repeats)
        yield from found.figures(UNTRAINED)


def _pace(encoder: str, count: int, seed: int, repeats: int) -> Pace:
    with filled(count, seed, encoder) as bench:
        return pace(bench, samples(seed), count, repeats)
