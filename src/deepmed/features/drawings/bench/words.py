"""What the figures say, in sentences that are made from them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepmed.features.drawings.bench.altered import CONTROL
from deepmed.features.drawings.bench.detection import ALL
from deepmed.features.drawings.bench.tables import encoder_of, figure

Result = Mapping[str, Any]
_RIVALS = {
    "difference_to_visual": "the vector alone",
    "difference_to_age": "the vector with the age",
}
_NAMES = {"real": "real", "samples": "sample"}


def sentences(result: Result) -> Iterator[str]:
    """One statement a question, for the parts that ran."""
    parts = result["parts"]
    makers = {
        "false_alarms": _false_alarms,
        "detection": _detection,
        "another_category": _categories,
        "age_specificity": _ages,
        "layouts": _layouts,
        "sizes": _sizes,
        "faithfulness": _faithfulness,
    }
    yield _checks(result["checks"])
    for name, maker in makers.items():
        if name in parts and not parts[name]["skipped"]:
            yield from maker(parts[name])


def _checks(checks: list[Result]) -> str:
    failed = [one["check"] for one in checks if one["passed"] is False]
    judged = [one for one in checks if one["passed"] is not None]
    said = f"{len(judged) - len(failed)} of {len(judged)} checks passed"
    return f"{said}; not passed: {'; '.join(failed)}." if failed else f"{said}."


def _false_alarms(part: Result) -> Iterator[str]:
    controls = [
        row["power"][CONTROL]["estimate"]
        for row in part["rows"]
        if "power" in row and row["power"].get(CONTROL, {}).get("estimate") is not None
    ]
    if controls:
        yield (
            "Of real drawings that were only redrawn, within half a pixel of where they were, "
            f"{min(controls):.0%} to {max(controls):.0%} are flagged, depending on the detector, "
            f"at a level of {part['rows'][0]['level']:.0%}."
        )


def _detection(part: Result) -> Iterator[str]:
    for key, name in _NAMES.items():
        found = part[key]
        if "rows" not in found or found["default"] is None:
            continue
        chosen = found["default"]
        yield (
            f"On {name} drawings {chosen['best_simple']} is the best simple detector; the "
            f"autoencoder's AUROC less its own is {figure(chosen['lead'])}, so {chosen['chosen']} "
            "is the default."
        )
        yield from _defaults(found, name)
        yield from _control(found, name)
        beaten = [kind for kind, row in _best_plain(found).items() if row is not None]
        if beaten:
            yield (
                f"On {name} drawings plain features find these kinds at least as well as "
                f"{chosen['best_simple']}: {', '.join(beaten)}."
            )


def _defaults(found: Result, name: str) -> Iterator[str]:
    """What a training would choose with each of the other encoders."""
    others = list(found.get("defaults", {}).items())[1:]
    for encoder, chosen in others:
        if chosen is not None:
            yield (
                f"With {encoder} on {name} drawings {chosen['best_simple']} is the best simple "
                f"detector; the autoencoder's AUROC less its own is {figure(chosen['lead'])}, so "
                f"{chosen['chosen']} would be chosen."
            )


def _control(found: Result, name: str) -> Iterator[str]:
    """What the same detector makes of drawings in which nothing is unusual."""
    best = found["default"]["best_simple"]
    row = next(row for row in found["rows"] if row["name"] == best)
    control = row["figures"].get(CONTROL, {})
    if "against_untouched" in control:
        yield (
            f"The control: {best} tells redrawn {name} drawings from others redrawn likewise with "
            f"an AUROC of {figure(control)}, and from untouched ones with "
            f"{figure(control['against_untouched'])}."
        )


def _best_plain(found: Result) -> dict[str, str | None]:
    """For each planted kind, plain features that do no worse than the best simple detector."""
    rows = {row["name"]: row for row in found["rows"]}
    own = rows[found["default"]["best_simple"]]["figures"]
    plain = [row for row in found["rows"] if row["role"] == "reference row"]
    beaten: dict[str, str | None] = {}
    for kind in own:
        if kind in {ALL, CONTROL} or own[kind]["estimate"] is None:
            continue
        better = (
            row["name"]
            for row in plain
            if (row["figures"][kind]["estimate"] or 0.0) >= own[kind]["estimate"]
        )
        beaten[kind] = next(better, None)
    return beaten


def _categories(part: Result) -> Iterator[str]:
    for name, found in part.items():
        if name == "skipped":
            continue
        best = max(
            (row for row in found["rows"] if row["role"] == "detector"),
            key=lambda row: row["figures"][ALL]["estimate"] or 0.0,
        )
        yield (
            f"Where {name} is typical, {best['name']} tells the other drawings best, with an AUROC "
            f"of {figure(best['figures'][ALL])}."
        )


def _ages(part: Result) -> Iterator[str]:
    known = [{**row, "encoder": encoder_of(part, row)} for row in part["rows"]]
    keys = ("material", "encoder", "layout")
    for (material, encoder, layout), rows in _grouped({"rows": known}, *keys):
        telling = sum(row["tells_ages_apart"] for row in rows)
        yield (
            f"On {_NAMES[material]} drawings {telling} of {len(rows)} models ({encoder}, {layout}) "
            "tell the own age group from its neighbours beyond chance."
        )


def _layouts(part: Result) -> Iterator[str]:
    """A verdict only where the interval of the difference lies beyond zero (D-16)."""
    aware = {"rows": [row for row in part["rows"] if row["layout"] == "visual+subject"]}
    for (material, encoder), rows in _grouped(aware, "material", "encoder"):
        verdicts = [
            f"better than {rival} with {_named(rows, key, 1)}, worse with {_named(rows, key, -1)}"
            for key, rival in _RIVALS.items()
        ]
        yield (
            f"On {_NAMES[material]} drawings with {encoder}, columns for the subject find planted "
            f"anomalies, as far as it is beyond chance: {'; '.join(verdicts)}."
        )


def _named(rows: Sequence[Result], key: str, sign: int) -> str:
    """The detectors with which a difference's interval lies on one side of zero."""
    found = [row["detector"] for row in rows if _side(row[key]) == sign]
    return ", ".join(found) or "no detector"


