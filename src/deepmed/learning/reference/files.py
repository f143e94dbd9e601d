"""A reference model as files: safetensors for numbers, JSON for the rest, never pickle."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.detectors import StandardizedDetector
from deepmed.learning.detectors.standardization import SLOTS_RULE
from deepmed.learning.detectors.state import from_files as detector_from_files
from deepmed.learning.detectors.state import to_files as detector_to_files
from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.reference.model import Reference, ReferenceModel
from deepmed.learning.reference.rows import Layout

HEADER = "reference.json"


def to_files(model: ReferenceModel) -> dict[str, bytes]:
    """The files of a model; `from_files` reads them back to the same scores."""
    header = {
        "encoder": model.encoder,
        "layout": model.layout.value,
        "dimension": model.dimension,
        "fit_children": sorted(model.fit_children),
        "borrowed_children": sorted(model.borrowed_children),
        "neutral_age": model.neutral_age,
        "subject_columns": _subject_columns(model),
        "model": _calibration_rows(model.model),
        "twin": model.twin and _calibration_rows(model.twin),
    }
    files = {HEADER: json.dumps(header, indent=1, sort_keys=True).encode()}
    files |= _named("model", detector_to_files(model.model.detector))
    if model.twin:
        files |= _named("twin", detector_to_files(model.twin.detector))
    return files


def from_files(files: Mapping[str, bytes]) -> ReferenceModel:
    """Read a model back.

    Raises:
        ModelLoadingError: a file is missing or does not hold what it should.
    """
    try:
        header = json.loads(files[HEADER])
        return ReferenceModel(
            encoder=header["encoder"],
            layout=Layout(header["layout"]),
            dimension=header["dimension"],
            model=_reference(header["model"], "model", files),
            twin=_reference(header["twin"], "twin", files) if header["twin"] else None,
            fit_children=frozenset(header["fit_children"]),
            borrowed_children=frozenset(header["borrowed_children"]),
            neutral_age=header["neutral_age"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelLoadingError(f"The model's files are not complete: {error!r}.") from error


def _subject_columns(model: ReferenceModel) -> dict[str, Any] | None:
    """How the subject stands beside the vector, for whoever reads the file; it is not read back."""
    if not model.layout.slots:
        return None
    detector = model.model.detector
    scaled = isinstance(detector, StandardizedDetector)
    return {
        "slots": model.layout.slots,
        "value": float(1 / detector.standardization_.scale[-1]) if scaled else None,
        "rule": SLOTS_RULE if scaled else "no scale: this detector only asks which value is larger",
    }


def _named(half: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{half}.{name}": content for name, content in files.items()}


def _calibration_rows(reference: Reference) -> list[dict[str, Any]]:
    calibration = reference.calibration
    rows = zip(
        reference.calibration_drawings.tolist(),
        calibration.children,
        calibration.scores.tolist(),
        reference.across_ages.scores.tolist(),
        strict=True,
    )
    return [
        {"drawing": drawing, "child": int(str(child)), "score": score}
        | ({} if reference.neutral is None else {"neutral": neutral})
        for drawing, child, score, neutral in rows
    ]


def _reference(rows: list[dict[str, Any]], half: str, files: Mapping[str, bytes]) -> Reference:
    prefix = f"{half}."
    own = {name.removeprefix(prefix): files[name] for name in files if name.startswith(prefix)}
    neutral = any("neutral" in row for row in rows)
    return Reference(
        detector_from_files(own),
        _calibration(rows, "score"),
        np.array([row["drawing"] for row in rows], dtype=np.int64),
        _calibration(rows, "neutral") if neutral else None,
    )


def _calibration(rows: list[dict[str, Any]], score: str) -> CalibrationSet:
    return CalibrationSet(
        np.array([row[score] for row in rows], dtype=np.float64),
        np.array([row["child"] for row in rows], dtype=np.int64),
    )
