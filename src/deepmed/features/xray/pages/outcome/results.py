"""What a training came to: figures with intervals, and what they rest on; all of it as stored.

What has to be worked out from single predictions is in `predicted`, which a page asks for later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.xray.pages import result_charts as charts
from deepmed.features.xray.pages.outcome import words
from deepmed.features.xray.report.words import in_words
from deepmed.features.xray.runs import standing
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source.pseudonyms import several
from deepmed.web.charts import Chart, Table

TEST, VALIDATION = "test", "validation"
PARTS = {TEST: "Test part", VALIDATION: "Validation part"}
FEDERATED = "federated"
BARS = (
    "auroc", "auprc", "sensitivity", "specificity", "ppv_at_prevalence", "npv_at_prevalence",
    "accuracy", "balanced_accuracy", "f1",
)  # fmt: skip
"""Figures that share an axis from 0 to 1, on which more is better."""
MOVED = (
    "sensitivity", "specificity", "ppv", "npv", "ppv_at_prevalence", "npv_at_prevalence",
    "accuracy", "balanced_accuracy", "f1",
)  # fmt: skip
"""Figures that another threshold moves."""


@dataclass(frozen=True)
class Line:
    """A figure as a line of the table; `at_half` is the same at a threshold of 0.5."""

    name: str
    meaning: str
    figure: Mapping[str, Any]
    at_half: Mapping[str, Any] | None


@dataclass(frozen=True)
class Group:
    """A part of the people."""

    attribute: str
    value: str
    patients: int
    images: int
    positive: int
    figures: Mapping[str, Mapping[str, Any]]
    reason: str | None


@dataclass(frozen=True)
class Shown:
    """One part of the images with its figures."""

    part: str
    words: str
    rests_on: str
    fixed: str
    intervals: str
    unit: str
    lines: Sequence[Line]
    bars: Chart
    confusion: Chart
    calibration: Chart | None
    by_class: Chart | None
    groups: Sequence[Group]
    group_charts: Sequence[Chart]

    @property
    def column(self) -> str:
        """The head of the column that says over how many a figure is."""
        return words.COLUMNS[self.unit]


def content(run: StoredRun, part: str = "") -> dict[str, Any]:
    """The page of a run's results; of one that is not completed only why there are none."""
    common = {"run": run.run, "status": run.status, "reason": run.reason}
    if not run.is_completed:
        return {**common, "shown": None}
    evaluation = run.evaluation
    there = [each for each in (TEST, VALIDATION) if evaluation[each]]
    chosen = part if part in there else there[0]
    point = run.model["operating_point"]
    return {
        **common,
        "shown": shown(run, chosen),
        "parts": [(each, PARTS[each]) for each in there],
        "test_reason": evaluation["test_reason"],
        "classes": run.model["classes"],
        "threshold": point["threshold"],
        "temperature": point["temperature"],
        "offsets": point.get("offsets", ()),
        "calibrated": bool(point.get("offsets")) or not point.get("classes_weighted"),
        "notes": [*point["notes"], *standing.warnings(run.split)],
        "card": run.card,
        "artifact": run.artifact.uid,
        "facts": Table(["what", "value"], list(_facts(run))),
        "libraries": Table(
            ["library", "version"], [[*row] for row in run.model["libraries"].items()]
        ),
        "federated": run.run.training_mode == FEDERATED,
    }


def shown(run: StoredRun, part: str) -> Shown:
    """A part that the run has, with its figures."""
    found, classes = run.evaluation[part], run.model["classes"]
    report, half = found["report"], found.get("at_half")
    known = standing.known_in(run.split, part)
    return Shown(
        part=part,
        words=PARTS[part],
        rests_on=_rests_on(report, classes, known),
        fixed=words.tested(standing.looks(run)) if part == TEST else words.FIXED_HERE,
        intervals=words.intervals(known.unit, report["resamples"]),
        unit=known.unit,
        lines=list(_lines(report, half, classes)),
        bars=_bars(report, classes, known.unit),
        confusion=_confusion(report, classes, PARTS[part]),
        calibration=_calibration(report, PARTS[part]),
        by_class=_by_class(report, known.unit),
        groups=[_group(each) for each in found.get("subgroups", [])],
        group_charts=list(_group_charts(found.get("subgroups", []), known.unit)),
    )


def _rests_on(report: Mapping[str, Any], classes: Sequence[str], known: standing.Known) -> str:
    images = report["n_items"]
    told = words.rests_on(images, report["n_patients"], known)
    if len(classes) > 2:
        return f"{told}, {len(classes)} classes."
    counts = report["confusion"]
    positive = counts["true_positives"] + counts["false_negatives"]
    return f"{told}: {positive:,} with {classes[1]}, {images - positive:,} without."


