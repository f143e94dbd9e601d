"""Reports of images that are asked about now, by the model that serves (contract 1.5, old)."""

from collections.abc import Iterator, Sequence

import deepmed
from deepmed.features.xray.inference.prediction import NO_INTERPRETATION, HeatMap, Prediction
from deepmed.features.xray.inference.service import Asked, MapWanted, XrayInference
from deepmed.features.xray.pages.outcome.words import COLUMNS, tested
from deepmed.features.xray.report.content import Picture, Report, Section, Titled
from deepmed.features.xray.report.gathering import interval, number
from deepmed.features.xray.report.schemas import GivenResult
from deepmed.features.xray.report.words import in_words
from deepmed.features.xray.runs import standing
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit import clock
from deepmed.kit.errors import ValidationError
from deepmed.web.charts import Table
from deepmed.web.formats import NOTHING

Sent = tuple[str, bytes]
"""Name and content of an image."""
AGREES = 1e-5
"""As far as a probability is the same on another machine, or in other batches (X-18)."""


def image_report(inference: XrayInference, sent: Sent, *, heatmap: bool, clinical: bool) -> Report:
    """What the model that serves says of an image now.

    Raises:
        UnreadableUploadError: no image can be had from it.
        NoModelError: no run could answer.
    """
    name, content = sent
    with inference.asking(None) as asked:
        made = asked.predict(content, name, MapWanted() if heatmap else None)
    run = StoredRun.of(inference.home, made.model.run_id)
    return Report(
        title=f"Answer for {name}",
        subject="Answer of a classifier of X-rays",
        made=clock.now(),
        lead=[made.sentence, *made.notes],
        sections=[
            Section("The answer", (), [Titled("Numbers", Table(["what", "value"], _rows(made)))]),
            *([_map(made.heatmap)] if made.heatmap is not None else []),
            _worth(run),
            Section(
                "What was checked",
                [
                    "The image was asked about for this report, by the model named above, whose "
                    "artefact had the right signature and checksums when it was loaded. Nothing of "
                    "the image was stored.",
                    *([_measured(made.heatmap)] if made.heatmap is not None else []),
                ],
            ),
            Section("Limits", list(_limits(run, clinical=clinical))),
        ],
        footer=f"Made with DeepMed {deepmed.__version__} by the model {made.model.version}.",
    )


def asked_again(
    inference: XrayInference,
    sent: Sequence[Sent],
    results: Sequence[GivenResult],
    *,
    heatmaps: bool,
) -> tuple[list[Section], list[str]]:
    """Images beside the answers that were sent for them; the sections, and what was checked.

    Raises:
        NoModelError: no run could answer.
    """
    if not sent:
        return [], []
    known = {one.filename: one for one in results}
    pictures: list[Picture] = []
    words: list[str] = []
    with inference.asking(None) as asked:
        for name, content in sent:
            told, shown = _again(asked, name, content, known.get(name), heatmaps=heatmaps)
            words.append(told)
            pictures += shown
        version = asked.facts.version
    checked = (
        f"{len(sent)} images came with the request and were asked about again, by the model "
        f"{version}: see “Images asked about again”."
    )
    return [Section("Images asked about again", words, (), (), pictures)], [checked]


def _again(
    asked: Asked, name: str, content: bytes, given: GivenResult | None, *, heatmaps: bool
) -> tuple[str, list[Picture]]:
    try:
        made = asked.predict(content, name, MapWanted(measured=False) if heatmaps else None)
    except ValidationError as error:
        return f"{name}: {error.message}", []
    return f"{name}: {_beside(made, given)}", list(_pictures(made.heatmap))


def _beside(made: Prediction, given: GivenResult | None) -> str:
    """Whether what was sent is what the model says."""
    now = made.sentence
    if given is None or given.prediction is None:
        return f"{now} No answer was sent for it."
    pairs = [
        (sent, again)
        for sent, again in (
            (given.prediction.pneumonia_probability, made.share_of("PNEUMONIA")),
            (given.prediction.normal_probability, made.share_of("NORMAL")),
            (given.prediction.confidence, made.confidence),
        )
        if sent is not None and again is not None
    ]
    if not pairs:
        return f"{now} What was sent has no number that could be compared."
    off = max(abs(sent - again) for sent, again in pairs)
    if off <= AGREES:
        return f"{now} The numbers that were sent are the model's, to {AGREES:g}."
    return f"{now} The numbers that were sent differ from the model's by up to {off:.4f}."


def _rows(made: Prediction) -> list[list[object]]:
    pairs = zip(made.model.classes, made.probabilities, strict=True)
    kind = "calibrated probability" if made.calibrated else "probability, not calibrated,"
    shares: list[list[object]] = [[f"{kind} of {name}", number(share)] for name, share in pairs]
    band = made.withheld.band
    return [
        ["answer", made.answer or f"none: {' '.join(made.reasons)}"],
        *shares,
        ["threshold, fixed on validation", number(made.threshold)],
        [
            "no answer between",
            NOTHING if band is None else f"{number(band[0])} and {number(band[1])}",
        ],
        ["unlike the images of training", made.novelty.flagged],
        ["why", made.novelty.reason],
        ["size in pixels", f"{made.width} by {made.height}"],
        ["model", f"{made.model.version} ({made.model.run_name})"],
    ]


def _map(heatmap: HeatMap) -> Section:
    words = [] if heatmap.reason is None else [f"There is no map: {heatmap.reason}"]
    original = Picture(heatmap.original, "The image")
    return Section(
        "Which places the decision rests on",
        [*words, *heatmap.notes],
        (),
        (),
        [original, *_pictures(heatmap)],
    )


def _pictures(heatmap: HeatMap | None) -> Iterator[Picture]:
    if heatmap is not None and heatmap.picture is not None:
        yield Picture(
            heatmap.picture,
            f"{heatmap.method}: what raises the score of {heatmap.explained_class}",
        )


def _measured(heatmap: HeatMap) -> str:
    if heatmap.beats_controls is None:
        return "How faithful the map is was not measured."
    better = "does better than" if heatmap.beats_controls else "does NOT do better than"
    return f"The map was measured: it {better} every random order and the edges of the image."


def _worth(run: StoredRun) -> Section:
    """The tested figures of the model, so that nobody takes an answer for a truth."""
    part = run.evaluation["test"]
    if part is None:
        return Section("What the model is worth", [str(run.evaluation["test_reason"])])
    wanted = ("auroc", "sensitivity", "specificity", "accuracy", "ece")
    rows: list[list[object]] = [
        [in_words(name), number(figure["estimate"]), interval(figure), figure["sample_size"]]
        for name, figure in part["report"]["figures"].items()
        if name in wanted
    ]
    counted = COLUMNS[standing.known_in(run.split, "test").unit]
    table = Table(["figure of its test part", "estimate", "interval", counted], rows)
    told = [tested(standing.looks(run)), *standing.warnings(run.split)]
    return Section("What the model is worth", told, [Titled("Of the test part", table)])


def _limits(run: StoredRun, *, clinical: bool) -> Iterator[str]:
    yield NO_INTERPRETATION
    if clinical:
        yield "A clinical interpretation was asked for; none is given, for the reason above."
    yield f"Not for: {run.card['not_for']}"
