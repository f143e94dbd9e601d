"""Drawings on their way to Amazon: re-encoded, and under numbers instead of names."""

import csv
import io
from collections.abc import Callable, Iterator

from deepmed.features.drawings.training.datasets import DatasetPlace
from deepmed.features.drawings.training.looking import known_of, opened
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import PictureLimits, encode_png, read_picture
from deepmed.kit.settings import Settings

TABLE = "metadata.csv"
_COLUMNS = ("filename", "age_years", "subject", "expert_label", "child_id")


def anonymous(
    place: DatasetPlace, settings: Settings, progress: Callable[[int, int], None]
) -> Iterator[tuple[str, bytes]]:
    """Files by their new names: pictures without metadata, then the table that describes them.

    A child is a number, and so is a file: what people wrote there may be a name. Prompts, tools and
    everything else that training does not look at stay here.
    """
    limits = PictureLimits.of(settings)
    rows: list[list[object]] = []
    children: dict[str, str] = {}
    with opened(place, settings) as (source, plan):
        for number, planned in enumerate(plan.drawings, 1):
            progress(number, len(plan.drawings))
            try:
                pixels = read_picture(source.read(planned.file), limits).pixels
            except ImageProcessingError:
                continue  # it would be left out of the training anyway
            known, name = known_of(planned), f"{number:06d}.png"
            code = known.child_id
            child = "" if code is None else children.setdefault(code, str(len(children) + 1))
            rows.append([name, f"{known.age_years:.4f}", known.subject, known.expert_label, child])
            yield name, encode_png(pixels)
    yield TABLE, _table(rows)


def _table(rows: list[list[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    writer.writerows(["" if value is None else str(value) for value in row] for row in rows)
    return buffer.getvalue().encode()
