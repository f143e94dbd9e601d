"""The result as tables for people: the same for the command line and for the documentation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.bench.altered import CONTROL

Result = Mapping[str, Any]
UNTOUCHED = " against untouched"
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """A table with its title; `note` says how to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def tables(result: Result) -> Iterator[Table]:
    """Every part that ran, as tables; the checks come first."""
    yield _checks(result)
    makers = {
        "speed": _speed,
        "exactness": _exactness,
        "false_alarms": _false_alarms,
        "detection": _detection,
        "another_category": _categories,
        "age_specificity": _ages,
        "layouts": _layouts,
        "sizes": _sizes,
        "neighbours": _neighbours,
        "faithfulness": _faithfulness,
    }
    for name, maker in makers.items():
        part = result["parts"].get(name)
        if part is not None and not part["skipped"]:
            yield from maker(part)
    yield _notes(result)


def skipped(result: Result) -> dict[str, str]:
    """The parts that did not run, with the reason."""
    return {name: part["skipped"] for name, part in result["parts"].items() if part["skipped"]}


def figure(found: Result | None, digits: int = 2) -> str:
    """An estimate with its interval; "-" where there is none."""
    if found is None or found.get("estimate") is None:
        return "-"
    ends = ",".join(_short(found[end], digits) for end in ("low", "high"))
    return f"{found['estimate']:.{digits}f} [{ends}]"


def interval(found: Result, estimate: str, digits: int = 4) -> str:
    """The same where the estimate goes by another name."""
    return figure({**found, "estimate": found[estimate]}, digits)


def _short(value: float, digits: int) -> str:
    """Without the zero before the point: tables are wide enough as they are."""
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _checks(result: Result) -> Table:
    words = {True: "passed", False: "FAILED", None: "not run"}
    rows = [[one["check"], words[one["passed"]], one["statement"]] for one in result["checks"]]
    return Table("Checks", ["Check", "Verdict", "Figures"], rows)


def _speed(part: Result) -> Iterator[Table]:
    rows: list[list[Cell]] = []
    for row in part["rows"]:
        if row["reason"]:
            rows.append([row["name"], *[None] * 5, row["reason"]])
            continue
        batched, single = row["batched_ms"], row["single_ms"]
        spread = f"median {batched['median']:.2f}, worst {batched['worst']:.2f} batched"
        rows.append(
            [
                row["name"],
                row["longest_side"],
                row["threads"],
                row["batch_size"],
                _ms(batched["best"]),
                _ms(single["best"]),
                spread,
            ]
        )
    yield Table(
        "Milliseconds an image",
        ["Encoder", "Pixels a side", "Threads", "Batch", "Batched", "Single", "Remark"],
        rows,
        f"Best of several repetitions on {part['pictures']}, read and in memory.",
    )


def _ms(value: float) -> str:
    return f"{value:.2f}"


def _exactness(part: Result) -> Iterator[Table]:
    rows = [
        [
            row["case"],
            row["n_children"],
            row["repeats"],
            interval(row, "rate"),
            f"{row['standard_error']:.4f}",
            f"{row['attained_level']:.4f}",
            row["rule"],
            row["passed"],
        ]
        for row in part["rows"]
    ]
    columns = ["Case", "n", "Sets", "Rate", "MC error", "Attained level", "Rule", "Passed"]
    yield Table(
        "False alarms in simulation",
        columns,
        rows,
        "Exchangeable score sets; the interval is three Monte-Carlo errors wide on each side.",
    )


def _false_alarms(part: Result) -> Iterator[Table]:
    yield Table(
        "False alarms on real drawings",
        ["Group", "Detector", "Drawings", "Splits", "n", "Mean", "SD", "Attained", "Passed",
         "Classic rule"],
        [_alarm_row(row) for row in part["rows"]],
        "Children who neither fit nor calibrate; the interval is three standard errors of the mean "
        "over splits; by chance about one row in 370 lies outside it. Classic rule: flagged above "
        "the 95th percentile of the training scores.",
    )  # fmt: skip
    powers = [row for row in part["rows"] if "power" in row]
    kinds = list(dict.fromkeys(kind for row in powers for kind in row["power"]))
    yield Table(
        "Share of planted anomalies flagged at the same threshold",
        ["Kind", *(f"{row['detector']} {row['group']}" for row in powers)],
        [[kind, *(figure(row["power"].get(kind)) for row in powers)] for kind in kinds],
        "Mean over children of the share of splits in which the altered drawing is flagged, with "
        "child-bootstrap interval. `redrawn` is the control: nothing in it is unusual.",
    )


