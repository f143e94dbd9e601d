import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepmed.features.drawings.samples.files import METADATA, create_sample_drawings
from deepmed.features.drawings.samples.maker import SampleDrawing
from deepmed.kit.errors import ConflictError, StorageError


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.req("D-3.1")
@pytest.mark.usefixtures("drawn")
def test_the_folder_holds_the_95_and_their_metadata(
    tmp_path: Path, samples: list[SampleDrawing]
) -> None:
    folder = tmp_path / "new" / "sample_drawings"
    paths = create_sample_drawings(folder)
    assert [path.name for path in paths] == [one.filename for one in samples]
    assert set(_content(folder)) == {METADATA, *(path.name for path in paths)}
    for path, one in zip(paths[::12], samples[::12], strict=True):
        with Image.open(path) as picture:
            assert (picture.format, picture.mode) == ("PNG", "RGB")
            np.testing.assert_array_equal(np.asarray(picture), one.image)
    with (folder / METADATA).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["filename"] for row in rows] == [path.name for path in paths]
    assert [float(row["age_years"]) for row in rows] == [one.age_years for one in samples]
    assert [row["subject"] for row in rows] == [one.subject for one in samples]
    assert {row["expert_label"] for row in rows} == {"normal"}
    assert len({row["child_id"] for row in rows}) == 95
    assert all(row["drawing_tool"] and row["prompt"] for row in rows)


@pytest.mark.req("D-3.1")
def test_a_second_run_writes_the_same_bytes_and_another_seed_takes_their_place(
    tmp_path: Path,
) -> None:
    create_sample_drawings(tmp_path, seed=3)
    first = _content(tmp_path)
    create_sample_drawings(tmp_path, seed=3)
    assert _content(tmp_path) == first
    create_sample_drawings(tmp_path, seed=4)
    second = _content(tmp_path)
    assert set(second) == set(first)
    assert not any(second[name] == first[name] for name in first if name != METADATA)


@pytest.mark.usefixtures("drawn")
def test_an_interrupted_run_leaves_whole_files_and_no_table(
    tmp_path: Path, samples: list[SampleDrawing]
) -> None:
    (tmp_path / samples[3].filename).mkdir()  # nothing can be renamed onto a folder
    with pytest.raises(StorageError, match="run this again"):
        create_sample_drawings(tmp_path)
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} == {one.filename for one in samples[:3]}
    for path in files:
        with Image.open(path) as picture:
            picture.load()


@pytest.mark.req("D-3.2")
def test_planted_anomalies_are_not_joined_by_typical_drawings(tmp_path: Path) -> None:
    (tmp_path / "planted.csv").write_text("filename\n")
    with pytest.raises(ConflictError, match="another folder"):
        create_sample_drawings(tmp_path)
    assert set(_content(tmp_path)) == {"planted.csv"}
