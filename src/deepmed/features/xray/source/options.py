from dataclasses import dataclass, field
from typing import Self

from deepmed.features.xray.source.label_rows import ColumnNames
from deepmed.features.xray.source.reading import ReadingRules
from deepmed.kit.archives import ArchiveLimits
from deepmed.kit.settings import Settings

_MOST_FILES = 50_000
"""A published set of chest films has up to thirty thousand in one archive."""


@dataclass(frozen=True)
class SourceOptions:
    """How a source is read; what is not given is as published sets of chest films have it.

    Attributes:
        columns: names in the table of labels.
        class_names: of the labels 0 and 1 of a table; folders name their classes themselves.
        positive_class: which of two folders of classes counts as the finding, where their names
            do not tell.
        patient_pattern: where the names of files in class folders say the patient.
        minimum_images: readable images below which no training starts.
        minimum_patients: likewise, of each class: one each for training, validation and test.
        most_unreadable: share of the labelled images above which nothing is trained on the rest,
            because what is left is likely not to be what was meant.
        reading: rules for single files.
        limits: of the files and of an archive as a whole.
        workers: files that are read at a time.
    """

    columns: ColumnNames = field(default_factory=ColumnNames)
    class_names: tuple[str, str] = ("NORMAL", "PNEUMONIA")
    patient_pattern: str | None = None
    positive_class: str | None = None
    minimum_images: int = 10
    minimum_patients: int = 3
    most_unreadable: float = 0.5
    reading: ReadingRules = field(default_factory=ReadingRules)
    limits: ArchiveLimits = field(default_factory=ArchiveLimits)
    workers: int = 2

    @classmethod
    def of(cls, settings: Settings) -> Self:
        reading = ReadingRules.of(settings)
        limits = ArchiveLimits(
            max_entries=max(_MOST_FILES, settings.max_archive_entries),
            max_bytes=settings.max_archive_bytes,
            max_entry_bytes=max(reading.max_dicom_bytes, settings.max_file_bytes),
        )
        return cls(reading=reading, limits=limits)
