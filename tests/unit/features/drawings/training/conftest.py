"""A folder of drawings, prepared with the small encoder."""

from pathlib import Path
from typing import Any

import pytest

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.training.config.models import DataConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.preparing import TrainingData, prepare
from deepmed.features.drawings.training.vectors import VectorStore
from deepmed.kit import settings as kit_settings
from deepmed.kit.storage import FileStorageService
from factories import encoder
from factories.drawings import line_drawing
from factories.training_sets import NAME, TABLE, write_rows


@pytest.fixture
def service(tmp_path: Path) -> EmbeddingService:
    settings = kit_settings.load(
        home=tmp_path / "home", encoder=encoder.NAME, datasets_dir=tmp_path / "datasets"
    )
    return EmbeddingService(settings, FileStorageService("memory:///"))


@pytest.fixture(scope="session")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """91 drawings: 20 children with two each, others alone; labelled, blank and copied ones."""
    root = tmp_path_factory.mktemp("classrooms")
    pictures: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []

    def add(name: str, picture: Any, child: str, label: str = "") -> None:
        pictures[name] = picture
        age = round(6 + len(rows) / 60, 2)
        rows.append({"filename": name, "age_years": age, "child_id": child, "expert_label": label})

    for place in range(80):
        child = f"c{place % 20}" if place < 40 else ("" if place % 2 else f"c{place}")
        add(f"p{place}.png", line_drawing(place, 7.0), child, "normal" if place % 3 else "")
    for place in range(7):
        add(f"odd{place}.png", line_drawing(200 + place, 14.0), f"odd child {place}", "concern")
    add("odd_known.png", line_drawing(300, 14.0), "c0", "severe")
    add("blank.png", line_drawing(1, 7.0) * 0 + 255, "c1")
    add("copy.png", line_drawing(3, 7.0), "c70")
    add("broken.png", line_drawing(400, 7.0), "c71")
    write_rows(root / NAME, pictures, rows)
    (root / NAME / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    return root


def prepared(service: EmbeddingService, root: Path, **config: Any) -> TrainingData:
    dataset = Dataset(str(root / NAME), TABLE, by_path=True)
    return prepare(
        dataset.find(service.settings),
        service,
        DataConfig(**config),
        config.pop("seed", 0),
        vectors=VectorStore(service.identity.key),
        progress=lambda _done, _total: None,
    )


@pytest.fixture(scope="session")
def data(classroom: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Prepared with half of the children to train on; nobody may change it."""
    settings = kit_settings.load(home=tmp_path_factory.mktemp("home"), encoder=encoder.NAME)
    service = EmbeddingService(settings, FileStorageService("memory:///"))
    return prepared(service, classroom, train_split=0.45, validation_split=0.25, test_split=0.3)
