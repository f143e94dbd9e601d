"""The application on a copy of the trained data folder, asked as clients ask it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from deepmed.app import open_home
from deepmed.app.kinds import job_kinds
from deepmed.core.accounts.tables import Owner
from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.core.jobs.execution import execute
from deepmed.core.jobs.fencing import Run
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import settings as kit_settings
from deepmed.kit.pictures import encode_png
from factories import encoder, servers
from factories.drawings import line_drawing

PREFIX = "/api/v1"
LEASE_SECONDS = 300.0


@dataclass(frozen=True)
class Api:
    """A person's client of the application on an open data folder."""

    home: Home
    client: TestClient

    @classmethod
    def of(cls, home: Home) -> "Api":
        return cls(home, servers.client(home))

    @property
    def bench(self) -> Workbench:
        return Workbench.of(self.home)

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        answer: httpx.Response = self.client.request(method, PREFIX + path, **content)
        return answer

    def get(self, path: str, **content: Any) -> Any:
        """The JSON of what must succeed."""
        return self.json("GET", path, **content)

    def json(self, method: str, path: str, **content: Any) -> Any:
        answer = self.ask(method, path, **content)
        assert answer.is_success, answer.text
        return answer.json()

    def upload(self, picture: bytes, name: str = "drawing.png", **form: str) -> httpx.Response:
        files = {"file": (name, picture, "image/png")}
        return self.ask("POST", "/drawings/upload", files=files, data={"age_years": "7.5", **form})

    def upload_batch(self, files: list[tuple[str, bytes]], **form: str) -> httpx.Response:
        sent = [("files", file) for file in files]
        return self.ask("POST", "/drawings/batch/upload", files=sent, data=form)

    def work_off(self) -> int:
        """Run every queued job here and now; returns how many."""
        return work_off(self.home)

    def stranger(self) -> "Api":
        """Somebody else at the same server."""
        with self.home.database.write() as session:
            other = Owner(name="a stranger")
            session.add(other)
            session.flush()
        return Api.of(self.home.for_owner(other.id))


def work_off(home: Home) -> int:
    """Run every queued job of a data folder here and now; returns how many."""
    kinds, done = job_kinds(), 0
    while run := _claim(home, set(kinds)):
        execute(home, kinds, run, Event())
        done += 1
    return done


def _claim(home: Home, kinds: set[str]) -> Run | None:
    queues = {kind.queue for kind in job_kinds().values()}
    until = Run(0, "", LEASE_SECONDS).lease_until()
    with home.database.write_concurrently() as session:
        job = repository.claim(session, "tests", queues, kinds, lease_until=until)
        return job and Run(job.id, str(job.token), LEASE_SECONDS)


def picture(seed: int = 99, age: float = 7.5) -> bytes:
    """PNG bytes that no data folder has yet, another one for each seed."""
    return encode_png(line_drawing(seed, age))


@contextmanager
def api_on(folder: Path, **overrides: object) -> Iterator[Api]:
    home = open_home(kit_settings.load(home=folder, encoder=encoder.NAME, **overrides))
    with home:
        yield Api.of(home)


@pytest.fixture
def api(trained_home: Path) -> Iterator[Api]:
    """On a copy of the trained data folder of the test's own."""
    with api_on(trained_home, datasets_dir=trained_home / "datasets") as made:
        yield made


@pytest.fixture(scope="module")
def settled(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """On a copy that the tests of a module share, so they change nothing; three are analysed."""
    folder = tmp_path_factory.mktemp("settled") / "home"
    shutil.copytree(_trained, folder)
    with api_on(folder) as made:
        for drawing in (1, 2, 3):
            made.json("POST", f"/analysis/analyze/{drawing}")
        yield made


@pytest.fixture
def empty(home: Path, _migrated: Path) -> Iterator[Api]:
    """On an empty data folder."""
    shutil.copy(_migrated, home / "deepmed.db")
    with api_on(home) as made:
        yield made
