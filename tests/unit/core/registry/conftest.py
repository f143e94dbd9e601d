from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from deepmed.core.registry.keys import SigningKeys, open_keys
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.core.registry.tables import Artifact
from deepmed.kit.database import Database
from deepmed.kit.storage import FileStorageService

FILES = {
    "model.safetensors": save({"mean": np.arange(4.0), "scale": np.ones(4)}),
    "config.json": b'{"detector": "knn", "neighbours": 5}',
    "tables/predictions.csv": b"child,score\na,0.5\nb,0.25\n",
}
CONFIGURATION = {"detector": "knn", "neighbours": 5, "standardise": True}


@pytest.fixture
def keys(home: Path) -> SigningKeys:
    return open_keys(home / "keys")


@pytest.fixture
def registry(
    database: Database, storage: FileStorageService, keys: SigningKeys, owner_id: int
) -> ArtifactRegistry:
    return ArtifactRegistry(database, storage, keys, owner_id)


@pytest.fixture
def stranger(
    database: Database, storage: FileStorageService, keys: SigningKeys, other_owner_id: int
) -> ArtifactRegistry:
    """The same store, asked by another owner."""
    return ArtifactRegistry(database, storage, keys, other_owner_id)


Publish = Callable[..., Artifact]


@pytest.fixture
def publish(registry: ArtifactRegistry) -> Publish:
    def publish(files: Mapping[str, bytes] = FILES, **changes: Any) -> Artifact:
        values: dict[str, Any] = {
            "metrics": {"auroc": {"value": 0.9, "low": 0.8, "high": 0.97, "n": 40}},
            "card": {"intended_use": "tests"},
            "lineage": {"run": "run-1"},
            "recipe_hash": "a" * 64,
            "configuration": CONFIGURATION,
            "seed": 7,
            "data_hash": "d" * 64,
        }
        return registry.publish("age-group-model", files, **{**values, **changes})

    return publish