def _alarm_row(row: Result) -> list[Cell]:
    return [
        row["group"],
        row["detector"],
        f"{row['drawings']} of {row['children']} children",
        row["splits"],
        row["calibration_children"],
        interval(row, "mean"),
        f"{row['deviation']:.4f}",
        f"{row['level']:.4f} at most" if row["repeated"] else f"{row['attained_level']:.4f}",
        row["passed"],
        interval(row["classic_rule"], "mean", 2),
    ]


def _detection(part: Result) -> Iterator[Table]:
    for name, title in {"real": "real drawings", "samples": "sample drawings"}.items():
        if "rows" in part[name]:
            yield from _comparison(f"AUROC on {title}", part[name])


def _categories(part: Result) -> Iterator[Table]:
    for name, found in part.items():
        if name != "skipped":
            yield from _comparison(f"Another category: AUROC where {name} is typical", found)


def _comparison(title: str, found: Result) -> Iterator[Table]:
    kinds = list(found["rows"][0]["figures"])
    columns = [*kinds, *(f"{kind}{UNTOUCHED}" for kind in kinds if _twice(found, kind))]
    first = found["rows"][0]["figures"][kinds[0]]
    yield Table(
        title,
        ["Kind", *(_label(row) for row in found["rows"])],
        [[kind, *(figure(_of(row, kind)) for row in found["rows"])] for kind in columns],
        f"{found['split'].capitalize()}; {first['n_negative']} typical and {first['n_positive']} "
        f"unusual drawings of {first['n_children']} children; child-bootstrap intervals of 95 %, "
        "widened to Newcombe's above 0.9 and below 0.1. "
        f"{_how_compared(kinds)}{_choice(found)}",
    )


def _how_compared(kinds: Sequence[str]) -> str:
    if CONTROL not in kinds:
        return ""
    return (
        "Jittered drawings, and the control `redrawn` in which nothing is unusual, are told from "
        "typical drawings that were redrawn in the same way; another group's drawings from "
        f"drawings of the own group that stand in likewise. Rows that end in `{UNTOUCHED.strip()}` "
        "tell them from typical drawings as they are: what planting itself changes adds to those. "
    )


def _twice(found: Result, kind: str) -> bool:
    return "against_untouched" in found["rows"][0]["figures"][kind]


def _of(row: Result, kind: str) -> Result | None:
    plain = kind.removesuffix(UNTOUCHED)
    own: Result | None = row["figures"].get(plain)
    return own if own is None or plain == kind else own.get("against_untouched")


def _label(row: Result) -> str:
    mark = {"baseline": " (baseline)", "reference row": " (reference)"}.get(row["role"], "")
    return f"{row['name']}{mark}"


def _choice(found: Result) -> str:
    chosen = found.get("default")
    if chosen is None:
        return ""
    return (
        f"Best simple detector: {chosen['best_simple']}; the autoencoder's lead over it is "
        f"{figure(chosen['lead'])}, so {chosen['chosen']} is the default."
    )


def _ages(part: Result) -> Iterator[Table]:
    rows = [
        [
            row["material"],
            encoder_of(part, row),
            row["group"],
            row["detector"],
            row["layout"],
            row.get("neutral_age"),
            figure(row),
            row.get("n_negative"),
            row.get("n_positive"),
            row["tells_ages_apart"],
        ]
        for row in part["rows"]
    ]
    yield Table(
        "Age-specificity",
        ["Drawings", "Encoder", "Group", "Detector", "Columns", "At age", "AUROC", "Own",
         "Neighbours", "Tells ages"],
        rows,
        "Neighbouring groups' drawings as positives, the own group's as negatives, all by children "
        "who were not fitted on. `visual+age` has the age as a column; At age: the one age that "
        "all drawings are then given, so that the age cannot answer for the drawing (where none "
        "is named, each has its own).",
    )  # fmt: skip


def encoder_of(part: Result, row: Result) -> str:
    """The row's encoder; before format 3 the part had one for all its rows."""
    name: str = row["encoder"] if "encoder" in row else part["encoder"].partition("@")[0]
    return name


