"""Which file is which image."""

import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.labels import LabelledImage
from deepmed.features.xray.source.placing import Placing, place_images
from deepmed.kit.sources import SourceFile


def placed(names: list[str], files: list[str], *, by_patient: bool = True) -> Placing:
    images = [
        LabelledImage(name, name, 0, (at + 2,), by_patient=by_patient)
        for at, name in enumerate(names)
    ]
    return place_images(images, [SourceFile(file, is_picture=True) for file in files])


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a", "images/a.png"),
        ("a.png", "images/a.png"),
        ("images/a.png", "images/a.png"),
        ("images/a.png", "set/images/a.png"),
        ("A", "a.PNG"),
        ("1.2.840.5", "1.2.840.5.dcm"),
        ("1.2.840.5", "1.2.840.5"),
    ],
)
def test_an_image_is_found_by_path_by_name_and_by_name_without_ending(name: str, file: str) -> None:
    placing = placed([name], [file, "b.png"])
    assert [one.file.name for one in placing.images] == [file]
    assert placing.unlabelled == ["b.png"]


def test_all_files_of_a_folder_that_is_called_like_the_patient_are_that_patients() -> None:
    placing = placed(["p1", "p2"], ["x/p1/1.png", "x/p1/2.png", "x/p2.png"])
    assert [one.file.name for one in placing.images] == ["x/p1/1.png", "x/p1/2.png", "x/p2.png"]


def test_a_name_that_fits_two_files_is_refused_with_both() -> None:
    with pytest.raises(
        SourceRefusedError, match=r"row 2\): the name fits 2 files: x/a.png, y/a.jpg"
    ):
        placed(["a"], ["x/a.png", "y/a.jpg"])


def test_two_images_cannot_have_one_file() -> None:
    with pytest.raises(SourceRefusedError, match=r"also that of a"):
        placed(["a", "a.png"], ["a.png"])


def test_a_row_without_file_is_told_with_its_row() -> None:
    (missing,) = placed(["a", "gone"], ["a.png"]).without_file
    assert (missing.name, missing.row) == ("gone", 3)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a\0b", "x/../a"])
def test_a_path_in_a_table_opens_nothing(name: str) -> None:
    placing = placed([name], ["a.png", "passwd"])
    assert not placing.images
    assert len(placing.without_file) == 1
