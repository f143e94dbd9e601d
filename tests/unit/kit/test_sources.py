"""Files, folders and ZIPs behind one face."""

from pathlib import Path

import pytest

from deepmed.kit.archives import ArchiveLimits
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.sources import open_source
from factories.films import zipped


def test_what_has_a_problem_is_not_read(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "a.zip", {"inner.zip": b"PK\3\4", "a.png": b"1"})
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.png").symlink_to(packed)
    for path in (packed, folder):
        with open_source(path, ArchiveLimits()) as source:
            [wrong] = [file for file in source.files if file.problem]
            with pytest.raises(ImageProcessingError, match="cannot be read"):
                source.read(wrong)
