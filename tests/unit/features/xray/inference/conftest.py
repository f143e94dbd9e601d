"""One data folder with a completed run whose network was not trained, and a client of it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit import settings as kit_settings
from factories import servers
from factories.shared import made_once
from factories.xray import write_films
from factories.xray_runs import publish_untrained

RUN = 1
PATIENTS = 130
PARTS = ("validation_split=0.7", "test_split=0.1")
"""Of validation 80 patients and more, so that it can say which images are unusual."""


@dataclass(frozen=True)
class Ward:
    """A data folder with run 1, the films that it was made of, and somebody who asks."""

    home: Home
    client: TestClient
    films: Path

    @property
    def run(self) -> StoredRun:
        return StoredRun.of(self.home, RUN)

    def film(self, name: str = "f1-0") -> bytes:
        return (self.films / "Images" / f"{name}.png").read_bytes()

    def post(self, path: str, content: bytes, name: str = "film.png", **query: Any) -> Any:
        sent = {"file": (name, content, "image/png")}
        return self.client.post(f"/api/inference{path}", files=sent, params=query)


@pytest.fixture(scope="session")
def _published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        films = write_films(folder / "films", PATIENTS)
        with open_home(kit_settings.load(home=folder / "home")) as home:
            publish_untrained(home, films, *PARTS)

    return made_once(tmp_path_factory, "untrained_on_xrays", make)


@pytest.fixture(scope="session")
def ward(_published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """For tests that change nothing that others see."""
    folder = tmp_path_factory.mktemp("ward") / "home"
    shutil.copytree(_published / "home", folder)
    with open_home(kit_settings.load(home=folder)) as home:
        yield Ward(home, servers.client(home), _published / "films")
