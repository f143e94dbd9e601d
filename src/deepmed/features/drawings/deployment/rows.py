"""The row of a model whose package came from elsewhere."""

from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment.errors import ModelCompatibilityError
from deepmed.features.drawings.models.kinds import kind_of
from deepmed.features.drawings.models.membership import MEMBER_REVISION, revision_of
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.learning.reference import from_files


def imported_row(owner_id: int, artifact: Artifact, package: Package) -> AgeGroupModel:
    """A model without members: no child here took part in it.

    Raises:
        ModelCompatibilityError: the package lacks what a model here is described by.
    """
    try:
        return _row(owner_id, artifact, package)
    except (KeyError, TypeError) as error:
        raise ModelCompatibilityError(
            f"The package {artifact.uid} does not tell the model's {error}; nothing was changed."
        ) from error


def _row(owner_id: int, artifact: Artifact, package: Package) -> AgeGroupModel:
    model, manifest = from_files(package.files), package.manifest
    recipe = manifest.lineage["recipe"]
    age_min, age_max, closed = recipe["bounds"]
    drawings = manifest.metrics["drawings"]
    return AgeGroupModel(
        owner_id=owner_id,
        kind=kind_of(model.layout),
        age_min=age_min,
        age_max=age_max,
        upper_closed=closed,
        model_type=model.model.detector.name,
        vision_model=model.encoder,
        parameters={
            "layout": model.layout.value,
            "dimension": model.dimension,
            "seed": recipe["config"]["seed"],
            "percentile": manifest.metrics["percentile"],
            "tells_ages_apart": manifest.metrics.get("tells_ages_apart"),
            MEMBER_REVISION: revision_of(()),
        },
        sample_count=drawings["fit"] + drawings["calibration"],
        artifact_id=artifact.id,
        recipe_hash=artifact.recipe_hash,
        active_key=None,
        is_active=False,
    )
