"""Sections of docs/benchmarks.md on server, platform and embedding, one a result file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path("bench") / "results"
TITLES = {
    "api": "Answers of a server with many drawings",
    "platform": "Platform",
    "embed": "Embedding stored pictures",
}
_FIGURES = ("Figure", "Median", "Lowest", "Highest", "Runs", "Promised", "Kept")
COLUMNS = {
    "api": ("Question", "Median, ms", "95 %, ms", "Slowest, ms", "Promised, ms", "Kept"),
    "platform": _FIGURES,
    "embed": _FIGURES,
}
ASKED = "Each question is asked as by the first one after a change: nothing was counted before"
KEPT = {True: "yes", False: "**no**", None: "-"}


def server_sections(root: Path) -> str:
    """Every result that is there, in the order of the file names; nothing where there is none."""
    files = [path for name in TITLES for path in sorted((root / FOLDER).glob(f"{name}*.json"))]
    return "".join(f"\n{_section(path, path.relative_to(root))}\n" for path in files)


def _section(path: Path, file: Path) -> str:
    result = json.loads(path.read_text(encoding="utf-8"))
    name = result["benchmark"]
    return "\n\n".join(
        [
            f"## {': '.join(filter(None, [TITLES[name], result.get('database')]))}",
            "\n".join(f"- {fact}" for fact in _facts(file, result)),
            *_tables(name, result["figures"]),
        ]
    )


def _tables(name: str, figures: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One table, or one a group where the figures have groups; above each what it comes to."""
    groups: dict[str | None, dict[str, Mapping[str, Any]]] = {}
    for question, each in figures.items():
        groups.setdefault(each.get("group"), {})[question] = each
    for group, mine in groups.items():
        if group is not None:
            yield f"### {group[0].upper()}{group[1:]}"
            yield _verdict(mine)
        rows = [_ROWS[name](*each) for each in mine.items()]
        yield _table(COLUMNS[name], rows)


def _verdict(figures: Mapping[str, Mapping[str, Any]]) -> str:
    kept = sum(each["passed"] is True for each in figures.values())
    slowest = max(figures, key=lambda name: figures[name]["median_ms"])
    return (
        f"{kept} of {len(figures)} kept their promise; the slowest median is that of "
        f"*{slowest}*, {_number(figures[slowest]['median_ms'])} ms."
    )


def _facts(file: Path, result: Mapping[str, Any]) -> list[str]:
    environment = result["environment"]
    code = environment["code"]
    changed = ", with changes that were not committed" if code["changed"] else ""
    database = " ".join(result[name] for name in ("database", "database_version") if name in result)
    settings = ", ".join(f"{k} {v}" for k, v in result.get("database_settings", {}).items())
    return [
        f"From [`{file.as_posix()}`](../{file.as_posix()}), which `deepmed bench "
        f"{result['benchmark']}` wrote on {result['date'][:10]}: version {code['version']}, commit "
        f"`{code['commit']}`{changed}",
        f"{environment['cpu']}, {environment['cores']} cores, {environment['platform']}, Python "
        f"{', '.join(filter(None, [environment['python'], database]))}; load "
        f"{environment['load_average']:.1f} at the start",
        *([f"The server's settings: {settings}"] if settings else []),
        *([f"{result['rows']:,} drawings"] if "rows" in result else []),
        *([ASKED] if result["benchmark"] == "api" else []),
        *([result["note"]] if result.get("note") else []),
    ]


def _answer(name: str, each: Mapping[str, Any]) -> Sequence[str]:
    numbers = (each["median_ms"], each["p95_ms"], each["slowest_ms"])
    promised = "-" if each["limit_ms"] is None else f"under {each['limit_ms']:g}"
    address = f", `{each['route']}`" if "route" in each else ""
    return [name + address, *map(_number, numbers), promised, KEPT[each["passed"]]]


def _figure(name: str, each: Mapping[str, Any]) -> Sequence[str]:
    runs, unit, limit = each["runs"], each["unit"], each["limit"]
    promised = f"{'at least' if each['at_least'] else 'under'} {limit:g} {unit}" if limit else ""
    if "condition" in each:
        holds = "" if each["condition_holds"] else ", which did not hold"
        promised = "; ".join(filter(None, [promised, each["condition"] + holds]))
    numbers = [f"{_number(value)} {unit}" for value in (each["value"], min(runs), max(runs))]
    return [name, *numbers, str(len(runs)), promised or "-", KEPT[each["passed"]]]


_ROWS = {"api": _answer, "platform": _figure, "embed": _figure}


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
