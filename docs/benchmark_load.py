"""Sections of docs/benchmarks.md on many people at once, one a result file of `bench load`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path("bench") / "results"
KEPT = {True: "yes", False: "**no**", None: "-"}
ADDRESSES = (
    "Address",
    "Requests",
    "Errors",
    "Median, ms",
    "95 %, ms",
    "Slowest, ms",
    "First after a start, ms",
)
OF_AN_ADDRESS = ("requests", "errors", "p50_ms", "p95_ms", "slowest_ms", "first_ms")
FIGURES = ("Figure", "Measured", "Promised", "Kept")


def load_sections(root: Path) -> str:
    """Every result that is there, in the order of the file names; nothing where there is none."""
    files = sorted((root / FOLDER).glob("load*.json"))
    return "".join(f"\n{_section(path, path.relative_to(root))}\n" for path in files)


def _section(path: Path, file: Path) -> str:
    result = json.loads(path.read_text(encoding="utf-8"))
    figures = [_figure(*each) for each in result["figures"].items()]
    addresses = [
        [f"`{address}`", *(_number(each[name]) for name in OF_AN_ADDRESS)]
        for address, each in result["routes"].items()
    ]
    return "\n\n".join(
        [
            f"## Many people at once: {result['database']}",
            "\n".join(f"- {fact}" for fact in _facts(file, result)),
            _table(FIGURES, figures),
            _table(ADDRESSES, addresses),
        ]
    )


def _facts(file: Path, result: Mapping[str, Any]) -> list[str]:
    environment = result["environment"]
    code = environment["code"]
    changed = ", with changes that were not committed" if code["changed"] else ""
    database = " ".join(filter(None, [result["database"], result.get("database_version")]))
    settings = ", ".join(f"{k} {v}" for k, v in result.get("database_settings", {}).items())
    return [
        f"From [`{file.as_posix()}`](../{file.as_posix()}), which `deepmed bench load` wrote on "
        f"{result['date'][:10]}: version {code['version']}, commit `{code['commit']}`{changed}",
        f"{environment['cpu']}, {environment['cores']} cores, {environment['platform']}, Python "
        f"{environment['python']}, {database}; load {environment['load_average']:.1f} at the start",
        *([f"The server's settings: {settings}"] if settings else []),
        f"{result['rows']:,} drawings; {result['sessions']} sessions that together ask "
        f"{result['rate_wanted']:g} times a second, at moments fixed beforehand. What an answer "
        "took counts from its moment, so waiting in a queue counts too",
        _generator(result),
        _training(result["training"]),
        _memory(result["memory"]),
        *([result["note"]] if result.get("note") else []),
    ]


def _generator(result: Mapping[str, Any]) -> str:
    cores = result["generator_cores"]
    where = f"on core {cores[0]}, which it has alone" if cores else "on the cores of the server"
    return (
        f"What asks is a process of its own, {where}; it sent 95 % of the requests at most "
        f"{_number(result['total']['late_ms'])} ms late"
    )


def _training(training: Mapping[str, Any]) -> str:
    return (
        f"Beside it trainings ran for {training['share_of_time']:.0%} of the time, at niceness "
        f"{training['niceness']} with {training['threads']} thread: {training['epochs']:,} epochs, "
        f"{training['completed']} trainings completed, {training['failed']} failed, "
        f"{_number(training['cpu_seconds'])} s of a processor"
    )


def _memory(memory: Mapping[str, Any]) -> str:
    series = memory["mb"]
    seen = f", from {series[0]:,.0f} to {series[-1]:,.0f} MB here" if series else ""
    return f"Memory is {memory['rule']}{seen}"


def _figure(name: str, each: Mapping[str, Any]) -> Sequence[str]:
    limit, unit = each["limit"], each["unit"]
    promised = "-" if limit is None else f"under {limit:g} {unit}"
    if "condition" in each:
        holds = "" if each["condition_holds"] else ", which did not hold"
        promised += f"; {each['condition']}{holds}"
    return [name, f"{_number(each['value'])} {unit}", promised, KEPT[each["passed"]]]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
