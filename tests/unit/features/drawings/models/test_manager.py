"""Models as a caller meets them."""

import pytest
from sqlalchemy import select

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, IntegrityError, NotFoundError
from deepmed.kit.storage import FileStorageService
from deepmed.learning.errors import InsufficientDataError
from factories.drawings import add_drawings, embed, sketches
from factories.homes import QUICK, stranger


def first_model(bench: Workbench) -> AgeGroupModel:
    with bench.database.read() as session:
        return ModelManager(bench).active(session)[0]


@pytest.mark.req("D-8.1")
def test_a_model_is_loaded_once_until_the_cache_is_cleared(trained: Workbench) -> None:
    manager, row = ModelManager(trained), first_model(trained)
    with trained.database.read() as session:
        first = manager.load_model(session, row)
        assert manager.load_model(session, row) is first
        manager.clear_model_cache()
        assert manager.load_model(session, row) is not first


@pytest.mark.req("D-8.1")
def test_the_list_tells_of_each_model_what_it_rests_on(trained: Workbench) -> None:
    with trained.database.read() as session:
        models = ModelManager(trained).list_models(session)
    assert [(one["age_group"], one["kind"]) for one in models] == [
        ("3.0-6.0", "group"),
        ("3.0-12.0", "pooled"),
        ("6.0-9.0", "group"),
        ("9.0-12.0", "group"),
    ]
    for one in models:
        children = one["metrics"]["children"]
        assert one["is_active"]
        assert one["model_type"] == "knn"
        assert one["encoder"] == trained.encoding.identity.key
        assert children["fit"] + children["calibration"] > 40
        assert one["artifact_revision"] == 1


@pytest.mark.req("D-8.1")
def test_a_models_files_are_checked_when_it_is_loaded(trained: Workbench) -> None:
    row = first_model(trained)
    with trained.database.read() as session:
        artifact = session.scalars(select(Artifact).where(Artifact.id == row.artifact_id)).one()
    _change_a_byte(trained.storage, artifact.uid)
    with trained.database.read() as session, pytest.raises(IntegrityError):
        ModelManager(trained).load_model(session, row)


def test_a_models_version_follows_who_is_in_it(trained: Workbench) -> None:
    catalogue = DrawingCatalogue(trained.database, trained.storage, trained.owner_id)
    row = first_model(trained)
    with trained.database.read() as session:
        first, second = repository.members(session, row.id)[:2]

    made = [_version(trained)]
    assert made[0].startswith(f"{row.recipe_hash}/1/")
    catalogue.withdraw(first.drawing_id)
    assert _version(trained) == made[0], "its answers are the same"
    catalogue.edit(first.drawing_id, {"child_id": "another child"})
    made.append(_version(trained))
    catalogue.delete_drawing(second.drawing_id)
    made.append(_version(trained))
    assert len(set(made)) == 3


@pytest.mark.req("S-3.1")
def test_another_owners_model_is_not_found(trained: Workbench) -> None:
    row, other = first_model(trained), stranger(trained)
    manager = ModelManager(other)
    with trained.database.read() as session:
        with pytest.raises(NotFoundError, match=f"no model {row.id}"):
            manager.get(session, row.id)
        with pytest.raises(NotFoundError):
            manager.load_model(session, row)
        assert manager.list_models(session) == []
        assert manager.active(session) == []
        assert manager.pooled(session) is None


def test_a_model_that_never_was_is_not_found(bench: Workbench) -> None:
    with bench.database.read() as session, pytest.raises(NotFoundError, match="models` lists"):
        ModelManager(bench).get(session, 7)


def _version(bench: Workbench) -> str:
    row = first_model(bench)
    with bench.database.read() as session:
        return ModelManager(bench).version(session, row)


def _change_a_byte(storage: FileStorageService, uid: str) -> None:
    key = next(
        file.key
        for file in storage.list_files()
        if uid in file.key and file.key.endswith("safetensors")
    )
    data = bytearray(storage.get(key))
    data[-1] ^= 1
    storage.put(key, bytes(data))


@pytest.mark.req("D-8.1")
def test_one_group_is_trained_here_and_now(bench: Workbench) -> None:
    manager = ModelManager(bench)
    with pytest.raises(InsufficientDataError):
        manager.train_age_group_model(6, 9, QUICK)
    add_drawings(bench, sketches(40, 7.5))
    embed(bench)
    row = manager.train_age_group_model(6, 9, QUICK)
    assert (row.age_min, row.age_max, row.upper_closed, row.is_active) == (6, 9, False, True)
    assert row.model_type == "knn"
    with pytest.raises(ConflictError):
        manager.train_age_group_model(6, 12, QUICK)
    beside = manager.train_age_group_model(6, 12, QUICK, candidate=True)
    assert (beside.upper_closed, beside.is_active) == (True, False)
