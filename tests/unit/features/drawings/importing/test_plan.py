"""What an import decides before it stores anything."""

import os
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.importing.plan import BatchRefusedError, ImportPlan, plan_import
from deepmed.features.drawings.importing.sources import open_source
from deepmed.kit.archives import ArchiveRefusedError
from deepmed.kit.errors import ImageProcessingError, ValidationError
from deepmed.kit.pictures import encode_png
from deepmed.kit.settings import Settings

PICTURE = encode_png(np.zeros((40, 40, 3), np.uint8))
HEADER = "filename,age_years,subject,child_id\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    place.mkdir()
    for name in ("a.png", "b.png"):
        (place / name).write_bytes(PICTURE)
    return place


@pytest.fixture
def plan(settings: Settings) -> Callable[..., ImportPlan]:
    def planned(path: Path, **options: object) -> ImportPlan:
        with open_source(path, settings) as source:
            return plan_import(source, **options)

    return planned


def table(folder: Path, text: str, name: str = "metadata.csv") -> None:
    (folder / name).write_text(text)


def ages(plan: ImportPlan) -> dict[str, float | None]:
    return {
        planned.file.name: planned.metadata and planned.metadata.age_years
        for planned in plan.drawings
    }


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize(
    "rows", ["a.png,6,,\nb.png,7,,\n", "b,7,,\na,6,,\n", "a.JPG,6,,\nset\\b.png,7,,\n"]
)
def test_rows_belong_to_files_by_name_then_by_stem(
    plan: Callable[..., ImportPlan], folder: Path, rows: str
) -> None:
    table(folder, HEADER + rows)
    found = plan(folder)
    assert ages(found) == {"a.png": 6, "b.png": 7}
    assert not found.rejected
    assert not found.unknown_files


def test_letters_with_marks_are_the_same_in_both_spellings(
    plan: Callable[..., ImportPlan], tmp_path: Path
) -> None:
    place = tmp_path / "set"
    place.mkdir()
    (place / unicodedata.normalize("NFD", "bär.png")).write_bytes(PICTURE)
    (place / "metadata.csv").write_bytes((HEADER + "bär.png,6,,\n").encode())
    assert list(ages(plan(place)).values()) == [6]


@pytest.mark.req("D-2.2")
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a.png,6,,\n", r"b\.png: no row of the metadata names it"),
        ("a.png,6,,\nb.png,,,\n", r"b\.png \(row 3, age_years\): the age is missing"),
        ("a.png,6,,\nb.png,-3,,\n", r"b\.png \(row 3, age_years\): the age '-3' is negative"),
        ("a.png,6,,\nb.png,40,,\n", "outside 2 to 18"),
        ("a.png,6,,\nb.png,NaN,,\n", "not understood"),
        ("a.png,6,,\nb.png,six,,\n", "not understood"),
        ("a.png,6,,\nb.png,7,,\na.png,7,,\n", r"a\.png \(row 2 and row 4\): .*twice"),
        ("a.png,6,,\nb.png,7,,\na,7,,\n", r"a\.png \(row 2 and row 4\): .*twice"),
        ("a.png,6,,\nb.png,7,,,x\n", r"b\.png \(row 3\): the row has 5 cells"),
        (f"a.png,6,,\nb.png,7,{'s' * 101},\n", r"b\.png \(row 3, subject\): has 101"),
    ],
)
def test_a_batch_with_one_unusable_row_is_refused_as_a_whole(
    plan: Callable[..., ImportPlan], folder: Path, rows: str, words: str
) -> None:
    table(folder, HEADER + rows)
    with pytest.raises(BatchRefusedError, match=words) as refusal:
        plan(folder)
    assert refusal.value.status == 422
    assert "nothing was stored" in refusal.value.message
    assert refusal.value.details["problems"][0]["name"] in {"a.png", "b.png"}


