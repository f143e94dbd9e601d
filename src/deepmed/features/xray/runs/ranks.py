"""Several devices: this process is rank 0 and writes; the others are processes that only train.

They get the configuration and the split's images, and neither data folder nor database: events,
rows, results and checkpoints can come of rank 0 alone (X-12).
"""

import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import TYPE_CHECKING, Any

from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.preparation import SplitPlan
from deepmed.features.xray.runs.kept import CHECKPOINTS
from deepmed.kit.files import write_atomically
from deepmed.learning.imaging.rows import ImageRow

if TYPE_CHECKING:
    from deepmed.learning.classification.ranks import RankOfMachine

MODULE = "deepmed.features.xray.runs.rank"
_FOLDER = Path(CHECKPOINTS, "ranks")
_GRACE_SECONDS = 20.0


@dataclass(frozen=True)
class Ranks:
    """The processes of one training on one machine."""

    size: int
    port: int

    @classmethod
    def of(cls, devices: int) -> "Ranks":
        """As many as devices; one alone meets nobody."""
        return cls(devices, _free_port() if devices > 1 else 0)

    @property
    def first(self) -> "RankOfMachine | None":
        """Of this process; None where it is the only one."""
        from deepmed.learning.classification.ranks import RankOfMachine  # noqa: PLC0415 - torch

        return RankOfMachine(0, self.size, self.port) if self.size > 1 else None

    @contextmanager
    def running(self, folder: Path, said: Mapping[str, Any]) -> Iterator[None]:
        """The others train along; all have ended when this is left.

        Args:
            folder: of the run.
            said: what each is told, see `told`.
        """
        if self.size == 1:
            yield
            return
        from deepmed.learning.classification.ranks import leave_the_others  # noqa: PLC0415 - torch

        shared = {**said, "size": self.size, "port": self.port}
        others = [_start(folder / _FOLDER, number, shared) for number in range(1, self.size)]
        patience = 0.0
        try:
            yield
            patience = _GRACE_SECONDS
        finally:
            for other in others:
                _end(other, patience)
            leave_the_others()


def told(
    config: ConfigManager,
    plan: SplitPlan,
    *,
    classes: int,
    folder: Path,
    weights_dir: Path | None,
    resume_from: Path | None,
) -> dict[str, Any]:
    """What a process that trains along has to know; it sees nothing of the test part."""
    return {
        "configuration": config.resolved,
        "classes": classes,
        "folder": str(folder),
        "weights_dir": None if weights_dir is None else str(weights_dir),
        "resume_from": None if resume_from is None else str(resume_from),
        "train": listed(plan.train),
        "validation": listed(plan.validation),
    }


def rows_from(listed: Sequence[Sequence[Any]]) -> tuple[ImageRow, ...]:
    """The rows of what `told` lists."""
    return tuple(
        ImageRow(str(name), Path(path), str(patient), int(label), str(digest))
        for name, path, patient, label, digest in listed
    )


def listed(rows: Sequence[ImageRow]) -> list[list[Any]]:
    return [[row.image_id, str(row.path), row.patient, row.label, row.digest] for row in rows]


def _start(folder: Path, number: int, shared: Mapping[str, Any]) -> "Popen[bytes]":
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"rank_{number}.json"
    write_atomically(file, json.dumps({**shared, "rank": number}).encode())
    with file.with_suffix(".log").open("ab") as log:
        return Popen(  # noqa: S603 - our own module, with our own file
            [sys.executable, "-P", "-m", MODULE, str(file)],
            stdin=PIPE,  # closed by the system where this process is killed: they end with it
            stdout=log,
            stderr=log,
            env=os.environ,
        )


def _end(process: "Popen[bytes]", patience: float) -> None:
    try:
        process.wait(patience)
    except TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
