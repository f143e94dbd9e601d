"""One folder a class."""

import re
import time
from itertools import product

import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.class_folders import (
    ClassFolders,
    patient_by,
    read_class_folders,
)
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


@pytest.mark.parametrize(
    ("names", "finding"),
    [
        (("Bacteria", "Control"), "Bacteria"),
        (("effusion", "no_effusion"), "effusion"),
        (("a finding", "Without-Finding"), "a finding"),
        (("nodule", "none"), "nodule"),
        (("cat", "dog"), "dog"),
    ],
)
def test_the_class_that_says_there_is_nothing_is_not_the_finding(
    names: tuple[str, str], finding: str
) -> None:
    found = read(*(f"x/{name}/{at}.png" for at, name in enumerate(names)))
    assert found is not None
    assert found.classes[1] == finding
    assert f"counted as the finding: {finding}," in found.notes[0]


def test_the_finding_can_be_named_and_a_name_that_is_none_is_refused() -> None:
    files = [SourceFile(name, is_picture=True) for name in ("x/NORMAL/1.png", "x/TB/2.png")]
    found = read_class_folders(files, positive_class="NORMAL")
    assert found is not None
    assert found.classes == ("TB", "NORMAL")
    assert found.notes == ("counted as the finding: NORMAL, as data.positive_class says",)
    with pytest.raises(SourceRefusedError, match="positive_class is 'tb'"):
        read_class_folders(files, positive_class="tb")


def test_names_that_seem_to_say_the_patient_are_warned_of_until_a_pattern_reads_them() -> None:
    names = ("a/person1_virus_6.jpeg", "a/IM-1.jpeg", "b/person1_virus_7.jpeg")
    found = read(*names)
    assert found is not None
    assert "2 names of files seem to say whose they are (person1_virus_6)" in found.notes[1]
    assert "data.patient_pattern to {patient}_*" in found.notes[1]
    told = read(*names, pattern="{patient}_*")
    assert told is not None
    assert len(told.notes) == 1


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


@pytest.mark.parametrize(
    "pattern",
    ["{patient}", "{patient}_*", "*_{patient}", "*_{patient}_*", "a{patient}*b*", "*a*b{patient}"],
)
def test_a_pattern_finds_what_an_expression_of_it_would(pattern: str) -> None:
    text = re.escape(pattern).replace(r"\{patient\}", "(.+?)").replace(r"\*", ".*")
    for stem in map("".join, product("ab_", repeat=6)):
        match = re.fullmatch(text, stem)
        assert patient_by(pattern).find(stem) == (match and match[1])


def test_a_name_that_nearly_fits_takes_no_longer() -> None:
    begun = time.process_time()
    assert patient_by("*a" + "*" * 30 + "a*{patient}x").find("a" * 255) is None
    assert patient_by("{patient}").find("a" * 256) is None
    assert time.process_time() - begun < 1
    with pytest.raises(ValidationError, match="more than 3 places"):
        patient_by("*a*a*a*{patient}")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([f"c{at}" for at in range(201)], "there are 201 folders"),
        (["a", "b" * 101], "more than 100"),
        (["a", "b\x1b[2J"], r"cannot be shown, for example 'b\\x1b\[2J'"),
    ],
)
def test_folders_that_cannot_be_shown_as_classes_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(SourceRefusedError, match=told):
        read(*(f"{name}/1.png" for name in names))
