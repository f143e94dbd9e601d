"""A folder of drawings that a training can be asked to take."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

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


@contextmanager
def in_amazon(server: str) -> Iterator[None]:
    """Credentials for the tests' own server of Amazon's interface, for this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", server)
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "opens nothing")
        yield
