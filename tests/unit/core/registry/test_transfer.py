"""Artefacts between two installations that have never met."""

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from deepmed.core.audit.repository import history
from deepmed.core.registry.keys import full_fingerprint, open_keys
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.core.registry.tables import Artifact
from deepmed.core.registry.transfer import PUBLIC_KEY, PackageTransfer
from deepmed.core.registry.trust import UntrustedKeyError
from deepmed.kit.database import Database
from deepmed.kit.errors import (
    ConflictError,
    IntegrityError,
    NotFoundError,
    ValidationError,
)
from deepmed.kit.storage import FileStorageService

from .conftest import FILES, Publish


@pytest.fixture
def sender(registry: ArtifactRegistry, home: Path) -> PackageTransfer:
    return PackageTransfer.of(registry, home / "keys")


@pytest.fixture
def receiver(database: Database, tmp_path: Path, other_owner_id: int) -> PackageTransfer:
    """Another installation: its own keys and files; an owner of its own stands for its database."""
    keys = tmp_path / "elsewhere" / "keys"
    storage = FileStorageService((tmp_path / "elsewhere" / "files").as_uri())
    return PackageTransfer.of(
        ArtifactRegistry(database, storage, open_keys(keys), other_owner_id), keys
    )


@pytest.fixture
def file(sender: PackageTransfer, publish: Publish, tmp_path: Path) -> Path:
    target = tmp_path / "model.zip"
    sender.export(publish(card={"intended_use": "moving"}).uid, target)
    return target


def fingerprint(sender: PackageTransfer) -> str:
    return full_fingerprint(sender.registry.keys.public_key)


def changed(file: Path, name: str, content: bytes | None) -> Path:
    """The same ZIP with another content of one file, or without it."""
    with zipfile.ZipFile(file) as old:
        held = {one: old.read(one) for one in old.namelist()}
    held.pop(name, None)
    if content is not None:
        held[name] = content
    other = file.with_name("changed.zip")
    with zipfile.ZipFile(other, "w") as new:
        for one, data in held.items():
            new.writestr(one, data)
    return other


def count(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(Artifact)).all())


@pytest.mark.req("P-8.1")
def test_an_artefact_arrives_as_it_left(
    sender: PackageTransfer, receiver: PackageTransfer, file: Path
) -> None:
    row = receiver.import_file(file, fingerprint(sender))
    taken = receiver.registry.package(row.uid)
    (left,) = sender.registry.list()
    given = sender.registry.package(left.uid).manifest
    assert taken.files == FILES
    assert receiver.registry.verify(row.uid).ok
    for told in ("kind", "card", "metrics", "provenance"):
        assert getattr(taken.manifest, told) == getattr(given, told)
    imported = taken.manifest.lineage["imported"]
    assert (imported["uid"], imported["signed_by"]) == (left.uid, fingerprint(sender))
    assert imported["manifest_sha256"] == left.manifest_hash
    assert taken.manifest.signed_by == receiver.registry.keys.fingerprint != given.signed_by


@pytest.mark.req("P-8.1")
def test_the_same_file_twice_is_one_artefact(
    sender: PackageTransfer, receiver: PackageTransfer, file: Path
) -> None:
    first = receiver.import_file(file, fingerprint(sender))
    assert receiver.import_file(file).uid == first.uid
    assert len(receiver.registry.list()) == 1


@pytest.mark.req("P-8.1")
def test_what_comes_back_is_the_artefact_that_is_there(sender: PackageTransfer, file: Path) -> None:
    (left,) = sender.registry.list()
    assert sender.import_file(file).uid == left.uid


def test_its_recipe_here_is_not_the_one_it_claims(
    sender: PackageTransfer, receiver: PackageTransfer, file: Path
) -> None:
    """Else a later training of the same recipe would find a stranger's artefact."""
    row = receiver.import_file(file, fingerprint(sender))
    assert row.recipe_hash != sender.registry.list()[0].recipe_hash


def test_equal_artefacts_make_equal_files(sender: PackageTransfer, file: Path) -> None:
    (left,) = sender.registry.list()
    assert sender.pack(left.uid) == file.read_bytes()


