"""`deepmed demo`: the whole drawings flow on sample data."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.kit.settings import Settings

app = typer.Typer(add_completion=False)


@app.command("demo")
def demo(
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where pictures and report go; 'demo' in the data folder."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make sample drawings, train on them, analyse, explain, and write a report.

    95 typical drawings over ages 3 to 12 are made and imported, models for 3-6, 6-9 and 9-12 are
    trained, and measured on 300 further typical drawings and on planted anomalies that no
    training saw. The drawings are made by a program and say nothing about real children.

    The demo has a data folder of its own beside yours, unless DEEPMED_HOME names one.
    """
    from deepmed.cli.drawings.workplace import open_bench
    from deepmed.features.drawings.demo.run import Demo

    out = Output(as_json)
    with open_bench(_settings()) as bench:
        home = bench.settings.home
        place = folder or home / "demo"
        result = Demo(bench, place, lambda stage: out.note(f"… {stage}")).run()
    out.table(
        [
            "Ages",
            "Fit",
            "Calibrate",
            "Attained level",
            "False alarms on unseen",
            "Spread to expect",
            "Planted flagged",
            "AUROC",
            "Age-specificity",
        ],
        [_row(group) for group in result.groups],
        title="Per age group",
    )
    out.table(["Stage", "Seconds"], [[name, value] for name, value in result.seconds.items()])
    out.say(
        "Intervals are 95 %: Wilson for shares, child bootstrap for AUROC, widened near 0 and 1. "
        "The spread is where the share of false alarms may lie for a calibration on so few "
        "children, one drawing each."
    )
    for percentile in sorted({group["percentile"] for group in result.groups}):
        out.say(f"Flagged means: at the percentile {percentile:g}.")
    out.say(f"Look around in it: DEEPMED_HOME='{home}' deepmed drawings list")
    out.say(f"Report: {result.report}")
    out.finish(result.to_dict())


def _settings() -> "Settings":
    """Whoever tries the demo first and brings drawings later must not find the two mixed."""
    from deepmed.kit import settings

    if os.environ.get(f"{settings.PREFIX}HOME"):
        return settings.current()
    return settings.load(home=settings.demo_home())


def _row(group: dict[str, Any]) -> list[Any]:
    children = group["children"]
    borrowed = f" + {children['borrowed']}" if children["borrowed"] else ""
    alarms, spread = group["false_alarm_rate"], group["false_alarm_spread"]
    return [
        group["age_group"],
        f"{children['fit']}{borrowed}",
        children["calibration"],
        group["attained_level"],
        f"{group['false_alarms']}/{group['typical_drawings']} {_range(alarms)}",
        _range(spread),
        f"{group['planted_flagged']}/{group['planted_drawings']} {_range(group['planted_share'])}",
        _figure(group["auroc"]),
        _figure(group["age_specificity"]),
    ]


def _range(figure: dict[str, Any]) -> str:
    if figure["estimate"] is None:
        return f"({figure['reason']})"
    return f"({figure['low']:.0%} to {figure['high']:.0%})"


def _figure(figure: dict[str, Any]) -> str:
    if figure["estimate"] is None:
        return str(figure["reason"])
    return f"{figure['estimate']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
