"""Names of files that are names of patients leave the run's folder in nothing."""

import json
from pathlib import Path

import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.preparation import DataPrepUtils
from deepmed.features.xray.source import DataSource, DataSourceExtractor, Pseudonyms, SourceOptions
from deepmed.features.xray.source.reading import ReadingRules
from factories.films import dicom, film, labelled, laid_out, png

PATIENTS = 12


def source_of(folder: Path, *, conflict: bool = False) -> DataSource:
    """Files called like their patients, one of them broken and one without a row."""
    files = labelled(PATIENTS, broken=(3,))
    files["images/p20.png"] = png(film(20))
    table = files.pop("labels.csv") + b"\np21,1"
    told = {name.replace("/p", "/Doe"): content for name, content in files.items()}
    told["labels.csv"] = table.replace(b"\np", b"\ndoe")
    told["images/doe1.dcm"] = dicom(film(1), BurnedInAnnotation="YES")
    del told["images/Doe1.png"]
    told["images/Doe2.png"] = told["images/Doe0.png"]
    if conflict:
        told["images/Doe5.png"] = told["images/Doe4.png"]
    options = SourceOptions(workers=1, reading=ReadingRules(burned_in="accept"))
    extractor = DataSourceExtractor(folder / "run", Pseudonyms(b"key"), options)
    return extractor.extract_and_validate(laid_out(folder / "in", told))


@pytest.mark.req("S-11.1")
def test_names_of_patients_stay_in_the_folder(tmp_path: Path) -> None:
    source = source_of(tmp_path)
    shared = [
        json.dumps(source.shared_report.as_json()),
        DataPrepUtils.prepare_dataset(source).to_json(),
        *(f"{row.image_id} {row.path.name} {row.patient}" for row in source.rows),
    ]
    assert [text for text in shared if "doe" in text.lower()] == []
    names = [row.image_id for row in source.rows]
    assert len(set(names)) == len(names) == PATIENTS - 1
    assert [source.file_of(name) for name in names][:2] == ["images/Doe0.png", "images/doe1.dcm"]
    assert DataSource.load(source.folder) == source


@pytest.mark.req("X-3.1")
def test_the_folder_still_tells_which_file_was_not_used(tmp_path: Path) -> None:
    report = source_of(tmp_path).report
    assert [each.name for each in report.rejected] == ["images/Doe3.png"]
    assert [each.name for each in report.without_file] == ["doe21"]
    assert report.unlabelled == ("images/Doe20.png",)
    assert report.flagged[0].names == ("images/doe1.dcm",)


def test_other_images_keep_the_names_of_their_files(tmp_path: Path) -> None:
    files = {
        f"{name}/{at}.png": png(film(at + 20 * label))
        for label, name in enumerate(("NORMAL", "TB"))
        for at in range(6)
    }
    extractor = DataSourceExtractor(tmp_path / "run", Pseudonyms(b"key"), SourceOptions(workers=1))
    source = extractor.extract_and_validate(laid_out(tmp_path / "in", files))
    assert {row.image_id for row in source.rows} == set(files)
    assert source.files == {}


def test_a_refusal_names_the_files_that_have_to_be_mended(tmp_path: Path) -> None:
    source = source_of(tmp_path, conflict=True)
    with pytest.raises(
        SourceRefusedError, match=r"images/Doe5\.png: it is the same image as"
    ) as no:
        DataPrepUtils.prepare_dataset(source)
    assert no.value.details["problems"][0]["name"] == "images/Doe5.png"
    assert "x-" not in no.value.message
