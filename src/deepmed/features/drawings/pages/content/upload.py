"""The page that brings drawings in."""

from typing import Any

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.metadata import MAX_AGE, MIN_AGE, ExpertLabel
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.kit.picture_formats import readable_formats, readable_in_words

MOST_FILES = 50


def content(desk: Desk) -> dict[str, Any]:
    settings = desk.home.settings
    return {
        "subjects": [each.value for each in SubjectCategory],
        "labels": list(ExpertLabel),
        "least": MIN_AGE,
        "greatest": MAX_AGE,
        "formats": readable_in_words("or"),
        "endings": [ending for kind in readable_formats() for ending in kind.endings],
        "most_files": MOST_FILES,
        "file_bytes": settings.max_file_bytes,
        "archive_bytes": settings.max_archive_bytes,
    }
