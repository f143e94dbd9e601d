"""bench xray: does the trainer reach on a published data set what was promised of it?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepmed.core.home import Home

DATA_VARIABLE = "DEEPMED_BENCH_XRAY"


def measure_xray(
    data: Annotated[
        Path,
        typer.Option(
            help="NPZ of a published split, such as pneumoniamnist.npz.", envvar=DATA_VARIABLE
        ),
    ],
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result into this file.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings, seeds 0, 1 and so on.")] = 3,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small networks, few epochs; the result says so.")
    ] = False,
    work: Annotated[
        Path | None,
        typer.Option(help="Keep trainings in this folder, and go on with those that it has."),
    ] = None,
    federated: Annotated[
        bool, typer.Option("--federated", help="Also let four clients learn together.")
    ] = False,
    note: Annotated[str, typer.Option(help="What a reader should know of this run.")] = "",
) -> None:
    """Train on a published split of chest X-rays with several seeds, and set others beside.

    A full run takes about ten minutes a seed on two cores, and as long again for the variants.
    With --work a call that was cut off goes on where it was. The test part is opened once a model;
    losses and monitored metrics are compared without it.
    """
    from deepmed.app import limit_threads
    from deepmed.features.drawings.bench.json_file import write_result
    from deepmed.features.xray.bench.recipe import FULL, QUICK
    from deepmed.features.xray.bench.run import run
    from deepmed.kit import settings as kit_settings

    limit_threads(kit_settings.current().threads)
    out = Output()
    result = run(
        data,
        range(seeds),
        QUICK if quick else FULL,
        open_home=_opened,
        step=out.note,
        work=work,
        note=note,
        federated=federated,
    )
    if file is not None:
        write_result(file, result)
    _show(out, result, file)


def _opened(folder: Path) -> "Home":
    """A data folder of the benchmark's own, whatever database the settings name."""
    from deepmed.app import open_home
    from deepmed.kit import settings as kit_settings

    return open_home(kit_settings.load(home=folder, database_url=None, storage_url=None))


def _show(out: Output, result: "Mapping[str, Any]", file: Path | None) -> None:
    from deepmed.features.xray.bench.tables import tables

    for table in tables(result):
        out.table(table.columns, table.rows, title=table.title)
        if table.note:
            out.say(table.note)
        out.say()
    if result["quick"]:
        out.say("This was a quick run: it says nothing of what a full one reaches.")
    out.say(f"{result['seconds']:.0f} seconds on {result['environment']['cpu']}.")
    if file is not None:
        out.say(f"Written: {file}")
