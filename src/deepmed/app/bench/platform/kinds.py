"""Jobs to measure a worker with. Only the benchmark's own server and children know them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict

from deepmed.core.home import Home
from deepmed.core.jobs.kinds import Isolation, JobContext, JobKind

COUNTED, HEEDFUL, DEAF = "bench.counted", "bench.heedful", "bench.deaf"
WORKED = "worked"


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def count(_home: Home, job: JobContext) -> dict[str, Any]:
    """Leave one line in the ledger, under the run's own token as any other write."""
    job.event(WORKED, {})
    return {}


def heed(_home: Home, job: JobContext) -> dict[str, Any]:
    """Compute without end, and ask now and then whether to go on."""
    job.progress(1, 2)
    while True:
        sum(range(100_000))
        job.raise_if_cancelled()


def be_deaf(_home: Home, job: JobContext) -> dict[str, Any]:
    """Compute without end and never look up: only a kill ends it."""
    job.progress(1, 2)
    while True:
        sum(range(100_000))


def _kind(name: str, run: Any, isolation: Isolation) -> JobKind:
    return JobKind(name, run, Nothing, isolation, lambda _: "Measure the platform", queue="bench")


KINDS = (
    _kind(COUNTED, count, Isolation.INLINE),
    _kind(HEEDFUL, heed, Isolation.PROCESS),
    _kind(DEAF, be_deaf, Isolation.PROCESS),
)
BY_NAME = {kind.name: kind for kind in KINDS}


@contextmanager
def known_to_children() -> Iterator[None]:
    """Let the children of this process find the kinds, as those of an installed plug-in."""
    before = os.environ.get("PYTHONPATH")
    with TemporaryDirectory() as name:
        _describe(Path(name))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [name, before]))
        try:
            yield
        finally:
            os.environ.pop("PYTHONPATH")
            if before is not None:
                os.environ["PYTHONPATH"] = before


def _describe(folder: Path) -> None:
    described = folder / "deepmed_bench-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: deepmed-bench\nVersion: 1\n")
    points = f"[deepmed.jobs]\nbench = {__name__}:KINDS\n"
    (described / "entry_points.txt").write_text(points)
