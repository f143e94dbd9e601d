"""Single images are asked about, and which run answers is chosen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.xray.inference.prediction import Prediction
    from deepmed.features.xray.inference.service import Asked


def predict(
    images: Annotated[list[Path], typer.Argument(help="PNG, JPEG, BMP, TIFF or DICOM files.")],
    run: Annotated[
        int | None, typer.Option(help="Whose model answers; the run that serves when unset.")
    ] = None,
    heatmap: Annotated[
        Path | None, typer.Option("--map", help="Of one image: where its heat map goes, a PNG.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="Of the map: grad_cam, grad_cam_plus_plus or occlusion.")
    ] = "grad_cam",
    as_json: JsonFlag = False,
) -> None:
    """Ask a completed run's model about images it never saw; nothing of them is stored.

    The probability is calibrated and the threshold is the one that validation fixed. An image that
    is unlike those of training is refused, and a doubtful one is not answered; each time the reason
    is given. A heat map that would mean nothing is not written.
    """
    from deepmed.app import open_home
    from deepmed.features.xray.inference.service import MapWanted, XrayInference
    from deepmed.kit.errors import ValidationError
    from deepmed.kit.files import export

    out = Output(as_json)
    if heatmap is not None and len(images) > 1:
        raise ValidationError("A heat map is written of one image; give one, or leave --map out.")
    wanted = None if heatmap is None else MapWanted(method)
    with open_home() as home, XrayInference.of(home).asking(run) as asked:
        made = [_predicted(asked, path, wanted) for path in images]
    for one in made:
        out.say(f"{one.filename}: {one.sentence}")
    drawn = made[0].heatmap
    if heatmap is not None and drawn is not None:
        _write(out, drawn, heatmap, export)
    out.say("These are a model's numbers for a person who decides, and no diagnosis.")
    out.finish(
        {
            "run_id": asked.facts.run_id,
            "model_version": asked.facts.version,
            "predictions": [
                {
                    "filename": one.filename,
                    **one.to_dict(),
                    "processing_time_ms": one.processing_time_ms,
                }
                for one in made
            ],
            "map": None if drawn is None else _map(drawn),
        }
    )


def serve(
    run: Annotated[
        int | None,
        typer.Argument(metavar="RUN", help="Which; the one that may unbidden when unset."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Choose the run whose model answers where nobody names one.

    Pages, `predict` and the interface of programs then ask it. Without a number the choice is
    undone, and the newest run answers that was trained on all images, has a test part and trains
    none again, one of two classes before one of several. The choice is this owner's alone.
    """
    from deepmed.app import open_home
    from deepmed.features.xray.inference.service import XrayInference

    out = Output(as_json)
    with open_home() as home:
        inference = XrayInference.of(home)
        inference.choose(run)
        serving = inference.serving()
        facts, _ = inference.state()
    out.say(f"Run {facts.run_id} ({facts.run_name}) answers. {serving.because}")
    out.finish(
        {
            "run_id": facts.run_id,
            "run_name": facts.run_name,
            "chosen": serving.chosen,
            "served_because": serving.because,
            "model_version": facts.version,
        }
    )


def _predicted(asked: "Asked", path: Path, wanted: Any) -> "Prediction":
    from deepmed.features.xray.inference.errors import UnreadableUploadError
    from deepmed.features.xray.inference.receiving import content_of, label_of
    from deepmed.kit.errors import ValidationError

    try:
        with path.open("rb") as file:
            content = content_of(file, asked.settings)
        return asked.predict(content, label_of(path.name), wanted)
    except OSError as error:
        raise ValidationError(
            f"{path} cannot be read: {error.strerror}. Nothing was predicted."
        ) from error
    except UnreadableUploadError as error:  # which of several it is
        raise UnreadableUploadError(f"{path}: {error.message}") from error


def _map(drawn: Any) -> dict[str, Any]:
    told = drawn.faithfulness
    scores = None if told is None else {name: told[name] for name in told if name != "curves"}
    return {
        "method": drawn.method,
        "explained_class": drawn.explained_class,
        "faithfulness": scores,
        "beats_controls": drawn.beats_controls,
        "reason": drawn.reason,
        "notes": list(drawn.notes),
    }


def _write(out: Output, drawn: Any, path: Path, write: Any) -> None:
    if drawn.picture is None:
        out.say(f"No map was written. {drawn.reason}")
        return
    write(path, drawn.picture)
    out.say(f"The map of {drawn.explained_class} is in {path}.")
    scores = drawn.faithfulness["scores"]
    out.table(
        ["Map", "Insertion less deletion"],
        [[name, score] for name, score in sorted(scores.items(), key=lambda one: -one[1])],
    )
    for note in drawn.notes:
        out.say(note)
