"""Decoding the images of a source, several at a time, and keeping their pixels."""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from deepmed.features.xray.errors import Rejection
from deepmed.features.xray.source.options import SourceOptions
from deepmed.features.xray.source.placing import PlacedImage
from deepmed.features.xray.source.reading import XrayReader
from deepmed.features.xray.source.stored import write_image
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.sources import Source

Progress = Callable[[int, int], None]
"""Called with how many images are done and how many there are; what it raises ends the work."""


@dataclass(frozen=True)
class TakenImage:
    """An image whose pixels are kept at `path` under the digest of that file.

    `patient_id` is the file's own and must not be stored.
    """

    placed: PlacedImage
    path: Path
    digest: str
    patient_id: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def take_images(
    source: Source,
    images: Sequence[PlacedImage],
    folder: Path,
    options: SourceOptions,
    progress: Progress | None = None,
) -> tuple[list[TakenImage], list[Rejection]]:
    """Read each image and keep its pixels; what cannot be read is named with its reason.

    Both lists are in the order of the images, however many are read at a time.
    """
    taken: list[TakenImage] = []
    rejected: list[Rejection] = []
    with closing(_each(source, images, folder, options)) as results:
        for done, found in enumerate(results, 1):
            if isinstance(found, TakenImage):
                taken.append(found)
            else:
                rejected.append(found)
            if progress:
                progress(done, len(images))
    return taken, rejected


def _each(
    source: Source, images: Sequence[PlacedImage], folder: Path, options: SourceOptions
) -> Generator[TakenImage | Rejection, None, None]:
    with ExitStack() as stack:
        readers: SimpleQueue[XrayReader] = SimpleQueue()
        opened = [stack.enter_context(XrayReader(options.reading)) for _ in range(options.workers)]
        for reader in opened:
            readers.put(reader)
        pool = stack.enter_context(ThreadPoolExecutor(options.workers))
        # Left early, what has not begun is dropped, and nobody waits for a file that takes long.
        for reader in opened:
            stack.callback(reader.abort)
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        yield from pool.map(partial(_take, source, readers, folder), images)


def _take(
    source: Source, readers: SimpleQueue[XrayReader], folder: Path, placed: PlacedImage
) -> TakenImage | Rejection:
    row = placed.image.rows[0] if placed.image.rows else None
    if placed.file.problem is not None:
        return Rejection(placed.file.name, placed.file.problem, row)
    reader = readers.get()
    try:
        image = reader.read(source.read(placed.file))
    except ImageProcessingError as error:
        return Rejection(placed.file.name, error.message, row)
    finally:
        readers.put(reader)
    digest, path = write_image(folder, image.pixels)
    return TakenImage(placed, path, digest, image.patient_id, image.attributes, image.notes)
