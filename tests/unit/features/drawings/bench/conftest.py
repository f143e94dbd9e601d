"""Small material for the benchmark: generated drawings in a ZIP that looks like the real one."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deepmed.features.drawings.bench import encoders
from deepmed.features.drawings.bench.collection import (
    Collection,
    SampleSets,
    make_sample_sets,
    read_real_drawings,
)
from deepmed.features.drawings.bench.material import Material, real_material
from deepmed.features.drawings.samples.maker import draw
from deepmed.kit.seeds import generator
from deepmed.kit.settings import Settings
from deepmed.learning.encoders import Encoder, get_encoder
from factories.bench import TINY

CHILDREN = 70
AGES = (4, 5, 6, 7, 8)
SUBJECTS = {"bird": "house", "dog": "person"}
"""The names that the real file has, and what stands for them here."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _installed_encoders_alone() -> Iterator[None]:
    """Other tests register encoders of their own in this process; here they are not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "available_encoders", lambda: ["hog-pyramid"])
        yield


@pytest.fixture(scope="session")
def bench_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), device="cpu")


@pytest.fixture(scope="session")
def drawings_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawings by 70 children of 4 to 8, 35 a subject, named as the real ones are."""
    path = tmp_path_factory.mktemp("data") / "drawings.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for child in range(CHILDREN):
            name = sorted(SUBJECTS)[child % 2]
            age = AGES[child // 2 % len(AGES)]
            sheet = draw(age, SUBJECTS[name], generator(0, "bench test", child)).finish()
            small = Image.fromarray(sheet).resize((112, 112), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            small.save(buffer, "PNG")
            archive.writestr(f"{name}/{name}_sketch_age{age}_{child:03d}.png", buffer.getvalue())
    return path


@pytest.fixture(scope="session")
def drawings(drawings_zip: Path, bench_settings: Settings) -> Collection:
    return read_real_drawings(drawings_zip, bench_settings)


@pytest.fixture(scope="session")
def sample_sets() -> SampleSets:
    return make_sample_sets(0, TINY.further_per_group, TINY.sources_per_group)


@pytest.fixture(scope="session")
def material(drawings: Collection) -> Material:
    return real_material(drawings, per_kind=15, seed=0)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return get_encoder("hog-pyramid", device="cpu")


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)
