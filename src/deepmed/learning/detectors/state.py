"""A fitted detector as files: numbers in safetensors, the rest in JSON, nothing executable."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import safetensors.numpy
from safetensors import SafetensorError

from deepmed.learning.detectors.base import Detector
from deepmed.learning.detectors.errors import UnknownDetectorError
from deepmed.learning.detectors.registry import detector_class
from deepmed.learning.errors import ModelLoadingError

WEIGHTS = "weights.safetensors"
RECORD = "detector.json"

# A record is some kilobytes; a longer one is not ours, and is not parsed.
MAXIMUM_RECORD_BYTES = 4_000_000


def to_files(detector: Detector) -> dict[str, bytes]:
    """Write a fitted detector; equal detectors give equal bytes.

    Returns:
        ``weights.safetensors`` and ``detector.json``.

    Example:
        >>> from deepmed.learning.detectors import make_detector
        >>> files = to_files(make_detector("knn").fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]))
        >>> sorted(files)
        ['detector.json', 'weights.safetensors']
        >>> from_files(files).score_samples([[0.0, 1.0]]).shape
        (1,)
    """
    arrays, record = detector.get_state()
    text = json.dumps(record, sort_keys=True, indent=2, allow_nan=False)
    return {WEIGHTS: safetensors.numpy.save(arrays), RECORD: text.encode()}


def from_files(files: Mapping[str, bytes]) -> Detector:
    """Read a detector back; it scores exactly like the one that was written.

    Args:
        files: At least the two that :func:`to_files` returns; others are left alone.

    Raises:
        ModelLoadingError: A file is missing or damaged, the detector is unknown, or an array is
            not what the record says.
    """
    missing = {WEIGHTS, RECORD} - set(files)
    if missing:
        raise ModelLoadingError(f"The model lacks {', '.join(sorted(missing))}.")
    record = _parse_record(files[RECORD])
    try:
        kind = detector_class(str(record.get("detector")))
    except UnknownDetectorError as error:
        raise ModelLoadingError(f"The model cannot be loaded. {error}") from error
    return kind.from_state(_parse_arrays(files[WEIGHTS]), record)


def _parse_record(content: bytes) -> dict[str, Any]:
    if len(content) > MAXIMUM_RECORD_BYTES:
        raise ModelLoadingError(f"The file {RECORD} is larger than any that we write.")
    try:
        record = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelLoadingError(f"The file {RECORD} is not valid JSON.") from error
    if not isinstance(record, dict):
        raise ModelLoadingError(f"The file {RECORD} does not hold a record.")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON knows.")


def _parse_arrays(content: bytes) -> dict[str, Any]:
    try:
        arrays: dict[str, Any] = safetensors.numpy.load(content)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        # KeyError and TypeError: element types that numpy does not have.
        raise ModelLoadingError(f"The file {WEIGHTS} is damaged.") from error
    return arrays
