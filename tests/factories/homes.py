"""Data folders ready for a test: an empty one, and a trained one that each test copies."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from deepmed.app import open_home
from deepmed.core.accounts.tables import Owner
from deepmed.core.registry.keys import open_keys
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.ranges import AgeRange, parse_groups
from deepmed.features.drawings.models.training import GroupTraining, TrainingRun, Use
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import settings as kit_settings
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService
from factories import encoder
from factories.drawings import Sketch, add_drawings, add_vectors, by_children, embed, sketches
from factories.shared import made_once

QUICK = GroupTrainingConfig(detector="knn", planted_sources=1, comparison_drawings=40)
MEASURED = QUICK.model_copy(update={"planted_sources": 6})
"""Enough planted drawings for every figure to have its interval."""
PLAN = "3-6,6-9,9-12"


def open_bench(home: Path, **overrides: object) -> Workbench:
    """The bench of a data folder with the small encoder; close its database afterwards."""
    opened = open_home(kit_settings.load(home=home, encoder=encoder.NAME, **overrides))
    return Workbench(
        opened.settings, opened.database, opened.storage, opened.registry, opened.owner_id
    )


def train(
    bench: Workbench,
    plan: str | Sequence[AgeRange] = PLAN,
    config: GroupTrainingConfig = QUICK,
    use: Use = Use.REFUSE,
) -> TrainingRun:
    groups = parse_groups(plan) if isinstance(plan, str) else plan
    return GroupTraining(bench, config).train(groups, use)


def stranger(bench: Workbench) -> Workbench:
    """The bench of somebody else on the same data folder."""
    with bench.database.write() as session:
        other = Owner(name="a stranger")
        session.add(other)
        session.flush()
    registry = ArtifactRegistry(bench.database, bench.storage, bench.registry.keys, other.id)
    return Workbench(bench.settings, bench.database, bench.storage, registry, other.id)


def three_groups() -> list[Sketch]:
    """45 drawings a group, most by a child of its own, some by one child together.

    Beside them stand drawings that must not train: labelled, blank and withdrawn ones.
    """
    typical = [
        one for age in (4.5, 7.5, 10.5) for one in sketches(42, age, spread=1.2, subject="person")
    ]
    together = [
        one
        for age in (4.0, 7.0, 10.0)
        for one in by_children(sketches(6, age, spread=0.4, subject="house"), each=2)
    ]
    named = [
        Sketch(age=one.age, child=f"{one.child} of {one.age:.0f}", subject=one.subject)
        for one in together
    ]
    left_out = [
        Sketch(age=7.0, label="concern", picture=1),
        Sketch(age=7.1, label="severe", picture=2),
        Sketch(age=7.2, blank=True, picture=3),
        Sketch(age=7.3, withdrawn=True, picture=4),
        Sketch(age=7.4, label="normal", picture=5),
    ]
    return [*typical, *named, *left_out]


def alike(bench: Workbench) -> Workbench:
    """Two groups of 40 whose vectors say nothing of their ages."""
    ids = add_drawings(bench, [*sketches(40, 4.5), *sketches(40, 7.5)])
    add_vectors(bench, ids, np.random.default_rng(7).normal(size=(80, 64)).astype(np.float32))
    return bench


@pytest.fixture
def bench(home: Path, database: Database, storage: FileStorageService, owner_id: int) -> Workbench:
    """An empty data folder with the small encoder."""
    settings: Settings = kit_settings.load(encoder=encoder.NAME)
    registry = ArtifactRegistry(database, storage, open_keys(home / "keys"), owner_id)
    return Workbench(settings, database, storage, registry, owner_id)


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trained groups with their pool, made once a run of the tests."""

    def make(folder: Path) -> None:
        made = open_bench(folder / "home")
        add_drawings(made, three_groups())
        embed(made)
        train(made, config=MEASURED)
        made.database.close()

    return made_once(tmp_path_factory, "trained_groups", make) / "home"


@pytest.fixture
def trained_home(home: Path, _trained: Path) -> Path:
    """A copy of the trained data folder, named by DEEPMED_HOME."""
    shutil.copytree(_trained, home, dirs_exist_ok=True)
    return home


@pytest.fixture
def trained(trained_home: Path) -> Iterator[Workbench]:
    opened = open_bench(trained_home)
    yield opened
    opened.database.close()


@pytest.fixture
def second_bench(bench: Workbench, migrated_folder: Callable[[str], Path]) -> Iterator[Workbench]:
    """Another empty data folder beside the first."""
    opened = open_bench(migrated_folder("second"))
    yield opened
    opened.database.close()
