import pytest

from deepmed.core.registry import deployments
from deepmed.core.registry.service import ArtifactRegistry

from .conftest import Publish


@pytest.mark.req("P-8.1")
def test_the_lineage_ends_with_where_the_artefact_is_and_was_in_use(
    registry: ArtifactRegistry, publish: Publish
) -> None:
    row = publish()
    assert registry.lineage(row.uid).deployments == ()
    for place in ("ages 3-6", "ages 6-9"):
        with registry.database.write() as session:
            deployments.end(session, [row.id])
            deployments.begin(session, registry.owner_id, row.id, place)
            deployments.describe(session, row.id, export=place)
    now, before = registry.lineage(row.uid).deployments
    assert (now["place"], now["ended_at"], now["details"]) == (
        "ages 6-9",
        None,
        {"export": "ages 6-9"},
    )
    assert (before["place"], before["details"]) == ("ages 3-6", {"export": "ages 3-6"})
    assert before["ended_at"] >= before["deployed_at"]


def test_what_is_in_use_keeps_its_beginning(registry: ArtifactRegistry, publish: Publish) -> None:
    row = publish()
    for place in ("here", "there"):
        with registry.database.write() as session:
            deployments.begin(session, registry.owner_id, row.id, place)
    (only,) = registry.lineage(row.uid).deployments
    assert only["place"] == "here"
    with registry.database.read() as session:
        assert set(deployments.current(session, [row.id, row.id + 1])) == {row.id}


def test_another_owner_sees_none(
    registry: ArtifactRegistry, stranger: ArtifactRegistry, publish: Publish
) -> None:
    row = publish()
    with registry.database.write() as session:
        deployments.begin(session, registry.owner_id, row.id, "here")
    with registry.database.read() as session:
        assert not deployments.history(session, stranger.owner_id, row.id)


def test_an_artefact_goes_with_its_history(registry: ArtifactRegistry, publish: Publish) -> None:
    row = publish()
    with registry.database.write() as session:
        deployments.begin(session, registry.owner_id, row.id, "here")
    registry.delete(row.uid)
    with registry.database.read() as session:
        assert not deployments.history(session, registry.owner_id, row.id)
