"""import, samples, list, show, edit, withdraw, delete, sweep."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.workplace import Id, open_bench
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.importing import ImportReport
    from deepmed.features.drawings.tables import Drawing

SHOWN = 30


def register(app: typer.Typer) -> None:
    app.command("import")(import_drawings)
    for command in (samples, show, edit, withdraw, delete, sweep):
        app.command(command.__name__)(command)
    app.command("list")(list_drawings)


def import_drawings(
    source: Annotated[
        Path, typer.Argument(help="A picture, a folder or a ZIP of pictures.", show_default=False)
    ],
    name_pattern: Annotated[
        str | None,
        typer.Option(
            help="How file names tell the facts, as '{subject}_age{age}_{child_id}'. Fields: "
            "subject, age, child_id, label, tool; * stands for anything."
        ),
    ] = None,
    metadata: Annotated[
        str | None,
        typer.Option(help="The CSV or JSON with one row a picture; found by itself when alone."),
    ] = None,
    age: Annotated[
        str | None, typer.Option(help="Age, for a single picture: 6, 6.5, '6y 4m' or '76 months'.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Subject of all the drawings.")] = None,
    label: Annotated[
        str | None, typer.Option(help="Expert label of all: normal, concern or severe.")
    ] = None,
    child: Annotated[
        str | None, typer.Option(help="Id of the child, for a single picture.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Name of the dataset.")] = None,
    licence: Annotated[str, typer.Option(help="What may be done with the drawings.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Bring drawings in, with the age of each child.

    Every picture needs an age: a batch in which one has none is refused whole, with every name.
    Pictures that cannot be read are listed, the others are stored. Run it again to complete an
    interrupted import; nothing is stored twice. Pictures are re-encoded without hidden data.
    Cover names written on the page before you import.
    """
    from deepmed.features.drawings.importing import DrawingImporter

    given = {"age_years": age, "subject": subject, "expert_label": label, "child_id": child}
    out = Output(as_json)
    with open_bench() as bench, out.progress("Importing") as progress:
        importer = DrawingImporter(bench.database, bench.storage, bench.settings, bench.owner_id)
        report = importer.import_source(
            source,
            name_pattern=name_pattern,
            metadata=metadata,
            defaults={name: value for name, value in given.items() if value is not None},
            dataset_name=dataset,
            licence_note=licence,
            progress=progress,
        )
    _say_import(out, report)
    out.finish(report.to_dict() | {"counts": report.counts()})
    if not (report.stored or report.already_present):
        raise typer.Exit(1)


