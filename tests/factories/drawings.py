"""Many small drawings in a data folder, in a moment."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from deepmed.features.drawings.tables import Child, Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.pictures import encode_png, pixel_hash

SIDE = 64
POOL = 40
"""Distinct pictures an age group; drawings share their files, as writing files takes the time."""


@dataclass(frozen=True)
class Sketch:
    """A drawing to be put into a data folder; `child` is a name, None for a child of its own."""

    age: float = 7.0
    child: str | None = None
    subject: str | None = "person"
    label: str | None = None
    blank: bool = False
    withdrawn: bool = False
    duplicate_of: int | None = None
    picture: int | None = None
    """Which picture of its age; by its place in the list when None."""


def line_drawing(seed: int, age: float) -> NDArray[np.uint8]:
    """A face with arms and legs on a 64 by 64 page; it grows, and sits lower, with age."""
    random = np.random.default_rng([seed, int(age * 12)])
    page = np.full((SIDE, SIDE, 3), 255, dtype=np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE]
    radius = 5 + age / 2 + random.normal(0, 0.8)
    middle = np.array([18 + age, 32]) + random.normal(0, 1.5, 2)
    distance = np.hypot(y - middle[0], x - middle[1])
    page[np.abs(distance - radius) < 1.2] = 0
    for foot in random.normal([26, 38], 2.5):
        for step in np.linspace(0, 1, 60):
            row = int(middle[0] + radius + step * 18)
            column = int(middle[1] + step * (foot - 32))
            page[row : row + 2, column : column + 2] = 0
    height, reach = int(middle[0] + radius + random.normal(4, 1)), int(random.normal(12, 2))
    page[height : height + 2, int(middle[1]) - reach : int(middle[1]) + reach] = 0
    return page


def sketches(count: int, age: float = 7.0, spread: float = 1.0, **facts: Any) -> list[Sketch]:
    """`count` drawings by as many children, spread evenly around an age."""
    ages = np.round(np.linspace(age - spread, age + spread, count), 3).tolist()
    return [Sketch(age=one, **facts) for one in ages]


def add_drawings(bench: Workbench, wanted: Sequence[Sketch]) -> list[int]:
    """Store the drawings with their pictures; returns their ids in the same order."""
    keys = [_store(bench, one, place) for place, one in enumerate(wanted)]
    with bench.database.write() as session:
        children = _children(session, bench.owner_id, wanted)
        rows = [
            _row(bench.owner_id, one, child, key) | {"pixel_hash": _pixels(session, one)}
            for one, child, key in zip(wanted, children, keys, strict=True)
        ]
        if not rows:
            return []
        found = session.scalars(
            insert(Drawing).returning(Drawing.id, sort_by_parameter_order=True), rows
        )
        return list(found)


def embed(bench: Workbench) -> None:
    bench.pipeline.process_batch()


def add_vectors(bench: Workbench, ids: Iterable[int], vectors: NDArray[np.float32]) -> None:
    """Give drawings vectors of the bench's encoder that no picture made."""
    rows = dict(zip(ids, vectors, strict=True))
    with bench.database.write() as session:
        bench.embeddings.batch_store_embeddings(session, rows, bench.encoding.identity)


def by_children(drawings: Sequence[Sketch], each: int) -> list[Sketch]:
    """The same drawings, `each` of them in a row by one child."""
    return [replace(one, child=f"child {place // each}") for place, one in enumerate(drawings)]


@cache
def _picture(seed: int, age: float) -> tuple[bytes, str]:
    image = line_drawing(seed, age)
    return encode_png(image), pixel_hash(image)


def _store(bench: Workbench, one: Sketch, place: int) -> str:
    data, digest = _picture(place % POOL if one.picture is None else one.picture, round(one.age))
    key = f"drawings/{digest}.png"
    if not bench.storage.exists(key):
        bench.storage.put(key, data)
    return key


def _pixels(session: Any, one: Sketch) -> str:
    """Only a duplicate has another's hash: that files are shared is this factory's affair."""
    if one.duplicate_of is None:
        return secrets.token_hex(32)
    return str(session.get_one(Drawing, one.duplicate_of).pixel_hash)


def _children(session: Any, owner_id: int, wanted: Sequence[Sketch]) -> list[int]:
    known = {one.child: 0 for one in wanted if one.child is not None}
    for code in known:
        row = Child(owner_id=owner_id, code=code)
        session.add(row)
        session.flush()
        known[code] = row.id
    alone = [one for one in wanted if one.child is None]
    made = iter(
        session.scalars(
            insert(Child).returning(Child.id, sort_by_parameter_order=True),
            [{"owner_id": owner_id, "code": None}] * len(alone),
        )
        if alone
        else ()
    )
    return [next(made) if one.child is None else known[one.child] for one in wanted]


def _row(owner_id: int, one: Sketch, child: int, key: str) -> dict[str, Any]:
    return {
        "owner_id": owner_id,
        "child_id": child,
        "filename": "drawing.png",
        "original_name": "drawing.png",
        "file_path": key,
        "source_hash": secrets.token_hex(32),
        "width": SIDE,
        "height": SIDE,
        "age_years": one.age,
        "age_precision": "decimal",
        "subject": one.subject,
        "expert_label": one.label,
        "ink_coverage": 0.0 if one.blank else 0.05,
        "is_blank": one.blank,
        "withdrawn": one.withdrawn,
        "duplicate_of": one.duplicate_of,
    }
