"""bench drawings, xray, api, platform, embed, load: make the published figures again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.bench_pretraining import measure_pretraining
from deepmed.cli.bench_xray import measure_xray
from deepmed.cli.output import Output, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

app = typer.Typer(add_completion=False, no_args_is_help=True)
app.command("encoder-pretraining")(measure_pretraining)
app.command("xray")(measure_xray)
DATA_VARIABLE = "DEEPMED_BENCH_DRAWINGS"
MIX = Path("bench") / "load.toml"
OF_AN_ADDRESS = ("requests", "errors", "p50_ms", "p95_ms", "slowest_ms", "first_ms")


@app.callback()
def bench() -> None:
    """Make the published figures again: nothing but numbers computed in the run."""


@app.command()
def drawings(
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result into this file.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer repetitions; the result says so.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="ZIP of real drawings.", envvar=DATA_VARIABLE, show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the run; that of the settings by default.")
    ] = None,
) -> None:
    """Measure encoders, detectors, false alarms, maps and speed on drawings.

    Without real drawings the parts that need them are reported as skipped, with the reason.
    """
    from deepmed.app import limit_threads
    from deepmed.features.drawings.bench.effort import FULL, QUICK
    from deepmed.features.drawings.bench.json_file import write_result
    from deepmed.features.drawings.bench.run import run_benchmark
    from deepmed.kit import settings as kit_settings

    settings = kit_settings.current()
    limit_threads(settings.threads)
    out = Output()
    with out.progress("Measuring") as progress:
        result = run_benchmark(
            settings,
            data,
            QUICK if quick else FULL,
            seed=settings.seed if seed is None else seed,
            stage=_stage(progress),
        )
    if file is not None:
        write_result(file, result)
    _show(out, result, file)


@app.command()
def api(
    rows: Annotated[int, typer.Option(min=200, help="Drawings in the data folder.")] = 37_770,
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result into this file.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the drawings.")] = 0,
) -> None:
    """Measure what a server with many drawings takes for its answers.

    A data folder of its own is filled for it and removed afterwards. With DEEPMED_DATABASE_URL
    that database is filled, so name an empty one.
    """
    from deepmed.app.bench.api import run
    from deepmed.features.drawings.bench.json_file import write_result

    out = Output()
    with out.progress("Measuring") as progress:
        result = run(rows, seed, lambda _what, done, total: progress(done, total))
    if file is not None:
        write_result(file, result)
    out.table(
        ["Question", "Median, ms", "95 %, ms", "Promised, ms", "Kept"],
        [
            [name, each["median_ms"], each["p95_ms"], each["limit_ms"], each["passed"]]
            for name, each in result["figures"].items()
        ],
        title=f"{rows} drawings on {result['database']}",
    )


@app.command("platform")
def measure_platform(
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result into this file.")
    ] = None,
    setup: Annotated[
        bool, typer.Option("--setup", help="Also set DeepMed up anew: minutes, and the network.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the vectors.")] = 0,
    note: Annotated[
        str, typer.Option(help="What a reader should know, such as how the database was set.")
    ] = "",
) -> None:
    """Measure whether the platform keeps its promises: starts, jobs, and many embeddings.

    It works in a data folder that is removed afterwards. With DEEPMED_DATABASE_URL it fills that
    database, which must be empty, and leaves what it wrote there. It takes some minutes and
    about 2 GB of memory.
    """
    from deepmed.app.bench.platform.run import run
    from deepmed.features.drawings.bench.json_file import write_result

    out = Output()
    result = run(seed, lambda what: out.note(f"Measuring: {what}"), setup=setup, note=note)
    if file is not None:
        write_result(file, result)
    _say_figures(out, result, f"On {result['database']}, {result['environment']['cpu']}")


@app.command("embed")
def measure_embedding(
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result into this file.")
    ] = None,
    images: Annotated[
        int, typer.Option(min=640, help="Images over which the memory is looked at.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample drawings.")] = 0,
    note: Annotated[str, typer.Option(help="What a reader should know of this run.")] = "",
) -> None:
    """Measure what embedding stored pictures takes beside the encoder alone, and what memory.

    It works in data folders that are removed afterwards, and takes some minutes. A transformer of
    the usual size is timed with random weights; nothing is ever embedded with it.
    """
    from deepmed.app import limit_threads
    from deepmed.app.bench.embed.run import Effort, run
    from deepmed.features.drawings.bench.json_file import write_result
    from deepmed.kit import settings as kit_settings

    limit_threads(kit_settings.current().threads)
    out = Output()
    effort = Effort(many=images)
    result = run(seed, lambda what: out.note(f"Measuring: {what}"), note=note, effort=effort)
    if file is not None:
        write_result(file, result)
    _say_figures(out, result, f"On {result['environment']['cpu']}")


@app.command("load")
def measure_load(
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result into this file.")
    ] = None,
    rows: Annotated[int, typer.Option(min=200, help="Drawings in the data folder.")] = 37_770,
    requests: Annotated[int, typer.Option(min=1, help="Requests in all.")] = 10_000,
    mix: Annotated[Path, typer.Option(help="What is asked for, and how often.")] = MIX,
    seed: Annotated[int, typer.Option(min=0, help="Seed of drawings and requests.")] = 0,
    note: Annotated[
        str, typer.Option(help="What a reader should know, such as how the database was set.")
    ] = "",
) -> None:
    """Measure a server that 200 people ask at once while a training runs.

    Each asks once a second; on a machine with fewer than four cores all together ask 60 times. A
    data folder of its own is filled for it and removed afterwards. With DEEPMED_DATABASE_URL that
    database is filled, so name an empty one.
    """
    from deepmed.app.bench.load.run import Load, run
    from deepmed.features.drawings.bench.json_file import write_result

    out = Output()
    wanted = Load(requests, rows, mix)
    result = run(seed, lambda what: out.note(f"Measuring: {what}"), wanted, note=note)
    if file is not None:
        write_result(file, result)
    out.table(
        ["Address", "Requests", "Errors", "Median, ms", "95 %, ms", "Slowest, ms", "First, ms"],
        [
            [path, *(each[name] for name in OF_AN_ADDRESS)]
            for path, each in result["routes"].items()
        ],
        title=f"{rows} drawings on {result['database']}",
    )
    _say_figures(out, result, f"On {result['database']}, {result['environment']['cpu']}")


def _say_figures(out: Output, result: "Mapping[str, Any]", title: str) -> None:
    out.table(
        ["Figure", "Median", "Unit", "Promised", "Kept"],
        [
            [name, each["value"], each["unit"], _promise(each), each["passed"]]
            for name, each in result["figures"].items()
        ],
        title=title,
    )


def _promise(figure: "Mapping[str, Any]") -> str:
    if figure["limit"] is None:
        return ""
    return f"{'at least' if figure['at_least'] else 'under'} {figure['limit']:g}"


def _stage(progress: Progress) -> "Callable[[str, str], None]":
    """Moves the bar on by a part; what happens inside one takes seconds."""
    from deepmed.features.drawings.bench.run import STAGES

    return lambda part, _what: progress(STAGES.index(part), len(STAGES))


def _show(out: Output, result: "Mapping[str, Any]", file: Path | None) -> None:
    from deepmed.features.drawings.bench.tables import skipped, tables
    from deepmed.features.drawings.bench.words import sentences

    for table in tables(result):
        out.table(table.columns, table.rows, title=table.title)
        if table.note:
            out.say(table.note)
        out.say()
    for sentence in sentences(result):
        out.say(sentence)
    for part, reason in skipped(result).items():
        out.say(f"Skipped: {part}. {reason}")
    if result["quick"]:
        out.say("This was a quick run: few repetitions, wide intervals.")
    out.say(f"{result['seconds']['all']:.0f} seconds on {result['environment']['cpu']}.")
    if file is not None:
        out.say(f"Written: {file}")
