"""The file of a published split, and what is refused of it."""

from pathlib import Path

import numpy as np
import pytest

from deepmed.features.xray.bench.published_split import PublishedSplit, write_source
from deepmed.kit.errors import ValidationError
from factories.published import SIDE, write_published


def test_parts_and_labels_are_those_of_the_file(tmp_path: Path) -> None:
    split = PublishedSplit.read(write_published(tmp_path / "split.npz"))
    assert split.counts == {
        "train": {"images": 48, "positive": 24},
        "validation": {"images": 16, "positive": 8},
        "test": {"images": 16, "positive": 8},
    }
    folder = write_source(split, tmp_path / "source")
    lines = (folder / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "patientId,Target,filename,split"
    assert lines[1:3] == [
        "unknown,0,train-00000.png,train",
        "unknown,1,train-00001.png,train",
    ]
    assert len(lines) == 1 + 80 == 1 + len(list(folder.glob("*.png")))


def test_variants_get_a_tenth_of_training_of_each_class_in_place_of_validation(
    tmp_path: Path,
) -> None:
    split = PublishedSplit.read(write_published(tmp_path / "split.npz"))
    carved = split.without_test(0)
    names = {part: set(one.names) for part, one in carved.parts.items()}
    assert names["test"] == set(split.parts["validation"].names)
    assert names["train"] | names["validation"] == set(split.parts["train"].names)
    assert not names["train"] & names["validation"]
    assert carved.counts["validation"] == {"images": 4, "positive": 2}
    assert split.without_test(0).parts["validation"].names == carved.parts["validation"].names


@pytest.mark.parametrize(
    "changed",
    [
        {"val_images": np.zeros((16, SIDE, SIDE), np.float32)},
        {"val_images": np.zeros((15, SIDE, SIDE), np.uint8)},
        {"test_labels": np.full(16, 2)},
        {"train_labels": np.array([{}] * 48)},
    ],
    ids=["floats", "too few", "labels", "objects"],
)
def test_what_is_no_such_file_is_refused(changed: dict[str, object], tmp_path: Path) -> None:
    path = write_published(tmp_path / "split.npz", **changed)
    with pytest.raises(ValidationError, match="is no published split"):
        PublishedSplit.read(path)


def test_a_file_that_is_not_there_or_no_npz_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="There is no file"):
        PublishedSplit.read(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValidationError, match="is no published split"):
        PublishedSplit.read(tmp_path / "text.npz")
