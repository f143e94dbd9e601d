"""The section of docs/benchmarks.md on trainings on X-rays, from its result file."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deepmed.features.xray.bench.tables import Table, made_by, tables

FILE = Path("bench") / "results" / "xray.json"


def xray_section(root: Path) -> str:
    """What the file says; nothing where there is no file."""
    path = root / FILE
    if not path.is_file():
        return ""
    result = json.loads(path.read_text(encoding="utf-8"))
    blocks = [
        "## Chest X-rays",
        "\n".join(f"- {fact}" for fact in _facts(result)),
        *(block for table in tables(result) for block in _table(table)),
    ]
    return "\n" + "\n\n".join(blocks) + "\n"


def _facts(result: Mapping[str, Any]) -> Iterator[str]:
    environment, data = result["environment"], result["data"]
    code = environment["code"]
    changed = ", with changes that were not committed" if code["changed"] else ""
    yield (
        f"From [`{FILE.as_posix()}`](../{FILE.as_posix()}), which `deepmed bench "
        f"{result['benchmark']}` wrote on {result['date'][:10]}: "
        f"{'quick' if result['quick'] else 'full'} run, version {code['version']}, commit "
        f"`{code['commit']}`{changed}"
    )
    yield (
        f"{environment['cpu']}, {environment['cores']} cores, {environment['threads']} threads, "
        f"{environment['platform']}, Python {environment['python']}; load "
        f"{environment['load_average']:.1f} at the start; {result['seconds']:.0f} seconds in all"
    )
    parts = ", ".join(
        f"{part} {one['images']:,} ({one['positive']:,} ill)" for part, one in data["parts"].items()
    )
    yield f"{data['name']}, SHA-256 `{data['sha256'][:12]}`: {parts}; its own split"
    yield f"Recipe: `{' '.join(result['recipe'])}`, all else the default"
    yield f"The test part was looked at {result['test_looks']} times in all, by the audit trail"
    yield from _older(result)
    for one in result["published"]:
        yield f"{one['name']}: {one['source']}"
    yield f"Variants are judged by a rule that was stated first: {result['variants']['rule']}"
    if result["note"]:
        yield str(result["note"])


def _older(result: Mapping[str, Any]) -> Iterator[str]:
    """Which trainings were taken from earlier calls, and by which code they were made."""
    sides = [
        pair[side]
        for question in result["variants"]["questions"]
        for pair in question["seeds"]
        for side in ("ours", "other")
    ]
    together = result["federated"]
    both = [] if together is None else [together["centralised"], *together["federated"]]
    made = [row["made"] for row in (*result["seeds"], *sides, *both)]
    older = sorted({made_by(one) for one in made if one["older_than_run"]})
    if older:
        yield (
            "Some trainings were made by an earlier call with the same configuration, and taken "
            f"from there: {'; '.join(one.rstrip('*') for one in older)}"
        )


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.title}"
    if table.note:
        yield table.note
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    yield "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in lines)


def _cell(value: object) -> str:
    return "-" if value is None else str(value).replace("|", "\\|")