def _lines(
    report: Mapping[str, Any], half: Mapping[str, Any] | None, classes: Sequence[str]
) -> Iterator[Line]:
    for name, figure in report["figures"].items():
        at_half = half["figures"][name] if half is not None and name in MOVED else None
        yield Line(in_words(name), words.meaning(name, report, classes), figure, at_half)


def bar(name: str, figure: Mapping[str, Any]) -> charts.Bar:
    return charts.Bar(
        name,
        figure["estimate"],
        figure["low"],
        figure["high"],
        figure["sample_size"],
        figure["n_items"],
    )


def _bars(report: Mapping[str, Any], classes: Sequence[str], unit: str) -> Chart:
    figures = report["figures"]
    names = (
        BARS if len(classes) == 2 else [each for each in figures if each not in {"brier", "ece"}]
    )
    rows = [
        bar(_short(name), figures[name]) for name in names if figures[name]["estimate"] is not None
    ]
    title = f"Figures with their intervals over {several(unit)}"
    return charts.intervals(title, rows, label="share", counted=words.COLUMNS[unit])


def _short(name: str) -> str:
    """As much of a figure's name as stands beside a bar."""
    return {
        "ppv_at_prevalence": "PPV, stated prevalence",
        "npv_at_prevalence": "NPV, stated prevalence",
    }.get(name, in_words(name).removesuffix(", mean of the classes"))


def _confusion(report: Mapping[str, Any], classes: Sequence[str], part: str) -> Chart:
    counts = report["confusion"]
    if isinstance(counts, Mapping):
        counts = [
            [counts["true_negatives"], counts["false_positives"]],
            [counts["false_negatives"], counts["true_positives"]],
        ]
    return charts.confusion(f"Decisions on the {part.lower()}, in images", classes, counts)


def _calibration(report: Mapping[str, Any], part: str) -> Chart | None:
    if "reliability" not in report:
        return None
    return charts.calibration(
        f"Calibration on the {part.lower()}",
        [charts.Bin(**each) for each in report["reliability"]],
        report["figures"]["prevalence"]["estimate"],
    )


def _by_class(report: Mapping[str, Any], unit: str) -> Chart | None:
    if "by_class" not in report:
        return None
    rows = [
        bar(f"{name}: {in_words(part)}", figures[part])
        for name, figures in report["by_class"].items()
        for part in ("auroc", "sensitivity", "specificity")
    ]
    counted = words.COLUMNS[unit]
    return charts.intervals("Each class against the rest", rows, label="share", counted=counted)


def _group(found: Mapping[str, Any]) -> Group:
    return Group(
        found["attribute"],
        found["value"],
        found["n_patients"],
        found["n_items"],
        found["n_positive"],
        found["figures"],
        found["reason"],
    )


def _group_charts(groups: Sequence[Mapping[str, Any]], unit: str) -> Iterator[Chart]:
    measured = [each for each in groups if each["figures"]]
    for name in ("auroc", "sensitivity", "specificity") if measured else ():
        rows = [
            bar(f"{each['attribute']} {each['value']}", each["figures"][name]) for each in measured
        ]
        label, counted = in_words(name), words.COLUMNS[unit]
        yield charts.intervals(f"{label} by subgroup", rows, label=label, counted=counted)


def _facts(run: StoredRun) -> Iterator[list[object]]:
    """What the model is, and how it is found again."""
    model, manifest = run.model, run.package.manifest
    point, preprocessing = model["operating_point"], model["preprocessing"]
    yield ["classes", ", ".join(model["classes"])]
    yield ["network", model["network"]["name"]]
    yield ["first weights", model["first_weights"]["statement"]]
    yield ["image size", " × ".join(map(str, preprocessing["size"]))]  # noqa: RUF001 - a sign
    yield ["threshold", point["threshold"]]
    yield ["temperature of calibration", point["temperature"]]
    if point.get("offsets"):
        yield ["offsets of calibration", ", ".join(f"{one:.4f}" for one in point["offsets"])]
    counted = words.COLUMNS[standing.known_in(run.split, VALIDATION).unit]
    yield [f"{counted} of validation", point["n_patients"]]
    yield ["seed", run.run.configuration["system"]["seed"]]
    yield ["digest of the split", model["split_digest"]]
    yield ["artefact", run.artifact.uid]
    yield ["revision", manifest.revision]
    yield ["signed with the key", manifest.signed_by]
