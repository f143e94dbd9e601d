"""What a run's stored predictions say beside its figures: curves, other thresholds, and answers.

Everything is counted here and now from the probabilities as they are stored; a browser computes
none of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.xray.pages import result_charts as charts
from deepmed.features.xray.pages.outcome.results import PARTS, VALIDATION
from deepmed.features.xray.report import drawn
from deepmed.features.xray.report.words import in_words
from deepmed.features.xray.runs.reading import Record, StoredRun
from deepmed.features.xray.source.pseudonyms import unit_of
from deepmed.kit import seeds
from deepmed.kit.errors import NotFoundError, ValidationError
from deepmed.learning.evaluation.binary import Abstention, evaluate_decision, threshold_steps
from deepmed.learning.evaluation.binary.decision import MOVED
from deepmed.web.charts import Chart, Table
from deepmed.web.downloads import as_csv, as_json

SHOWN_ROWS = 40
"""Rows of a table under a curve; the file has all."""
STEP_COLUMNS = (
    "threshold", "true positives", "false positives", "true negatives", "false negatives",
    "sensitivity", "specificity", "positive predictive value among these images",
)  # fmt: skip
ONLY_TWO = (
    "It has several classes: the most probable one is decided for, and there is no threshold."
)

Row = list[object]
_KEPT = drawn.Drawn()


@dataclass(frozen=True)
class Linked:
    """A chart whose whole data stand at an address, with some of its rows."""

    chart: Chart
    rows: Sequence[Sequence[object]]
    file: str


def curves(run: StoredRun, part: str) -> dict[str, Any]:
    """ROC and precision-recall of a part, and what becomes of its images at the stored rules."""
    records = records_of(run, part)
    return {
        "run": run.run,
        "part": part,
        "curves": [] if _threshold(run) is None else list(_curves(run, part, records)),
        "answers": _answers(run, records, part),
        "band": _band(run),
        "percentile": run.model["operating_point"]["abstention"]["percentile"],
        "classes": run.model["classes"],
    }


def at(run: StoredRun, threshold: float) -> dict[str, Any]:
    """What deciding from another threshold would find on validation, beside the stored one.

    Raises:
        ValidationError: the run has several classes.
    """
    stored = _threshold(run)
    if stored is None:
        raise ValidationError(f"Run {run.run.id} has no threshold to move. {ONLY_TWO}")
    records = records_of(run, VALIDATION)
    found = _KEPT.get(
        (run.run.id, run.artifact.manifest_hash, threshold),
        lambda: _decided(run, records, threshold),
    )
    kept = run.evaluation[VALIDATION]["report"]
    lines = [
        (in_words(name), found[name].to_dict(), kept["figures"][name])
        for name in MOVED
        if name in found.figures
    ]
    return {
        "run": run.run,
        "classes": run.model["classes"],
        "threshold": threshold,
        "stored": stored,
        "counts": found.confusion,
        "kept": kept["confusion"],
        "lines": lines,
        "prevalence": kept["prevalence"],
        "images": kept["n_items"],
        "patients": kept["n_patients"],
        "unit": unit_of(one["patient"] for one in records),
        "fewer": drawn.fewer(run.run.configuration),
    }


def slider(run: StoredRun) -> dict[str, Any]:
    """The part of the page on which a threshold is moved."""
    if _threshold(run) is None:
        return {"run": run.run, "stored": None, "only_two": ONLY_TWO}
    return {**at(run, run.model["operating_point"]["threshold"]), "chart": _by_threshold(run)}


def table(run: StoredRun, name: str, form: str) -> str:
    """A chart's whole data, or every stored prediction, as CSV or JSON.

    Raises:
        NotFoundError: there is no such table of this run.
    """
    columns, rows = _table(run, name)
    return as_csv(columns, rows) if form == "csv" else as_json(columns, rows)


def records_of(run: StoredRun, part: str) -> list[Record]:
    """Raises NotFoundError where the run has no such part."""
    if part not in run.predictions:
        raise NotFoundError(f"Run {run.run.id} has no part {part!r}.")
    return run.predictions[part]


def _table(run: StoredRun, name: str) -> tuple[Sequence[str], Sequence[Row]]:
    if name == "predictions":
        return PREDICTED, list(_predicted(run))
    part, _, kind = name.partition("-")
    if kind != "thresholds" or part not in PARTS or _threshold(run) is None:
        raise NotFoundError(f"Run {run.run.id} has no table {name!r}.")
    return STEP_COLUMNS, list(steps(records_of(run, part)))


PREDICTED = ("part", "image", "patient", "label", "decision", "probability")


def _predicted(run: StoredRun) -> Iterator[Row]:
    """As they are stored: every figure recomputes from them."""
    classes = run.model["classes"]
    for part, records in run.predictions.items():
        for one in records:
            yield [
                part,
                one["image"],
                one["patient"],
                classes[one["label"]],
                classes[one["decision"]],
                one["probability"],
            ]


def steps(records: Sequence[Record]) -> Iterator[Row]:
    """The counts at every probability that occurs, as a threshold, from the highest."""
    found = threshold_steps(*_pairs(records))
    for cut in found.cuts.tolist():
        counts = found.at(cut)
        yield [
            cut,
            counts.true_positives,
            counts.false_positives,
            counts.true_negatives,
            counts.false_negatives,
            counts.sensitivity,
            counts.specificity,
            counts.precision,
        ]


def _pairs(records: Sequence[Record]) -> tuple[list[int], list[float]]:
    return [one["label"] for one in records], [one["probability"] for one in records]


def _threshold(run: StoredRun) -> float | None:
    found: float | None = run.model["operating_point"]["threshold"]
    return found


def _decided(run: StoredRun, records: Sequence[Record], threshold: float) -> Any:
    """With the seed of the stored figures, so that at the stored threshold they are the same."""
    configuration = run.run.configuration
    patients = [one["patient"] for one in records]
    return evaluate_decision(
        *_pairs(records),
        patients,
        threshold,
        configuration["evaluation"]["prevalence"],
        resamples=drawn.resamples_of(configuration),
        seed=seeds.derive(configuration["system"]["seed"], VALIDATION),
        split=VALIDATION,
        unit=unit_of(patients),
    )


def _curves(run: StoredRun, part: str, records: Sequence[Record]) -> Iterator[Linked]:
    rows = list(steps(records))
    counts = run.evaluation[part]["report"]["confusion"]
    words = PARTS[part].lower()
    if counts["sensitivity"] is None or counts["specificity"] is None:
        return
    place = (1 - counts["specificity"], counts["sensitivity"])
    roc = charts.Plane(
        f"ROC curve of the {words}",
        "1 - specificity: false alarms",
        "sensitivity",
        diagonal=True,
        marks=[("stored threshold", place)],
    )
    yield _linked(roc, roc_points(rows), rows, f"{part}-thresholds")
    marks = (
        []
        if counts["precision"] is None
        else [("stored threshold", (counts["sensitivity"], counts["precision"]))]
    )
    recall = charts.Plane(
        f"Precision and recall of the {words}",
        "sensitivity (recall)",
        "positive predictive value (precision), among these images",
        marks=marks,
    )
    points = [(row[5], row[7]) for row in rows]
    yield _linked(recall, points, rows, f"{part}-thresholds")


def roc_points(rows: Sequence[Row]) -> list[Any]:
    """From no image called to all."""
    return [(0.0, 0.0), *((1 - row[6], row[5]) for row in rows)]  # type: ignore[operator] # both classes are there


def _linked(plane: charts.Plane, points: Any, rows: list[Row], file: str) -> Linked:
    chart = plane.drawn([charts.Curve("", points)], list(STEP_COLUMNS), rows)
    return Linked(chart, _some(rows), file)


def _by_threshold(run: StoredRun) -> Linked:
    rows = list(steps(records_of(run, VALIDATION)))
    plane = charts.Plane(
        "Every threshold on the validation part",
        "threshold",
        "share",
        passing=("stored", run.model["operating_point"]["threshold"]),
    )
    found = [
        charts.Curve(name, [(row[0], row[place]) for row in rows])  # type: ignore[misc] # numbers
        for name, place in (("sensitivity", 5), ("specificity", 6))
    ]
    chart = plane.drawn(found, list(STEP_COLUMNS), rows)
    return Linked(chart, _some(rows), f"{VALIDATION}-thresholds")


def _some(rows: Sequence[Row]) -> Sequence[Row]:
    step = -(-len(rows) // SHOWN_ROWS)
    return rows[::step]


def _band(run: StoredRun) -> tuple[float, float] | None:
    threshold = _threshold(run)
    if threshold is None:
        return None
    return _rule(run).band(threshold)


def _rule(run: StoredRun) -> Abstention:
    return Abstention.from_dict(run.model["operating_point"]["abstention"])


def _answers(run: StoredRun, records: Sequence[Record], part: str) -> Table:
    """By truth, how many images get a right answer, a wrong one, or none."""
    classes, outcome = run.model["classes"], _outcome_of(run)
    counts = [[0, 0, 0] for _ in classes]
    for one in records:
        counts[one["label"]][outcome(one)] += 1
    rows: list[list[object]] = [
        [name, *found, sum(found)] for name, found in zip(classes, counts, strict=True)
    ]
    rows.append(["all", *map(sum, zip(*counts, strict=True)), len(records)])
    truth = f"truth, {PARTS[part].lower()}"
    return Table([truth, "right answer", "wrong answer", "no answer", "images"], rows)


def _outcome_of(run: StoredRun) -> Callable[[Record], int]:
    """Of an image: 0 for a right answer, 1 for a wrong one, 2 for none."""
    threshold, rule = _threshold(run), _rule(run)

    def outcome(one: Record) -> int:
        share = one["probability"]
        answer = rule.answer_classes(share) if threshold is None else rule.answer(share, threshold)
        return 2 if answer.abstains else int(answer.decision != one["label"])

    return outcome
