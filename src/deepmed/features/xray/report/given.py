"""Reports of answers that came with the request: printed as sent, and counted again."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import deepmed
from deepmed.core.home import Home
from deepmed.features.xray.inference.prediction import NO_INTERPRETATION
from deepmed.features.xray.inference.shown import small
from deepmed.features.xray.report.content import Picture, Report, Section, Titled
from deepmed.features.xray.report.gathering import number
from deepmed.features.xray.report.schemas import (
    BatchReport,
    GivenPrediction,
    GivenResult,
    GivenSummary,
    SingleReport,
)
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, ImageProcessingError, NotFoundError, ValidationError
from deepmed.kit.pictures import PictureLimits, encode_png, read_picture
from deepmed.kit.settings import Settings
from deepmed.web.charts import Table

MOST_PICTURES = 20
MOST_PIXELS = 200 * 10**6
"""Of all pictures of a report together, as they were sent; the last may go beyond."""
MOST_LETTERS = 300
"""Of a remark in a table."""
CLOSE = 1e-3
"""Numbers that were rounded for the wire still agree to this."""
_VERSION = re.compile(r"run_(\d{1,18})_([0-9a-f]{8})")
SENT = (
    "The numbers of this report came with the request. This server neither computed nor stored "
    "them, and what is said below under “What was checked” is all that it looked at."
)
POSITIVE, NEGATIVE = "PNEUMONIA", "NORMAL"


def single_report(home: Home, body: SingleReport) -> Report:
    """One answer, as it was sent.

    Raises:
        ValidationError: a picture cannot be read.
    """
    name = body.filename or "image"
    settings = home.settings
    pictures = _sent_pictures(body, name, settings, _Spent())
    contradictions = list(_contradictions(name, body.prediction))
    return _report(
        f"Answer for {name}",
        [
            Section(
                "The answer as it was sent",
                [f"The model is named {body.model_version!r}."],
                [Titled("Numbers", Table(["what", "value"], _rows(body.prediction)))],
                (),
                pictures,
            ),
            Section(
                "What was checked",
                [
                    *_agreement(contradictions, "The numbers of the answer agree with each other."),
                    _named_model(home, body.model_version),
                ],
            ),
            Section("Limits", list(_limits(told=body.clinical_interpretation is not None))),
        ],
    )


def batch_report(
    home: Home,
    body: BatchReport,
    *,
    pictures: bool,
    beside: Sequence[Section] = (),
    checked: Sequence[str] = (),
) -> Report:
    """Many answers, as they were sent, with the summary counted again.

    Args:
        home: the data folder.
        body: what was sent.
        pictures: whether those that were sent are printed.
        beside: further sections, behind the table.
        checked: what else was looked at, in words.

    Raises:
        ValidationError: a picture cannot be read.
    """
    found = [line for one in body.results for line in _contradictions_of(one)]
    counted = _counted(body.results)
    found += [
        f"The summary says {name.replace('_', ' ')} {sent}, and the results come to {again}."
        for name, sent, again in _beside(body.summary, counted)
        if sent is not None and not _same(sent, again)
    ]
    shown = _appended(body.results, home.settings) if pictures else []
    return _report(
        f"Answers for {len(body.results)} images",
        [
            Section(
                "Summary",
                [f"The model is named {body.model_version!r}."],
                [Titled("Counts", _summary_table(body.summary, counted))],
            ),
            Section(
                "Each image",
                (),
                [Titled("Answers as they were sent", _results_table(body.results), _WIDTHS)],
            ),
            *_appendix(shown, body.results, pictures=pictures),
            *beside,
            Section(
                "What was checked",
                [
                    *_agreement(
                        found,
                        "The numbers of each answer agree with each other, and the summary with "
                        "the answers.",
                    ),
                    _named_model(home, body.model_version),
                    *checked,
                ],
            ),
            Section("Limits", list(_limits(told=bool(body.summary.high_risk_count)))),
        ],
    )


_WIDTHS = (2.4, 1.4, 1.3, 1.4, 1.2, 2.3)


def _report(title: str, sections: Sequence[Section]) -> Report:
    return Report(
        title=title,
        subject="Answers of a classifier of X-rays, as they were sent",
        made=clock.now(),
        lead=[SENT],
        sections=sections,
        footer=f"Printed with DeepMed {deepmed.__version__}; nothing of the request was stored.",
    )


def _rows(prediction: GivenPrediction) -> list[list[object]]:
    return [
        ["predicted class", prediction.predicted_class],
        ["confidence", number(prediction.confidence)],
        ["probability of PNEUMONIA", number(prediction.pneumonia_probability)],
        ["probability of NORMAL", number(prediction.normal_probability)],
        ["remark", _remark(prediction)],
    ]


def _contradictions_of(one: GivenResult) -> Iterator[str]:
    if one.prediction is not None:
        yield from _contradictions(one.filename, one.prediction)
    if one.success and one.prediction is None:
        yield f"{one.filename}: it counts as answered, and there is no answer."


def _contradictions(name: str, given: GivenPrediction) -> Iterator[str]:
    ill, well = given.pneumonia_probability, given.normal_probability
    if ill is not None and well is not None and abs(ill + well - 1) > CLOSE:
        yield f"{name}: the two probabilities sum to {ill + well:.4f} and not to 1."
    own = {POSITIVE: ill, NEGATIVE: well}.get(given.predicted_class or "")
    if own is not None and given.confidence is not None and abs(own - given.confidence) > CLOSE:
        yield (
            f"{name}: the confidence is {given.confidence:.4f}, and the probability of the "
            f"predicted class {own:.4f}."
        )


def _agreement(contradictions: Sequence[str], otherwise: str) -> list[str]:
    if not contradictions:
        return [otherwise]
    told = contradictions[:MOST_PICTURES]
    more = len(contradictions) - len(told)
    return [
        "What was sent contradicts itself, so at least one of its numbers is wrong.",
        *told,
        *([f"And {more} more contradictions."] if more else []),
    ]


def _named_model(home: Home, version: str) -> str:
    """What is known here of the model that the request names."""
    known = _VERSION.fullmatch(version)
    if known:
        try:
            run = StoredRun.of(home, int(known[1]))
            if run.artifact.uid.startswith(known[2]):
                return (
                    f"A model of this name is run {run.run.id} ({run.run.run_description}) of this "
                    "server. Whether it gave these numbers was not checked: the images were not "
                    "asked about again."
                )
        except (NotFoundError, ConflictError):
            pass
    return "No model of this name is known here, so nothing is known of what it was tested on."


def _limits(*, told: bool) -> Iterator[str]:
    yield NO_INTERPRETATION
    if told:
        yield (
            "An interpretation, or a count of high risks, came with the request. It is not "
            "printed, for the reason above."
        )
    yield "A person decides, who has seen the images; this report is no finding."


def _counted(results: Sequence[GivenResult]) -> dict[str, float | int | None]:
    """The summary as the results come to it."""
    answered = [one.prediction for one in results if one.success and one.prediction is not None]
    sure = [one.confidence for one in answered if one.confidence is not None]
    decided = [one.predicted_class for one in answered]
    return {
        "total_images": len(results),
        "successful": sum(one.success for one in results),
        "failed": sum(not one.success for one in results),
        "pneumonia_count": decided.count(POSITIVE),
        "normal_count": decided.count(NEGATIVE),
        "avg_confidence": sum(sure) / len(sure) if sure else None,
    }


def _beside(
    summary: GivenSummary, counted: Mapping[str, float | int | None]
) -> Iterator[tuple[str, Any, Any]]:
    for name, again in counted.items():
        yield name, getattr(summary, name), again


def _same(sent: float, again: float | None) -> bool:
    return again is not None and abs(sent - again) <= CLOSE


def _summary_table(summary: GivenSummary, counted: Mapping[str, float | int | None]) -> Table:
    rows: list[list[object]] = [
        [name.replace("_", " "), _plain(again), _plain(sent)]
        for name, sent, again in _beside(summary, counted)
    ]
    return Table(["what", "counted here", "as it was sent"], rows)


def _plain(value: float | None) -> object:
    return number(value) if isinstance(value, float) else value


def _results_table(results: Sequence[GivenResult]) -> Table:
    columns = ["image", "class", "confidence", "PNEUMONIA", "NORMAL", "remark"]
    return Table(columns, [_result_row(one) for one in results])


def _result_row(one: GivenResult) -> list[object]:
    given = one.prediction
    if given is None:
        return [one.filename, None, None, None, None, _error(one) or "not answered"]
    shares = (given.confidence, given.pneumonia_probability, given.normal_probability)
    return [
        one.filename,
        given.predicted_class,
        *map(number, shares),
        _remark(given) or _error(one),
    ]


def _error(one: GivenResult) -> str:
    """In a line, so that a table does not grow by what anybody wrote."""
    words = " ".join((one.error or "").split())
    return words if len(words) <= MOST_LETTERS else f"{words[:MOST_LETTERS]} …"


def _remark(given: GivenPrediction) -> str | None:
    """What was sent beside the numbers."""
    if given.refused:
        return "refused: unlike the images of training"
    if "answer" in given.model_fields_set and given.answer is None:
        return "no answer: the model abstained"
    return None


@dataclass
class _Spent:
    """Pixels that were unpacked for a report."""

    pixels: int = 0


@dataclass(frozen=True)
class _Shown:
    filename: str
    pictures: list[Picture]


def _appended(results: Sequence[GivenResult], settings: Settings) -> list[_Shown]:
    found: list[_Shown] = []
    spent = _Spent()
    for one in results:
        if len(found) == MOST_PICTURES or spent.pixels >= MOST_PIXELS:
            break
        pictures = _sent_pictures(one, one.filename, settings, spent)
        if pictures:
            found.append(_Shown(one.filename, pictures))
    return found


def _sent_pictures(
    given: SingleReport | GivenResult, name: str, settings: Settings, spent: _Spent
) -> list[Picture]:
    return [
        *_sent_picture(given.original_image_base64, f"{name}, as it was sent", settings, spent),
        *_sent_picture(given.heatmap_base64, f"Map of {name}, as it was sent", settings, spent),
    ]


def _appendix(
    shown: Sequence[_Shown], results: Sequence[GivenResult], *, pictures: bool
) -> Iterator[Section]:
    sent = sum(bool(one.heatmap_base64 or one.original_image_base64) for one in results)
    if not pictures or not sent:
        return
    words = [f"Pictures of {len(shown)} of {sent} images that came with some."]
    if len(shown) < sent:
        words.append(
            f"A report shows those of {MOST_PICTURES} images at most, and unpacks "
            f"{MOST_PIXELS // 10**6} million pixels at most."
        )
    yield Section("Pictures", words, (), (), [each for one in shown for each in one.pictures])


def _sent_picture(
    text: str | None, caption: str, settings: Settings, spent: "_Spent"
) -> Iterator[Picture]:
    """As large as it is shown, not as it was sent."""
    if not text:
        return
    try:
        content = base64.b64decode(text.partition("base64,")[2] or text, validate=True)
        limits = PictureLimits(settings.max_file_bytes, settings.max_pixels, 1)
        picture = read_picture(content, limits)
    except (binascii.Error, ValueError, ImageProcessingError) as error:
        reason = error.message if isinstance(error, ImageProcessingError) else "it is no Base64."
        raise ValidationError(
            f"The picture “{caption}” cannot be read: {reason} No report was made. Leave the "
            "picture out, or send it as PNG or JPEG in Base64."
        ) from error
    spent.pixels += picture.pixels.shape[0] * picture.pixels.shape[1]
    yield Picture(encode_png(small(picture.pixels)), caption)
