"""Images of a run or an upload as pages show them, and what augmentation makes of them."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepmed.features.xray.pages.content import configure
from deepmed.features.xray.pages.content.kept import images_of, split_of
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.source.stored import read_image, thumbnail
from deepmed.features.xray.uploads import Uploads
from deepmed.features.xray.uploads import look as looking
from deepmed.kit.errors import NotFoundError
from deepmed.kit.pictures import Pixels
from deepmed.web.downloads import picture_address

SIDE = 320
"""Longest side of an image that is looked at."""
SHOWN, TIMES = 2, 4
"""Images whose augmentation is shown, and how often each."""
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Augmented:
    """An image as validation sees it, and as training may see it; addresses of pictures."""

    plain: str
    changed: tuple[str, ...]


def of_run(runs: XrayRuns, run_id: int, digest: str) -> bytes:
    """A small PNG of an image of a run. Raises NotFoundError."""
    return thumbnail(_path(runs, run_id, digest), SIDE)


def of_upload(runs: XrayRuns, uid: str, number: int) -> Path:
    """An image that was shown of an upload. Raises NotFoundError."""
    found = looking.sample(Uploads(runs.home).get(uid), number)
    if found is None:
        raise NotFoundError(f"There is no image {number} of this data set.")
    return found


def augmentation_of_upload(
    runs: XrayRuns, uid: str, level: int | None, values: Mapping[str, str]
) -> dict[str, Any]:
    """What the settings of a form make of images of an upload. Raises NotFoundError."""
    shown = looking.samples(Uploads(runs.home).get(uid))
    return _augmented(shown, level, values, None)


def augmentation_of_run(
    runs: XrayRuns, run_id: int, level: int | None, values: Mapping[str, str]
) -> dict[str, Any]:
    """What the settings of a form make of images of a run. Raises NotFoundError."""
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    split, folder = split_of(runs.home, stored), images_of(runs.home, stored)
    rows = [] if split is None or folder is None else split["parts"]["train"]
    first = {row[2]: row[1] for row in reversed(rows)}
    shown = [read_image(_path(runs, run_id, digest)) for _, digest in sorted(first.items())]
    return _augmented(shown, level, values, stored.run.configuration)


def _augmented(
    images: list[Pixels],
    level: int | None,
    values: Mapping[str, str],
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    from deepmed.features.xray.pages import augmenting  # noqa: PLC0415 - torch and MONAI

    config = configure.configuration(level, values, before).config
    chosen = images[:: max(1, len(images) // SHOWN)][:SHOWN]
    return {
        "augmented": [
            Augmented(
                picture_address(_png(plain)), tuple(picture_address(_png(one)) for one in each)
            )
            for plain, each in augmenting.views(chosen, config, TIMES)
        ],
        "strength": config.experiment.augmentation_strength,
        "may_flip": config.experiment.may_flip,
        "size": config.system.img_size,
    }


def _path(runs: XrayRuns, run_id: int, digest: str) -> Path:
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    folder = images_of(runs.home, stored)
    path = (folder or Path()) / digest[:2] / f"{digest}.png"
    if folder is None or not _DIGEST.fullmatch(digest) or not path.is_file():
        raise NotFoundError(f"Run {run_id} has no such image here.")
    return path


def _png(pixels: Pixels) -> bytes:
    from PIL import Image  # noqa: PLC0415 - with what it is for

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