def samples(
    folder: Annotated[Path, typer.Argument(help="The folder to write into.")] = Path(
        "sample_drawings"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other drawings.")] = 0,
    planted: Annotated[
        bool, typer.Option("--planted", help="Also write planted anomalies, in a folder beside.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make 95 typical sample drawings over ages 3 to 12, with their metadata.

    They are drawn by a program, for trying things out: they say nothing about real children.
    """
    from deepmed.features.drawings.samples.files import create_sample_drawings

    out = Output(as_json)
    made = create_sample_drawings(folder, seed)
    out.say(f"{len(made)} drawings in {folder}. Import them: deepmed drawings import {folder}")
    anomalies: list[Path] = []
    if planted:
        from deepmed.features.drawings.samples.planted import create_planted_drawings

        beside = folder.with_name(f"{folder.name}_planted")
        anomalies = create_planted_drawings(beside, seed)
        out.say(
            f"{len(anomalies)} pictures with planted anomalies and their originals in {beside}."
        )
    out.finish({"folder": folder, "drawings": made, "planted": anomalies})


def list_drawings(
    age_min: Annotated[float | None, typer.Option(help="Least age.")] = None,
    age_max: Annotated[float | None, typer.Option(help="Greatest age.")] = None,
    subject: Annotated[str | None, typer.Option(help="A part of the subject.")] = None,
    label: Annotated[str | None, typer.Option(help="normal, concern or severe.")] = None,
    child: Annotated[str | None, typer.Option(help="Id of the child.")] = None,
    sort: Annotated[
        str, typer.Option(help="age_years, subject, filename, id; -age_years for the other way.")
    ] = "-upload_timestamp",
    page: Annotated[int, typer.Option(min=1, help="Page, counted from 1.")] = 1,
    page_size: Annotated[int, typer.Option(min=1, max=100, help="Drawings a page.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List the stored drawings, filtered, sorted, page by page.

    The first column is the id by which the other commands name a drawing. Blank, duplicate and
    withdrawn drawings are noted: they are kept, and no model learns from them.
    """
    from deepmed.features.drawings.catalogue import DrawingCatalogue
    from deepmed.features.drawings.catalogue.filters import DrawingFilter
    from deepmed.features.drawings.metadata import ExpertLabel
    from deepmed.kit.errors import ValidationError

    out = Output(as_json)
    if label is not None and label not in list(ExpertLabel):
        raise ValidationError(f"{label!r} is no label: choose {', '.join(ExpertLabel)}.")
    filters = DrawingFilter(
        age_min=age_min,
        age_max=age_max,
        subject=subject,
        expert_label=None if label is None else ExpertLabel(label),
        child=child,
    )
    with open_bench() as bench:
        catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
        found = catalogue.list_drawings(filters, sort=sort, page=page, page_size=page_size)
    facts = [_facts(drawing) for drawing in found.drawings]
    shown = ("id", "original_name", "age_years", "subject", "expert_label", "child_id", "notes")
    if not found.total_count:
        out.say("There are no such drawings here. Bring some in: deepmed drawings import FOLDER")
    out.table(
        ["Id", "Name", "Age", "Subject", "Label", "Child", "Notes"],
        [[", ".join(one[k]) if k == "notes" else one[k] for k in shown] for one in facts],
    )
    out.say(f"Page {found.page} of {max(1, found.total_pages)}, {found.total_count} drawings.")
    out.finish(
        {
            "drawings": facts,
            "total_count": found.total_count,
            "page": found.page,
            "page_size": found.page_size,
            "total_pages": found.total_pages,
        }
    )


def show(drawing: Id, as_json: JsonFlag = False) -> None:
    """Show what is known of a drawing, and its analyses so far.

    An analysis is kept with the model and the rule it was made under. A new model or rule adds one,
    the newest first.
    """
    from deepmed.cli.drawings.analysing import to_dict
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.catalogue import DrawingCatalogue

    out = Output(as_json)
    with open_bench() as bench:
        found = DrawingCatalogue(bench.database, bench.storage, bench.owner_id).get(drawing)
        with bench.database.read() as session:
            newest, total = AnalysisService(bench).history(session, drawing)
            analyses = [to_dict(row, {}) for row in newest]
    facts = _facts(found)
    out.table(["What", "Value"], [[name, value] for name, value in facts.items()])
    out.table(
        ["Analysed", "Answer", "Place of 100", "Flagged", "Reason"],
        [
            [
                a["analysis_timestamp"],
                a["decision"],
                a["normalized_score"],
                a["is_anomaly"],
                a["reason"],
            ]
            for a in analyses
        ],
    )
    out.finish({"drawing": facts, "analyses": analyses, "total_count": total})


def edit(
    drawing: Id,
    age: Annotated[str | None, typer.Option(help="Age: 6, 6.5 or '6y 4m'.")] = None,
    subject: Annotated[str | None, typer.Option(help="Subject; '' takes it away.")] = None,
    label: Annotated[str | None, typer.Option(help="normal, concern, severe or ''.")] = None,
    tool: Annotated[str | None, typer.Option(help="Drawing tool.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What the child was asked to draw.")] = None,
    child: Annotated[str | None, typer.Option(help="Id of the child.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Correct what is known of a drawing: age, subject, label, tool, prompt or child.

    What you do not name stays as it is. A new age, label or child marks the models that used the
    drawing: train them again.
    """
    from deepmed.features.drawings.catalogue import DrawingCatalogue

    given = {
        "age_years": age,
        "subject": subject,
        "expert_label": label,
        "drawing_tool": tool,
        "prompt": prompt,
        "child_id": child,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("Name what to correct, for example --age '6y 4m'.")
    out = Output(as_json)
    with open_bench() as bench:
        catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
        changed = catalogue.edit(drawing, changes)
        if child is not None:
            from deepmed.features.drawings.following import follow

            follow(bench)  # models hold their drawings' children
    facts = _facts(changed)
    out.table(["What", "Value"], [[name, value] for name, value in facts.items()])
    out.finish({"drawing": facts})


def withdraw(
    drawing: Id,
    restore: Annotated[bool, typer.Option("--restore", help="Take a withdrawal back.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Keep a drawing, and let it take no part in any further training.

    It can still be analysed. Models that have learned from it already keep what they learned: train
    again to have models without it. Take it back with --restore.
    """
    from deepmed.features.drawings.catalogue import DrawingCatalogue

    out = Output(as_json)
    with open_bench() as bench:
        catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
        changed = catalogue.withdraw(drawing, withdrawn=not restore)
    out.say(f"Drawing {drawing} is {'withdrawn' if changed.withdrawn else 'in use'}.")
    out.finish({"drawing": _facts(changed)})


def delete(
    drawing: Annotated[int | None, typer.Argument(help="Id of a drawing.")] = None,
    child: Annotated[
        str | None, typer.Option(help="Delete all drawings of this child instead.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete a drawing, or a child, with pictures, vectors, analyses and calibration scores.

    Models that had learned from them are marked, and forget their scores at once; train again to
    have models that never saw them. This cannot be undone.
    """
    from deepmed.features.drawings.catalogue import DrawingCatalogue
    from deepmed.features.drawings.catalogue.sweeping import sweep_files
    from deepmed.features.drawings.following import follow

    if (drawing is None) == (child is None):
        raise typer.BadParameter("Name a drawing by its id, or a child with --child.")
    if not yes:
        typer.confirm("Delete for good?", abort=True, err=True)
    out = Output(as_json)
    with open_bench() as bench:
        catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
        try:
            report = (
                catalogue.delete_child(child)
                if child is not None
                else catalogue.delete_drawing(drawing or 0)
            )
        finally:
            # Also when there is nothing left to delete: an earlier call may have been stopped.
            models = follow(bench)
            sweep_files(bench)
    out.say(f"{len(report.drawings)} drawings deleted, with all that was derived from them.")
    if report.retraining:
        out.say(report.retraining)
    for model in models.damaged:
        out.note(
            f"The files of model {model} were damaged before, so they were not revised. They are "
            "never used; train that group again with --replace."
        )
    out.finish(
        {
            **report.to_dict(),
            "revised_models": models.revised,
            "damaged_models": models.damaged,
        }
    )


def sweep(as_json: JsonFlag = False) -> None:
    """Delete pictures, maps and models that killed processes left behind and nothing names.

    What is younger than an hour is spared: it may belong to a command that is running.
    """
    from deepmed.features.drawings.catalogue.sweeping import sweep_files

    out = Output(as_json)
    with open_bench() as bench:
        swept = sweep_files(bench)
    out.say(f"{len(swept)} left-overs were deleted.")
    out.finish({"deleted": swept})


def _facts(drawing: "Drawing") -> dict[str, Any]:
    from deepmed.features.drawings.catalogue.facts import facts_of

    notes = {
        "blank": drawing.is_blank,
        "duplicate": drawing.duplicate_of is not None,
        "withdrawn": drawing.withdrawn,
    }
    return {
        "id": drawing.id,
        "filename": drawing.filename,
        "original_name": drawing.original_name,
        **facts_of(drawing),
        "ink_coverage": drawing.ink_coverage,
        "notes": [name for name, holds in notes.items() if holds],
        "upload_timestamp": drawing.upload_timestamp.isoformat(),
    }


def _say_import(out: Output, report: "ImportReport") -> None:
    counts = report.counts()
    out.say(
        f"{counts['stored']} drawings stored, {counts['already_present']} were there already, "
        f"{counts['rejected']} refused."
    )
    if report.rejected:
        out.table(
            ["File", "Row", "Why it was refused"],
            [[one.name, one.row, one.reason] for one in report.rejected[:SHOWN]],
        )
        if len(report.rejected) > SHOWN:
            out.say(f"and {len(report.rejected) - SHOWN} more; --json lists all of them.")
    for count, words in (
        (counts["blank"], "nearly blank pages are kept and never scored"),
        (counts["duplicates"], "have the same pixels as another drawing and train nothing"),
        (counts["conflicts"], "are stored already with other facts; the first were kept"),
        (counts["unknown_files"], "other files were left alone"),
        (report.without_child_id, "have no child id and count as drawings of separate children"),
    ):
        if count:
            out.say(f"{count} {words}.")
    for note in report.notes:
        out.note(note)
