from io import BytesIO
from pathlib import Path

import pytest

from deepmed.features.drawings.importing.plan import BatchRefusedError
from deepmed.features.drawings.importing.received import (
    MOST_BYTES,
    is_archive,
    label_of,
    receive,
    refuse_archive,
    refuse_doubled,
    source_of,
)
from deepmed.kit.errors import TooLargeError, ValidationError


@pytest.mark.req("S-16.1")
@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../a/b.png", "b.png"),
        ("..\\..\\b.png", "b.png"),
        ("C:\\x\\b.bmp", "b.bmp"),
        ("/etc/passwd", "passwd"),
        ("a\0b.png", "ab.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        (".hidden.png", "hidden.png"),
        ("..", "drawing"),
        ("", "drawing"),
        (None, "drawing"),
        ("\ud800.png", "png"),
        ("Anna Müller 👧.png", "Anna Müller 👧.png"),
        ("no ending", "no ending"),
        ("a.longerthaneight", "a.longerthaneight"),
    ],
)
def test_a_name_becomes_a_label(name: str | None, label: str) -> None:
    assert label_of(name) == label
    assert label_of(label) == label


@pytest.mark.parametrize("letter", ["a", "é", "👧", "\u0301"])
@pytest.mark.parametrize("ending", ["", ".png"])
def test_a_label_fits_into_a_folder_whatever_its_letters(
    tmp_path: Path, letter: str, ending: str
) -> None:
    label = label_of(letter * 500 + ending)
    assert len(label.encode()) <= MOST_BYTES
    assert label.endswith(ending)
    (tmp_path / label).touch()


def test_what_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    assert receive(tmp_path, "a.png", BytesIO(b"12345"), 5).read_bytes() == b"12345"
    with pytest.raises(TooLargeError, match=r"b\.png has more than"):
        receive(tmp_path, "b.png", BytesIO(b"123456"), 5)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.zip"], True),
        (["a.ZIP", "metadata.json"], True),
        (["a.zip", "b.png"], False),
        (["a.zip", "b.zip"], False),
        (["a.png"], False),
        (["metadata.json"], False),
    ],
)
def test_an_archive_is_sent_alone_or_with_its_table(
    tmp_path: Path, names: list[str], *, found: bool
) -> None:
    assert is_archive(names) is found
    path, table = source_of(tmp_path, names)
    assert path == (tmp_path / names[0] if found else tmp_path)
    assert table == (tmp_path / "metadata.json" if found and len(names) == 2 else None)


@pytest.mark.parametrize(("name", "content"), [("a.png", b"PK\3\4"), ("a.zip", b"\x89PNG")])
def test_an_archive_is_no_picture(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValidationError, match="drawings/batch/upload"):
        refuse_archive(tmp_path / name)


def test_two_files_of_one_name_could_be_mixed_up() -> None:
    refuse_doubled(["a.png", "b.png"])
    with pytest.raises(BatchRefusedError, match=r"called a\.png"):
        refuse_doubled(["x/a.png", "y/a.png"])
