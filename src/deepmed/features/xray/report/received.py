"""What forms bring: results as text, and images with a limit."""

from collections.abc import Sequence

from fastapi import UploadFile
from pydantic import TypeAdapter
from pydantic import ValidationError as ShapeError

from deepmed.features.xray.inference.receiving import content_of, label_of
from deepmed.features.xray.report.asked import Sent
from deepmed.features.xray.report.schemas import (
    MOST_RESULTS,
    BatchReport,
    GivenResult,
    GivenSummary,
)
from deepmed.kit.errors import ValidationError
from deepmed.kit.settings import Settings

_RESULTS = TypeAdapter(list[GivenResult])


def batch_of(results_json: str, summary_json: str) -> BatchReport:
    """What two fields of a form hold.

    Raises:
        ValidationError: one is no JSON, or not of that shape.
    """
    try:
        results = _RESULTS.validate_json(results_json)
        summary = GivenSummary.model_validate_json(summary_json)
    except ShapeError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise ValidationError(
            f"results_json is a list and summary_json an object, as predict-batch answers them: "
            f"{place}: {first['msg']}. No report was made."
        ) from error
    if len(results) > MOST_RESULTS:
        raise ValidationError(
            f"{len(results)} results were sent and {MOST_RESULTS} are the most; no report was made."
        )
    return BatchReport(results=results, summary=summary)


def image_of(file: UploadFile, settings: Settings) -> Sent:
    """Raises TooLargeError, and UnreadableUploadError where it is empty."""
    return label_of(file.filename), content_of(file.file, settings)


def first_images(files: Sequence[UploadFile], most: int, settings: Settings) -> list[Sent]:
    """The first of them."""
    return [image_of(file, settings) for file in files[:most]]
