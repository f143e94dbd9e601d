"""report."""

from pathlib import Path
from typing import Annotated

import typer

from deepmed.cli.drawings.workplace import open_bench
from deepmed.cli.output import JsonFlag, Output


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    file: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    title: Annotated[str, typer.Option(help="Title of the page.")] = "Children's drawings",
    as_json: JsonFlag = False,
) -> None:
    """Write one HTML page with everything: groups, flagged drawings, explanations, data.

    The page needs nothing else: no network, no script. It holds pictures of the drawings, so keep
    it as carefully as the drawings themselves.
    """
    from deepmed.features.drawings.report.gathering import ReportGatherer
    from deepmed.features.drawings.report.rendering import write

    out = Output(as_json)
    with open_bench() as bench, out.progress("Report") as progress:
        content = ReportGatherer(bench).gather(title, progress)
        path = write(content, file)
    out.say(f"Written: {path.resolve()}")
    out.finish(
        {
            "report": path.resolve(),
            "flagged": len(content.flagged),
            "drawings": len(content.gallery),
            "groups": len(content.groups),
        }
    )
