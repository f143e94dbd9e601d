"""Which detectors there are: ours, and those of installed packages."""

from typing import Any

from deepmed.learning.detectors.autoencoder import AutoencoderDetector
from deepmed.learning.detectors.base import Detector
from deepmed.learning.detectors.errors import DetectorParameterError, UnknownDetectorError
from deepmed.learning.detectors.isolation_forest import IsolationForestDetector
from deepmed.learning.detectors.knn import KnnDetector
from deepmed.learning.detectors.mahalanobis import MahalanobisDetector
from deepmed.learning.detectors.pca import PcaDetector
from deepmed.learning.known_detectors import detector_names, installed_detectors

_OURS: dict[str, type[Detector]] = {
    kind.name: kind
    for kind in (
        AutoencoderDetector,
        KnnDetector,
        MahalanobisDetector,
        PcaDetector,
        IsolationForestDetector,
    )
}


def detector_class(name: str) -> type[Detector]:
    """The class of that name; an installed package cannot replace one of ours.

    Raises:
        UnknownDetectorError: There is none, or an installed package offers something else.
    """
    if name in _OURS:
        return _OURS[name]
    for entry in installed_detectors().select(name=name):
        found = entry.load()
        if isinstance(found, type) and issubclass(found, Detector) and found.name == name:
            return found
        raise UnknownDetectorError(
            f"The package that offers the detector {name!r} gives {entry.value}, which is no "
            "detector of that name. Ask its author, or remove it."
        )
    raise UnknownDetectorError(
        f"There is no detector {name!r}. Choose one of: {', '.join(detector_names())}."
    )


def make_detector(name: str, seed: int = 0, **parameters: Any) -> Detector:
    """A new, unfitted detector.

    Args:
        name: One of :func:`detector_names`.
        seed: The run's seed; detectors derive their own streams from it.
        parameters: The constructor's further parameters.

    Raises:
        UnknownDetectorError: No detector has that name.
        DetectorParameterError: It has no such parameter.

    Example:
        >>> make_detector("knn", seed=3, neighbors=7)
        KnnDetector(neighbors=7, seed=3)
    """
    kind = detector_class(name)
    try:
        return kind(seed=seed, **parameters)
    except TypeError as error:
        raise DetectorParameterError(f"The detector {name!r} cannot be made: {error}") from error
