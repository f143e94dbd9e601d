"""ZIPs that were uploaded: what lies in them, and how to train on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepmed.features.xray.configuration import LEVELS
from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.pages.content import configure
from deepmed.features.xray.pages.wanted import TrainingWanted
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import IN_PROGRESS
from deepmed.features.xray.uploads import Uploads
from deepmed.features.xray.uploads import look as looking
from deepmed.kit.digests import json_digest
from deepmed.kit.errors import ConflictError, NotFoundError

MOST_OPEN = 1000
"""Trainings that may wait at a time."""
LAYOUTS = {
    "table": "a table of labels with the images",
    "folders": "one folder for each class",
}


def one(runs: XrayRuns, uid: str) -> dict[str, Any]:
    """An upload and the form of a training on it. Raises NotFoundError."""
    upload = Uploads(runs.home).get(uid)
    return {
        "upload": upload,
        "name": Path(upload.name).stem,
        "table": "",
        "place": f"/xrays/sources/{uid}",
        "send": f"/xrays/sources/{uid}/train",
        "gone": False,
        "again": None,
        **configure.form(),
    }


def again(runs: XrayRuns, run_id: int) -> dict[str, Any]:
    """The form of another training on the images of a run, with its settings and judgements.

    Raises:
        NotFoundError: there is no such run.
    """
    from deepmed.features.xray.pages.content import lookalikes  # noqa: PLC0415 - only for this

    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    run = stored.run
    return {
        "upload": Uploads(runs.home).at(Path(run.source_path)),
        "gone": not Path(run.source_path).exists(),
        "name": run.run_description,
        "table": run.csv_filename or "",
        "place": f"/xrays/runs/{run_id}",
        "send": f"/xrays/runs/{run_id}/again",
        "again": run,
        "judged": len(lookalikes.judged(runs.home, run)),
        **configure.form(run.configuration),
    }


def look(runs: XrayRuns, uid: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """What lies in an upload, with its columns called as was said. Raises NotFoundError."""
    upload = Uploads(runs.home).get(uid)
    config = configure.configuration(None, _values(fields)).config
    csv = fields.get("csv_filename") or None
    found = looking.look_into(upload, csv, config, runs.home.settings)
    rows = [[each[name] for name in ("name", "reason", "row", "column")] for each in found.problems]
    return {
        "upload": upload,
        "look": found,
        "layout": LAYOUTS.get(found.layout),
        "rows": rows,
        "version": json_digest(dict(fields))[:8],
    }


def train(runs: XrayRuns, uid: str, wanted: TrainingWanted) -> int:
    """Begin a training on an upload; the run's number.

    Raises:
        NotFoundError: there is no such upload.
        ValidationError: a value is not acceptable.
        SourceRefusedError: nothing can be trained on it; no run was made.
    """
    return _begin(runs, Uploads(runs.home).get(uid).path, wanted, None)


def train_again(runs: XrayRuns, run_id: int, wanted: TrainingWanted) -> int:
    """Begin another training on the images of a run; raises as `train`."""
    from deepmed.features.xray.pages.content import lookalikes  # noqa: PLC0415 - only for this

    run = StoredRun.of(runs.home, run_id, runs.ledger.kinds).run
    path = Path(run.source_path)
    if not path.exists():
        raise NotFoundError(
            f"What run {run_id} was trained on is not here any more. Upload it again."
        )
    return _begin(runs, path, wanted, lookalikes.with_judgements(runs.home, run))


def _begin(
    runs: XrayRuns, path: Path, wanted: TrainingWanted, before: Mapping[str, Any] | None
) -> int:
    made = configure.configuration(wanted.level, wanted.values, before)
    upload = Uploads(runs.home).at(path)
    csv = wanted.csv_filename or None
    if upload is not None:
        _refuse(looking.look_into(upload, csv, made.config, runs.home.settings))
    if wanted.federated:
        from deepmed.features.xray.federated.service import (  # noqa: PLC0415 - only for this
            start_federated,
        )

        home, kinds = runs.home, runs.ledger.kinds
        return start_federated(home, kinds, path, wanted.experiment_name, made, csv)[0].id
    return runs.start(path, wanted.experiment_name, made, csv)[0].id


def delete(runs: XrayRuns, uid: str) -> None:
    """Delete an upload.

    Raises:
        NotFoundError: there is none.
        ConflictError: a training waits for it or reads it.
    """
    path = str(Uploads(runs.home).get(uid).path)
    using = [run.id for run, _ in runs.page(IN_PROGRESS, MOST_OPEN) if run.source_path == path]
    if using:
        raise ConflictError(
            f"Run {using[0]} is being trained on it, so nothing was deleted. Stop the run first, "
            "or wait until it is done."
        )
    Uploads(runs.home).delete(uid)


def asked(fields: Mapping[str, str]) -> tuple[int | None, dict[str, str]]:
    """Level and values that a form asks for, as they stand in an address."""
    level = next((each.number for each in LEVELS if str(each.number) == fields.get("level")), None)
    return level, _values(fields)


def _values(fields: Mapping[str, str]) -> dict[str, str]:
    """Of a form's fields those that are values of the configuration and were filled in."""
    before = "values."
    return {
        name.removeprefix(before): text
        for name, text in fields.items()
        if name.startswith(before) and text.strip()
    }


def _refuse(found: looking.Look) -> None:
    if found.refused is not None:
        raise SourceRefusedError(found.refused, problems=list(found.problems))