@pytest.mark.req("D-2.2")
def test_every_affected_name_is_told(plan: Callable[..., ImportPlan], folder: Path) -> None:
    for number in range(30):
        (folder / f"n{number}.png").write_bytes(PICTURE)
    table(folder, HEADER + "a.png,6,,\n")
    with pytest.raises(BatchRefusedError, match=r"31 of 32 pictures .* and 21 more") as refusal:
        plan(folder)
    names = {problem["name"] for problem in refusal.value.details["problems"]}
    assert names == {"b.png", *(f"n{number}.png" for number in range(30))}


@pytest.mark.req("D-2.2")
def test_there_is_no_age_by_default_for_a_batch(
    plan: Callable[..., ImportPlan], folder: Path
) -> None:
    with pytest.raises(BatchRefusedError, match="without an age"):
        plan(folder)
    with pytest.raises(BatchRefusedError, match="One age for a whole batch"):
        plan(folder, defaults={"age_years": 6})


def test_other_defaults_fill_what_nothing_else_says(
    plan: Callable[..., ImportPlan], folder: Path
) -> None:
    table(folder, HEADER + "a.png,6,cat,\nb.png,7,,\n")
    found = plan(folder, defaults={"subject": "Dog", "drawing_tool": "pencil", "prompt": None})
    metadata = [planned.metadata for planned in found.drawings]
    assert [each and each.subject for each in metadata] == ["cat", "dog"]
    assert {each and each.drawing_tool for each in metadata} == {"pencil"}
    with pytest.raises(ValidationError, match="no field colour"):
        plan(folder, defaults={"colour": "red"})


@pytest.mark.req("D-2.1")
def test_names_hold_metadata_and_the_table_has_the_last_word(
    plan: Callable[..., ImportPlan], tmp_path: Path
) -> None:
    place = tmp_path / "set"
    place.mkdir()
    for name in ("cat_6_k1.png", "dog_7_k2.png"):
        (place / name).write_bytes(PICTURE)
    table(place, "filename,age\ndog_7_k2.png,7y 6m\ncat_6_k1.png,\n")
    found = plan(place, name_pattern="{subject}_{age}_{child_id}")
    assert ages(found) == {"cat_6_k1.png": 6, "dog_7_k2.png": 7.5}
    assert [each.metadata and each.metadata.child_id for each in found.drawings] == ["k1", "k2"]
    table(place, "a table of something else", "scores.csv")
    (place / "metadata.csv").unlink()
    found = plan(place, name_pattern="{subject}_{age}_{child_id}")
    assert found.unknown_files == ["scores.csv"]


def test_a_name_that_does_not_follow_the_pattern_refuses_the_batch(
    plan: Callable[..., ImportPlan], folder: Path
) -> None:
    with pytest.raises(BatchRefusedError, match=r"a\.png: its name does not give an age"):
        plan(folder, name_pattern="{subject}_{age}")


def test_what_is_no_picture_never_refuses_the_batch(
    plan: Callable[..., ImportPlan], folder: Path
) -> None:
    (folder / "text.png").write_text("a text")
    (folder / "notes.txt").write_text("a text")
    (folder / "picture_called.dat").write_bytes(PICTURE)
    (folder / ".hidden.png").write_bytes(PICTURE)
    table(folder, HEADER + "a.png,6,,\nb.png,7,,\npicture_called.dat,8,,\ngone.png,9,,\n,5,,\n")
    found = plan(folder)
    assert ages(found) == {"a.png": 6, "b.png": 7, "picture_called.dat": 8, "text.png": None}
    assert found.unknown_files == ["notes.txt"]
    assert [(each.name, each.row) for each in found.rejected] == [
        ("gone.png", "row 5"),
        ("(no name)", "row 6"),
    ]


def test_a_row_that_fits_two_files_refuses_the_batch(
    plan: Callable[..., ImportPlan], folder: Path
) -> None:
    (folder / "a.bmp").write_bytes(PICTURE)
    table(folder, HEADER + "a,6,,\nb,7,,\n")
    with pytest.raises(BatchRefusedError, match=r"fits several files: a\.bmp, a\.png"):
        plan(folder)


