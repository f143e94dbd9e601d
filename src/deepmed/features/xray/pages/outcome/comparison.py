"""Runs beside each other: their figures on the same patients, and what one has over another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.xray.pages import result_charts as charts
from deepmed.features.xray.pages.outcome.predicted import records_of, roc_points, steps
from deepmed.features.xray.pages.outcome.results import TEST, bar
from deepmed.features.xray.pages.outcome.words import COLUMNS
from deepmed.features.xray.report.comparison import FEWEST, MOST, Tested, compare_runs, why_not
from deepmed.features.xray.report.words import in_words
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.source.pseudonyms import several, unit_of
from deepmed.features.xray.tables import COMPLETED
from deepmed.kit.errors import ValidationError
from deepmed.web.charts import Chart

SHOWN = 100
Figure = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """A figure of every run; under its key stands what later runs have over the first."""

    key: str
    name: str
    figures: Sequence[Figure | None]


def content(runs: XrayRuns, run_ids: Sequence[int]) -> dict[str, Any]:
    """The page: which runs; what they have over each other it asks for when it is drawn.

    Raises:
        NotFoundError: a run is not there.
        ValidationError: a run is named twice, or there are too many.
    """
    for run_id in run_ids:
        runs.get(run_id)
    if len(set(run_ids)) < len(run_ids) or len(run_ids) > MOST:
        raise ValidationError(f"Choose {FEWEST} to {MOST} different runs; nothing was compared.")
    completed = [run for run, _ in runs.page(COMPLETED, SHOWN)]
    chosen = [*run_ids, *(run.id for run in completed if run.id not in run_ids)][:FEWEST]
    asked = run_ids if len(run_ids) >= FEWEST else ()
    return {"completed": completed, "chosen": chosen, "asked": asked}


def compared(runs: XrayRuns, run_ids: Sequence[int]) -> dict[str, Any]:
    """What the runs have over the first. Raises as `compare_runs`."""
    found = compare_runs(runs.home, run_ids)
    tested = [stored(runs, run_id) for run_id in run_ids]
    unit = unit_of(name for run in tested for name in _people(run))
    return {
        "unit": unit,
        "units": several(unit),
        "found": found,
        "lines": list(_lines(found)),
        "tested": [_tested(run) for run in tested],
        "roc": _roc(runs, found),
        "differences": [_differences(found, each) for each in found["comparisons"]],
    }


def stored(runs: XrayRuns, run_id: int) -> StoredRun:
    return StoredRun(runs.home, *runs.get(run_id))


def _lines(found: Mapping[str, Any]) -> Iterator[Line]:
    parts = [run[TEST] or {} for run in found["runs"]]
    for name in dict.fromkeys(name for part in parts for name in part):
        yield Line(name, in_words(name), [part.get(name) for part in parts])


def _people(run: StoredRun) -> Sequence[str]:
    """Whom a run was tested on, one an image; nobody where it was not."""
    return Tested.of(run).patients if why_not(run) is None else ()


def _tested(run: StoredRun) -> dict[str, int | None]:
    """How many patients and images a run was tested on."""
    part = run.evaluation[TEST] if run.is_completed else None
    report = part["report"] if part else {"n_patients": None, "n_items": None}
    return {"patients": report["n_patients"], "images": report["n_items"]}


def _differences(found: Mapping[str, Any], each: Mapping[str, Any]) -> Chart | None:
    if not each["differences"]:
        return None
    rows = [
        bar(in_words(name).removesuffix(", mean of the classes"), figure)
        for name, figure in each["differences"].items()
    ]
    title = f"Run {each['run_id']} less run {found['baseline']}"
    return charts.differences(title, rows, counted=COLUMNS[each["unit"]])


def _roc(runs: XrayRuns, found: Mapping[str, Any]) -> Chart | None:
    """Of runs that were tested on the same images; of others the curves say nothing together."""
    same = [each["run_id"] for each in found["comparisons"] if each["same_test"]]
    if not same:
        return None
    curves, rows = [], []
    for run in [stored(runs, run_id) for run_id in (found["baseline"], *same)]:
        if len(run.model["classes"]) > 2:
            return None
        own = list(steps(records_of(run, TEST)))
        if own[-1][5] is None or own[-1][6] is None:
            return None
        name = f"run {run.run.id}"
        curves.append(charts.Curve(name, roc_points(own)))
        rows += [[name, row[0], row[6], row[5]] for row in own]
    plane = charts.Plane(
        "ROC curves on the same test images",
        "1 - specificity: false alarms",
        "sensitivity",
        diagonal=True,
    )
    return plane.drawn(curves, ["run", "threshold", "specificity", "sensitivity"], rows)
