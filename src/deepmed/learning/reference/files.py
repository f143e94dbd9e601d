"""A reference model as files: safetensors for numbers, JSON for the rest, never pickle."""

import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.reference.model import Reference, ReferenceModel
from deepmed.learning.reference.rows import Layout

if TYPE_CHECKING:
    from deepmed.learning.detectors import Detector

HEADER = "reference.json"


def to_files(model: ReferenceModel) -> dict[str, bytes]:
    """The files of a model; `from_files` reads them back to the same scores."""
    from deepmed.learning.detectors.state import (  # noqa: PLC0415 - it brings torch along
        to_files as detector_to_files,
    )

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


def from_files(files: Mapping[str, bytes], *, later: bool = False) -> ReferenceModel:
    """Read a model back.

    Args:
        files: at least those that `to_files` returns.
        later: read the detectors when something is scored first, for files that were checked
            already: what only ranks does not wait for the detectors' libraries then.

    Raises:
        ModelLoadingError: a file is missing or does not hold what it should.
    """
    held = _later if later else _now
    try:
        header = json.loads(files[HEADER])
        return ReferenceModel(
            encoder=header["encoder"],
            layout=Layout(header["layout"]),
            dimension=header["dimension"],
            model=_reference(header["model"], "model", files, held),
            twin=_reference(header["twin"], "twin", files, held) if header["twin"] else None,
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
    from deepmed.learning.detectors.base import StandardizedDetector  # noqa: PLC0415 - as above
    from deepmed.learning.detectors.standardization import SLOTS_RULE  # noqa: PLC0415 - as above

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


def _reference(
    rows: list[dict[str, Any]], half: str, files: Mapping[str, bytes], held: "Holding"
) -> Reference:
    prefix = f"{half}."
    own = {name.removeprefix(prefix): files[name] for name in files if name.startswith(prefix)}
    neutral = any("neutral" in row for row in rows)
    return Reference(
        held(own),
        _calibration(rows, "score"),
        np.array([row["drawing"] for row in rows], dtype=np.int64),
        _calibration(rows, "neutral") if neutral else None,
    )


def _calibration(rows: list[dict[str, Any]], score: str) -> CalibrationSet:
    return CalibrationSet(
        np.array([row[score] for row in rows], dtype=np.float64),
        np.array([row["child"] for row in rows], dtype=np.int64),
    )


Holding = Callable[[Mapping[str, bytes]], "Callable[[], Detector]"]


def _now(files: Mapping[str, bytes]) -> "Callable[[], Detector]":
    detector = _read(files)
    return lambda: detector


def _later(files: Mapping[str, bytes]) -> "Callable[[], Detector]":
    """Reads it once, and lets go of the files then."""
    held: list[Mapping[str, bytes]] = [files]
    read: list[Detector] = []
    lock = Lock()

    def detector() -> "Detector":
        with lock:
            if not read:
                read.append(_read(held[0]))
                held.clear()
            return read[0]

    return detector


def _read(files: Mapping[str, bytes]) -> "Detector":
    from deepmed.learning.detectors.state import from_files as read  # noqa: PLC0415 - as above

    return read(files)