def _side(difference: Result) -> int:
    if difference["low"] is None:
        return 0
    return int(difference["low"] > 0) - int(difference["high"] < 0)


def _sizes(part: Result) -> Iterator[str]:
    for (children,), rows in _grouped(part, "children"):
        n = max(row["calibration_children"] for row in rows)
        if all(row["decision"] == "not_supported" for row in rows):
            yield (
                f"{children} children a group leave {n} to calibrate: too few for any flag, so "
                "every answer is a rank without a decision."
            )
            continue
        rates = [row["false_alarms"]["mean"] for row in rows]
        powers = [row["power"]["mean"] for row in rows]
        yield (
            f"{children} children a group leave {n} to calibrate: {min(rates):.1%} to "
            f"{max(rates):.1%} of new typical generated drawings are flagged, depending on encoder "
            f"and detector, at an attained level of {rows[0]['attained_level']:.1%}, and "
            f"{min(powers):.0%} to {max(powers):.0%} of planted anomalies."
        )


def _grouped(part: Result, *keys: str) -> Iterator[tuple[tuple[Any, ...], list[Result]]]:
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for row in part["rows"]:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    yield from groups.items()


def _faithfulness(part: Result) -> Iterator[str]:
    gate = part["gate"]
    if not part["all_drawings"]:
        return
    if not gate["passed"]:
        yield f"Maps are not called faithful: {gate['reason']}"
        return
    yield (
        f"Maps of {part['detector']} by {', '.join(gate['faithful'])} beat random orders, edges "
        f"and ink on {gate['children']} children, and change when the detector knows nothing."
    )
    beaten = sorted(
        method
        for method, found in part["randomisation"].items()
        if found["passed"] is False and method not in gate["faithful"]
    )
    if beaten:
        yield (
            f"Maps by {', '.join(beaten)} are not called faithful, whatever they beat: they hardly "
            "change when the detector knows nothing."
        )
