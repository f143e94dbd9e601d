from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.dataset_preparation import (
    DatasetPreparationService,
    DatasetSplit,
    SplitConfig,
)
from deepmed.features.drawings.importing import BatchRefusedError
from deepmed.features.drawings.metadata import DrawingMetadata, extract_metadata
from deepmed.kit.errors import ValidationError
from deepmed.kit.pictures import encode_png
from deepmed.kit.settings import Settings


def drawing(seed: int) -> bytes:
    page = np.full((40, 40, 3), 255, np.uint8)
    page[seed % 30 : seed % 30 + 4, 5:30] = seed
    return encode_png(page)


@pytest.fixture
def service(settings: Settings) -> DatasetPreparationService:
    return DatasetPreparationService(settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    place.mkdir()
    for number in range(4):
        (place / f"d{number}.png").write_bytes(drawing(number))
    return place


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("metadata.csv", "filename;age\nd0.png;4\nd1;5\nd2.jpg;6y 1m\nd3.png;7\n"),
        (
            "facts.json",
            '{"d0": {"age": 4}, "d1.png": {"age": 5}, "d2": {"age": "6y 1m"}, "d3": {"age": 7}}',
        ),
    ],
)
def test_a_folder_is_loaded_with_its_table(
    service: DatasetPreparationService, folder: Path, name: str, table: str
) -> None:
    (folder / name).write_text(table)
    (folder / "readme.txt").write_text("hello")
    dataset = service.load_dataset_from_folder(folder)
    assert [file.name for file in dataset.files] == ["d0.png", "d1.png", "d2.png", "d3.png"]
    assert [each.age_years for each in dataset.metadata] == [4, 5, 6 + 1 / 12, 7]
    assert dataset.unknown_files == ["readme.txt"]
    assert dataset.rejected == []


@pytest.mark.req("D-1.1")
def test_the_table_may_lie_elsewhere(
    service: DatasetPreparationService, folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "elsewhere.csv"
    table.write_text("filename,age\n" + "".join(f"d{n}.png,6\n" for n in range(4)))
    assert len(service.load_dataset_from_folder(folder, table).files) == 4
    with pytest.raises(ValidationError, match=r"missing\.csv"):
        service.load_dataset_from_folder(folder, tmp_path / "missing.csv")


def test_unreadable_pictures_and_missing_files_are_left_out_with_a_reason(
    service: DatasetPreparationService, folder: Path
) -> None:
    (folder / "d1.png").write_bytes(drawing(1)[:-20])
    (folder / "metadata.csv").write_text(
        "filename,age\nd0.png,4\nd1.png,5\nd2.png,6\nd3.png,7\ngone.png,8\n"
    )
    dataset = service.load_dataset_from_folder(folder)
    assert [file.name for file in dataset.files] == ["d0.png", "d2.png", "d3.png"]
    assert [(each.name, each.row) for each in dataset.rejected] == [
        ("gone.png", "row 6"),
        ("d1.png", "row 3"),
    ]


def test_a_picture_without_an_age_refuses_the_folder(
    service: DatasetPreparationService, folder: Path
) -> None:
    (folder / "metadata.csv").write_text("filename,age\nd0.png,4\nd1.png,\nd2.png,6\n")
    with pytest.raises(BatchRefusedError, match=r"d1\.png .*missing.*d3\.png"):
        service.load_dataset_from_folder(folder)
    with pytest.raises(ValidationError, match="no folder"):
        service.load_dataset_from_folder(folder / "none")


def many(children: int, drawings_each: int) -> tuple[list[Path], list[DrawingMetadata]]:
    pairs = [(child, number) for child in range(children) for number in range(drawings_each)]
    files = [Path(f"{child}-{number}.png") for child, number in pairs]
    metadata = [extract_metadata({"age_years": 6, "child_id": f"k{child}"}) for child, _ in pairs]
    return files, metadata


@pytest.mark.parametrize(("children", "each"), [(10, 1), (30, 4), (7, 9)])
def test_no_child_is_in_two_parts_and_shares_are_met(
    service: DatasetPreparationService, children: int, each: int
) -> None:
    files, metadata = many(children, each)
    split = service.create_dataset_splits(files, metadata, SplitConfig(seed=3))
    parts = defaultdict(set)
    for part in ("train", "validation", "test"):
        for file in getattr(split, f"{part}_files"):
            parts[file.name.partition("-")[0]].add(part)
    assert all(len(found) == 1 for found in parts.values())
    assert split.total_count == len(files)
    assert abs(split.train_count - 0.7 * len(files)) <= each
    assert abs(split.validation_count - 0.2 * len(files)) <= each
    report = service.validate_dataset_for_training(split)
    assert not [error for error in report["errors"] if "child" in error]


def test_a_split_depends_on_its_seed_and_not_on_the_order(
    service: DatasetPreparationService,
) -> None:
    files, metadata = many(20, 2)

    def train(seed: int, turn: int) -> set[Path]:
        config = SplitConfig(seed=seed)
        return set(
            service.create_dataset_splits(files[::turn], metadata[::turn], config).train_files
        )

    assert train(1, 1) == train(1, -1)
    assert train(1, 1) != train(2, 1)


def test_drawings_without_a_child_are_separate_children(
    service: DatasetPreparationService,
) -> None:
    files = [Path(f"{number}.png") for number in range(60)]
    metadata = [extract_metadata({"age_years": 6})] * 60
    split = service.create_dataset_splits(files, metadata)
    assert (split.train_count, split.validation_count, split.test_count) == (42, 12, 6)
    report = service.validate_dataset_for_training(split)
    assert report["is_valid"]
    assert report["statistics"]["children"] == 60
    assert "60 drawings without a child id" in report["warnings"][-1]


def test_a_split_that_cannot_train_is_told(service: DatasetPreparationService) -> None:
    files, metadata = many(5, 2)
    torn = DatasetSplit(files[:9], metadata[:9], files[9:], metadata[9:], [], [])
    report = service.validate_dataset_for_training(torn)
    assert not report["is_valid"]
    assert report["errors"] == [
        "child k4 is in train and in validation",
        "9 drawings to train on; at least 10 are needed",
    ]


@pytest.mark.parametrize(
    "shares", [(0.7, 0.2, 0.2), (0.5, 0.2, 0.1), (1.1, 0.0, -0.1), (0.0, 0.5, 0.5)]
)
def test_shares_must_add_up(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ValidationError):
        SplitConfig(*shares)


def test_prepare_loads_and_splits(service: DatasetPreparationService, folder: Path) -> None:
    (folder / "metadata.csv").write_text("filename,age\n" + "".join(f"d{n},6\n" for n in range(4)))
    split = service.prepare_dataset(folder, split_config=SplitConfig(0.5, 0.5, 0.0))
    assert (split.train_count, split.validation_count, split.test_count) == (2, 2, 0)
