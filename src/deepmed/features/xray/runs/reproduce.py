"""Train a run again as it was configured, and say how far its probabilities agree (V-6)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.core.registry.manifest import Package
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.runs import artifact, repository
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.features.xray.tables import XrayRun
from deepmed.kit.errors import ConflictError, NotFoundError

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Reproduction:
    """How a second training compares with the first."""

    run_id: int
    """Of the second, which is kept beside the first."""
    compared_scores: int
    largest_difference: float
    """Of a stored probability."""
    agrees: bool
    same_data: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def reproduce(home: Home, package: Package) -> Reproduction:
    """Take the same source in again, train with the stored configuration, and compare.

    Raises:
        NotFoundError: the run is not this owner's.
        ConflictError: its source is gone.
    """
    uid = package.manifest.lineage["run"]
    with home.database.read() as session:
        run = repository.by_uid(session, home.owner_id, uid)
    if run is None:
        raise NotFoundError(f"There is no run {uid!r} here.")
    if not Path(run.source_path).exists():
        raise ConflictError(
            f"The images of run {run.id} are no longer at {run.source_path}, so it cannot be "
            "trained again. Nothing was changed."
        )
    number = DBOperationsUtils(home).create_reproduction(run)
    again = _trainer_of(run)(home, ConfigManager(run.configuration)).train(
        run.source_path, run.run_description, run.csv_filename, number
    )
    files = home.registry.load(again["artifact"])
    first, second = _probabilities(package.files), _probabilities(files)
    shared = sorted(set(first) & set(second))
    differences = [
        abs(one - other)
        for key in shared
        for one, other in zip(first[key], second[key], strict=True)
    ]
    largest = max(differences, default=0.0)
    same = set(first) == set(second) and run.split_digest == again["audit"]["digest"]
    return Reproduction(again["run_id"], len(shared), largest, same and largest <= TOLERANCE, same)


def _trainer_of(run: XrayRun) -> type[CentralizedTrainer]:
    if run.training_mode == "centralized":
        return CentralizedTrainer
    from deepmed.features.xray.federated.trainer import (  # noqa: PLC0415 - stands on this folder
        FederatedTrainer,
    )

    return FederatedTrainer


def _probabilities(files: Mapping[str, bytes]) -> dict[tuple[str, str], list[float]]:
    parts = json.loads(files[artifact.PREDICTIONS])
    return {
        (part, one["image"]): list(value)
        if isinstance(value := one["probability"], list)
        else [value]
        for part, records in parts.items()
        for one in records
    }
