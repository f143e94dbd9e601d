import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from deepmed.core.audit.repository import history
from deepmed.core.datasets.tables import Dataset
from deepmed.core.registry import places
from deepmed.core.registry.cache import PackageCache
from deepmed.core.registry.keys import open_keys
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.core.registry.tables import Artifact
from deepmed.kit import storage as kit_storage
from deepmed.kit.database import Database
from deepmed.kit.errors import (
    ConflictError,
    IntegrityError,
    NotFoundError,
    PathRefusedError,
    ValidationError,
)
from deepmed.kit.storage import FileStorageService

from .conftest import CONFIGURATION, FILES, Publish

SIGNED = [*FILES, "manifest.json", "manifest.sig"]


def stored(storage: FileStorageService) -> list[str]:
    return sorted(item.key for item in storage.list_files("artifacts"))


def key_of(storage: FileStorageService, name: str) -> str:
    return next(key for key in stored(storage) if key.endswith(f"/{name}"))


def afresh(registry: ArtifactRegistry, storage: FileStorageService) -> ArtifactRegistry:
    """The registry of another process: it remembers nothing."""
    return ArtifactRegistry(registry.database, storage, registry.keys, registry.owner_id)


@pytest.mark.req("P-8.1")
def test_what_is_published_is_loaded_with_kind_figures_card_and_stage(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    row = publish()
    again = afresh(registry, storage)
    assert again.load(row.uid) == FILES
    manifest = again.package(row.uid).manifest
    assert (manifest.uid, manifest.kind, manifest.revision) == (row.uid, "age-group-model", 1)
    assert manifest.card == {"intended_use": "tests"}
    assert manifest.metrics == row.metrics
    assert row.stage == "candidate"
    assert [item.uid for item in again.list("age-group-model")] == [row.uid]
    assert again.list("classifier") == []


@pytest.mark.req("V-6.1")
@pytest.mark.req("D-8.3")
def test_the_artefact_records_all_that_determines_it(
    registry: ArtifactRegistry, publish: Publish
) -> None:
    known = registry.package(publish().uid).manifest.provenance
    assert known["seed"] == 7
    assert known["data_hash"] == "d" * 64
    assert known["configuration"] == CONFIGURATION
    assert known["libraries"].keys() >= {"numpy", "scikit-learn", "torch"}
    assert known["python"] == ".".join(map(str, sys.version_info[:3]))
    assert known["threads"] >= 1
    assert known["cpu"]
    assert known["code"]["version"]


@pytest.mark.req("S-9.3")
@pytest.mark.parametrize("name", SIGNED)
def test_one_changed_byte_anywhere_is_refused_by_the_files_name(
    name: str, registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    key = key_of(storage, name)
    content = storage.get(key)
    for position in {0, len(content) // 2, len(content) - 1}:
        damaged = bytearray(content)
        damaged[position] ^= 1
        storage.put(key, bytes(damaged))
        with pytest.raises(IntegrityError, match=name.rpartition("/")[2]):
            afresh(registry, storage).load(uid)
    storage.put(key, content)
    assert afresh(registry, storage).load(uid) == FILES


@pytest.mark.req("S-9.3")
@pytest.mark.parametrize("name", SIGNED)
def test_a_missing_or_lengthened_file_is_refused(
    name: str, registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    key = key_of(storage, name)
    storage.put(key, storage.get(key) + b"\n")
    with pytest.raises(IntegrityError):
        afresh(registry, storage).load(uid)
    storage.delete(key)
    with pytest.raises(IntegrityError, match=f"{name} is missing"):
        afresh(registry, storage).load(uid)


@pytest.mark.req("S-9.3")
def test_a_package_signed_by_another_installation_is_refused(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService, tmp_path: Path
) -> None:
    uid = publish().uid
    foreign = ArtifactRegistry(
        registry.database, storage, open_keys(tmp_path / "elsewhere"), registry.owner_id
    )
    with pytest.raises(IntegrityError, match="another key"):
        foreign.load(uid)


@pytest.mark.req("S-9.3")
def test_an_older_revision_cannot_be_put_back_although_it_was_signed(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    old = {key.rpartition("/")[2]: storage.get(key) for key in stored(storage)}
    registry.revise(uid, {"config.json": b"{}"}, reason="test")
    folder = key_of(storage, "manifest.json").rpartition("/")[0]
    storage.put(f"{folder}/manifest.json", old["manifest.json"])
    storage.put(f"{folder}/manifest.sig", old["manifest.sig"])
    storage.put(f"{folder}/config.json", old["config.json"])
    with pytest.raises(IntegrityError, match=r"manifest\.json"):
        afresh(registry, storage).load(uid)


@pytest.mark.req("P-8.1")
def test_verify_lists_every_problem_even_of_what_was_read_before(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    registry.load(uid)
    assert registry.verify(uid).ok
    storage.put(key_of(storage, "config.json"), b"{}")
    storage.delete(key_of(storage, "predictions.csv"))
    report = registry.verify(uid)
    assert not report.ok
    assert len(report.problems) == 2
    assert any("config.json" in problem for problem in report.problems)
    with pytest.raises(IntegrityError):
        registry.load(uid)
    storage.delete(key_of(storage, "manifest.sig"))
    assert len(registry.verify(uid).problems) == 1


@pytest.mark.req("P-8.1")
def test_the_same_recipe_twice_is_one_artefact(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    first, before = publish(), stored(storage)
    second = publish({"config.json": b"{}"})
    assert (first.id, first.uid) == (second.id, second.uid)
    assert stored(storage) == before
    with pytest.raises(ConflictError, match="classifier"):
        registry.publish(
            "classifier",
            FILES,
            metrics={},
            card={},
            lineage={},
            recipe_hash="a" * 64,
            configuration={},
            seed=0,
            data_hash="",
        )


def look_before_the_commit(registry: ArtifactRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first look finds nothing, as if the winner had not committed yet."""
    look, first_answers = registry._by_recipe, [None]
    monkeypatch.setattr(
        registry,
        "_by_recipe",
        lambda *given: first_answers.pop() if first_answers else look(*given),
    )


def test_a_process_that_loses_the_race_for_a_recipe_takes_the_winners_artefact(
    registry: ArtifactRegistry,
    publish: Publish,
    storage: FileStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    winner = publish()
    files = stored(storage)
    look_before_the_commit(registry, monkeypatch)
    assert publish().id == winner.id
    assert stored(storage) == files


def test_a_loser_whose_files_are_swept_while_it_writes_them_has_lost_and_not_failed(
    registry: ArtifactRegistry,
    publish: Publish,
    storage: FileStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    winner = publish()
    files = stored(storage)
    look_before_the_commit(registry, monkeypatch)
    flush = kit_storage._to_disk

    def swept(path: Path) -> None:
        registry.sweep(winner.uid)
        flush(path)

    monkeypatch.setattr(kit_storage, "_to_disk", swept)
    assert publish().id == winner.id
    assert stored(storage) == files


KILLED = """
import os, sys
from deepmed.app import open_home
from deepmed.core.registry.service import ArtifactRegistry

point = sys.argv[1]
if point == "before the row":
    ArtifactRegistry._check_dataset = lambda *_: None
    from deepmed.core.registry import service
    service.record = lambda *_, **__: os._exit(9)
if point == "between the files":
    from deepmed.core.registry import packages
    sign = packages.SigningKeys.sign
    packages.SigningKeys.sign = lambda *_: os._exit(9)
if point == "before the sweep":
    ArtifactRegistry.sweep = lambda *_: os._exit(9)
with open_home() as home:
    if sys.argv[2] == "publish":
        home.registry.publish("k", {"a.json": b"{}"}, metrics={}, card={}, lineage={},
            recipe_hash="b" * 64, configuration={}, seed=0, data_hash="")
    else:
        home.registry.revise(home.registry.list()[0].uid, {"a.json": b"[]"}, reason="smaller")
    print("done")
"""


DEED = {
    "kind": "k",
    "files": {"a.json": b"{}"},
    "metrics": {},
    "card": {},
    "lineage": {},
    "recipe_hash": "b" * 64,
    "configuration": {},
    "seed": 0,
}
"""What the killed process publishes."""


def run_killed(point: str, deed: str) -> int:
    command = [sys.executable, "-c", KILLED, point, deed]
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.mark.req("P-8.1")
@pytest.mark.parametrize("point", ["between the files", "before the row", "before the sweep"])
def test_a_kill_leaves_no_half_artefact_and_the_next_call_completes_it(
    point: str, registry: ArtifactRegistry, storage: FileStorageService
) -> None:
    assert run_killed(point, "publish") == 9
    next_one = afresh(registry, storage)
    next_one.publish(**DEED, data_hash="")
    assert len(registry.list()) == 1
    row = registry.list()[0]
    assert registry.load(row.uid) == {"a.json": b"{}"}
    registry.sweep()
    assert len(stored(storage)) == 3

    assert run_killed(point, "revise") == 9
    next_one = afresh(registry, storage)
    next_one.revise(next_one.list()[0].uid, {"a.json": b"[]"}, reason="smaller")
    assert len(registry.list()) == 1
    assert afresh(registry, storage).load(row.uid) == {"a.json": b"[]"}
    registry.sweep()
    assert len(stored(storage)) == 3


@pytest.mark.req("P-8.1")
def test_a_revision_replaces_the_files_and_keeps_the_rest(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    row = publish()
    smaller = {"tables/predictions.csv": b"child,score\nb,0.25\n"}
    revised = registry.revise(row.uid, smaller, reason="a child was deleted", metrics={"n": 1})
    assert (revised.id, revised.uid, revised.revision) == (row.id, row.uid, 2)
    assert revised.metrics == {"n": 1}
    assert registry.load(row.uid) == {**FILES, **smaller}
    manifest = afresh(registry, storage).package(row.uid).manifest
    assert manifest.reason == "a child was deleted"
    assert manifest.card == {"intended_use": "tests"}
    assert manifest.provenance["seed"] == 7
    # Nothing is left of the child in the whole store.
    assert len(stored(storage)) == len(SIGNED)
    assert not any(b"a,0.5" in storage.get(key) for key in stored(storage))


def test_a_revision_can_remove_a_file_but_not_the_last_one(
    registry: ArtifactRegistry, publish: Publish
) -> None:
    uid = publish().uid
    registry.revise(uid, {"config.json": None}, reason="no longer needed")
    assert "config.json" not in registry.load(uid)
    with pytest.raises(ValidationError, match="at least one"):
        registry.revise(uid, dict.fromkeys(FILES), reason="all gone")
    assert registry.find(uid).revision == 2


def test_of_two_revisions_at_the_same_time_one_wins(
    registry: ArtifactRegistry,
    publish: Publish,
    storage: FileStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = publish()
    registry.revise(row.uid, {"config.json": b'{"who": "first"}'}, reason="first")
    late = afresh(registry, storage)
    package = late.package(row.uid)
    monkeypatch.setattr(late, "find", lambda _uid: row)
    monkeypatch.setattr(late, "_read", lambda _row: package)
    with pytest.raises(ConflictError, match="same time"):
        late.revise(row.uid, {"config.json": b'{"who": "second"}'}, reason="second")
    assert registry.load(row.uid)["config.json"] == b'{"who": "first"}'
    assert afresh(registry, storage).verify(row.uid).ok


def test_a_damaged_artefact_is_not_signed_again(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    storage.put(key_of(storage, "config.json"), b"{}")
    with pytest.raises(IntegrityError):
        afresh(registry, storage).revise(uid, {"tables/predictions.csv": b""}, reason="smaller")


@pytest.mark.req("S-3.1")
def test_another_owners_artefact_is_not_found(
    registry: ArtifactRegistry, stranger: ArtifactRegistry, publish: Publish, tmp_path: Path
) -> None:
    uid = publish().uid
    assert stranger.list() == []
    deeds = [
        stranger.find,
        stranger.load,
        stranger.package,
        stranger.verify,
        stranger.lineage,
        stranger.delete,
        lambda uid: stranger.set_stage(uid, "archived"),
        lambda uid: stranger.revise(uid, {}, reason="mine now"),
        lambda uid: stranger.copy_to(uid, tmp_path / "copy"),
    ]
    for deed in deeds:
        with pytest.raises(NotFoundError):
            deed(uid)
    assert registry.verify(uid).ok
    assert registry.find(uid).stage == "candidate"


@pytest.mark.req("S-3.1")
def test_two_owners_with_the_same_recipe_have_an_artefact_each(
    registry: ArtifactRegistry, stranger: ArtifactRegistry, publish: Publish
) -> None:
    mine = publish()
    theirs = stranger.publish(
        "age-group-model",
        {"a.json": b"{}"},
        metrics={},
        card={},
        lineage={},
        recipe_hash="a" * 64,
        configuration={},
        seed=0,
        data_hash="",
    )
    assert mine.uid != theirs.uid
    registry.sweep()
    registry.delete(mine.uid)
    assert stranger.load(theirs.uid) == {"a.json": b"{}"}


@pytest.mark.req("P-8.1")
def test_stages_are_three_in_python_and_in_the_database(
    registry: ArtifactRegistry, publish: Publish
) -> None:
    uid = publish().uid
    for stage in ("production", "archived", "candidate"):
        assert registry.set_stage(uid, stage).stage == stage
    with pytest.raises(ValidationError, match="production"):
        registry.set_stage(uid, "live")
    with pytest.raises(ValidationError, match="live"):
        publish(recipe_hash="c" * 64, stage="live")


@pytest.mark.req("P-8.1")
def test_descent_leads_from_dataset_and_run_over_parents_to_children_and_deployment(
    registry: ArtifactRegistry, publish: Publish, database: Database, owner_id: int
) -> None:
    with database.write() as session:
        data = Dataset(
            owner_id=owner_id,
            name="drawings",
            version=3,
            content_hash="e" * 64,
            kind="drawings",
            card={},
            provenance="",
            licence_note="",
        )
        session.add(data)
    parent = publish(recipe_hash="1" * 64)
    middle = publish(
        recipe_hash="2" * 64,
        dataset_id=data.id,
        lineage={"run": "run-9", "parents": [parent.uid], "datasets": [data.id]},
    )
    child = publish(recipe_hash="3" * 64, lineage={"parents": [middle.uid]})
    registry.set_stage(middle.uid, "production")
    found = registry.lineage(middle.uid)
    assert [item["content_hash"] for item in found.datasets] == ["e" * 64]
    assert (found.run, found.stage) == ("run-9", "production")
    assert [item["uid"] for item in found.parents] == [parent.uid]
    assert [item["uid"] for item in found.children] == [child.uid]
    registry.delete(parent.uid)
    assert registry.lineage(middle.uid).parents[0]["stage"] == "deleted"


def test_a_dataset_that_is_not_ours_is_not_found(publish: Publish) -> None:
    with pytest.raises(NotFoundError, match="dataset 5"):
        publish(dataset_id=5)


@pytest.mark.req("P-4.1")
def test_the_list_is_paged_by_key(registry: ArtifactRegistry, publish: Publish) -> None:
    made = [publish(recipe_hash=f"{number:064d}").id for number in range(5)]
    first = registry.list(limit=3)
    second = registry.list(limit=3, before=first[-1].id)
    assert [row.id for row in [*first, *second]] == made[::-1]


def test_deleting_takes_row_and_files(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    registry.delete(uid)
    assert stored(storage) == []
    with pytest.raises(NotFoundError):
        registry.load(uid)


def test_every_deed_is_in_the_audit_trail_within_its_transaction(
    registry: ArtifactRegistry, publish: Publish, database: Database, owner_id: int
) -> None:
    uid = publish().uid
    registry.set_stage(uid, "production")
    registry.revise(uid, {"config.json": b"{}"}, reason="smaller")
    registry.delete(uid)
    with database.read() as session:
        events = history(session, owner_id)
    assert [event.action for event in events] == [
        "artifact.delete",
        "artifact.revise",
        "artifact.stage",
        "artifact.publish",
    ]
    assert events[2].details == {"before": "candidate", "after": "production"}


@pytest.mark.parametrize(
    "metrics", [{"auroc": float("nan")}, {"model": object()}], ids=["nan", "object"]
)
def test_a_description_that_is_not_json_is_refused_and_nothing_is_stored(
    metrics: dict[str, object],
    publish: Publish,
    storage: FileStorageService,
    database: Database,
) -> None:
    with pytest.raises(ValidationError, match="plain JSON"):
        publish(metrics=metrics)
    assert stored(storage) == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Artifact)) == 0


@pytest.mark.parametrize("name", ["../x.json", "/etc/x.json", "a/../../b.json", "manifest.json"])
def test_a_name_that_leads_elsewhere_stores_nothing(
    name: str, publish: Publish, storage: FileStorageService
) -> None:
    with pytest.raises(PathRefusedError):
        publish({"good.json": b"{}", name: b"{}"})
    assert stored(storage) == []


def test_left_overs_are_swept_and_work_in_progress_is_not(
    registry: ArtifactRegistry,
    publish: Publish,
    storage: FileStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uid = publish().uid
    kept = stored(storage)
    lost = storage.put(f"artifacts/{uid}/000001-other/a.json", b"{}").key
    coming = storage.put(f"artifacts/{uid}/000002-other/a.json", b"{}").key
    unknown = storage.put(f"artifacts/{'9' * 32}/000001-other/a.json", b"{}").key
    assert registry.sweep() == [lost]
    assert stored(storage) == sorted([*kept, coming, unknown])
    monkeypatch.setattr(places, "YOUNG", -places.YOUNG)
    assert sorted(registry.sweep()) == sorted([coming, unknown])
    assert stored(storage) == kept


def test_loading_again_reads_no_file(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    first = registry.load(uid)
    first["config.json"] = b"changed by a careless caller"
    for key in stored(storage):
        storage.delete(key)
    assert registry.load(uid) == FILES


def test_the_manifest_is_readable_json_with_each_files_sum(
    publish: Publish, storage: FileStorageService
) -> None:
    publish()
    manifest = json.loads(storage.get(key_of(storage, "manifest.json")))
    assert manifest["format"] == 1
    assert manifest["files"].keys() == FILES.keys()
    assert manifest["files"]["config.json"]["size"] == len(FILES["config.json"])


@pytest.mark.req("P-8.1")
def test_a_revision_that_comes_while_one_reads_is_read_instead(
    registry: ArtifactRegistry,
    publish: Publish,
    storage: FileStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uid = publish().uid
    reader = afresh(registry, storage)
    find = reader.find

    def find_and_be_outrun(wanted: str) -> Artifact:
        row = find(wanted)
        if row.revision == 1:
            registry.revise(uid, {"config.json": b"{}"}, reason="another process")
        return row

    monkeypatch.setattr(reader, "find", find_and_be_outrun)
    package = reader.package(uid)
    assert (package.manifest.revision, package.files["config.json"]) == (2, b"{}")


def test_a_single_file_is_checked_and_no_other_is_read(
    registry: ArtifactRegistry, publish: Publish, storage: FileStorageService
) -> None:
    uid = publish().uid
    again = afresh(registry, storage)
    storage.put(key_of(storage, "model.safetensors"), b"changed")
    assert again.file(uid, "config.json") == FILES["config.json"]
    with pytest.raises(IntegrityError, match=r"model\.safetensors"):
        again.file(uid, "model.safetensors")
    with pytest.raises(IntegrityError, match="is missing"):
        again.file(uid, "nothing.json")
    with pytest.raises(NotFoundError):
        again.file("0" * 32, "config.json")


def test_what_is_deleted_while_it_is_read_does_not_stay_in_memory(
    registry: ArtifactRegistry,
    publish: Publish,
    storage: FileStorageService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = publish()
    cache = PackageCache()
    reading = ArtifactRegistry(registry.database, storage, registry.keys, registry.owner_id, cache)
    put = cache.put

    def deleted_first(*read: Any) -> None:
        registry.delete(row.uid)
        put(*read)

    monkeypatch.setattr(cache, "put", deleted_first)
    with pytest.raises(NotFoundError):
        reading.package(row.uid)
    assert cache.get(row.manifest_hash) is None
