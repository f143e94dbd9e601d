"""Taking in X-rays: a ZIP or a folder with labels, images of any kind, and nobody's name."""

from deepmed.features.xray.source.data_source import DataSource
from deepmed.features.xray.source.extractor import DataSourceExtractor
from deepmed.features.xray.source.label_rows import ColumnNames
from deepmed.features.xray.source.options import SourceOptions
from deepmed.features.xray.source.pseudonyms import Pseudonyms
from deepmed.features.xray.source.reading import ReadingRules, XrayImage, XrayReader
from deepmed.features.xray.source.report import Flag, IntakeReport
from deepmed.features.xray.source.stored import read_image, thumbnail

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
