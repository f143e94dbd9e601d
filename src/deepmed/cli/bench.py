"""bench drawings: make the published figures again."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(add_completion=False, no_args_is_help=True)
DATA_VARIABLE = "DEEPMED_BENCH_DRAWINGS"


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
    with out.progress("Preparing") as progress:
        result = run_benchmark(
            settings,
            data,
            QUICK if quick else FULL,
            settings.seed if seed is None else seed,
            _stage(progress),
        )
    if file is not None:
        write_result(file, result)
    _show(out, result, file)
