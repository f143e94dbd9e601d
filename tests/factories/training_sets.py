"""A folder of drawings that a training can be asked to take."""

from pathlib import Path
from typing import Any

from deepmed.features.drawings.samples.files import write_folder
from factories.drawings import line_drawing

NAME, TABLE = "classroom", "metadata.csv"


def write_set(root: Path, count: int = 40, name: str = NAME, **facts: Any) -> Path:
    """`count` drawings by as many children, in a folder of that name below `root`."""
    pictures = {f"drawing_{place}.png": line_drawing(place, 7.0) for place in range(count)}
    rows = [
        {
            "filename": file,
            "age_years": round(6 + place / count, 2),
            "child_id": f"child {place}",
            **facts,
        }
        for place, file in enumerate(pictures)
    ]
    return write_rows(root / name, pictures, rows)


def write_rows(folder: Path, pictures: dict[str, Any], rows: list[dict[str, Any]]) -> Path:
    write_folder(folder, pictures, TABLE, rows)
    return folder


def wanted(**changes: Any) -> dict[str, Any]:
    """A request for a short training on that folder."""
    return {
        "job_name": "a class",
        "environment": "local",
        "dataset_folder": NAME,
        "metadata_file": TABLE,
        "epochs": 3,
        "hidden_dims": [8, 2],
        **changes,
    }
