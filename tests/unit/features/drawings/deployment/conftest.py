"""A model that leaves one installation and comes into use in another."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deepmed.core.registry.keys import full_fingerprint
from deepmed.core.registry.tables import Artifact
from deepmed.core.registry.transfer import PackageTransfer
from deepmed.features.drawings.deployment.exporter import ModelExporter
from deepmed.features.drawings.deployment.metadata import ModelExportMetadata
from deepmed.features.drawings.deployment.service import (
    ModelDeployment,
    ModelDeploymentConfig,
    ModelDeploymentService,
)
from deepmed.features.drawings.workbench import Workbench
from factories.homes import open_bench
from factories.shared import made_once

MODEL = 2
"""The trained model of 6 to under 9 years."""
Move = Callable[[Workbench, str, Workbench], Artifact]


@pytest.fixture(scope="session")
def _exported(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained data folder with an export, made once a run of the tests."""

    def make(folder: Path) -> None:
        shutil.copytree(_trained, folder / "home")
        opened = open_bench(folder / "home")
        ModelExporter(opened).export_model_direct(MODEL)
        opened.database.close()

    return made_once(tmp_path_factory, "exported_model", make) / "home"


@pytest.fixture
def trained_home(request: pytest.FixtureRequest, home: Path, _trained: Path) -> Path:
    """The export is in it where a test asks for it."""
    asked = "exported" in request.fixturenames
    source = request.getfixturevalue("_exported") if asked else _trained
    shutil.copytree(source, home, dirs_exist_ok=True)
    return home


@pytest.fixture
def exported(trained: Workbench) -> ModelExportMetadata:
    (found,) = ModelExporter(trained).list_exported_models()
    return found


@pytest.fixture
def elsewhere(migrated_folder: Callable[[str], Path]) -> Iterator[Workbench]:
    """Another installation, with keys of its own and nothing in it."""
    opened = open_bench(migrated_folder("elsewhere"))
    yield opened
    opened.database.close()


@pytest.fixture
def move(tmp_path: Path) -> Move:
    """Exports an artefact to a file and imports that elsewhere."""

    def carry(sender: Workbench, uid: str, receiver: Workbench) -> Artifact:
        file = tmp_path / f"{uid}.zip"
        PackageTransfer.of(sender.registry, sender.settings.home / "keys").export(uid, file)
        keys = receiver.settings.home / "keys"
        seen = full_fingerprint(sender.registry.keys.public_key)
        return PackageTransfer.of(receiver.registry, keys).import_file(file, seen)

    return carry


def deploy(
    bench: Workbench, name: str, ages: tuple[float, float] = (6.0, 9.0), **wishes: bool
) -> ModelDeployment:
    config = ModelDeploymentConfig(name, *ages, **wishes)
    return ModelDeploymentService(bench).deploy_model(config)