def _layouts(part: Result) -> Iterator[Table]:
    rows = [
        [
            row["material"],
            row["encoder"],
            row["detector"],
            row["layout"],
            figure(row["auroc"], 3),
            figure(row["difference_to_visual"], 3),
            figure(row["difference_to_age"], 3),
        ]
        for row in part["rows"]
    ]
    yield Table(
        "With and without columns for the subject",
        ["Drawings", "Encoder", "Detector", "Columns", "AUROC", "Over `visual`",
         "Over `visual+age`"],
        rows,
        "All planted anomalies against typical drawings as they are, in folds by child; paired "
        "differences with child-bootstrap intervals. `visual`: the encoder's vector (768 columns); "
        "`visual+age`: with the age (769); `visual+subject`: with 64 slots of the subject (832), "
        "which together weigh at most as much as 64 columns of the vector.",
    )  # fmt: skip


def _sizes(part: Result) -> Iterator[Table]:
    rows = [
        [
            row["encoder"],
            row["detector"],
            row["children"],
            row["repeats"],
            row["calibration_children"],
            row["decision"].replace("_", " "),
            f"{row['attained_level']:.4f}" if row["attained_level"] else None,
            f"{row['false_alarms']['mean']:.3f} ({row['least']:.3f} to {row['most']:.3f})",
            figure(row["promised_spread"], 3),
            f"{row['power']['mean']:.3f}",
            f"{row['auroc']['mean']:.3f} (SD {row['auroc']['deviation']:.3f})",
        ]
        for row in part["rows"]
    ]
    yield Table(
        f"Groups of few and of many children, generated drawings of {part['group']} years",
        ["Encoder", "Detector", "Children", "Times", "n", "Decision", "Attained",
         "False alarms (least to most)", "Promised", "Planted flagged", "AUROC"],
        rows,
        f"Mean over the times that so many children were taken; put to them are "
        f"{part['rows'][0]['test_children']} typical drawings and {part['rows'][0]['planted']} "
        "planted anomalies of children whom no model knows. n: calibration children. Promised: the "
        "rates that 95 of 100 such calibrations have. Where n supports no flag the decision is "
        "`not supported` and nothing is flagged.",
    )  # fmt: skip


def _neighbours(part: Result) -> Iterator[Table]:
    rows = [
        [row["name"], row["tells"], figure(row), f"{row['chance']:.3f}", row["sample_size"]]
        for row in part["rows"]
    ]
    yield Table(
        "What the nearest drawing of another child tells",
        ["Features", "Tells", "Right", "Chance", "Drawings"],
        rows,
        "Share of real drawings, with Wilson interval.",
    )


def _faithfulness(part: Result) -> Iterator[Table]:
    rows: list[list[Cell]] = []
    for row in part["rows"]:
        if row["reason"]:
            rows.append([row["method"], *[None] * 4, row["reason"]])
            continue
        over = [figure(row["over"].get(rival)) for rival in ("random", "sobel", "ink_density")]
        rows.append([row["method"], figure(row["score"]), *over, _same(part, row["method"])])
    gate = part["gate"]
    verdict = f"faithful: {', '.join(gate['faithful'])}" if gate["passed"] else gate["reason"]
    yield Table(
        "Faithfulness of maps",
        [
            "Method",
            "Score",
            "Over random",
            "Over Sobel",
            "Over ink",
            "Randomised",
        ],
        rows,
        f"{part['drawings']} drawings of {part['children']} children, {part['detector']}, "
        f"{part['split']}; {len(part['refused'])} could not be measured. Score: area under the "
        "insertion curve less that under the deletion curve, on 1 - p. Randomised: rank "
        f"correlation with the maps of a re-initialised detector. Gate: {verdict}",
    )


def _same(part: Result, method: str) -> str | None:
    found = part["randomisation"].get(method)
    return figure(found.get("mean")) if found else None


def _notes(result: Result) -> Table:
    rows: list[list[Cell]] = []
    for note in result["design_notes"]:
        ours = note["measured"]
        shown = f"{ours:.3f}" if ours is not None else None
        rows.append([note["what"], note["stated"], shown, note["differs"]])
    return Table(
        "Beside the design note",
        ["Figure", "Design note", "Measured here", "What differs"],
        rows,
        "The design note's figures were measured before, by other code.",
    )
