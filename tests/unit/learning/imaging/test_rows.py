import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from deepmed.learning.imaging import ImageRow, class_counts, file_digest


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 300
    (tmp_path / "a").write_bytes(content)
    assert file_digest(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_label_outside_the_classes_is_named() -> None:
    rows = [ImageRow("odd-one", Path("a"), "p", 2, "")]
    with pytest.raises(ValueError, match="odd-one has class 2"):
        class_counts(rows, 2)


def test_rows_and_settings_do_not_wait_for_torch() -> None:
    code = (
        "import sys; from deepmed.learning.imaging import DataSettings, ImageRow, Minimum; "
        "print(sorted({'torch', 'monai', 'lightning', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rows_can_be_told_apart_and_collected() -> None:
    first = ImageRow("a", Path("a"), "p", 0, "", {"sex": "F"})
    assert len({first, ImageRow("a", Path("a"), "p", 0, "", {"sex": "F"})}) == 1
