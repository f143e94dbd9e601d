"""Trainings of the benchmark: each through the trainer itself, none twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.features.xray.bench import repository
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.runs.steps import STEPS, Watcher
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.features.xray.tables import COMPLETED, XrayRun

Step = Callable[[str], None]
_MOST_RUNS = 1000
_CUT_OFF = "The training was cut off and taken up again, so its seconds are not known."


@dataclass(frozen=True)
class Trained:
    """A completed training: what the trainer answered, and what it stored."""

    results: Mapping[str, Any]
    predictions: Mapping[str, list[dict[str, Any]]]
    """By part, one record an image."""
    seconds: float | None
    """From its beginning to its end, intake and evaluation included."""
    looks: int
    """How often the part named test was opened."""
    made: Mapping[str, Any]
    """When it was trained and by what; `older_than_run` where that was before this call."""

    def timing(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "reason": None if self.seconds is not None else _CUT_OFF}


def trained(  # noqa: PLR0917 - what a training consists of
    home: Home,
    source: Path,
    name: str,
    config: ConfigManager,
    step: Step,
    kind: type[CentralizedTrainer] = CentralizedTrainer,
) -> Trained:
    """Train through the trainer's `train`, or take the run of that name that is there.

    A run that was cut off is taken up again behind its last epoch.
    """
    found = _same(home, source, name, config)
    if found is not None and found.status == COMPLETED:
        step(f"{name}: taken from an earlier call")
        return _read(home, found.id, older=True)
    step(name)
    trainer = kind(home, config, Watcher(progress=_epochs(name, step)))
    results = trainer.train(source, name, run_id=None if found is None else found.id)
    return _read(home, results["run_id"], older=found is not None)


def _same(home: Home, source: Path, name: str, config: ConfigManager) -> XrayRun | None:
    for run, _ in XrayRuns.of(home).page(limit=_MOST_RUNS):
        same = (run.run_description, run.source_path) == (name, str(source))
        if same and run.configuration == config.resolved:
            return run
    return None


def _epochs(name: str, step: Step) -> Callable[[int, int, str], None]:
    def progress(done: int, total: int, text: str) -> None:
        if text == "Training":
            step(f"{name}: epoch {done} of {total}")

    return progress


def _read(home: Home, run_id: int, *, older: bool) -> Trained:
    stored = StoredRun.of(home, run_id)
    return Trained(
        stored.run.results or {},
        stored.predictions,
        _seconds(home, stored.run),
        _looks(home, stored.run),
        _made(stored, older=older),
    )


def _made(stored: StoredRun, *, older: bool) -> dict[str, Any]:
    """From the signed artefact: a training of an earlier call may be another version's."""
    known = stored.package.manifest.provenance
    return {
        "date": stored.run.start_time.isoformat(timespec="seconds"),
        "older_than_run": older,
        "environment": {
            name: one
            for name, one in known.items()
            if name not in {"seed", "data_hash", "configuration"}
        },
        "libraries": stored.model["libraries"],
    }


def _seconds(home: Home, run: XrayRun) -> float | None:
    """None where the run was taken up again: time passed between in which nobody trained."""
    with home.database.read() as session:
        told = repository.told(session, run.id)
    begun = sum(data.get("status") == STEPS[0].name for data in told)
    if begun != 1 or run.end_time is None:
        return None
    return round((run.end_time - run.start_time).total_seconds(), 1)


def _looks(home: Home, run: XrayRun) -> int:
    with home.database.read() as session:
        return repository.looks_at_test(session, home.owner_id, run.id)
