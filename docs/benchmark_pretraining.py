"""The section of docs/benchmarks.md on the learned encoder, from its result file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FILE = Path("bench") / "results" / "encoder-pretraining.json"
NONE = "-"


def pretraining_section(root: Path) -> str:
    """What the file says; nothing where there is no file."""
    path = root / FILE
    if not path.is_file():
        return ""
    result = json.loads(path.read_text(encoding="utf-8"))
    blocks = [
        "## A learned offline encoder",
        result["verdict"]["words"],
        "\n".join(f"- {fact}" for fact in _facts(result)),
        _conditions(result),
        "### Trainings",
        _trainings(result),
        *(block for task in result["tasks"] for block in _task(task)),
        "### Speed of the encoders",
        _speed(result),
    ]
    return "\n" + "\n\n".join(blocks) + "\n"


def _facts(result: Mapping[str, Any]) -> Iterator[str]:
    environment, code = result["environment"], result["environment"]["code"]
    changed = ", with changes that were not committed" if code["changed"] else ""
    yield (
        f"From [`{FILE.as_posix()}`](../{FILE.as_posix()}), which `deepmed bench "
        f"{result['benchmark']}` wrote on {result['date'][:10]}: seed {result['seed']}, version "
        f"{code['version']}, commit `{code['commit']}`{changed}"
    )
    yield (
        f"{environment['cpu']}, {environment['cores']} cores, {environment['threads']} threads, "
        f"{environment['platform']}, Python {environment['python']}; load "
        f"{environment['load_average']:.1f} at the start"
    )
    yield f"Real drawings, never trained on: {result['data']['real']}"
    recipe = result["recipe"]
    kinds, traits = ", ".join(recipe["kinds"]), ", ".join(recipe["traits"])
    yield (
        f"Trained on {recipe['drawings']:,} procedural drawings a seed ({kinds}), "
        f"{recipe['steps']} batches of {recipe['batch']} drawings in two views each; told beside "
        f"that: {traits}"
    )
    yield f"The rule, stated first: {result['verdict']['rule']}"
    if result["note"]:
        yield str(result["note"])


def _conditions(result: Mapping[str, Any]) -> str:
    rows = [
        [each["condition"], "yes" if each["holds"] else "**no**", each["figures"]]
        for each in result["verdict"]["conditions"]
    ]
    return _table(["Condition", "Holds", "Figures"], rows)


def _trainings(result: Mapping[str, Any]) -> str:
    columns = ["Seed", "Weights", "File", "Minutes", "Loss first", "Loss last", "Hash"]
    rows = [
        [
            each["seed"],
            f"{each['weights']:,}",
            f"{each['file_bytes'] / 1e6:.1f} MB",
            f"{(each['drawing_seconds'] + each['learning_seconds']) / 60:.1f}",
            f"{each['curve'][0]['loss']:.2f}",
            f"{each['curve'][-1]['loss']:.2f}",
            f"`{each['weight_hash'][:12]}`",
        ]
        for each in result["trainings"]
    ]
    return _table(columns, rows)


def _task(task: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {task['task'][0].upper()}{task['task'][1:]}"
    yield f"{task['measure'][0].upper()}{task['measure'][1:]}; {task['split']}. {_spread(task)}"
    rows = [
        [row["name"], _figure(row["figure"], ""), _figure(row["beside"], "+")]
        for row in task["rows"]
    ]
    yield _table(["Encoder", "Figure", "Beside hog-pyramid"], rows)
    if "kinds" in task["rows"][0]:
        yield _kinds(task)


def _spread(task: Mapping[str, Any]) -> str:
    figure, beside = task["spread"]["figure"], task["spread"]["beside"]
    if figure["deviation"] is None or beside["deviation"] is None:
        return "Too few seeds for a spread."
    return (
        f"Over {figure['seeds']} seeds {figure['mean']:.3f} (deviation {figure['deviation']:.3f}, "
        f"{figure['lowest']:.3f} to {figure['highest']:.3f}), beside hog-pyramid "
        f"{beside['mean']:+.3f} (deviation {beside['deviation']:.3f})."
    )


def _kinds(task: Mapping[str, Any]) -> str:
    names = [row["name"] for row in task["rows"]]
    rows = [
        [kind, *(_figure(row["kinds"][kind], "") for row in task["rows"])]
        for kind in task["rows"][0]["kinds"]
    ]
    return _table(["Kind", *names], rows)


def _speed(result: Mapping[str, Any]) -> str:
    rows = [
        [each["name"], *(f"{each[name]:.2f}" for name in ("best", "median", "worst"))]
        for each in result["speed"]["rows"]
    ]
    table = _table(["Encoder", "Best, ms", "Median, ms", "Worst, ms"], rows)
    limit = result["speed"]["limit_ms"]
    return (
        "Milliseconds an image, batched, on one thread; a default encoder may take "
        f"{limit:g}.\n\n{table}"
    )


def _figure(figure: Mapping[str, Any] | None, sign: str) -> str:
    if figure is None or figure["estimate"] is None:
        return NONE
    numbers = (f"{figure[name]:{sign}.3f}" for name in ("estimate", "low", "high"))
    estimate, low, high = numbers
    return f"{estimate} [{low}, {high}]"


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in cells)} |" for cells in lines)
