"""Gathers a run's report from what is stored with it; nothing is estimated anew."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import deepmed
from deepmed.features.xray.pages.outcome import results, words
from deepmed.features.xray.pages.outcome.predicted import curves
from deepmed.features.xray.report.checked import what_was_checked
from deepmed.features.xray.report.content import Report, Section, Titled
from deepmed.features.xray.runs import standing
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit import clock
from deepmed.web.charts import Chart, Table
from deepmed.web.formats import NOTHING, moment

DIGITS = 4
FIGURE_PARTS = (2.2, 1.1, 2.0, 1.2, 1.1, 1.0, 3.5)
NO_LOCAL_EVIDENCE = (
    "No clinical meaning is given to any probability here, and no level of risk: nothing shows "
    "that the probabilities are calibrated for the patients of the place where the model will be "
    "used."
)
NAMES_NOBODY = "This report names no patient. Its figures are of patients of the training's source."


def report_of(run: StoredRun) -> Report:
    """The report of a completed run.

    Raises:
        ConflictError: it is not completed.
        IntegrityError: its artefact is not what was signed.
    """
    evaluation = run.evaluation
    parts = [part for part in (results.TEST, results.VALIDATION) if evaluation[part]]
    return Report(
        title=f"Run {run.run.id}: {run.run.run_description}",
        subject="A classifier of X-rays: what it is worth",
        made=clock.now(),
        lead=list(_lead(run)),
        sections=[
            *(section for part in parts for section in _part(run, part)),
            _data(run),
            _model(run),
            Section("What was checked", what_was_checked(run)),
            Section("Limits", list(_limits(run))),
        ],
        footer=f"Made with DeepMed {deepmed.__version__} from the artefact {run.artifact.uid}. "
        f"{NAMES_NOBODY}",
    )


def _lead(run: StoredRun) -> Iterator[str]:
    card, evaluation = run.card, run.evaluation
    yield card["intended_use"]
    yield f"Not for: {card['not_for']}"
    if evaluation["test"] is None:
        yield f"There are no figures of a test part. {evaluation['test_reason']}"
    yield from standing.warnings(run.split)
    yield from run.model["operating_point"]["notes"]


def _part(run: StoredRun, part: str) -> Iterator[Section]:
    shown = results.shown(run, part)
    found = curves(run, part)
    yield Section(
        shown.words,
        [shown.rests_on, shown.fixed, shown.intervals],
        [Titled("Figures", figures_table(shown.lines, shown.column), FIGURE_PARTS)],
        [
            chart
            for chart in (shown.bars, shown.confusion, shown.calibration, shown.by_class)
            if chart is not None
        ]
        + [_shortened(linked.chart, linked.rows) for linked in found["curves"]],
    )
    yield Section(
        f"{shown.words}: answers and groups",
        [
            "An answer is withheld where validation leaves both classes, or none, possible."
            if len(run.model["classes"]) == 2
            else "An answer is withheld where validation leaves several classes, or none, possible."
        ],
        [
            Titled("What becomes of each class", found["answers"]),
            *_groups(shown.groups, shown.column),
        ],
        shown.group_charts,
    )


def figures_table(lines: Sequence[results.Line], counted: str) -> Table:
    """A figure a row: estimate, interval and whom it rests on, to four decimals."""
    columns = ["figure", "estimate", "interval", counted, "images", "at 0.5", "what it says"]
    return Table(columns, [_row(line) for line in lines])


def _row(line: results.Line) -> list[object]:
    figure, half = line.figure, line.at_half
    return [
        line.name,
        number(figure["estimate"]),
        interval(figure),
        figure["sample_size"],
        figure["n_items"],
        NOTHING if half is None else number(half["estimate"]),
        line.meaning,
    ]


def number(value: float | None) -> str:
    """To four decimals, as every figure of a report."""
    return NOTHING if value is None else f"{value:.{DIGITS}f}"


def interval(figure: Mapping[str, Any]) -> str:
    """`0.8840 to 0.9370 (95 %)`, or why there is none."""
    if figure["low"] is None:
        return str(figure["reason"] or NOTHING)
    level = words.percent(figure["level"])
    return f"{number(figure['low'])} to {number(figure['high'])} ({level})"


def _groups(groups: Sequence[results.Group], counted: str) -> Iterator[Titled]:
    rows: list[list[object]] = [
        [
            f"{group.attribute}: {group.value}",
            group.patients,
            group.images,
            group.positive,
            *(_of_group(group, name) for name in ("auroc", "sensitivity", "specificity")),
        ]
        for group in groups
    ]
    columns = ["group", counted, "images", "with", "AUROC", "sensitivity", "specificity"]
    if rows:
        yield Titled("Groups", Table(columns, rows), (2, 1.2, 1.1, 0.9, 2.4, 2.4, 2.4))


def _of_group(group: results.Group, name: str) -> str:
    figure = group.figures.get(name)
    if figure is None:
        return str(group.reason or NOTHING)
    return f"{number(figure['estimate'])}; {interval(figure)}"


def _shortened(chart: Chart, rows: Sequence[Sequence[object]]) -> Chart:
    """With some of its rows: all of them are in the run's files."""
    return Chart(chart.title, chart.svg, chart.columns, [list(row) for row in rows])


def _data(run: StoredRun) -> Section:
    split = run.split
    rows: list[list[object]] = [
        [part, len(listed), known.known, len({row[3] for row in listed})]
        for part, listed in split["parts"].items()
        for known in [standing.known_in(split, part)]
    ]
    counted = words.COLUMNS[standing.known_in(split).unit]
    told = run.run.results or {}
    intake, audit = told.get("intake", {}), told.get("audit", {})
    facts: list[list[object]] = [
        *([f"files: {name.replace('_', ' ')}", count] for name, count in intake.items()),
        *(
            [f"split: {name.replace('_', ' ')}", value]
            for name, value in audit.items()
            if name != "digest"
        ),
        ["digest of the split", split["digest"]],
    ]
    return Section(
        "Images and patients",
        [standing.who_stands_where(split), *split["audit"].get("notes", ())],
        [
            Titled(
                "Parts",
                Table(["part", "images", "images whose patient is known", counted], rows),
            ),
            Titled("Intake and audit", Table(["what", "count"], facts)),
        ],
    )


def _model(run: StoredRun) -> Section:
    page = results.content(run)
    facts: Table = page["facts"]
    trained: list[list[object]] = [
        ["began", moment(run.run.start_time)],
        ["ended", moment(run.run.end_time)],
        ["kind of training", run.run.training_mode],
    ]
    return Section(
        "Model and training",
        [],
        [
            Titled("Facts", Table(facts.columns, [*facts.rows, *trained]), (1, 2)),
            Titled("Library versions", page["libraries"], (1, 2)),
        ],
    )


def _limits(run: StoredRun) -> Iterator[str]:
    yield NO_LOCAL_EVIDENCE
    yield f"Not for: {run.card['not_for']}"
    if run.run.configuration["evaluation"]["prevalence"] is None:
        yield (
            "No prevalence was stated, so predictive values are those of these images alone. With "
            "another share of ill people they are other figures."
        )
