"""What it costs that images stay with their holders: federated trainings beside a centralised one.

All learn on the same split with the same network, and pass as often over the images.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.core.registry.provenance import environment
from deepmed.features.xray.bench.published_split import PublishedSplit, write_source
from deepmed.features.xray.bench.recipe import RECIPE
from deepmed.features.xray.bench.scores import MIDDLE, UNIT, at_half, of_images
from deepmed.features.xray.bench.trainings import Step, Trained, trained
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.federated.trainer import FederatedTrainer
from deepmed.kit.clock import now
from deepmed.learning.evaluation.binary import paired_differences

FORMAT = 2
CLIENTS = 4
NEAR = 0.02
"""How far the AUROC of the first row may lie below that of the centralised training."""
Opening = Callable[[Path], AbstractContextManager[Home]]


@dataclass(frozen=True)
class FederatedEffort:
    """How much is measured; a centralised training has as many epochs as all rounds together.

    Full figures were chosen on training and validation images alone: with one local epoch in each
    of ten or twenty rounds the common network is not done learning.
    """

    quick: bool = False
    rounds: int = 10
    local_epochs: int = 3
    width: int = 16
    resamples: int = 1000

    @property
    def epochs(self) -> int:
        return self.rounds * self.local_epochs


FULL = FederatedEffort()
QUICK = FederatedEffort(quick=True, rounds=2, local_epochs=1, width=8, resamples=100)


@dataclass(frozen=True)
class Setting:
    """One way to deal and to average."""

    name: str
    overrides: tuple[str, ...]


SETTINGS = (
    Setting("FedAvg, even clients", ("strategy=fedavg", "partition=iid")),
    Setting(
        "FedAvg, uneven clients",
        ("strategy=fedavg", "partition=dirichlet", "dirichlet_alpha=0.5"),
    ),
    Setting(
        "FedProx, uneven clients",
        ("strategy=fedprox", "partition=dirichlet", "dirichlet_alpha=0.5"),
    ),
)


def bench_federated(
    data: Path,
    effort: FederatedEffort = FULL,
    *,
    open_home: Opening,
    step: Step,
    work: Path,
    seed: int = 0,
    note: str = "",
) -> dict[str, Any]:
    """Train once centralised and once in each federated setting, and compare on the test part.

    Args:
        data: NPZ of a published split.
        effort: how much is measured.
        open_home: opens a data folder.
        step: told what is done now.
        work: where trainings are kept; a call that was cut off goes on with those that it has.
        seed: of all trainings.
        note: what a reader should know of this run.

    Raises:
        ValidationError: the file is missing, or it is no published split.
    """
    made_on, started, begun = environment(), now(), time.perf_counter()
    load = os.getloadavg()[0]
    split = PublishedSplit.read(data)
    work.mkdir(parents=True, exist_ok=True)
    with open_home(work.absolute() / "home") as home:
        source = write_source(split, work.absolute() / "source")
        central = trained(home, source, "centralised", _configured(effort, seed), step)
        rows = []
        for setting in SETTINGS:
            config = _configured(effort, seed, *setting.overrides)
            one = trained(home, source, setting.name, config, step, FederatedTrainer)
            rows.append(_row(setting, one, central, effort))
    first = rows[0]["difference"]["auroc"]["estimate"]
    return {
        "benchmark": "xray-federated",
        "format": FORMAT,
        "quick": effort.quick,
        "date": started.isoformat(timespec="seconds"),
        "note": note,
        "environment": {**made_on, "cores": os.cpu_count(), "load_average": load},
        "data": {"name": split.name, "sha256": split.sha256, "parts": split.counts},
        "recipe": [*RECIPE, *_overrides(effort, seed)],
        "configuration": _configured(effort, seed).resolved,
        "clients": CLIENTS,
        "rounds": effort.rounds,
        "local_epochs": effort.local_epochs,
        "centralised": _told(central),
        "federated": rows,
        "promises": [
            {
                "promise": f"AUROC of {CLIENTS} even clients less that of the centralised training",
                "value": first,
                "limit": -NEAR,
                "at_least": True,
                "passed": first >= -NEAR,
            }
        ],
        "test_looks": central.looks + sum(row["test_looks"] for row in rows),
        "seconds": round(time.perf_counter() - begun, 1),
    }


def _overrides(effort: FederatedEffort, seed: int) -> tuple[str, ...]:
    return (
        f"epochs={effort.epochs}",
        f"width={effort.width}",
        f"resamples={effort.resamples}",
        f"seed={seed}",
        f"num_rounds={effort.rounds}",
        f"num_clients={CLIENTS}",
        f"local_epochs={effort.local_epochs}",
    )


def _configured(effort: FederatedEffort, seed: int, *more: str) -> ConfigManager:
    return ConfigManager.load(overrides=[*RECIPE, *_overrides(effort, seed), *more])


def _told(one: Trained) -> dict[str, Any]:
    results = one.results
    return {
        "timing": one.timing(),
        "best": results["best_epoch"],
        "figures": at_half(results["test"]["at_half"]),
        "split": results["audit"]["digest"],
        "test_looks": one.looks,
        "made": one.made,
    }


def _row(
    setting: Setting, one: Trained, central: Trained, effort: FederatedEffort
) -> dict[str, Any]:
    return {
        "name": setting.name,
        "overrides": list(setting.overrides),
        "clients": one.results["federated"]["clients"],
        **_told(one),
        "difference": _difference(one, central, effort.resamples),
    }


def _difference(one: Trained, central: Trained, resamples: int) -> dict[str, Any]:
    """Federated less centralised, on the same test images, with intervals over images."""
    first, second = (_by_image(run.predictions["test"]) for run in (one, central))
    names = sorted(first)
    found = paired_differences(
        [first[name]["label"] for name in names],
        [first[name]["probability"] for name in names],
        [second[name]["probability"] for name in names],
        [first[name]["patient"] for name in names],
        thresholds=(MIDDLE, MIDDLE),
        resamples=resamples,
        split="test",
        unit=UNIT,
    )
    return {name: of_images(figure.to_dict()) for name, figure in found.items()}


def _by_image(records: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {record["image"]: record for record in records}
