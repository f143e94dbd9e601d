import json
import math
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save_file

from deepmed.learning.classification import (
    CheckpointError,
    LitResNetEnhanced,
    SafetensorsCheckpointIO,
    read_checkpoint,
    write_checkpoint,
)

SOURCE = Path(__file__).parents[4] / "src" / "deepmed"
CONTENT: dict[str, Any] = {
    "whole": 2**80,
    "share": 0.1 + 0.2,
    "nothing": None,
    "yes": True,
    "text": "ä\n",
    "states": {0: {"step": torch.tensor(3.0)}, 1: {}},
    "betas": (0.9, 0.999),
    "mixed": [1, (2, [3]), {"four": ()}],
    "edges": [math.inf, -math.inf],
}


def test_everything_comes_back_with_its_type(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_checkpoint(CONTENT, path)
    found = read_checkpoint(path)
    assert found == CONTENT
    assert type(found["yes"]) is bool
    assert type(found["whole"]) is int
    assert type(found["betas"]) is tuple
    assert list(found["states"]) == [0, 1]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5, dtype=torch.float64),
        torch.tensor([1, -2], dtype=torch.int64),
        torch.rand(2, 3).bfloat16(),
        torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last),
        torch.rand(4, 4)[:, ::2],
        torch.tensor([True, False]),
        torch.zeros(0, 3),
        torch.tensor([math.nan, -0.0, 1e-45]),
    ],
)
def test_tensors_come_back_to_the_bit(tensor: torch.Tensor, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_checkpoint({"tensor": tensor}, path)
    found = read_checkpoint(path)["tensor"]
    assert found.dtype == tensor.dtype
    assert found.shape == tensor.shape
    assert torch.equal(found.nan_to_num(7), tensor.nan_to_num(7))
    assert torch.equal(found.signbit(), tensor.signbit())


def test_tensors_that_share_memory_are_kept_apart(tmp_path: Path) -> None:
    shared = torch.rand(3)
    write_checkpoint({"one": shared, "two": shared}, tmp_path / "one.safetensors")
    found = read_checkpoint(tmp_path / "one.safetensors")
    found["one"].zero_()
    assert found["two"].equal(shared)


@pytest.mark.parametrize("foreign", [object(), {1, 2}, b"bytes", Path("place"), torch.float32])
def test_what_only_a_pickle_could_hold_is_refused_by_its_place(
    foreign: object, tmp_path: Path
) -> None:
    path = tmp_path / "one.safetensors"
    with pytest.raises(CheckpointError, match=r"cannot hold the \w+ at /callbacks/mine"):
        write_checkpoint({"callbacks": {"mine": foreign}}, path)
    assert not path.exists()


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_checkpoint({"epoch": 1}, path)
    with pytest.raises(CheckpointError):
        write_checkpoint({"epoch": 2, "foreign": object()}, path)
    assert read_checkpoint(path) == {"epoch": 1}


def test_the_file_is_safetensors_that_others_read(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_checkpoint({"state_dict": OrderedDict(weight=torch.ones(2))}, path)
    (only,) = load(path.read_bytes()).values()
    assert only.equal(torch.ones(2))


@pytest.mark.parametrize("spoil", ["absent", "pickle", "cut", "foreign", "kind"])
def test_files_that_are_no_checkpoint_are_refused(spoil: str, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_checkpoint(CONTENT, path)
    match spoil:
        case "absent":
            path.unlink()
        case "pickle":
            torch.save({"epoch": 1}, path)
        case "cut":
            path.write_bytes(path.read_bytes()[:-3])
        case "foreign":
            save_file({"weight": torch.ones(1)}, path)
        case "kind":
            told = json.dumps({"version": 1, "content": {"code": "print()"}})
            save_file({"weight": torch.ones(1)}, path, metadata={"deepmed.checkpoint": told})
    with pytest.raises(CheckpointError, match="Nothing was resumed"):
        read_checkpoint(path)


def test_the_plugin_removes_and_refuses_options(tmp_path: Path) -> None:
    plugin, path = SafetensorsCheckpointIO(), tmp_path / "one.safetensors"
    plugin.save_checkpoint({"epoch": 1}, str(path))
    plugin.remove_checkpoint(str(path))
    plugin.remove_checkpoint(str(path))
    assert not path.exists()
    with pytest.raises(TypeError, match="no storage options"):
        plugin.save_checkpoint({}, path, storage_options={})


def test_the_way_around_is_closed() -> None:
    with pytest.raises(CheckpointError, match="not unpickled"):
        LitResNetEnhanced.load_from_checkpoint("some.ckpt")


def test_trainers_are_made_in_one_place_which_has_the_plugin() -> None:
    made = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"(?<!\w)Trainer\(", path.read_text(encoding="utf-8"))
    ]
    assert made == ["learning/classification/trainer.py"]
