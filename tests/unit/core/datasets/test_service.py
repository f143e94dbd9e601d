import multiprocessing

import pytest

from deepmed.core.datasets.service import DatasetService, Item, content_hash
from deepmed.core.datasets.tables import Dataset
from deepmed.kit.database import Database, open_database
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError
from deepmed.migrations import models

ITEMS = [
    Item("a.png", "a" * 64, {"age_years": 6.0}),
    Item("b.png", "b" * 64, {"age_years": 7.5}),
]


def register(database: Database, items: list[Item], owner: int = 1, name: str = "set") -> Dataset:
    with database.write() as session:
        return DatasetService(session, owner).register(
            name,
            "drawings",
            items,
            card={"drawings": len(items)},
            provenance="a folder",
            licence_note="CC BY 4.0",
        )


@pytest.mark.req("P-7.1")
def test_the_same_items_are_the_same_version_in_any_order(database: Database) -> None:
    first = register(database, ITEMS)
    again = register(database, ITEMS[::-1])
    assert (again.id, again.version) == (first.id, 1)
    with database.read() as session:
        service = DatasetService(session, 1)
        assert [item.name for item in service.items(first.id)] == ["a.png", "b.png"]
        assert len(service.list_datasets()) == 1


@pytest.mark.req("P-7.1")
@pytest.mark.parametrize(
    "changed",
    [
        ITEMS[:1],
        [ITEMS[0], Item("b.png", "c" * 64, {"age_years": 7.5})],
        [ITEMS[0], Item("c.png", "b" * 64, {"age_years": 7.5})],
        [ITEMS[0], Item("b.png", "b" * 64, {"age_years": 7.0})],
    ],
)
def test_other_files_names_or_facts_are_another_version(
    database: Database, changed: list[Item]
) -> None:
    first = register(database, ITEMS)
    second = register(database, changed)
    assert (second.id, second.version) != (first.id, first.version)
    assert second.version == 2
    assert second.content_hash == content_hash(changed)


@pytest.mark.req("P-7.1")
def test_card_provenance_and_licence_stay_with_the_version(database: Database) -> None:
    dataset_id = register(database, ITEMS).id
    with database.read() as session:
        found = DatasetService(session, 1).get(dataset_id)
        assert found.card == {"drawings": 2}
        assert (found.provenance, found.licence_note) == ("a folder", "CC BY 4.0")
        assert (found.kind, found.name, found.version) == ("drawings", "set", 1)


def test_another_owners_dataset_is_not_found(database: Database, other_owner_id: int) -> None:
    dataset_id = register(database, ITEMS).id
    with database.read() as session:
        other = DatasetService(session, other_owner_id)
        assert other.list_datasets() == []
        for ask in (other.get, other.items):
            with pytest.raises(NotFoundError):
                ask(dataset_id)
    assert register(database, ITEMS, owner=other_owner_id).id != dataset_id


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("", ITEMS),
        ("x" * 201, ITEMS),
        ("set", []),
        ("set", [ITEMS[0], Item("a.png", "b" * 64)]),
        ("set", [Item("x" * 501, "b" * 64)]),
    ],
)
def test_what_cannot_be_a_dataset_is_refused(
    database: Database, name: str, items: list[Item]
) -> None:
    with pytest.raises(ValidationError):
        register(database, items, name=name)


def test_a_persons_files_are_forgotten_in_every_version_of_the_owner(
    database: Database, other_owner_id: int
) -> None:
    first = register(database, ITEMS).id
    second = register(database, ITEMS[1:]).id
    foreign = register(database, ITEMS, owner=other_owner_id).id
    with database.write() as session:
        assert DatasetService(session, 1).forget(["b" * 64, "f" * 64]) == 2
    with database.read() as session:
        service = DatasetService(session, 1)
        assert [item.name for item in service.items(first)] == ["a.png"]
        assert service.items(second) == []
        assert service.get(first).card == {"drawings": 2, "removed": 1}
        assert len(DatasetService(session, other_owner_id).items(foreign)) == 2


def test_a_version_whose_files_come_back_is_whole_again(database: Database) -> None:
    first = register(database, ITEMS).id
    with database.write() as session:
        DatasetService(session, 1).forget(["b" * 64])
    assert register(database, ITEMS).id == first
    with database.read() as session:
        service = DatasetService(session, 1)
        assert [item.name for item in service.items(first)] == ["a.png", "b.png"]
        assert service.get(first).card == {"drawings": 2}


def _register_in_a_process(url: str, number: int) -> None:
    models.metadata()
    opened = open_database(url)
    for _ in range(5):
        register(opened, ITEMS)
        register(opened, [Item(f"{number}.png", "d" * 64)])
    opened.close()


def test_processes_that_register_at_once_make_each_version_once(database: Database) -> None:
    url = str(database.engine.url)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_register_in_a_process, args=(url, number)) for number in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    with database.read() as session:
        assert [found.version for found in DatasetService(session, 1).list_datasets()] == [1, 2, 3]


def test_an_owner_that_does_not_exist_is_no_endless_competition(database: Database) -> None:
    with pytest.raises(ConflictError):
        register(database, ITEMS, owner=99)
