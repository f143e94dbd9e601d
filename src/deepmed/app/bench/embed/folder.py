"""A data folder of drawings with pictures, to be embedded and then removed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from deepmed.app.bench.platform.drawings import CHUNK, insert, new_drawing
from deepmed.app.opening import open_home
from deepmed.features.drawings.samples.maker import make_samples
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.pictures import Pixels, encode_png
from deepmed.kit.settings import load


@contextmanager
def filled(count: int, seed: int, encoder: str) -> Iterator[Workbench]:
    """So many drawings that show the sample drawings in turn, none of them embedded."""
    with TemporaryDirectory() as name:
        settings = load(home=Path(name) / "home", encoder=encoder)
        with open_home(settings) as home:
            bench = Workbench.of(home)
            _add(bench, count, seed)
            yield bench


@cache
def samples(seed: int) -> tuple[Pixels, ...]:
    return tuple(sample.image for sample in make_samples(seed))


def _add(bench: Workbench, count: int, seed: int) -> None:
    files = _store(bench, samples(seed))
    for start in range(0, count, CHUNK):
        drawings = [
            new_drawing(bench.owner_id, file_path=files[place % len(files)])
            for place in range(start, min(start + CHUNK, count))
        ]
        with bench.database.write() as session:
            insert(session, drawings)


def _store(bench: Workbench, images: Sequence[Pixels]) -> list[str]:
    names = [f"drawings/bench-{place:03d}.png" for place in range(len(images))]
    for name, image in zip(names, images, strict=True):
        bench.storage.put(name, encode_png(image))
    return names
