"""import, samples, list, show, edit, withdraw, delete."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.drawings.workplace import open_bench
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.importing import ImportReport

SHOWN = 30


def register(app: typer.Typer) -> None:
    app.command("import")(import_drawings)
    app.command("samples")(samples)


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
