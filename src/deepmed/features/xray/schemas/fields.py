"""What all answers have in common, and values that requests carry."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from deepmed.kit.errors import PathRefusedError

Status = Literal["in_progress", "completed", "failed"]
Mode = Literal["centralized", "federated"]


class Answer(BaseModel):
    """The text behind a field is its description; numbers are described in docs/numbers.md."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that cannot be printed")
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


def _plain(text: str) -> str:
    """The name of a file and no way to one; refused with 400, as all such fields are (S-16)."""
    if text in {".", ".."} or any(sign in text for sign in "/\\:\0"):
        raise PathRefusedError(
            "A table is named by its plain name, without folders; nothing was kept or started."
        )
    return _printable(text)


Name = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
FileName = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Anything = Annotated[str, Field(max_length=1000)]
"""Taken, and used for nothing."""
