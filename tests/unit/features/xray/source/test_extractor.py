"""Sources taken in: a ZIP, a folder, class folders; and everything that stops a training."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source import (
    DataSource,
    DataSourceExtractor,
    Pseudonyms,
    SourceOptions,
    XrayReader,
    read_image,
)
from deepmed.features.xray.source.pseudonyms import unit_of
from deepmed.kit.archives import ArchiveLimits, ArchiveRefusedError
from deepmed.kit.errors import IntegrityError, ValidationError
from deepmed.kit.sizes import MIB
from factories.films import dicom, film, labelled, laid_out, png, zipped

Files = dict[str, bytes]
KEY = Pseudonyms(b"key")


def extractor(folder: Path, **options: object) -> DataSourceExtractor:
    named = {"workers": 1, **options}
    return DataSourceExtractor(folder / "run", KEY, SourceOptions(**named))  # type: ignore[arg-type]  # by name


def taken(folder: Path, source: Path, csv: str | None = None, **options: object) -> DataSource:
    return extractor(folder, **options).extract_and_validate(source, csv)


def refusal(folder: Path, files: Files, csv: str | None = None) -> SourceRefusedError:
    """Why a source is refused; nothing of a refused plan may have been decoded."""
    with pytest.raises(SourceRefusedError) as refused:
        taken(folder, laid_out(folder / "in", files), csv)
    assert "No training was started" in refused.value.message
    return refused.value


def class_folders(count: int = 12, prefix: str = "") -> Files:
    return {
        f"{prefix}{('NORMAL', 'PNEUMONIA')[at % 2]}/{at}.png": png(film(at)) for at in range(count)
    }


@pytest.mark.req("X-1.1")
@pytest.mark.parametrize("wrap", ["", "stage2/", "a/b/"])
def test_a_zip_is_taken_in_whatever_folders_are_around_it(tmp_path: Path, wrap: str) -> None:
    path = zipped(tmp_path / "x.zip", labelled(12), wrap)
    found = taken(tmp_path, path, "labels.csv")
    assert [(found.file_of(row.image_id), row.label) for row in found.rows] == [
        (f"{wrap}images/p{at}.png", at % 2) for at in range(12)
    ]
    assert len({row.patient for row in found.rows}) == 12
    assert np.array_equal(read_image(found.rows[3].path)[..., 0], film(3))


@pytest.mark.req("X-1.1")
def test_a_folder_gives_what_its_zip_gives(tmp_path: Path) -> None:
    packed = taken(tmp_path / "a", zipped(tmp_path / "x.zip", labelled(12)))
    laid = taken(tmp_path / "b", laid_out(tmp_path / "in", labelled(12)))
    facts = [[(row.image_id, row.label, row.digest) for row in one.rows] for one in (packed, laid)]
    assert facts[0] == facts[1]


@pytest.mark.req("X-1.1")
def test_class_folders_are_taken_in_with_their_names(tmp_path: Path) -> None:
    found = taken(tmp_path, laid_out(tmp_path / "in", class_folders(prefix="set/")))
    assert found.classes == ("NORMAL", "PNEUMONIA")
    assert sorted(row.label for row in found.rows) == [0] * 6 + [1] * 6
    assert found.report.notes[0].startswith("counted as the finding: PNEUMONIA, because NORMAL")
    assert "patients known: of 0 of 12 images." in found.report.notes[1]
    assert unit_of(row.patient for row in found.rows) == "image"


def test_a_published_split_in_folders_comes_along(tmp_path: Path) -> None:
    files = class_folders(8, "train/") | {
        f"test/{name}/{at}.png": png(film(99 + at))
        for at, name in enumerate(("NORMAL", "PNEUMONIA"))
    }
    found = taken(tmp_path, laid_out(tmp_path / "in", files))
    assert sorted(found.published.values()) == ["test"] * 2 + ["train"] * 8


def test_the_named_table_is_taken_and_without_it_any_that_has_the_columns(tmp_path: Path) -> None:
    files = labelled(12)
    other = files["labels.csv"].replace(b",1", b",5").replace(b",0", b",1").replace(b",5", b",0")
    two = laid_out(tmp_path / "two", {**files, "other.csv": other, "notes.csv": b"a,b\n1,2\n"})
    assert taken(tmp_path / "a", two, "other.csv").rows[0].label == 1
    with pytest.raises(SourceRefusedError, match=r"labels.csv, other.csv.*Name the one"):
        taken(tmp_path / "b", two, "stage2_train_metadata.csv")
    one = laid_out(tmp_path / "one", {**files, "notes.csv": b"a,b\n1,2\n"})
    assert taken(tmp_path / "c", one, "stage2_train_metadata.csv").rows[0].label == 0


@pytest.mark.req("X-1.1")
def test_dicom_and_pictures_of_every_kind_are_read_alike(tmp_path: Path) -> None:
    files = labelled(12)
    pixels = film(0)
    pixels[0, :2] = 0, 255
    files["images/p0.dcm"] = dicom(pixels, PatientID="p0")
    files["images/p1.png"] = png(film(1).astype(np.uint16) * 16)
    del files["images/p0.png"]
    found = taken(tmp_path, laid_out(tmp_path / "in", files))
    assert np.array_equal(read_image(found.rows[0].path)[..., 0], pixels)
    wide = read_image(found.rows[1].path)[..., 0]
    assert np.abs(wide - film(1) * 16.0 / 4095 * 255).max() <= 0.51


def test_what_is_asked_later_is_read_as_what_was_taken_in(tmp_path: Path) -> None:
    files = labelled(12)
    files["images/p0.dcm"] = dicom(
        np.random.default_rng(0).integers(0, 4000, (40, 40)).astype(np.uint16),
        PhotometricInterpretation="MONOCHROME1",
    )
    del files["images/p0.png"]
    found = taken(tmp_path, laid_out(tmp_path / "in", files))
    with XrayReader() as reader:
        for row in found.rows:
            assert np.array_equal(
                reader.read(files[found.file_of(row.image_id)]).pixels, read_image(row.path)
            )


# What stops a training (done-when 7)


def test_a_missing_column_stops_it(tmp_path: Path) -> None:
    files = {**labelled(12), "labels.csv": b"patientId,label\np0,1\n"}
    assert "row 1, column 'Target'" in refusal(tmp_path, files).message


def test_a_label_outside_zero_and_one_stops_it(tmp_path: Path) -> None:
    files = labelled(12)
    files["labels.csv"] = files["labels.csv"].replace(b"p4,0", b"p4,3")
    assert "p4 (row 6, column 'Target')" in refusal(tmp_path, files).message


def test_an_id_with_conflicting_labels_stops_it(tmp_path: Path) -> None:
    files = labelled(12)
    files["labels.csv"] += b"\np4,1"
    found = refusal(tmp_path, files)
    assert "conflicting labels (rows 6, 14)" in found.message
    assert found.details["problems"][0]["row"] == 6


def test_three_images_alone_stop_it(tmp_path: Path) -> None:
    assert "3 images with a label; at least 10" in refusal(tmp_path, labelled(3)).message


def test_one_class_alone_stops_it(tmp_path: Path) -> None:
    files = labelled(12)
    files["labels.csv"] = files["labels.csv"].replace(b",1", b",0")
    assert "all 12 images are of one class, 'NORMAL'" in refusal(tmp_path, files).message


def test_a_class_of_two_patients_stops_it(tmp_path: Path) -> None:
    files = labelled(24)
    for at in range(5, 24, 2):
        files["labels.csv"] = files["labels.csv"].replace(f"p{at},1".encode(), f"p{at},0".encode())
    assert "'PNEUMONIA' has 2 patients; at least 3" in refusal(tmp_path, files).message


def test_an_unreadable_majority_stops_it_and_names_the_files(tmp_path: Path) -> None:
    found = refusal(tmp_path, labelled(30, broken=range(16)))
    assert "16 of 30 labelled images cannot be read" in found.message
    assert "images/p0.png (row 2)" in found.message
    assert len(found.details["problems"]) == 16


def test_too_few_that_can_be_read_stop_it_with_the_number_that_cannot(tmp_path: Path) -> None:
    found = refusal(tmp_path, labelled(12, broken=range(4)))
    assert "8 images with a label" in found.message
    assert "4 images cannot be read" in found.message


def test_rows_without_files_stop_it_when_too_few_are_left(tmp_path: Path) -> None:
    files = {name: data for name, data in labelled(30).items() if name[-5] not in "012345678"}
    found = refusal(tmp_path, files)
    assert "27 rows have no file" in found.message


@pytest.mark.parametrize("files", [{}, {"labels.csv": b"patientId,Target\na,1\n"}])
def test_without_images_nothing_starts(tmp_path: Path, files: Files) -> None:
    (tmp_path / "in").mkdir()
    assert "no images" in refusal(tmp_path, files).message


def test_without_labels_the_message_says_what_to_add(tmp_path: Path) -> None:
    files = {name: data for name, data in labelled(12).items() if name != "labels.csv"}
    assert "Add a CSV with the columns 'patientId' and 'Target'" in refusal(tmp_path, files).message


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no file or folder"):
        taken(tmp_path, tmp_path / "nowhere")


def test_nothing_is_decoded_before_the_labels_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "deepmed.features.xray.source.taking.XrayReader.read",
        lambda *_: pytest.fail("it was decoded"),
    )
    files = labelled(12)
    files["labels.csv"] += b"\np4,7"
    refusal(tmp_path, files)


# What does not stop it, and is told


def test_unreadable_missing_and_unlabelled_files_are_counted_and_named(tmp_path: Path) -> None:
    files = labelled(14, broken=[3])
    files |= {"images/q.png": png(film(80)), "images/empty.png": b"", "readme.txt": b"hello"}
    files["labels.csv"] += b"\nempty,1\ngone,1"
    report = taken(tmp_path, laid_out(tmp_path / "in", files)).report
    assert (report.found, report.taken) == (16, 13)
    assert {(one.name, one.row) for one in report.rejected} == {
        ("images/p3.png", 5),
        ("images/empty.png", 16),
    }
    assert [(one.name, one.row) for one in report.without_file] == [("gone", 17)]
    assert report.unlabelled == ("images/q.png",)


def test_the_rejection_table_holds_no_formula(tmp_path: Path) -> None:
    files = labelled(12)
    files["labels.csv"] += b"\n=1+1,1"
    report = taken(tmp_path, laid_out(tmp_path / "in", files)).report
    assert "'=1+1" in report.as_csv()


def test_formulas_quotes_and_line_breaks_in_other_cells_change_nothing(tmp_path: Path) -> None:
    files = labelled(12)
    lines = files["labels.csv"].decode().splitlines()
    rows = [f'{line},"=1+1\n;""x"' for line in lines[1:]]
    files["labels.csv"] = "\r\n".join([lines[0] + ",note", *rows]).encode("utf-8-sig")
    assert len(taken(tmp_path, laid_out(tmp_path / "in", files)).rows) == 12


# Hostile archives


def _linked(path: Path) -> Path:
    info = zipfile.ZipInfo("images/p0.png")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return path


def _encrypted(path: Path) -> Path:
    data = bytearray(zipped(path, {"a.png": b"x"}).read_bytes())
    at = data.index(b"PK\1\2")
    data[at + 8 : at + 10] = struct.pack("<H", 1)
    path.write_bytes(bytes(data))
    return path


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "out of it": lambda path: zipped(path, {"../x.png": b"x"}),
    "absolute": lambda path: zipped(path, {"/etc/x.png": b"x"}),
    "a drive": lambda path: zipped(path, {"C:\\x.png": b"x"}),
    "a link": _linked,
    "a bomb": lambda path: zipped(path, {"x.png": bytes(8 * MIB)}),
    "too many": lambda path: zipped(path, {f"{at}.png": b"x" for at in range(40)}),
    "too much": lambda path: zipped(
        path, {f"{at}.png": np.random.default_rng(at).bytes(MIB // 2) for at in range(12)}
    ),
    "a password": _encrypted,
}


@pytest.mark.req("X-1.1")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    limits = ArchiveLimits(max_entries=30, max_bytes=5 * MIB, max_entry_bytes=MIB)
    path = HOSTILE[kind](tmp_path / "x.zip")
    with pytest.raises(ArchiveRefusedError):
        taken(tmp_path, path, limits=limits)
    assert not (tmp_path / "run").exists()
    assert {file.name for file in tmp_path.rglob("*")} == {"x.zip"}


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    source = laid_out(tmp_path / "in", labelled(14))
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(film(77)))
    (source / "images/p0.png").unlink()
    (source / "images/p0.png").symlink_to(secret)
    (rejected,) = taken(tmp_path, source).report.rejected
    assert (rejected.name, rejected.reason) == ("images/p0.png", "a link is not followed")


# Going on after a stop


def test_asked_again_for_the_same_source_it_answers_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "x.zip", labelled(12, broken=[3]))
    first = taken(tmp_path, path)
    monkeypatch.setattr(
        "deepmed.features.xray.source.extractor.take_images", lambda *_: pytest.fail("read again")
    )
    assert taken(tmp_path, path) == first
    assert DataSource.load(tmp_path / "run") == first


def test_another_source_or_another_reading_is_taken_in_anew(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", labelled(12))
    taken(tmp_path, path)
    assert len(taken(tmp_path, path, class_names=("a", "b")).classes[0]) == 1
    zipped(path, labelled(14))
    assert len(taken(tmp_path, path).rows) == 14


def test_a_stop_on_the_way_leaves_what_the_next_call_completes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", labelled(12))

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    stopped = DataSourceExtractor(tmp_path / "run", KEY, progress=stop)
    with pytest.raises(KeyboardInterrupt):
        stopped.extract_and_validate(path)
    with pytest.raises(IntegrityError):
        DataSource.load(tmp_path / "run")
    assert len(taken(tmp_path, path).rows) == 12


def test_progress_is_told_after_each_image(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    source = laid_out(tmp_path / "in", labelled(12))
    seen = DataSourceExtractor(tmp_path / "run", KEY, progress=lambda *at: told.append(at))
    seen.extract_and_validate(source)
    assert told == [(at, 12) for at in range(1, 13)]


@pytest.mark.parametrize("how", ["changed", "gone", "an image gone"])
def test_a_damaged_folder_is_told(tmp_path: Path, how: str) -> None:
    found = taken(tmp_path, laid_out(tmp_path / "in", labelled(12)))
    manifest = tmp_path / "run/source.json"
    if how == "changed":
        content = json.loads(manifest.read_bytes())
        manifest.write_text(json.dumps({**content, "rows": [{}]}), encoding="utf-8")
    else:
        (manifest if how == "gone" else found.rows[0].path).unlink()
    with pytest.raises(IntegrityError):
        DataSource.load(tmp_path / "run")
