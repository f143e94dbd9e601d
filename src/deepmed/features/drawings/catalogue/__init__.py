"""What an owner has, and how it goes."""

from deepmed.features.drawings.catalogue.deletion import DeletionReport
from deepmed.features.drawings.catalogue.filters import DrawingFilter
from deepmed.features.drawings.catalogue.service import DrawingCatalogue, DrawingPage

__all__ = ["DeletionReport", "DrawingCatalogue", "DrawingFilter", "DrawingPage"]