@pytest.mark.req("S-9.3")
class TestTrust:
    @pytest.mark.parametrize("said", [None, "", "0" * 64])
    def test_an_unknown_key_is_refused_with_its_fingerprint(
        self,
        sender: PackageTransfer,
        receiver: PackageTransfer,
        file: Path,
        database: Database,
        said: str | None,
    ) -> None:
        before = count(database)
        with pytest.raises(UntrustedKeyError, match=fingerprint(sender)):
            receiver.import_file(file, said)
        assert count(database) == before
        assert not list(receiver.registry.sweep())

    def test_it_may_be_typed_in_groups(
        self, sender: PackageTransfer, receiver: PackageTransfer, file: Path
    ) -> None:
        seen = fingerprint(sender)
        grouped = " ".join(seen[at : at + 4] for at in range(0, 64, 4)).upper()
        assert receiver.import_file(file, grouped).kind == "age-group-model"

    def test_a_short_fingerprint_is_not_enough(
        self, sender: PackageTransfer, receiver: PackageTransfer, file: Path
    ) -> None:
        with pytest.raises(UntrustedKeyError):
            receiver.import_file(file, fingerprint(sender)[:16])

    def test_a_file_that_was_refused_makes_its_key_no_friend(
        self, sender: PackageTransfer, receiver: PackageTransfer, file: Path
    ) -> None:
        damaged = changed(file, "config.json", b'{"detector": "pca"}')
        with pytest.raises(IntegrityError):
            receiver.import_file(damaged, fingerprint(sender))
        with pytest.raises(UntrustedKeyError):
            receiver.import_file(file)

    def test_another_key_than_the_signers(self, receiver: PackageTransfer, file: Path) -> None:
        """Its own key beside a friend's signature."""
        own = receiver.registry.keys.public_key
        with pytest.raises(IntegrityError, match="another key"):
            receiver.import_file(changed(file, PUBLIC_KEY, own))


@pytest.mark.req("S-9.3")
@pytest.mark.parametrize("name", [*FILES, "manifest.json", "manifest.sig"])
@pytest.mark.parametrize("content", [b"{}", None])
def test_a_changed_or_missing_file_is_refused(
    sender: PackageTransfer,
    receiver: PackageTransfer,
    file: Path,
    name: str,
    content: bytes | None,
) -> None:
    with pytest.raises(IntegrityError):
        receiver.import_file(changed(file, name, content), fingerprint(sender))
    assert not receiver.registry.list()


@pytest.mark.req("S-9.3")
def test_what_was_not_signed_is_refused(
    sender: PackageTransfer, receiver: PackageTransfer, file: Path
) -> None:
    with pytest.raises(ValidationError, match=r"more\.json"):
        receiver.import_file(changed(file, "more.json", b"{}"), fingerprint(sender))


def test_what_is_no_exported_artefact(receiver: PackageTransfer, file: Path) -> None:
    for wrong in (changed(file, PUBLIC_KEY, None), file.with_name("none.zip"), Path(__file__)):
        with pytest.raises(ValidationError):
            receiver.import_file(wrong)
    with pytest.raises(ValidationError, match="public key"):
        receiver.import_file(changed(file, PUBLIC_KEY, b"x"))


@pytest.mark.req("S-9.2")
def test_a_pt2_leaves_and_never_comes_in(
    sender: PackageTransfer, receiver: PackageTransfer, publish: Publish, tmp_path: Path
) -> None:
    files = {**FILES, "model.pt2": b"PK\x03\x04rest"}
    with pytest.raises(ValidationError, match=r"model\.pt2"):
        publish(files)
    row = publish(files, leaving=True)
    assert sender.registry.load(row.uid) == files
    sender.export(row.uid, tmp_path / "program.zip")
    with pytest.raises(ValidationError, match="never reads"):
        receiver.import_file(tmp_path / "program.zip", fingerprint(sender))
    assert not receiver.registry.list()


def test_an_export_writes_over_nothing_and_knows_its_owner(
    sender: PackageTransfer, receiver: PackageTransfer, file: Path
) -> None:
    (left,) = sender.registry.list()
    with pytest.raises(ConflictError, match="exists already"):
        sender.export(left.uid, file)
    with pytest.raises(NotFoundError):
        receiver.pack(left.uid)


def test_taking_in_is_on_the_audit_trail(
    sender: PackageTransfer, receiver: PackageTransfer, file: Path, database: Database
) -> None:
    receiver.import_file(file, fingerprint(sender))
    with database.read() as session:
        (event,) = history(session, receiver.registry.owner_id)
    assert event.action == "artifact.import"
    assert event.details["imported"]["signed_by"] == fingerprint(sender)
