"""Several devices: rank 0 is the run, and the others only train; no process is started here."""

import io
import json
import os
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import pytest

from deepmed.features.xray.preparation.splitting import audit_published
from deepmed.features.xray.runs import rank, ranks
from deepmed.features.xray.runs.ranks import Ranks, rows_from, told
from deepmed.learning import classification
from deepmed.learning.imaging.rows import ImageRow, file_digest
from factories.films import png
from factories.xray import film_of, small


def rows(folder: Path, count: int = 12) -> list[ImageRow]:
    made = []
    for number in range(count):
        path = folder / f"{number}.png"
        path.write_bytes(png(film_of(number)))
        made.append(ImageRow(f"f{number}", path, f"p{number}", number % 2, file_digest(path)))
    return made


@pytest.fixture
def said(tmp_path: Path) -> dict[str, Any]:
    made = rows(tmp_path)
    plan = audit_published(made[:8], made[8:10], made[10:])
    (tmp_path / "run").mkdir()
    return told(
        small("devices=2", "augmentation_strength=0"),
        plan,
        classes=2,
        folder=tmp_path / "run",
        weights_dir=None,
        resume_from=None,
    )


class Pretended:
    """As much of a process as is asked of one."""

    begun: list["Pretended"]

    def __init__(self, command: list[str], **_settings: Any) -> None:
        self.said = json.loads(Path(command[-1]).read_bytes())
        self.module, self.stdin, self.killed = command[-2], io.BytesIO(), False
        Pretended.begun.append(self)

    def wait(self, patience: float | None = None) -> int:
        if patience == 0 and not self.killed:
            raise TimeoutExpired("rank", patience)
        return 0

    def kill(self) -> None:
        self.killed = True


@pytest.mark.req("X-12.1")
def test_every_other_device_has_a_process_that_sees_no_test_image_and_no_database(
    said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "Popen", Pretended)
    Pretended.begun = []
    together = Ranks.of(3)
    first = together.first
    assert first is not None
    assert (first.global_rank(), first.world_size(), first.main_port) == (0, 3, together.port)
    with together.running(Path(said["folder"]), said):
        assert [one.said["rank"] for one in Pretended.begun] == [1, 2]
    assert not any(one.killed for one in Pretended.begun)
    for one in Pretended.begun:
        assert one.module == "deepmed.features.xray.runs.rank"
        assert (one.said["size"], one.said["port"]) == (3, together.port)
        assert {row[0] for part in ("train", "validation") for row in one.said[part]} == {
            f"f{number}" for number in range(10)
        }
        assert set(one.said) == {
            "configuration", "classes", "folder", "weights_dir", "resume_from", "train",
            "validation", "size", "port", "rank",
        }  # fmt: skip
    with pytest.raises(KeyError), together.running(Path(said["folder"]), said):
        raise KeyError
    assert [one.killed for one in Pretended.begun] == [False, False, True, True]


def test_one_device_meets_nobody(said: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "Popen", Pretended)
    Pretended.begun = []
    alone = Ranks.of(1)
    with alone.running(Path(said["folder"]), said):
        assert alone.first is None
    assert Pretended.begun == []


@pytest.mark.req("X-12.1")
def test_a_rank_above_nought_trains_along_and_tells_nobody(
    said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        classification,
        "fit_network",
        lambda *given, resume_from: seen.append((*given, resume_from)),
    )
    before = set(Path(said["folder"]).rglob("*.json"))
    rank.run({**said, "rank": 1, "size": 2, "port": 29_500})
    ((trainer, module, data, resumed),) = seen
    assert resumed is None
    assert (trainer.global_rank, trainer.world_size, trainer.is_global_zero) == (1, 2, False)
    collector = next(one for one in trainer.callbacks if hasattr(one, "epoch_metrics"))
    collector.on_train_epoch_start(trainer, module)
    assert collector.stream.next_sequence == 0  # not even its own stream heard of it
    assert collector.stream._sinks == []
    assert set(Path(said["folder"]).rglob("*.json")) == before
    assert {row.image_id for row in data.train_dataset.rows} == {f"f{one}" for one in range(8)}
    assert rows_from(said["train"]) == data.train_dataset.rows


def test_a_rank_ends_with_the_process_that_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class EndedError(Exception):
        pass

    def end(code: int) -> None:
        raise EndedError(code)

    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr(rank.sys, "stdin", pipe)
        monkeypatch.setattr(rank.os, "_exit", end)
        with pytest.raises(EndedError):
            rank._end_with_the_first()
