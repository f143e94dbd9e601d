"""Bringing drawings in from a file, a folder or a ZIP."""

from deepmed.features.drawings.importing.importer import DrawingImporter
from deepmed.features.drawings.importing.plan import BatchRefusedError, Rejection
from deepmed.features.drawings.importing.report import ImportReport
from deepmed.features.drawings.importing.runs import UploadProgress

__all__ = ["BatchRefusedError", "DrawingImporter", "ImportReport", "Rejection", "UploadProgress"]
