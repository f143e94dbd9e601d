"""What the figures say, in sentences that are made from them."""

from collections.abc import Iterator, Mapping
from typing import Any

from deepmed.features.drawings.bench.altered import CONTROL
from deepmed.features.drawings.bench.detection import ALL
from deepmed.features.drawings.bench.tables import figure

Result = Mapping[str, Any]
_NAMES = {"real": "real", "samples": "sample"}


def sentences(result: Result) -> Iterator[str]:
    """One statement a question, for the parts that ran."""
    parts = result["parts"]
    makers = {
        "false_alarms": _false_alarms,
        "detection": _detection,
        "another_category": _categories,
        "age_specificity": _ages,
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
        yield from _control(found, name)
        beaten = [kind for kind, row in _best_plain(found).items() if row is not None]
        if beaten:
            yield (
                f"On {name} drawings plain features find these kinds at least as well as "
                f"{chosen['best_simple']}: {', '.join(beaten)}."
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
    for material in dict.fromkeys(row["material"] for row in part["rows"]):
        for layout in dict.fromkeys(row["layout"] for row in part["rows"]):
            rows = [
                row
                for row in part["rows"]
                if (row["material"], row["layout"]) == (material, layout)
            ]
            telling = sum(row["tells_ages_apart"] for row in rows)
            yield (
                f"On {_NAMES[material]} drawings {telling} of {len(rows)} models ({layout}) tell "
                "the own age group from its neighbours beyond chance."
            )


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
