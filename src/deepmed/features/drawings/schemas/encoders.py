"""Encoders and their vectors on the wire; the contract has none of it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from deepmed.features.drawings.schemas.fields import LARGEST_SEED, Text

NAME_LENGTH = 200


class EmbedAllRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    encoder: Text | None = Field(
        None, description="An encoder's name; that of the settings when left out"
    )
    all: bool = Field(
        default=False, description="Also drawings that it has embedded before, in their place"
    )


class JobAccepted(BaseModel):
    job_id: int
    encoder: str
    progress_url: str


class StoredVectorsResponse(BaseModel):
    encoder: str = Field(description="Identity: name, precision, versions, hash of the weights")
    drawings: int = Field(ge=0)
    is_present: bool = Field(description="Whether the settings name this encoder")
    model_ids: list[int] = Field(description="Models in use that take its vectors")


class EmbeddingsResponse(BaseModel):
    vectors: list[StoredVectorsResponse]
    missing: int = Field(ge=0, description="Drawings that the present encoder has still to embed")
    offered: list[str] = Field(description="Encoders that may be asked for by name")


class VectorsDeleted(BaseModel):
    encoder: str
    deleted: int = Field(ge=0)


class CompareRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    encoders: Annotated[list[Text], Field(max_length=10)] | None = Field(
        None, description="Names of encoders; all that this machine can run when left out"
    )
    seed: int = Field(0, ge=0, le=LARGEST_SEED)


class FigureResponse(BaseModel):
    """A figure with its interval."""

    estimate: float
    low: float
    high: float
    level: float
    method: str
    unit: str
    sample_size: int
    n_items: int
    n_negative: int | None
    n_positive: int | None
    split: str
    n_children: int | None


class ViewResponse(BaseModel):
    name: str
    role: str = Field(description="encoder, plain features, or constant")
    figure: FigureResponse | None = Field(description="Null where too few children leave none")
    beside_present: FigureResponse | None = Field(
        description="By how much it is better than the present encoder; negative: worse"
    )


class TaskResponse(BaseModel):
    task: str
    measure: str
    higher_is_better: bool
    reason: str | None = Field(description="Why there are no figures")
    rows: list[ViewResponse]
    verdict: str


class ComparedEncoder(BaseModel):
    name: str
    encoder: str
    ms_an_image: float = Field(ge=0)


class LeftOutEncoder(BaseModel):
    name: str
    reason: str


class ComparisonResponse(BaseModel):
    """What encoders tell on the owner's own drawings."""

    present: str
    seed: int
    drawings: int = Field(ge=0)
    children: int = Field(ge=0)
    children_kept_back: int = Field(ge=0, description="Children who calibrate, never looked at")
    planted: int = Field(ge=0)
    encoders: list[ComparedEncoder]
    left_out: list[LeftOutEncoder]
    tasks: list[TaskResponse]
    verdict: str


class ComparisonState(BaseModel):
    job_id: int | None = Field(description="The newest comparison's job; null before the first")
    state: str | None
    result: ComparisonResponse | None = Field(
        description="Of the newest comparison that came to its end"
    )


def comparison(result: dict[str, Any]) -> ComparisonResponse:
    """A job's result as it is told."""
    return ComparisonResponse.model_validate(result)
