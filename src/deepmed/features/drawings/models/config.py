from pydantic import BaseModel, ConfigDict, Field

from deepmed.learning.reference import MINIMUM_FIT, Layout

AUTOMATIC = "auto"
ARTIFACT_KIND = "drawings.age-group"
"""Of the registry's artefacts, those that are models of drawings."""


class GroupTrainingConfig(BaseModel):
    """What decides a model beside the drawings; part of its recipe, so of its identity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    detector: str = Field(AUTOMATIC, description="Name of a detector, or auto: planted ones decide")
    layout: Layout = Field(Layout.AGE, description="Columns beside the encoder's vector")
    seed: int = Field(0, ge=0)
    fit_target: int = Field(
        MINIMUM_FIT, ge=MINIMUM_FIT, description="Drawings up to which a thin group borrows"
    )
    planted_sources: int = Field(
        24, ge=1, description="Most drawings from which planted anomalies are made, per part"
    )
    comparison_drawings: int = Field(
        200, ge=10, description="Most fitting drawings on which detectors are compared"
    )
    percentile: float = Field(95.0, ge=50, le=99.9, description="Percentile of the report's shares")
