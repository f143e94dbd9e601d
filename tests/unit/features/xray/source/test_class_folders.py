"""One folder a class."""

import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.class_folders import ClassFolders, read_class_folders
from deepmed.kit.errors import ValidationError
from deepmed.kit.sources import SourceFile


def read(*names: str, pattern: str | None = None) -> ClassFolders | None:
    return read_class_folders([SourceFile(name, is_picture=True) for name in names], pattern)


def told(folders: ClassFolders | None) -> list[tuple[str, int, str | None, str]]:
    assert folders is not None
    return [
        (one.file.name, one.image.label, one.image.part, one.image.patient)
        for one in folders.images
    ]


def test_classes_are_named_by_their_folders_in_whatever_folders_these_lie() -> None:
    found = read("set/images/b/1.png", "set/images/a/2.png", "set/images/c/3.png")
    assert found is not None
    assert found.classes == ("a", "b", "c")
    assert [label for _, label, _, _ in told(found)] == [1, 0, 2]


def test_of_two_classes_the_one_without_finding_comes_first() -> None:
    found = read("x/PNEUMONIA/1.png", "x/Normal/2.png", "x/Normal/3.png")
    assert found is not None
    assert found.classes == ("Normal", "PNEUMONIA")
    assert [label for _, label, _, _ in told(found)] == [1, 0, 0]


def test_folders_that_are_called_like_parts_are_a_published_split() -> None:
    found = read("x/train/a/1.png", "x/train/b/2.png", "x/val/a/3.png", "x/test/b/4.png")
    assert [part for _, _, part, _ in told(found)] == ["train", "train", "validation", "test"]


def test_a_folder_in_a_class_is_a_patient_and_a_pattern_finds_one_in_the_name() -> None:
    by_folder = read("a/p1/1.png", "b/p1/2.png", "b/3.png")
    assert [patient for *_, patient in told(by_folder)] == ["p1", "p1", ""]
    by_name = read("a/p1_x_1.png", "b/p1_y.png", "b/IM-3.png", pattern="{patient}_*")
    assert [patient for *_, patient in told(by_name)] == ["p1", "p1", ""]


def test_images_outside_of_all_classes_are_named() -> None:
    found = read("a/1.png", "b/2.png", "3.png")
    assert found is not None
    assert found.unplaced == ("3.png",)


def test_one_folder_is_no_classes_and_a_split_of_one_class_is_refused() -> None:
    assert read("images/1.png", "images/2.png") is None
    with pytest.raises(SourceRefusedError, match="one class, 'a'"):
        read("train/a/1.png", "test/a/2.png")


def test_a_pattern_without_patient_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"must hold \{patient\} once"):
        read("a/1.png", "b/2.png", pattern="*_x")
