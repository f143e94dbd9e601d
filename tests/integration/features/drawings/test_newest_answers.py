"""Which answer is the newest, on every engine, with calls that store theirs at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select

from deepmed.core.accounts.tables import Owner
from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.outcome import Outcome
from deepmed.features.drawings.analysis.storing import store
from deepmed.features.drawings.tables import AnomalyAnalysis, Child, Drawing
from deepmed.kit.database import Database

DRAWINGS = 30
CALLS = 6


@pytest.fixture
def owner(any_database: Database) -> int:
    """The local owner, with drawings of as many children."""
    with any_database.write() as session:
        owner = session.scalars(select(Owner.id)).one()
        numbers = range(1, DRAWINGS + 1)
        session.execute(insert(Child), [{"id": one, "owner_id": owner} for one in numbers])
        session.execute(insert(Drawing), [_drawing(one, owner) for one in numbers])
    return owner


def _drawing(number: int, owner: int) -> dict[str, object]:
    return {
        "id": number,
        "owner_id": owner,
        "child_id": number,
        "filename": "a.png",
        "original_name": "a.png",
        "file_path": "a.png",
        "source_hash": f"{number:064d}",
        "pixel_hash": f"{number:064d}",
        "width": 64,
        "height": 64,
        "age_years": 4.0 + number / 10,
        "age_precision": "decimal",
        "expert_label": "concern" if number % 3 == 0 else None,
        "ink_coverage": 0.1,
    }


def answers(inputs: str) -> list[Outcome]:
    return [
        Outcome(one, None, inputs, None, None, None, {}, f"{inputs} of {one}")
        for one in range(1, DRAWINGS + 1)
    ]


def keep(database: Database, owner: int, sequence: int, inputs: str) -> None:
    # Beside other writers, so that what is held is held by the statement itself.
    with database.write_concurrently() as session:
        store(session, owner, sequence, answers(inputs))


def newest(database: Database, owner: int) -> dict[int, str]:
    with database.read() as session:
        found = repository.newest(session, owner, range(1, DRAWINGS + 1))
    return {drawing: row.decision for drawing, row in found.items()}


@pytest.mark.req("D-16.1")
def test_calls_that_store_at_once_leave_the_answer_of_the_last_to_begin(
    any_database: Database, owner: int
) -> None:
    with ThreadPoolExecutor(CALLS) as pool:
        calls = [
            pool.submit(keep, any_database, owner, 10 + one, f"call {one}") for one in range(CALLS)
        ]
        for call in calls:
            call.result()
    assert newest(any_database, owner) == dict.fromkeys(range(1, DRAWINGS + 1), "call 5")
    with any_database.read() as session:
        rows = session.scalars(select(AnomalyAnalysis)).all()
    assert len(rows) == CALLS * DRAWINGS
    assert sum(row.current_of is not None for row in rows) == DRAWINGS


@pytest.mark.req("D-16.1")
def test_calls_with_the_same_answer_store_it_once(any_database: Database, owner: int) -> None:
    with ThreadPoolExecutor(CALLS) as pool:
        calls = [pool.submit(keep, any_database, owner, 10 + one, "same") for one in range(CALLS)]
        for call in calls:
            call.result()
    with any_database.read() as session:
        rows = session.scalars(select(AnomalyAnalysis)).all()
    assert sorted(row.drawing_id for row in rows) == list(range(1, DRAWINGS + 1))
    assert {row.current_of == row.drawing_id for row in rows} == {True}


@pytest.mark.req("D-16.1")
def test_an_answer_that_is_found_again_is_the_newest_again(
    any_database: Database, owner: int
) -> None:
    for sequence, inputs in enumerate(("old", "new", "old"), start=1):
        keep(any_database, owner, sequence, inputs)
    assert set(newest(any_database, owner).values()) == {"old"}
    with any_database.read() as session:
        history, total = repository.history(session, owner, 7)
        counted = repository.counts(session, owner)
    assert [(row.decision, row.sequence) for row in history] == [("old", 3), ("new", 2)]
    assert total == 2
    assert sorted((row.decision, row.expert_label or "", row.number) for row in counted) == [
        ("old", "", 20),
        ("old", "concern", 10),
    ]
