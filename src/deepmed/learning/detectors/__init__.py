"""Detectors: what is typical in, how unusual a drawing is out; all of one interface."""

from deepmed.learning.detectors.autoencoder import AutoencoderDetector
from deepmed.learning.detectors.base import Detector, StandardizedDetector
from deepmed.learning.detectors.isolation_forest import IsolationForestDetector
from deepmed.learning.detectors.knn import KnnDetector
from deepmed.learning.detectors.mahalanobis import MahalanobisDetector
from deepmed.learning.detectors.pca import PcaDetector
from deepmed.learning.detectors.reference_features import ReferenceRow, reference_rows
from deepmed.learning.detectors.registry import detector_class, make_detector
from deepmed.learning.detectors.selection import (
    PlantedItem,
    SelectionReport,
    detector_for,
    select_detector,
)
from deepmed.learning.detectors.state import from_files, to_files
from deepmed.learning.known_detectors import detector_names

__all__ = [
    "AutoencoderDetector",
    "Detector",
    "IsolationForestDetector",
    "KnnDetector",
    "MahalanobisDetector",
    "PcaDetector",
    "PlantedItem",
    "ReferenceRow",
    "SelectionReport",
    "StandardizedDetector",
    "detector_class",
    "detector_for",
    "detector_names",
    "from_files",
    "make_detector",
    "reference_rows",
    "select_detector",
    "to_files",
]
