"""The images with which an exported model is checked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.loading import LoadedModel
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source import DataSource, read_image
from deepmed.kit import seeds
from deepmed.kit.errors import ImageProcessingError, IntegrityError
from deepmed.kit.pictures import Pixels

MADE_UP = 8
_SIDES = (300, 240)
VALIDATION = "validation"
Tensor = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Samples:
    """Prepared images, and what the model is known to say of each.

    Attributes:
        images: (1, C, H, W) each, one at a time.
        expected: probability of each, of the second class or one a class.
        records: of each as its run has it; none of made-up images.
        what: which images these are, in words.
    """

    images: Iterator[Tensor]
    expected: Sequence[Any]
    records: Sequence[dict[str, Any]]
    what: str


def paths_of(run: StoredRun) -> dict[str, Any] | None:
    """The files of a run's images by name; none where they are not on this machine."""
    try:
        rows = DataSource.load(folder_of(run.home, run.run) / "source").rows
    except IntegrityError:
        return None
    return {row.image_id: row.path for row in rows}


def stored(run: StoredRun, model: LoadedModel, parts: Sequence[str], most: int) -> Samples | None:
    """Images of some parts with their stored probabilities, drawn by the run's seed.

    None where the run's images are not on this machine.
    """
    paths = paths_of(run)
    if paths is None:
        return None
    records = [one for part in parts for one in run.predictions.get(part, ())]
    seed = run.run.configuration["system"]["seed"]
    order = seeds.generator(seed, "export").permutation(len(records))[:most]
    chosen = [records[place] for place in sorted(order.tolist())]

    def images() -> Iterator[Tensor]:
        for one in chosen:
            yield _prepared(model, _read(paths[one["image"]]))

    what = f"{len(chosen)} of {len(records)} images of {' and '.join(parts)}"
    return Samples(images(), [one["probability"] for one in chosen], chosen, what)


def made_up(model: LoadedModel) -> Samples:
    """Noise, of which the model itself says what is expected."""
    pictures = [
        seeds.generator(place, "export").integers(0, 256, (*_SIDES, 3), dtype=np.uint8)
        for place in range(MADE_UP)
    ]
    expected = [model.probability(one) for one in pictures]
    images = (_prepared(model, one) for one in pictures)
    return Samples(
        images, expected, [], f"{MADE_UP} made-up images, as the run's own are not on this machine"
    )


def _read(path: Any) -> Pixels:
    try:
        return read_image(path)
    except (OSError, ImageProcessingError) as error:
        raise IntegrityError(
            f"The stored image {path.name} cannot be read again, so the export was not checked and "
            "nothing was written. `deepmed verify` names what is damaged."
        ) from error


def _prepared(model: LoadedModel, image: Pixels) -> Tensor:
    found: Tensor = model.tensor(image).numpy()
    return found
