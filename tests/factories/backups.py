"""Data folders to back up: drawings with their files, and somebody who keeps writing."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.features.drawings.tables import Child, Drawing, DrawingEmbedding
from deepmed.kit.ids import new_uid

ODD = "\u00e4 \u6f22 '\"; DROP TABLE drawings --\n=1+1"
"""What a careless stream of rows would stumble over."""


def add_drawing(home: Home, **facts: object) -> int:
    """A drawing with its picture's file and a vector."""
    key = f"uploads/drawings/{new_uid()}.png"
    home.storage.put(key, key.encode() * 20)
    with home.database.write() as session:
        return row(session, home.owner_id, key, **facts).id


def row(session: Session, owner_id: int, key: str, **facts: object) -> Drawing:
    child = Child(owner_id=owner_id)
    session.add(child)
    session.flush()
    values: dict[str, object] = {
        "filename": key.rpartition("/")[2],
        "original_name": "drawing.png",
        "source_hash": new_uid() * 2,
        "pixel_hash": new_uid() * 2,
        "width": 64,
        "height": 64,
        "age_years": 7.123456789012345,
        "age_precision": "year",
        "prompt": ODD,
        "ink_coverage": 1 / 3,
        **facts,
    }
    drawing = Drawing(owner_id=owner_id, child_id=child.id, file_path=key, **values)
    session.add(drawing)
    session.flush()
    vector = DrawingEmbedding(
        drawing_id=drawing.id,
        encoder="test",
        encoder_name="test",
        encoder_version="1",
        weight_hash="0" * 64,
        preprocessing_version="1",
        vector_dimension=4,
        vector_hash="0" * 64,
        embedding_vector=bytes(range(256)),
    )
    session.add(vector)
    session.flush()
    return drawing


def delete_drawing(home: Home, drawing_id: int) -> None:
    """The row first and its file after it, as the product does it."""
    with home.database.write() as session:
        drawing = session.get_one(Drawing, drawing_id)
        key = drawing.file_path
        session.delete(drawing)
    home.storage.delete(key)


def pictures(home: Home) -> dict[str, bytes]:
    """The file of every drawing that is there; a missing one is an error."""
    with home.database.read() as session:
        keys = list(session.scalars(select(Drawing.file_path)))
    return {key: home.storage.get(key) for key in keys}


@contextmanager
def busy(home: Home) -> Iterator[list[int]]:
    """Somebody who adds and deletes drawings all the time; the number of each deed done."""
    deeds: list[int] = []
    enough = threading.Event()

    def work() -> None:
        held = [add_drawing(home) for _ in range(3)]
        while not enough.is_set():
            held.append(add_drawing(home))
            delete_drawing(home, held.pop(0))
            deeds.append(len(deeds))

    writer = threading.Thread(target=work, daemon=True)
    writer.start()
    while not deeds:
        time.sleep(0.005)
    try:
        yield deeds
    finally:
        enough.set()
        writer.join()
