"""A source that was taken in: its rows, what became of each file, and all of it as one file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepmed.features.xray.source.report import IntakeReport
from deepmed.kit.errors import IntegrityError
from deepmed.kit.files import write_atomically
from deepmed.learning.imaging.rows import ImageRow

MANIFEST = "source.json"
_VERSION = 1


@dataclass(frozen=True)
class DataSource:
    """Images whose pixels lie in `folder`, with class, patient and attributes.

    Attributes:
        folder: where everything of it lies; nothing in it names a patient but names of files, in
            `report` and `files`.
        classes: names by label.
        rows: one an image, in the order of the table or of the names; patients are pseudonyms.
        published: the part of a published split by image, where the source brings one.
        report: what became of each file.
        layout: `table` or `folders`.
        origin: digest of what it was taken from and how.
        files: the file of each image that is not called like it; it leaves the folder never.
    """

    folder: Path
    classes: tuple[str, ...]
    rows: tuple[ImageRow, ...]
    published: Mapping[str, str] = field(default_factory=dict)
    report: IntakeReport = field(default_factory=IntakeReport)
    layout: str = "table"
    origin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def image_dir(self) -> Path:
        return self.folder / "images"

    def file_of(self, image: str) -> str:
        """The file that an image of this source was."""
        return self.files.get(image, image)

    @property
    def shared_report(self) -> IntakeReport:
        """The report as it may go where the folder does not."""
        return self.report.without_names({file: name for name, file in self.files.items()})

    def save(self) -> Path:
        """Write `source.json`; images are named by their place in the folder."""
        path = self.folder / MANIFEST
        content = {
            "version": _VERSION,
            "classes": self.classes,
            "layout": self.layout,
            "origin": self.origin,
            "rows": [self._row(row) for row in self.rows],
            "published": dict(self.published),
            "report": self.report.as_json(),
            "files": dict(self.files),
        }
        write_atomically(path, json.dumps(content, indent=1).encode())
        return path

    @classmethod
    def load(cls, folder: Path) -> "DataSource":
        """What `save` wrote.

        Raises:
            IntegrityError: it is not there or not what was written, or an image of it is gone.
        """
        try:
            found = _of_version(json.loads((folder / MANIFEST).read_bytes()))
            rows = tuple(_row_from(folder, each) for each in found["rows"])
            source = cls(
                folder,
                tuple(found["classes"]),
                rows,
                found["published"],
                IntakeReport.from_json(found["report"]),
                found["layout"],
                found["origin"],
                found.get("files", {}),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"The data that were taken into {folder.name} are damaged or gone; take them in "
                "again."
            ) from error
        if any(not row.path.is_file() for row in rows):
            raise IntegrityError(f"Images are gone from {folder.name}; take them in again.")
        return source

    def _row(self, row: ImageRow) -> dict[str, Any]:
        return {
            "image_id": row.image_id,
            "path": row.path.relative_to(self.folder).as_posix(),
            "patient": row.patient,
            "label": row.label,
            "digest": row.digest,
            "attributes": dict(row.attributes),
        }


def _row_from(folder: Path, found: Mapping[str, Any]) -> ImageRow:
    return ImageRow(
        image_id=found["image_id"],
        path=folder / found["path"],
        patient=found["patient"],
        label=found["label"],
        digest=found["digest"],
        attributes=found["attributes"],
    )


def _of_version(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise ValueError("it was written by another version")
    return found
