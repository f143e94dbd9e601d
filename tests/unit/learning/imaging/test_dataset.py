"""Unreadable images are counted and named, and never shrink a run unseen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.imaging import (
    CustomImageDataset,
    ImageRow,
    Minimum,
    PixelCache,
    PixelStore,
    Preprocessing,
    TransformBuilder,
    UnreadableImageError,
    file_digest,
)

PREPROCESSING = Preprocessing((16, 16))
Reader = Callable[[Path], np.ndarray]
MakeRows = Callable[..., list[ImageRow]]


def dataset(
    rows: list[ImageRow],
    read: Reader,
    *,
    cache: PixelCache | None = None,
    minimum: Minimum | None = None,
    workers: int = 0,
) -> CustomImageDataset:
    return CustomImageDataset(
        rows,
        PixelStore(PREPROCESSING, read, cache),
        TransformBuilder(PREPROCESSING).build_val_transforms(),
        minimum=minimum,
        workers=workers,
    )


def spoil(rows: list[ImageRow]) -> None:
    """One is gone, one was written over, one is cut off though its digest is right."""
    rows[1].path.unlink()
    rows[3].path.write_bytes(rows[4].path.read_bytes())


@pytest.fixture
def spoilt(make_rows: MakeRows, tmp_path: Path) -> list[ImageRow]:
    rows = make_rows([0, 1] * 5)
    cut = tmp_path / "images" / "cut.png"
    cut.write_bytes(rows[5].path.read_bytes()[:-200])
    rows[5] = ImageRow("cut off", cut, "p", 1, file_digest(cut))
    spoil(rows)
    return rows


@pytest.mark.req("X-3.1")
@pytest.mark.parametrize("workers", [0, 2])
def test_missing_changed_and_broken_files_are_counted_and_named(
    spoilt: list[ImageRow], reader: Reader, workers: int
) -> None:
    data = dataset(spoilt, reader, workers=workers)
    assert data.valid_indices.tolist() == [0, 2, 4, 6, 7, 8, 9]
    assert len(data) == 7
    assert data.labels.tolist() == [0, 0, 0, 0, 1, 0, 1]
    assert data.filenames.tolist() == [spoilt[index].path.name for index in data.valid_indices]
    report = data.rejections.to_json()
    assert (report["total"], report["accepted"]) == (10, 7)
    assert report["counts"] == {"changed": 1, "missing": 1, "unreadable": 1}
    named = {(each["index"], each["file"], each["reason"]) for each in report["rejections"]}
    assert named == {
        (1, "1.png", "missing"),
        (3, "3.png", "changed"),
        (5, "cut.png", "unreadable"),
    }
    assert all(each["message"] for each in report["rejections"])


@pytest.mark.req("X-3.1")
def test_samples_carry_the_place_of_their_row(spoilt: list[ImageRow], reader: Reader) -> None:
    data = dataset(spoilt, reader)
    for position, index in enumerate(data.valid_indices):
        image, label, place = data[position]
        assert (label, place) == (spoilt[index].label, index)
        assert torch.equal(image, PREPROCESSING.apply(reader(spoilt[index].path)))


@pytest.mark.req("X-3.1")
def test_below_the_stated_minimum_nothing_starts(make_rows: MakeRows, reader: Reader) -> None:
    rows = make_rows([0, 1] * 5)
    for row in rows[:6]:
        row.path.write_bytes(b"no image")
    with pytest.raises(InsufficientDataError, match=r"Of 10 .* 4 can be read; at least 1 and 50%"):
        dataset(rows, reader, minimum=Minimum(share=0.5))
    assert len(dataset(rows, reader, minimum=Minimum(share=0.4))) == 4


@pytest.mark.req("X-3.1")
def test_a_file_that_vanishes_in_mid_run_stops_it_and_is_named(
    make_rows: MakeRows, reader: Reader
) -> None:
    rows = make_rows([0, 1, 0, 1])
    data = dataset(rows, reader)
    rows[2].path.unlink()
    with pytest.raises(UnreadableImageError, match=r"2\.png could be read when the run began"):
        _ = data[2]


def test_too_few_images_are_refused(make_rows: MakeRows, reader: Reader) -> None:
    with pytest.raises(
        InsufficientDataError, match="Of 3 training images 3 can be read; at least 4"
    ):
        dataset(make_rows([0, 1, 1]), reader, minimum=Minimum(images=4))


def test_one_class_alone_is_refused(make_rows: MakeRows, reader: Reader) -> None:
    with pytest.raises(InsufficientDataError, match="told apart"):
        dataset(make_rows([1, 1, 1, 1]), reader, minimum=Minimum(classes=2))


def test_a_class_that_vanishes_with_its_files_is_refused(
    make_rows: MakeRows, reader: Reader
) -> None:
    rows = make_rows([0, 1, 2, 0, 1, 0, 1, 0])
    rows[2].path.unlink()
    with pytest.raises(InsufficientDataError, match=r"of class 2 can be read. 2\.png"):
        dataset(rows, reader)


def test_a_long_list_of_losses_is_shortened(make_rows: MakeRows, reader: Reader) -> None:
    rows = make_rows([0, 1] * 4)
    for row in rows:
        row.path.unlink()
    with pytest.raises(InsufficientDataError, match=r"4\.png: .*; and 3 more "):
        dataset(rows, reader)


@pytest.mark.parametrize("outcome", ["shape", "type", "failure", "silent failure"])
def test_whatever_a_reader_does_the_image_is_only_rejected(
    make_rows: MakeRows, reader: Reader, outcome: str
) -> None:
    rows = make_rows([0, 1, 0, 1])

    def odd(path: Path) -> np.ndarray:
        if path != rows[0].path:
            return reader(path)
        if outcome == "failure":
            raise RuntimeError("a decoder\n gave up")
        if outcome == "silent failure":
            raise KeyError
        return np.zeros((4, 4) if outcome == "shape" else (4, 4, 3), np.float64)

    (rejection,) = dataset(rows, odd).rejections.rejections
    assert (rejection.index, rejection.reason) == (0, "unreadable")
    expected = {"failure": "a decoder gave up", "silent failure": "KeyError"}
    assert expected.get(outcome, "An image is uint8") in rejection.message


def test_no_memory_is_not_the_images_fault(make_rows: MakeRows) -> None:
    def hungry(_: Path) -> np.ndarray:
        raise MemoryError

    with pytest.raises(MemoryError):
        dataset(make_rows([0, 1]), hungry)


def test_which_images_a_run_has_does_not_depend_on_the_cache(
    make_rows: MakeRows, reader: Reader, tmp_path: Path
) -> None:
    rows = make_rows([0, 1] * 3)
    cache = PixelCache(tmp_path / "cache", PREPROCESSING.pixels_key, PREPROCESSING.size, 10**6)
    dataset(rows, reader, cache=cache)
    rows[1].path.unlink()
    warm, cold = dataset(rows, reader, cache=cache), dataset(rows, reader)
    assert warm.valid_indices.tolist() == cold.valid_indices.tolist() == [0, 2, 3, 4, 5]


def test_progress_is_told_and_can_end_the_work(make_rows: MakeRows, reader: Reader) -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CustomImageDataset(
            make_rows([0, 1] * 3),
            PixelStore(PREPROCESSING, reader),
            TransformBuilder(PREPROCESSING).build_val_transforms(),
            progress=progress,
        )
    assert told == [(1, 6), (2, 6), (3, 6)]