def test_the_same_row_twice_is_only_noted(plan: Callable[..., ImportPlan], folder: Path) -> None:
    table(folder, HEADER + "a.png,6,,\nb.png,7,,\na.png, 6 ,,\n")
    found = plan(folder)
    assert ages(found) == {"a.png": 6, "b.png": 7}
    assert found.notes == ["a.png is named twice with the same values (row 2 and row 4)"]


def test_the_encoding_and_ignored_columns_are_noted(
    plan: Callable[..., ImportPlan], folder: Path
) -> None:
    text = "filename,age,subject,colour\na.png,6,Bär,x\nb.png,7,,\n"
    (folder / "metadata.csv").write_bytes(text.encode("cp1252"))
    assert plan(folder).notes == [
        "columns that are not known were ignored: colour",
        "the metadata file was read as cp1252",
    ]


def test_one_of_several_tables_must_be_named(plan: Callable[..., ImportPlan], folder: Path) -> None:
    for name in ("one.csv", "two.json"):
        table(folder, HEADER + "a.png,6,,\nb.png,7,,\n", name)
    with pytest.raises(ValidationError, match=r"one\.csv, two\.json"):
        plan(folder)
    assert plan(folder, metadata="one.csv").unknown_files == ["two.json"]
    assert ages(plan(folder, metadata=folder / "one.csv")) == {"a.png": 6, "b.png": 7}
    with pytest.raises(ValidationError, match="no metadata file three"):
        plan(folder, metadata="three.csv")


def test_links_and_devices_in_a_folder_are_not_followed(
    plan: Callable[..., ImportPlan], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.png").write_bytes(PICTURE)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/inner.png").write_bytes(PICTURE)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "linked").symlink_to(tmp_path / "other")
    os.mkfifo(folder / "pipe.png")
    table(folder, HEADER + "a.png,6,,\nb.png,7,,\n")
    found = plan(folder)
    assert {each.name: each.reason for each in found.rejected} == {
        "link.png": "a link is not followed",
        "linked": "a link is not followed",
        "pipe.png": "it is a device, not a file",
    }


def test_a_name_that_is_no_text_is_told(plan: Callable[..., ImportPlan], folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(PICTURE)
    table(folder, HEADER + "a.png,6,,\nb.png,7,,\n")
    assert [each.name for each in plan(folder).rejected] == ["\\udcff.png"]


def test_a_zip_brings_its_own_table_in_its_own_folder(
    plan: Callable[..., ImportPlan], tmp_path: Path
) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("top/a.png", PICTURE)
        packed.writestr("top/metadata.csv", HEADER + "a.png,6,,\n")
        packed.writestr("top/inner.zip", b"PK\5\6" + bytes(18))
    found = plan(path)
    assert ages(found) == {"top/a.png": 6}
    assert [each.name for each in found.rejected] == ["top/inner.zip"]


def test_an_unsafe_zip_is_refused_whatever_it_is_called(
    plan: Callable[..., ImportPlan], tmp_path: Path
) -> None:
    path = tmp_path / "drawing.png"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../a.png", PICTURE)
    with pytest.raises(ArchiveRefusedError):
        plan(path)


def test_a_single_picture_needs_only_an_age(plan: Callable[..., ImportPlan], folder: Path) -> None:
    assert ages(plan(folder / "a.png", defaults={"age_years": "6y 6m"})) == {"a.png": 6.5}
    with pytest.raises(BatchRefusedError, match="without an age"):
        plan(folder / "a.png")
    with pytest.raises(BatchRefusedError, match="negative"):
        plan(folder / "a.png", defaults={"age_years": -1})


@pytest.mark.parametrize("name", ["none", "empty"])
def test_nothing_to_import_is_said(
    plan: Callable[..., ImportPlan], tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValidationError, match=r"no file or folder|no picture"):
        plan(tmp_path / name)


def test_a_table_that_is_too_large_is_not_half_read(
    settings: Settings, folder: Path, plan: Callable[..., ImportPlan]
) -> None:
    table(folder, HEADER + "a.png,6,,\nb.png,7,,\n" + " " * settings.max_file_bytes)
    with pytest.raises(ImageProcessingError, match="MiB"):
        plan(folder)
