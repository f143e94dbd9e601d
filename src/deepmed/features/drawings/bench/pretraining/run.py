"""`deepmed bench encoder-pretraining`: is a learned offline encoder better than `hog-pyramid`?"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deepmed.core.registry.provenance import environment
from deepmed.features.drawings.bench.collection import read_real_drawings
from deepmed.features.drawings.bench.encoders import BUILT_IN
from deepmed.features.drawings.bench.material import real_material
from deepmed.features.drawings.bench.prepared import Real
from deepmed.features.drawings.bench.pretraining import questions, verdict
from deepmed.features.drawings.bench.pretraining.drawn import KINDS, TRAITS
from deepmed.features.drawings.bench.pretraining.questions import Asking, Looker
from deepmed.features.drawings.bench.pretraining.training import DRAWINGS, Learned, learned
from deepmed.features.drawings.bench.speed import LIMIT, speed
from deepmed.kit.clock import now
from deepmed.kit.settings import Settings
from deepmed.learning.encoders import get_encoder
from deepmed.learning.encoders.stroke_net.encoder import StrokeNetEncoder
from deepmed.learning.encoders.stroke_net.layout import NAME
from deepmed.learning.pretraining.lessons import Recipe
from deepmed.learning.pretraining.training import untrained

FORMAT = 1
RESAMPLES = 1000
TIMINGS = 5
Step = Callable[[str], None]


def run(
    settings: Settings,
    data: Path,
    recipe: Recipe,
    trainings: Sequence[int],
    *,
    seed: int,
    step: Step,
    folder: Path | None = None,
    per_kind: int | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Train a network for each seed, then put all to the real drawings.

    The real drawings are read after the last training: no training can see one.

    Args:
        settings: device and limits of pictures.
        data: ZIP of real drawings.
        recipe: the same for all trainings.
        trainings: their seeds.
        seed: of planting, folds and resamples.
        step: told what is done now.
        folder: where weights are kept; nowhere if None.
        per_kind: planted anomalies a kind; None for one from every drawing.
        note: what a reader should know of this run.

    Raises:
        ValidationError: the ZIP is missing, or holds too few drawings.
    """
    made_on, started, begun = environment(), now(), time.perf_counter()
    load = os.getloadavg()[0]
    made = [learned(recipe, one, folder, step) for one in trainings]
    step("planting anomalies into real drawings")
    drawings = read_real_drawings(data, settings)
    real = Real(drawings, real_material(drawings, per_kind, seed))
    lookers = _lookers(made, trainings[0], settings.device)
    tasks = questions.answers(real, Asking(lookers, seed, RESAMPLES, step))
    tasks = [{**task, "spread": verdict.spread(task)} for task in tasks]
    step("timing")
    return {
        "benchmark": "encoder-pretraining",
        "format": FORMAT,
        "date": started.isoformat(timespec="seconds"),
        "seed": seed,
        "note": note,
        "environment": {**made_on, "cores": os.cpu_count(), "load_average": load},
        "data": {"real": drawings.origin, "procedural": DRAWINGS},
        "recipe": {**recipe.to_dict(), "kinds": list(KINDS), "traits": list(TRAITS)},
        "trainings": [one.record for one in made],
        "speed": {"limit_ms": LIMIT, "rows": _speeds(lookers, real)},
        "tasks": tasks,
        "verdict": verdict.judge(tasks, max(one.record["file_bytes"] for one in made)),
        "seconds": round(time.perf_counter() - begun, 1),
    }


def _lookers(made: Sequence[Learned], first: int, device: str) -> tuple[Looker, ...]:
    known = [
        Looker(name, questions.BUILT_IN, None, get_encoder(name, device=device))
        for name in BUILT_IN
    ]
    blank = StrokeNetEncoder(untrained(first), device)
    known.append(Looker(f"{NAME}, untrained", questions.UNTRAINED, first, blank))
    known += [
        Looker(
            f"{NAME}, seed {one.seed}",
            questions.LEARNED,
            one.seed,
            StrokeNetEncoder(one.network, device),
        )
        for one in made
    ]
    return tuple(known)


def _speeds(lookers: Sequence[Looker], real: Real) -> list[dict[str, Any]]:
    """On one thread; networks take the same time, whatever they learned."""
    timed = {one.role if one.role != questions.BUILT_IN else one.name: one for one in lookers}
    rows = []
    for one in timed.values():
        row = speed(one.encoder, real.drawings.images, TIMINGS)[0]
        rows.append({"name": one.name, **row["batched_ms"]})
    return rows
