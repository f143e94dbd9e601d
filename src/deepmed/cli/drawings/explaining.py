"""explain, compare, faithfulness."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.workplace import Id, open_bench
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.explanation.texts import Reader

Method = Annotated[
    str | None,
    typer.Option(
        help="How the map is made: two_sided_occlusion (unless you choose), occlusion, gradient, "
        "integrated_gradients and others; a wrong name lists them."
    ),
]


def register(app: typer.Typer) -> None:
    for command in (explain, compare, faithfulness):
        app.command(command.__name__)(command)


def explain(
    drawing: Id,
    method: Method = None,
    reader: Annotated[
        str, typer.Option(help="researcher, educator or parent (where switched on).")
    ] = "educator",
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Measure this very map, however long a slow encoder takes for that."
        ),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Also write the overlay pictures into this folder."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show where in a drawing its score comes from, and how far to trust that map.

    Every map carries its faithfulness: how much better it predicts the score than a random map,
    edges or ink alone. A map that does no better is labelled so. With an encoder that needs more
    than 20 ms an image that is the figure of its model, unless --measure asks for its own. The
    words say only what was measured: places, shares, ink, and the typical drawings most like it.
    """
    from deepmed.features.drawings.explanation.service import ExplanationService
    from deepmed.features.drawings.explanation.texts import ExplanationGenerator

    out = Output(as_json)
    who = _reader(reader)
    with open_bench() as bench, out.progress("Explaining"):
        ExplanationGenerator(parent_texts=bench.settings.parent_texts).refuse_parent(who)
        service = ExplanationService(bench)
        found = service.explain(drawing, method)
        if measure:
            found = service.measure_map(found.analysis, method)
        text = found.text(who, bench.settings)
        written = found.write(folder, bench.storage) if folder else []
    for sentence in text:
        out.say(sentence)
    for path in written:
        out.say(f"Written: {path}")
    out.finish({**found.to_dict(), "text": text, "written": written})


def compare(
    drawing: Id,
    count: Annotated[int, typer.Option(min=1, max=50, help="How many neighbours.")] = 3,
    as_json: JsonFlag = False,
) -> None:
    """Find the typical drawings of the same age that are most like a drawing.

    Looked for among the drawings of its age group by other children that are not labelled
    otherwise and were not flagged. Similarity is the cosine of their vectors: 1 is the same.
    """
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.comparison import ComparisonService

    out = Output(as_json)
    with open_bench() as bench, bench.database.read() as session:
        service = ComparisonService(bench, AnalysisService(bench))
        found = service.find_similar_normal_examples(session, drawing, count)
    out.table(
        ["Drawing", "File", "Age", "Subject", "Similarity", "Place of 100"],
        [
            [
                one.drawing_id,
                one.filename,
                one.age_years,
                one.subject,
                one.similarity_score,
                one.normalized_score,
            ]
            for one in found
        ],
    )
    if not found:
        out.say("No model covers the age of this drawing, so there is nothing to compare with.")
    out.finish({"drawing_id": drawing, "comparison_examples": [one.to_dict() for one in found]})


def faithfulness(
    model: Annotated[int, typer.Argument(help="Id of an active model, as `models` lists it.")],
    method: Method = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure how far a model's maps can be trusted, on drawings it never learned from.

    Takes up to 30 calibration drawings, the most unusual one a child. With an encoder that needs
    more than 20 ms an image this takes a while; there it stands in for the figure of each single
    map. Interrupted, it goes on where it was when it is run again.
    """
    from deepmed.features.drawings.explanation.service import ExplanationService

    out = Output(as_json)
    with open_bench() as bench, out.progress("Measuring") as progress:
        found = ExplanationService(bench).measure_model(model, method, progress)
    _say_figure(out, found)
    out.finish({"model_id": model, **found})


def _reader(name: str) -> "Reader":
    from deepmed.features.drawings.explanation.texts import Reader

    if name not in list(Reader):
        raise typer.BadParameter(f"{name!r} is no reader: choose {', '.join(Reader)}.")
    return Reader(name)


def _say_figure(out: Output, found: dict[str, Any]) -> None:
    out.table(
        ["Order of the patches", "Insertion less deletion", "From", "To"],
        [[row["order"], row["estimate"], row["low"], row["high"]] for row in found["rows"]],
    )
    out.say(
        f"{found['drawings']} drawings of {found['children']} children measured, "
        f"{found['refused']} could not be."
    )
    words = {
        True: "Its maps beat random orders, edges and ink beyond chance.",
        False: "Its maps are not shown to beat random orders, edges and ink: do not rely on them.",
    }
    out.say(words.get(found["faithful"]) or f"No figure: {found['reason']}")
