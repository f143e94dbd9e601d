"""What runs are worth, for others to read, and beside each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output
from deepmed.cli.xray.telling import of_whom
from deepmed.cli.xray.workplace import Id

Runs = Annotated[
    list[int],
    typer.Argument(metavar="RUN RUN...", help="Two to eight; the others stand against the first."),
]


def report(
    run: Id,
    to: Annotated[Path, typer.Option(help="The file; its ending says PDF or HTML.")],
    as_json: JsonFlag = False,
) -> None:
    """Write a completed run's report as PDF or HTML.

    All its figures are the stored ones, each with its interval and whom it rests on; the report
    says what was checked when it was made. It names no patient.
    """
    from deepmed.app import open_home
    from deepmed.features.xray.report.rendering import MEDIA_TYPES, run_report
    from deepmed.kit.errors import ValidationError
    from deepmed.kit.files import export

    out = Output(as_json)
    form = to.suffix.lower().removeprefix(".")
    if form not in MEDIA_TYPES:
        raise ValidationError(
            f"A report ends in .pdf or .html, not in {to.suffix!r}; nothing was written."
        )
    with open_home() as home:
        content = run_report(home, run, form)  # type: ignore[arg-type] # it was looked up above
    export(to, content)
    out.say(f"The report of run {run} is in {to}.")
    out.finish({"run_id": run, "format": form, "file": str(to), "bytes": len(content)})


def compare(runs: Runs, as_json: JsonFlag = False) -> None:
    """Compare runs on the same patients of the test part.

    Each difference has its interval, from drawing patients for both runs at once. Where the test
    parts differ none is stated, because it would mix the models with the patients.
    """
    from deepmed.app import open_home
    from deepmed.features.xray.report.comparison import compare_runs

    out = Output(as_json)
    with open_home() as home:
        found = compare_runs(home, runs)
    for pair in found["comparisons"]:
        _say(out, pair)
    for note in found["notes"]:
        out.say(note)
    out.finish(found)


def _say(out: Output, pair: Mapping[str, Any]) -> None:
    if pair["reason"]:
        out.say(pair["reason"])
        return
    out.say(
        f"Run {pair['run_id']} less run {pair['baseline']}, on "
        f"{of_whom(pair['n_items'], pair['n_patients'], pair['unit'])}:"
    )
    for statement in pair["statements"]:
        out.say(f"  {statement}")
    test = pair["auroc_test"]
    if test is not None:
        out.say(f"  DeLong's test of the two AUROCs: p = {test['p_value']:.3g}")
