"""The whole benchmark: from nothing to one dictionary in which every number was just computed."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deepmed.core.registry.provenance import environment
from deepmed.features.drawings.bench.checks import checks
from deepmed.features.drawings.bench.collection import read_real_drawings
from deepmed.features.drawings.bench.design_notes import beside
from deepmed.features.drawings.bench.effort import Effort
from deepmed.features.drawings.bench.encoders import candidates
from deepmed.features.drawings.bench.parts import NO_REAL, PARTS, NotRunError
from deepmed.features.drawings.bench.prepared import Prepared, prepare
from deepmed.kit.clock import now
from deepmed.kit.settings import Settings

FORMAT = 3
Stage = Callable[[str, str], None]
STAGES = ("preparing", *PARTS)


def run_benchmark(
    settings: Settings,
    data: Path | None,
    effort: Effort,
    *,
    seed: int,
    stage: Stage,
    only: Sequence[str] = tuple(PARTS),
) -> dict[str, Any]:
    """Run the parts and say what they measured, on what machine, and which checks passed.

    Args:
        settings: where encoders' weights are, and limits of pictures.
        data: ZIP of real drawings; without one the parts that need it say so.
        effort: sizes of the parts.
        seed: seed from which every random stream is derived.
        stage: told (part, what is done now).
        only: names of the parts to run.

    Raises:
        ValidationError: the ZIP is missing, or holds too few drawings.
    """
    # Before anything is measured: a checkout may move on while a long run goes on.
    made_on = environment()
    started, clock = now(), time.perf_counter()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    current = STAGES[0]
    real = read_real_drawings(data, settings) if data else None

    def step(what: str) -> None:
        stage(current, what)

    prepared = prepare(effort, seed, candidates(settings), real, step)
    seconds = {current: _since(clock)}
    parts: dict[str, Any] = {}
    for name in [part for part in PARTS if part in only]:
        current, clock = name, time.perf_counter()
        parts[name] = _run(name, prepared)
        seconds[name] = _since(clock)
    return {
        "benchmark": "drawings",
        "format": FORMAT,
        "quick": effort.quick,
        "date": started.isoformat(timespec="seconds"),
        "seed": seed,
        "environment": {
            **made_on,
            "cores": os.cpu_count(),
            "load_average_at_start": load,
        },
        "data": {
            "real": real.origin if real else None,
            "reason": None if real else NO_REAL,
            "samples": prepared.samples.typical.origin,
            "further": prepared.samples.further.origin,
            "sources": prepared.samples.sources.origin,
        },
        "seconds": {**seconds, "all": round(sum(seconds.values()), 2)},
        "checks": checks(parts),
        "design_notes": beside(parts),
        "parts": parts,
    }


def _run(name: str, prepared: Prepared) -> dict[str, Any]:
    try:
        return {"skipped": None, **PARTS[name](prepared)}
    except NotRunError as reason:
        return {"skipped": str(reason)}


def _since(clock: float) -> float:
    return round(time.perf_counter() - clock, 2)
