"""What forms send, and what they are answered."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Place = Annotated[str, Field(max_length=80)]
Text = Annotated[str, Field(max_length=1000)]


class TrainingWanted(BaseModel):
    """What a form asks for; single values count more than a level."""

    model_config = ConfigDict(extra="forbid")

    experiment_name: Annotated[str, Field(min_length=1, max_length=200)]
    csv_filename: Annotated[str, Field(max_length=200)] | None = None
    federated: bool = False
    level: Annotated[int, Field(ge=1, le=5)] | None = None
    values: dict[Place, Text] = Field(default_factory=dict, max_length=100)


class Judged(BaseModel):
    """By the number of a pair: `same`, `different`, or nothing."""

    model_config = ConfigDict(extra="forbid")

    pairs: dict[Annotated[str, Field(max_length=10)], str | None] = Field(max_length=5000)


class Begun(BaseModel):
    run_id: int


class Received(BaseModel):
    uid: str


class Told(BaseModel):
    message: str
