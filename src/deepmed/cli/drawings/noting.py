"""export-explanation, annotate, annotations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.workplace import Id, open_bench
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.annotations.kinds import AnnotationType
    from deepmed.features.drawings.annotations.service import AnnotationService
    from deepmed.features.drawings.exports.options import Wanted
    from deepmed.features.drawings.workbench import Workbench


def register(app: typer.Typer) -> None:
    app.command("export-explanation")(export_explanation)
    app.command("annotate")(annotate)
    app.command("annotations")(annotations)


def export_explanation(
    drawing: Id,
    file: Annotated[
        Path,
        typer.Option("--out", help="File to write; its ending says which format, unless you do."),
    ],
    form: Annotated[
        str | None, typer.Option("--format", help="pdf, png, csv, json, html or pptx.")
    ] = None,
    notes: Annotated[
        bool, typer.Option("--annotations/--no-annotations", help="With what people noted.")
    ] = True,
    comparisons: Annotated[
        bool, typer.Option(help="With the typical drawings most like it.")
    ] = True,
    simplified: Annotated[bool, typer.Option(help="In plain words, without tables.")] = False,
    role: Annotated[
        str, typer.Option(help="researcher, educator, clinician, or parent where switched on.")
    ] = "educator",
    page_size: Annotated[str, typer.Option(help="Of a PDF: A4, Letter or Legal.")] = "A4",
    resolution: Annotated[
        str, typer.Option(help="Of pictures: standard, high or print.")
    ] = "standard",
    as_json: JsonFlag = False,
) -> None:
    """Write a drawing's answer, map and notes into one file for others.

    The file holds pictures of drawings, so keep it as carefully as the drawings themselves.
    """
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.explanation.service import ExplanationService
    from deepmed.features.drawings.exports.service import ExportService
    from deepmed.features.drawings.interpretability.loading import ExplanationLoader
    from deepmed.kit.files import export

    out = Output(as_json)
    options = {"page_size": page_size, "resolution": resolution, "user_role": role}
    wanted = _wanted(form or file.suffix[1:], options, notes, comparisons, simplified)
    with open_bench() as bench, out.progress("Exporting"):
        analysis = AnalysisService(bench).answer(drawing).id
        made = ExportService(ExplanationLoader(ExplanationService(bench))).write(analysis, wanted)
    path = export(file, made.content)
    out.say(f"Written: {path.resolve()}")
    for note in made.notes:
        out.note(note)
    out.finish(
        {
            "drawing_id": drawing,
            "analysis_id": analysis,
            "format": wanted.format,
            "file": path.resolve(),
            "file_size": len(made.content),
            "notes": made.notes,
        }
    )


def annotate(
    drawing: Id,
    text: Annotated[
        str | None, typer.Argument(help="What to note; not needed to change the rest or delete.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="A region that `explain` names, or `drawing` for the whole."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", help="note, question, concern, observation or hypothesis."),
    ] = None,
    signed: Annotated[str | None, typer.Option(help="How you sign.")] = None,
    change: Annotated[str | None, typer.Option(help="Id of a note to change.")] = None,
    delete: Annotated[str | None, typer.Option(help="Id of a note to take back.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Note something to a drawing's newest answer, change a note, or take it back.

    Notes stand beside the explanation and change nothing of it. What they said before is kept
    with its author and time, until the drawing is deleted.
    """
    from deepmed.features.drawings.annotations import service

    out = Output(as_json)
    given = _given(text, region, kind, signed)
    with open_bench() as bench:
        analysis, notes, regions = _notes_of(bench, drawing)
        if delete:
            row = notes.delete(analysis, delete)
        elif change:
            row = notes.edit(analysis, change, given)
        else:
            row = notes.annotate(analysis, _new_note(given))
    out.say(f"{service.newest(row).deed.capitalize()}: note {row.uid}")
    out.finish({**service.told(row, regions), "history": service.history(row)})


def annotations(
    drawing: Id,
    deleted: Annotated[bool, typer.Option(help="Also those taken back.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the notes to a drawing's newest answer.

    The id in the first column is what `annotate --change` and `annotate --delete` take. Notes to
    earlier answers of the drawing stay with those.
    """
    from deepmed.features.drawings.annotations import service

    out = Output(as_json)
    with open_bench() as bench:
        analysis, notes, regions = _notes_of(bench, drawing)
        rows = notes.listed(analysis, with_deleted=deleted)
    told = [service.told(row, regions) for row in rows]
    columns = ["region_id", "annotation_type", "annotation_text", "author", "user_id", "updated_at"]
    out.table(
        ["Note", "Place", "Kind", "Text", "Author", "Signed", "When", "Version"],
        [[one["annotation_id"], *(one[name] for name in columns), one["version"]] for one in told],
    )
    if not told:
        out.say(f"Nothing is noted yet. Begin: deepmed drawings annotate {drawing} TEXT")
    out.finish({"drawing_id": drawing, "analysis_id": analysis, "annotations": told})


def _wanted(
    form: str, options: dict[str, Any], notes: bool, comparisons: bool, simplified: bool
) -> "Wanted":
    from pydantic import ValidationError

    from deepmed.features.drawings.exports.options import FORMATS, ExportOptions, Wanted

    if form not in FORMATS:
        raise typer.BadParameter(f"{form!r} is no format: choose {', '.join(FORMATS)}.")
    try:
        chosen = ExportOptions(**options)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise typer.BadParameter(f"{wrong['loc'][0]}: {wrong['msg']}") from error
    return Wanted(form, notes, comparisons, simplified, chosen)


def _given(
    text: str | None, region: str | None, kind: str | None, signed: str | None
) -> dict[str, Any]:
    """What was given, by the names of a note."""
    from pydantic import ValidationError

    from deepmed.features.drawings.schemas.interpretability_requests import AnnotationChanges

    try:
        checked = AnnotationChanges(
            annotation_text=text,
            region_id=region,
            annotation_type=None if kind is None else _kind(kind),
            user_id=signed,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise typer.BadParameter(f"{wrong['loc'][0]}: {wrong['msg']}") from error
    found = {
        "text": checked.annotation_text,
        "region_id": checked.region_id,
        "type": checked.annotation_type,
        "user_id": checked.user_id,
    }
    return {name: value for name, value in found.items() if value is not None}


def _kind(name: str) -> "AnnotationType":
    from deepmed.features.drawings.annotations.kinds import AnnotationType

    if name.lower() not in list(AnnotationType):
        raise typer.BadParameter(f"{name!r} is no kind: choose {', '.join(AnnotationType)}.")
    return AnnotationType(name.lower())


def _new_note(given: dict[str, Any]) -> Any:
    from deepmed.features.drawings.annotations.kinds import WHOLE_DRAWING, Note

    if "text" not in given:
        raise typer.BadParameter("Say what to note.")
    return Note(**({"region_id": WHOLE_DRAWING} | given))


def _notes_of(
    bench: "Workbench", drawing: int
) -> tuple[int, "AnnotationService", list[dict[str, Any]]]:
    """The newest analysis of a drawing, its notes, and the regions of its map."""
    from deepmed.core.accounts.repository import name_of
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.annotations.regions import regions_of
    from deepmed.features.drawings.annotations.service import AnnotationService

    analysis = AnalysisService(bench).answer(drawing).id
    with bench.database.read() as session:
        author = name_of(session, bench.owner_id)
    notes = AnnotationService(bench.database, bench.owner_id, author)
    return analysis, notes, regions_of(bench.database, analysis)
