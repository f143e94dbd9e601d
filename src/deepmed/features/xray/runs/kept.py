"""What a run that was cut off goes on from, and how that is known to be its own (X-11)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepmed.features.xray.preparation import SplitPlan
from deepmed.features.xray.source import DataSource
from deepmed.features.xray.tables import XrayRun
from deepmed.kit.errors import IntegrityError
from deepmed.kit.files import write_atomically
from deepmed.learning.imaging.rows import file_digest

SPLIT, FITTED = "split.json", "fitted.json"
CHECKPOINTS = "checkpoints"


def kept_plan(folder: Path, source: DataSource) -> SplitPlan | None:
    """The split that is stored; None where there is none, or where it is of other images."""
    try:
        plan = SplitPlan.load(folder / SPLIT, source.rows)
    except IntegrityError:
        return None
    known = {row.image_id for rows in plan.parts.values() for row in rows}
    known |= {one.image for one in plan.audit.dropped}
    return plan if {row.image_id for row in source.rows} <= known else None


def refuse_other_split(run: XrayRun, plan: SplitPlan) -> None:
    """Let nothing be tested on images that it learned from.

    Raises:
        IntegrityError: the run was split in another way before.
    """
    if run.split_digest not in {None, plan.digest}:
        raise IntegrityError(
            f"Run {run.id} cannot go on: its images or labels are not those that it was split "
            "with, so it would be tested on images that it may have learned from. What it learned "
            "and its split are kept. Put the images back as they were and resume it, or start a "
            "new run."
        )


def keep_fit(
    folder: Path,
    plan: SplitPlan,
    summary: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Write down that a training is over, on which split, and what its best checkpoint is."""
    over = {
        "summary": dict(summary),
        "history": list(history),
        "split": plan.digest,
        "checkpoint_sha256": file_digest(_checkpoint(folder, summary)),
    }
    write_atomically(folder / FITTED, json.dumps(over).encode())
    return over


def kept_fit(folder: Path, plan: SplitPlan) -> dict[str, Any] | None:
    """How a training went that is over; None where it is not.

    Raises:
        IntegrityError: it was of another split, or its checkpoint is not the one that it chose.
    """
    over = read_kept(folder / FITTED)
    if over is None:
        return None
    try:
        found = over["split"], over["checkpoint_sha256"]
        same = found == (plan.digest, file_digest(_checkpoint(folder, over["summary"])))
    except (KeyError, OSError):
        same = False
    if not same:
        raise IntegrityError(
            "What this run keeps of its training is of another split, or its checkpoint was "
            "changed or removed, so it is not evaluated. Everything is kept as it was. Start a new "
            "run."
        )
    return over


def read_kept(path: Path) -> dict[str, Any] | None:
    """An object in a file of a run's folder; None where there is none that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else {}


def _checkpoint(folder: Path, summary: Mapping[str, Any]) -> Path:
    return folder / CHECKPOINTS / str(summary["best_checkpoint"])
