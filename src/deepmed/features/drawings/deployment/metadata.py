"""What an export says of itself (contract 3.5)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from deepmed.core.registry.manifest import Manifest, Package
from deepmed.features.drawings.deployment.errors import ModelCompatibilityError
from deepmed.features.drawings.deployment.formats import ModelExportFormat
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.kit.digests import json_digest
from deepmed.kit.errors import ValidationError
from deepmed.learning.reference import ReferenceModel

EXPORT_FILE = "export.json"
COMPATIBILITY = "1.0"
"""Of the package's layout; another one is refused."""
_FIGURES = (
    "children",
    "drawings",
    "percentile",
    "threshold",
    "attained_level",
    "highest_percentile",
    "supported",
    "age_specificity",
    "planted",
)


@dataclass(frozen=True)
class ModelExportMetadata:
    """Metadata for exported model."""

    model_id: str
    """The export's own id."""
    export_timestamp: str
    training_job_id: int | None
    model_type: str
    model_version: str
    architecture_hash: str
    parameter_count: int
    input_dimension: int
    output_dimension: int
    age_group_min: float
    age_group_max: float
    training_metrics: dict[str, Any]
    compatibility_version: str
    export_format: str
    file_size_bytes: int
    checksum: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def described(
    model: ReferenceModel, version: str, export_format: ModelExportFormat, job: int | None
) -> dict[str, Any]:
    """What the package itself keeps: all that is known before it is signed."""
    detector = model.model.detector
    arrays, record = detector.get_state()
    shape = {
        "detector": detector.name,
        "architecture": record["architecture"],
        "encoder": model.encoder,
        "layout": model.layout.value,
        "features": record["features"],
    }
    return {
        "compatibility_version": COMPATIBILITY,
        "export_format": export_format.value,
        "training_job_id": job,
        "model_type": detector.name,
        "model_version": version,
        "architecture_hash": json_digest(shape),
        "parameter_count": sum(int(np.size(array)) for array in arrays.values()),
        "input_dimension": record["features"],
        "output_dimension": 1,
    }


def metadata_of(package: Package, manifest_hash: str) -> ModelExportMetadata:
    """The whole, with what only the signed package decides.

    `checksum` is the SHA-256 of the manifest, which holds that of every file.

    Raises:
        ModelCompatibilityError: a package that does not describe itself so.
    """
    manifest, ages = package.manifest, ages_of(package.manifest)
    try:
        return ModelExportMetadata(
            model_id=manifest.uid,
            export_timestamp=manifest.created_at,
            age_group_min=ages.age_min,
            age_group_max=ages.age_max,
            training_metrics=_figures(manifest.metrics),
            file_size_bytes=sum(entry.size for entry in manifest.files.values()),
            checksum=manifest_hash,
            **json.loads(package.files[EXPORT_FILE]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelCompatibilityError(
            f"The package {manifest.uid} does not describe itself in {EXPORT_FILE}."
        ) from error


def ages_of(manifest: Manifest) -> AgeRange:
    """The ages that a packaged model is for.

    Raises:
        ModelCompatibilityError: the package does not say.
    """
    try:
        return AgeRange(*manifest.lineage["recipe"]["bounds"])
    except (KeyError, TypeError, ValidationError) as error:
        raise ModelCompatibilityError(
            f"The package {manifest.uid} does not say for which ages it is; nothing was changed."
        ) from error


def _figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in _FIGURES if name in metrics}
