"""Nothing that is kept names a patient."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset

from deepmed.features.xray.source import (
    DataSource,
    DataSourceExtractor,
    Pseudonyms,
    ReadingRules,
    SourceOptions,
    XrayReader,
)
from deepmed.features.xray.source.attributes import known_attributes
from deepmed.features.xray.source.patients import Claim, patients_of, told_patient
from deepmed.features.xray.source.pseudonyms import is_patient
from deepmed.kit.errors import ImageProcessingError
from factories.films import dicom, film, labelled, laid_out, png, written

KEY = Pseudonyms(b"key")
CANARY = "CANARY"
_TEXTS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
_TIMES = {"DA": "19470401", "DT": "19470401101112", "TM": "101112"}
_LOOKED_AT = {"SpecificCharacterSet", "PhotometricInterpretation", "VOILUTFunction"}


def _everything(dataset: Dataset) -> None:
    """Something that names a patient in every attribute that holds text, times or identifiers."""
    for tag, (kind, _, _, _, keyword) in DicomDictionary.items():
        if (
            tag >> 16 <= 2
            or keyword in _LOOKED_AT
            or not keyword
            or keyword == "BurnedInAnnotation"
        ):
            continue
        if kind in _TEXTS:
            dataset.add_new(tag, kind, CANARY)
        elif kind in _TIMES:
            dataset.add_new(tag, kind, _TIMES[kind])
        elif kind == "UI" and keyword != "SOPClassUID":
            dataset.add_new(tag, kind, "1.2.19470401")


def named_everywhere(pixels: Any) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(dicom(pixels)))
    _everything(dataset)
    inner = Dataset()
    inner.PatientName = CANARY
    dataset.ReferencedPatientSequence = [inner]
    block = dataset.private_block(0x0011, CANARY, create=True)
    block.add_new(1, "LO", CANARY)
    return written(dataset)


def kept(folder: Path, files: dict[str, bytes], **options: Any) -> DataSource:
    extractor = DataSourceExtractor(folder / "run", KEY, SourceOptions(workers=1, **options))
    return extractor.extract_and_validate(laid_out(folder / "in", files))


@pytest.mark.req("X-1.1")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_a_header_full_of_names_none_is_kept_in_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)
    files = labelled(12)
    del files["images/p0.png"]
    files["images/p0.dcm"] = named_everywhere(film(0))
    assert CANARY.encode() in files["images/p0.dcm"]
    found = kept(tmp_path, files)
    assert found.report.taken == 12
    for path in (tmp_path / "run").rglob("*"):
        assert CANARY not in path.name
        if path.is_file():
            content = path.read_bytes()
            assert CANARY.encode() not in content
            assert b"19470401" not in content


def test_what_other_files_say_of_themselves_is_not_kept(tmp_path: Path) -> None:
    files = labelled(12)
    told = PngInfo()
    told.add_text("Patient", CANARY)
    buffer = io.BytesIO()
    Image.fromarray(film(0)).save(buffer, "PNG", pnginfo=told)
    files["images/p0.png"] = buffer.getvalue()
    kept(tmp_path, files)
    assert not [
        path
        for path in (tmp_path / "run").rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]


@pytest.mark.req("X-1.1")
def test_a_patient_is_a_pseudonym_that_only_this_installation_gives() -> None:
    here, elsewhere = Pseudonyms(b"key"), Pseudonyms(b"other")
    assert here.of_patient("12345") == here.of_patient(" 12345 ")
    assert here.of_patient("12345") != elsewhere.of_patient("12345")
    assert "12345" not in here.of_patient("12345")


def test_an_installations_pseudonyms_come_from_its_key() -> None:
    class Key:
        def sign(self, content: bytes) -> bytes:
            return b"signed:" + content

    assert Pseudonyms.of(Key()).of_patient("a") == Pseudonyms.of(Key()).of_patient("a")
    assert Pseudonyms.of(Key()).of_patient("a") != KEY.of_patient("a")


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ({"sex": "M", "age": "034Y", "view": "AP"}, {"sex": "M", "age": "34", "view": "AP"}),
        ({"age": "018M"}, {"age": "1"}),
        ({"age": "006W"}, {"age": "0"}),
        ({"age": "58.0"}, {"age": "58"}),
        ({"age": "89"}, {"age": "89"}),
        ({"age": "104"}, {"age": "90+"}),
        ({"age": "-3", "sex": "Jane Roe", "view": "Jane"}, {}),
        ({"age": "412"}, {}),
    ],
)
def test_attributes_have_a_closed_form_or_are_dropped(
    given: dict[str, str], known: dict[str, str]
) -> None:
    assert known_attributes(given) == known


def test_the_table_wins_over_the_header_and_the_header_fills_it(tmp_path: Path) -> None:
    files = labelled(12)
    del files["images/p0.png"]
    files["images/p0.dcm"] = dicom(film(0), PatientSex="F", PatientAge="041Y", ViewPosition="PA")
    lines = files["labels.csv"].decode().splitlines()
    files["labels.csv"] = "\n".join(
        [f"{lines[0]},age,sex", f"{lines[1]},40,", *(f"{line},," for line in lines[2:])]
    ).encode()
    row = kept(tmp_path, files).rows[0]
    assert row.attributes == {"sex": "F", "age": "40", "view": "PA"}


# Whose an image is


def names(*claims: tuple[str, str]) -> tuple[list[str], list[str]]:
    return patients_of(
        [Claim(str(at), told, header) for at, (told, header) in enumerate(claims)], KEY
    )


def test_names_that_meet_in_one_image_are_one_patients() -> None:
    found, _ = names(("a", "1"), ("b", "2"), ("c", "1"), ("", "2"), ("", ""), ("", ""))
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert len(set(found)) == 4
    assert [is_patient(each) for each in found] == [True] * 4 + [False] * 2


def test_a_table_may_say_that_nobody_knows_whose_an_image_is() -> None:
    told = [told_patient(each) for each in ("unknown", "N/A", "0", "p1")]
    assert told == ["", "", "0", "p1"]


def test_a_headers_name_for_everybody_and_placeholders_do_not_count() -> None:
    found, notes = names(*((str(at), "X1") for at in range(8)))
    assert len(set(found)) == 8
    assert "it was not used" in notes[0]
    assert len(set(names(("a", "ANONYMOUS"), ("b", "Anonymous"))[0])) == 2


# Text burned into the picture


@pytest.mark.req("X-1.1")
def test_a_file_with_burned_in_text_is_rejected_unless_it_is_allowed(tmp_path: Path) -> None:
    files = labelled(14)
    del files["images/p0.png"]
    files["images/p0.dcm"] = dicom(film(0), BurnedInAnnotation="YES")
    (rejected,) = kept(tmp_path / "a", files).report.rejected
    assert rejected.name == "images/p0.dcm"
    assert "text is burned into its picture" in rejected.reason
    allowed = kept(tmp_path / "b", files, reading=ReadingRules(burned_in="accept"))
    assert not allowed.report.rejected
    assert allowed.report.flagged[0].names == ("images/p0.dcm",)


def test_a_captured_picture_that_says_nothing_of_text_is_flagged() -> None:
    with XrayReader() as reader:
        assert "does not say whether" in reader.read(dicom(film(0), ConversionType="WSD")).notes[0]
        told = reader.read(dicom(film(0), ConversionType="WSD", BurnedInAnnotation="NO"))
        assert told.notes == ()


def test_a_dicom_file_may_be_larger_than_a_picture_and_not_without_end() -> None:
    with (
        XrayReader(ReadingRules(max_dicom_bytes=1000)) as reader,
        pytest.raises(ImageProcessingError, match=r"at most 0\.0 MiB"),
    ):
        reader.read(dicom(film(0)))


def test_pixels_are_kept_grey_or_in_colour_as_they_are(tmp_path: Path) -> None:
    files = labelled(12)
    colours = np.random.default_rng(5).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    files["images/p0.png"] = png(colours)
    found = kept(tmp_path, files)
    for row, mode in zip(found.rows, ("RGB", "L"), strict=False):
        with Image.open(row.path) as image:
            assert image.mode == mode
