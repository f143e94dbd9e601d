"""`deepmed bench xray`: the figures of X-16, computed in the run or in an earlier, cut-off one."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepmed.core.home import Home
from deepmed.core.registry.provenance import environment
from deepmed.features.xray.bench.classic import hog_and_svm
from deepmed.features.xray.bench.loading import loading
from deepmed.features.xray.bench.promises import PUBLISHED, promises
from deepmed.features.xray.bench.published_split import PublishedSplit, write_source
from deepmed.features.xray.bench.recipe import RECIPE, Effort, configured
from deepmed.features.xray.bench.scores import at_half, of_values, spread
from deepmed.features.xray.bench.trainings import Step, Trained, trained
from deepmed.features.xray.bench.variants import compare
from deepmed.kit.clock import now
from deepmed.learning.federated.settings import need_flower

FORMAT = 2
Opening = Callable[[Path], AbstractContextManager[Home]]


def run(
    data: Path,
    seeds: Sequence[int],
    effort: Effort,
    *,
    open_home: Opening,
    step: Step,
    work: Path | None = None,
    note: str = "",
    federated: bool = False,
) -> dict[str, Any]:
    """Train with every seed, set others beside, compare variants, and measure loading.

    Args:
        data: NPZ of a published split.
        seeds: of the trainings.
        effort: how much is measured.
        open_home: opens a data folder.
        step: told what is done now, and each epoch.
        work: where trainings are kept, so that a call that was cut off goes on; a folder that is
            removed afterwards if not given.
        note: what a reader should know of this run.
        federated: whether clients that learn together are set beside as well.

    Raises:
        ValidationError: the file is missing, or it is no published split.
        FlowerMissingError: clients shall learn together, and Flower is not installed.
    """
    if federated:
        need_flower()  # now, and not after an hour
    if work is None:
        with TemporaryDirectory() as name:
            return run(
                data,
                seeds,
                effort,
                open_home=open_home,
                step=step,
                work=Path(name),
                note=note,
                federated=federated,
            )
    made_on, started, begun = environment(), now(), time.perf_counter()
    load = os.getloadavg()[0]
    split = PublishedSplit.read(data)
    work.mkdir(parents=True, exist_ok=True)
    with open_home(work.absolute() / "home") as home:
        step("writing images")
        source = write_source(split, work.absolute() / "source")
        trainings = [
            trained(home, source, f"seed {seed}", configured(effort, seed), step) for seed in seeds
        ]
        step("HOG + SVM")
        classic = hog_and_svm(home, split, resamples=effort.resamples)
        variants = compare(
            home, split, seeds, effort, folder=work.absolute() / "variants", step=step
        )
    together = _federated(data, effort, open_home, step, work) if federated else None
    step("loading")
    loaded = loading(effort)
    told = [] if together is None else [together]
    rows = [_row(seed, one) for seed, one in zip(seeds, trainings, strict=True)]
    over = spread([row["figures"] for row in rows])
    return {
        "benchmark": "xray",
        "format": FORMAT,
        "quick": effort.quick,
        "date": started.isoformat(timespec="seconds"),
        "note": note,
        "environment": {**made_on, "cores": os.cpu_count(), "load_average": load},
        "data": {"name": split.name, "sha256": split.sha256, "parts": split.counts},
        "recipe": [*RECIPE, *effort.overrides],
        "configuration": configured(effort, seeds[0]).resolved,
        "promises": promises(rows, over, loaded),
        "seeds": rows,
        "spread": over,
        "seconds_a_seed": _seconds(rows),
        "classic": classic,
        "published": list(PUBLISHED),
        "test_looks": sum(one["test_looks"] for one in (*rows, classic, *told)),
        "variants": variants,
        "loading": loaded,
        "federated": together,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def _federated(
    data: Path, effort: Effort, open_home: Opening, step: Step, work: Path
) -> dict[str, Any]:
    from deepmed.features.xray.federated.bench import (  # noqa: PLC0415 - it is built on this one
        FULL,
        QUICK,
        bench_federated,
    )

    chosen = QUICK if effort.quick else FULL
    return bench_federated(data, chosen, open_home=open_home, step=step, work=work)


def _row(seed: int, one: Trained) -> dict[str, Any]:
    results, point = one.results, one.results["operating_point"]
    test, validation = results["test"], results["validation"]
    return {
        "seed": seed,
        "timing": one.timing(),
        "training_seconds": results["training_seconds"],
        "epochs": results["total_epochs"],
        "best_epoch": results["best_epoch"],
        "parameters": results["parameters"],
        "images": results["images"],
        "audit": results["audit"],
        "artifact": results["artifact"],
        "test_looks": one.looks,
        "made": one.made,
        "temperature": point["temperature"],
        "threshold": point["threshold"],
        "notes": list(point["notes"]),
        "figures": at_half(test["at_half"]),
        "confusion": test["at_half"]["confusion"],
        "at_threshold": at_half(test["report"]),
        "validation": at_half(validation["at_half"]),
    }


def _seconds(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Mean and spread; null where a training was cut off."""
    found = [row["timing"]["seconds"] for row in rows]
    return None if None in found else of_values(found)
