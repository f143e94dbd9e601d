"""Taking in X-rays: a ZIP or a folder with labels, images of any kind, and nobody's name.

Names are loaded when they are first asked for: a process that reads DICOM files begins for each
intake, and does not wait for what it never asks.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.features.xray.source.data_source import DataSource
    from deepmed.features.xray.source.extractor import DataSourceExtractor
    from deepmed.features.xray.source.label_rows import ColumnNames
    from deepmed.features.xray.source.options import SourceOptions
    from deepmed.features.xray.source.pseudonyms import Pseudonyms
    from deepmed.features.xray.source.reading import ReadingRules, XrayImage, XrayReader
    from deepmed.features.xray.source.report import Flag, IntakeReport
    from deepmed.features.xray.source.stored import read_image, thumbnail

_MODULE_OF = {
    "ColumnNames": "label_rows",
    "DataSource": "data_source",
    "DataSourceExtractor": "extractor",
    "Flag": "report",
    "IntakeReport": "report",
    "Pseudonyms": "pseudonyms",
    "ReadingRules": "reading",
    "SourceOptions": "options",
    "XrayImage": "reading",
    "XrayReader": "reading",
    "read_image": "stored",
    "thumbnail": "stored",
}

__all__ = [
    "ColumnNames",
    "DataSource",
    "DataSourceExtractor",
    "Flag",
    "IntakeReport",
    "Pseudonyms",
    "ReadingRules",
    "SourceOptions",
    "XrayImage",
    "XrayReader",
    "read_image",
    "thumbnail",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"{__name__} has no name {name!r}.")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
