from pathlib import Path

import pytest

from deepmed.core.registry.contents import SIGNATURE
from deepmed.core.registry.folders import load_folder, write_folder
from deepmed.core.registry.keys import SigningKeys, open_keys
from deepmed.core.registry.manifest import FileSum, Package
from deepmed.core.registry.packages import write_package
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.kit.errors import ConflictError, IntegrityError, PathRefusedError

from .conftest import FILES, Publish


@pytest.fixture
def copy(registry: ArtifactRegistry, publish: Publish, tmp_path: Path) -> Path:
    return registry.copy_to(publish().uid, tmp_path / "copies" / "model")


@pytest.mark.req("P-8.1")
def test_a_copy_loads_without_the_registry(
    copy: Path, registry: ArtifactRegistry, keys: SigningKeys
) -> None:
    package = load_folder(copy, keys.public_key)
    assert package.files == FILES
    assert package.manifest == registry.package(package.manifest.uid).manifest
    assert sorted(path.name for path in copy.parent.iterdir()) == ["model"]


@pytest.mark.req("S-9.3")
@pytest.mark.parametrize("name", [*FILES, "manifest.json", SIGNATURE])
def test_one_changed_byte_in_a_copy_is_refused(name: str, copy: Path, keys: SigningKeys) -> None:
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(IntegrityError, match=name.rpartition("/")[2]):
        load_folder(copy, keys.public_key)
    (copy / name).unlink()
    with pytest.raises(IntegrityError, match="missing"):
        load_folder(copy, keys.public_key)


@pytest.mark.req("S-9.3")
def test_a_copy_is_refused_with_anybody_elses_key(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="another key"):
        load_folder(copy, open_keys(tmp_path / "stranger").public_key)


def test_a_signed_manifest_cannot_name_files_outside_its_folder(
    registry: ArtifactRegistry, publish: Publish, keys: SigningKeys, tmp_path: Path
) -> None:
    from dataclasses import replace

    secret = tmp_path / "secret.json"
    secret.write_bytes(b"{}")
    package = registry.package(publish().uid)
    files = {"../secret.json": FileSum.of(b"{}")}
    evil = Package(replace(package.manifest, files=files), {})
    folder = tmp_path / "evil"
    folder.mkdir()
    write_package(evil, keys, lambda name, content: (folder / name).write_bytes(content))
    with pytest.raises(PathRefusedError):
        load_folder(folder, keys.public_key)


def test_a_folder_that_is_there_is_left_alone(
    copy: Path, registry: ArtifactRegistry, publish: Publish
) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with pytest.raises(ConflictError, match="new name"):
        registry.copy_to(publish().uid, copy)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_what_a_killed_copy_left_is_replaced(tmp_path: Path) -> None:
    unfinished = tmp_path / ".model.unfinished"
    unfinished.mkdir()
    (unfinished / "old.json").write_bytes(b"{}")
    write_folder(tmp_path / "model", {"new.json": b"{}"})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["new.json"]
