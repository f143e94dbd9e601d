"""embed, vectors, compare-encoders."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.workplace import open_bench
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from collections.abc import Mapping


def register(app: typer.Typer) -> None:
    app.command("embed")(embed)
    app.command("vectors")(vectors)
    app.command("compare-encoders")(compare_encoders)


def embed(
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Another encoder than that of the settings: hog-pyramid, scattering, a "
            "transformer's name or its folder; @onnx or @bf16 behind it."
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also drawings that it has embedded before.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Turn every drawing that has no vector yet into one.

    Training does this by itself; run it to do the work beforehand, or --again to repeat it. The
    encoder is hog-pyramid unless DEEPMED_ENCODER names another. Vectors of other encoders are
    kept until `vectors --delete`. Run it again to go on where it stopped.
    """
    out = Output(as_json)
    with open_bench() as bench, out.progress("Embedding") as progress:
        pipeline = bench.with_encoder(encoder).pipeline
        report = pipeline.re_embed(progress) if again else pipeline.process_batch(progress)
    out.say(
        f"{report.embedded} drawings embedded with {report.encoder}; "
        f"{report.already_there} were embedded before."
    )
    out.finish(report.to_dict())


def vectors(
    delete: Annotated[
        str | None,
        typer.Option(help="Delete the vectors of this encoder, by its whole identity as listed."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List whose vectors are stored, and delete those of an earlier encoder.

    Those of the present encoder, and those that models in use take, are never deleted here.
    """
    from deepmed.features.drawings.encoders import stored

    out = Output(as_json)
    with open_bench() as bench:
        deleted = None if delete is None else stored.delete(bench, delete)
        with bench.database.read() as session:
            found = stored.stored(bench, session)
            missing = stored.missing(bench, session)
    if deleted is not None:
        out.say(f"{deleted} vectors of {delete} were deleted.")
    out.table(
        ["Encoder", "Drawings", "Present", "Models in use"],
        [
            [one.encoder, one.drawings, one.is_present, ", ".join(map(str, one.model_ids))]
            for one in found
        ],
    )
    out.say(f"{missing} drawings have still to be embedded with the present encoder.")
    out.finish({"vectors": found, "missing": missing, "deleted": deleted})


def compare_encoders(
    encoder: Annotated[
        list[str] | None,
        typer.Option("--encoder", help="Compare with this one; may be given several times."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the comparison.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare what encoders tell on your own drawings, with intervals over children.

    Without --encoder all that this machine can run are compared. Children who calibrate models are
    never looked at. Vectors that are made for it are kept; `vectors --delete` deletes them.
    """
    from deepmed.features.drawings.encoders.compare import compare

    out = Output(as_json)
    with open_bench() as bench, out.progress("Comparing") as progress:
        found = compare(
            bench,
            encoder or None,
            bench.settings.seed if seed is None else seed,
            lambda _what, done, total: progress(done, total),
        ).to_dict()
    for task in found["tasks"]:
        _say_task(out, task)
    out.table(
        ["Encoder", "ms an image"],
        [[one["name"], one["ms_an_image"]] for one in found["encoders"]],
        title="Speed on this machine",
    )
    for one in found["left_out"]:
        out.note(f"{one['name']} was not compared. {one['reason']}")
    out.say(
        f"{found['drawings']} drawings of {found['children']} children, {found['planted']} "
        f"planted anomalies; {found['children_kept_back']} children who calibrate were kept back."
    )
    out.say(found["verdict"])
    out.finish(found)


def _say_task(out: Output, task: "Mapping[str, Any]") -> None:
    better = "higher" if task["higher_is_better"] else "lower"
    out.table(
        ["Row", "Figure", "Low", "High", "Better by", "Low ", "High "],
        [
            [row["name"], *_bounds(row["figure"]), *_bounds(row["beside_present"])]
            for row in task["rows"]
        ],
        title=f"{task['task']}: {task['measure']} ({better} is better)",
    )
    out.say(task["verdict"])


def _bounds(figure: "Mapping[str, Any] | None") -> list[float | None]:
    return [None] * 3 if figure is None else [figure[name] for name in ("estimate", "low", "high")]
