"""What a run was trained on: what was found, what was refused, and what stands in which part."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.features.xray.pages.content import lookalikes
from deepmed.features.xray.pages.content.kept import by_files, files_of, images_of, intake, split_of
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.runs.standing import known_in, who_stands_where
from deepmed.features.xray.source.pseudonyms import is_patient
from deepmed.features.xray.source.report import IntakeReport
from deepmed.kit.errors import NotFoundError
from deepmed.web.downloads import as_csv, as_json

PARTS = {"train": "training", "validation": "validation", "test": "test"}
KINDS = {"patient": "one patient", "image": "equal images", "lookalike": "images that look alike"}
SHOWN = 100
"""Lines of a list; the file has all."""
SAMPLES = 6
COLUMNS = ("file", "reason", "row", "column")


@dataclass(frozen=True)
class Part:
    """Images of a part, its known patients, images of nobody who is known, and each class's."""

    name: str
    images: int
    patients: int
    unknown: int
    by_class: Sequence[int]


@dataclass(frozen=True)
class Shown:
    """An image that can be looked at."""

    name: str
    digest: str
    class_name: str


def content(runs: XrayRuns, run_id: int) -> dict[str, Any]:
    """Raises NotFoundError."""
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    home, run = runs.home, stored.run
    report, classes = intake(home, stored)
    split, files = split_of(home, stored), files_of(home, stored)
    pairs = [] if split is None else lookalikes.pairs(home, run, split)
    return {
        "run": run,
        "status": stored.status,
        "source": Path(run.source_path).name,
        "report": report,
        "rejected": [] if report is None else _rejections(report)[:SHOWN],
        "rejections": 0 if report is None else len(_rejections(report)),
        "most": SHOWN,
        "classes": classes,
        "parts": [] if split is None else list(_parts(split, len(classes))),
        "audit": None if split is None else by_files(split["audit"], files),
        "known": None if split is None else known_in(split),
        "who": None if split is None else who_stands_where(split),
        "kinds": KINDS,
        "part_names": PARTS,
        "pairs": pairs,
        "files": files,
        "here": images_of(home, stored) is not None,
        "looked": run.configuration["system"]["look_for_lookalikes"],
        "samples": [] if split is None else list(_samples(home, stored, split, classes)),
        "strength": run.configuration["experiment"]["augmentation_strength"],
        "may_flip": run.configuration["experiment"]["may_flip"],
    }


def rejections(runs: XrayRuns, run_id: int, form: str) -> str:
    """All files and rows that are not used, as CSV or JSON. Raises NotFoundError."""
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    report, _ = intake(runs.home, stored)
    if report is None:
        raise NotFoundError(f"Run {run_id} has not taken its images in yet.")
    written = as_csv if form == "csv" else as_json
    return written(COLUMNS, _rejections(report))


def _rejections(report: IntakeReport) -> list[tuple[object, ...]]:
    return [
        *((each.name, each.reason, each.row, each.column) for each in report.rejected),
        *((each.name, each.reason, each.row, each.column) for each in report.without_file),
        *((name, "it has no label", None, None) for name in report.unlabelled),
    ]


def _parts(split: Mapping[str, Any], classes: int) -> Iterator[Part]:
    for part, name in PARTS.items():
        rows = split["parts"][part]
        labels = Counter(row[2] for row in rows)
        counts = [labels[label] for label in range(classes)]
        patients = {row[3] for row in rows if is_patient(row[3])}
        yield Part(name, len(rows), len(patients), known_in(split, part).unknown, counts)


def _samples(
    home: Home, stored: StoredRun, split: Mapping[str, Any], classes: Sequence[str]
) -> Iterator[Shown]:
    """Some training images of each class, where their pixels still lie here."""
    if images_of(home, stored) is None:
        return
    for label, name in enumerate(classes):
        of_class = [row for row in split["parts"]["train"] if row[2] == label]
        for row in of_class[:: max(1, len(of_class) // SAMPLES)][:SAMPLES]:
            yield Shown(row[0], row[1], name)
