"""The stored form of a detector, and the checks it passes before anything is believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from deepmed.learning.errors import ModelLoadingError


class DetectorRecord(BaseModel):
    """What is stored beside the arrays; strict, because it may come from a file.

    Attributes:
        detector: Name in the registry.
        schema_version: Version of this layout.
        parameters: Constructor's parameters, the seed among them.
        rows: Number of rows fitted.
        features: Width of the embeddings.
        slots: How many of them, the last ones, are the slots of one category.
        offset: Where ``predict`` cuts.
        data_hash: SHA-256 of the rows fitted.
        architecture: What was learned, in words and sizes.
        training: History of the fitting, empty where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    detector: str
    schema_version: Literal[1] = 1
    parameters: dict[str, JsonValue]
    rows: Annotated[int, Field(ge=2)]
    features: Annotated[int, Field(ge=1)]
    slots: Annotated[int, Field(ge=0)] = 0
    offset: float
    data_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    architecture: dict[str, JsonValue]
    training: dict[str, JsonValue]

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Check a record from outside.

        Raises:
            ModelLoadingError: A field is missing, unknown or of the wrong type.
        """
        try:
            return cls.model_validate(dict(config))
        except ValidationError as error:
            raise ModelLoadingError(f"The detector's record is not valid: {error}") from error


@dataclass(frozen=True)
class ArraySpec:
    """Type and shape that a learned array must have.

    A size is a number, ``"rows"`` or ``"features"``, or another word: that size is free, but the
    same wherever the word stands.
    """

    dtype: str
    shape: tuple[int | str, ...]
    positive: bool = False


def checked_arrays(
    arrays: Mapping[str, npt.NDArray[Any]],
    specs: Mapping[str, ArraySpec],
    sizes: Mapping[str, int],
) -> dict[str, npt.NDArray[Any]]:
    """Copy the arrays after holding each against its specification.

    Raises:
        ModelLoadingError: An array is missing or unknown, or its type, shape or values are wrong.
    """
    if set(arrays) != set(specs):
        raise ModelLoadingError(
            f"The detector's arrays are {sorted(arrays)}, but {sorted(specs)} were expected."
        )
    known = dict(sizes)
    for name, spec in specs.items():
        _check_array(name, arrays[name], spec, known)
    return {name: np.array(arrays[name], order="C") for name in specs}


def _check_array(
    name: str, array: npt.NDArray[Any], spec: ArraySpec, known: dict[str, int]
) -> None:
    if array.dtype != np.dtype(spec.dtype) or array.ndim != len(spec.shape):
        raise ModelLoadingError(
            f"The array {name!r} is {array.dtype} of shape {array.shape}, but {spec.dtype} with "
            f"{len(spec.shape)} dimensions was expected."
        )
    for size, word in zip(array.shape, spec.shape, strict=True):
        wanted = word if isinstance(word, int) else known.setdefault(word, size)
        if size != wanted:
            raise ModelLoadingError(
                f"The array {name!r} has shape {array.shape}, which does not fit the others: "
                f"{word} should be {wanted}."
            )
    if not np.isfinite(array).all():
        raise ModelLoadingError(f"The array {name!r} holds values that are not finite.")
    if spec.positive and not (array > 0).all():
        raise ModelLoadingError(f"The array {name!r} holds values that are not positive.")
