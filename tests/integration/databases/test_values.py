"""What is written comes back, and what must not be written is refused, the same on each engine."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from deepmed.core.accounts.repository import local_owner_id
from deepmed.core.accounts.tables import Owner
from deepmed.core.audit.tables import AuditEvent
from deepmed.core.datasets.tables import Dataset
from deepmed.features.drawings.tables import Child, Drawing, DrawingEmbedding, ThresholdSetting
from deepmed.kit.database import Database
from deepmed.kit.errors import ValidationError

pytestmark = pytest.mark.req("P-4.1")

CANARY = "Canary Patient O'Brien"
SERVERS = pytest.mark.parametrize("engine_name", ["postgresql", "mysql"])


def drawing(owner_id: int, child: Child, **changes: Any) -> Drawing:
    values: dict[str, Any] = {
        "filename": "a.png",
        "original_name": "a.png",
        "file_path": "uploads/drawings/a.png",
        "source_hash": os.urandom(32).hex(),
        "pixel_hash": "0" * 64,
        "width": 10,
        "height": 10,
        "age_years": 7.0,
        "age_precision": "year",
        "ink_coverage": 0.1,
    }
    return Drawing(owner_id=owner_id, child=child, **values | changes)


def embedding(of: Drawing, vector: bytes) -> DrawingEmbedding:
    return DrawingEmbedding(
        drawing_id=of.id,
        encoder="encoder",
        encoder_name="encoder",
        encoder_version="1",
        weight_hash="0" * 64,
        preprocessing_version="1",
        vector_dimension=len(vector) // 4,
        vector_hash="0" * 64,
        embedding_vector=vector,
    )


def event(owner_id: int, **details: Any) -> AuditEvent:
    return AuditEvent(
        owner_id=owner_id, action="a", object_type="b", object_id="c", details=details
    )


def test_moments_keep_their_microseconds_and_their_zone(any_database: Database) -> None:
    summer = datetime(2026, 7, 1, 1, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=2)))
    moments = [summer, summer + timedelta(microseconds=1), datetime(1970, 1, 1, tzinfo=UTC)]
    with any_database.write() as session:
        for place, moment in enumerate(moments):
            session.add(Owner(name=f"owner {place}", created_at=moment))
    with any_database.read() as session:
        query = select(Owner).where(Owner.name.startswith("owner")).order_by(Owner.created_at)
        found = [owner.created_at for owner in session.scalars(query)]
        exact = select(func.count()).where(Owner.created_at == summer)
        assert session.scalars(exact).one() == 1
    assert found == sorted(moments)
    assert all(moment.tzinfo is UTC for moment in found)


def test_text_is_kept_whatever_its_alphabet(any_database: Database) -> None:
    texts = ["👧🏽 draws a 🏠", "Łucja Ølgård", "日本の子供", "עברית", "a\\b'c\"d%s:x\n"]
    with any_database.write() as session:
        owner = local_owner_id(session)
        session.add_all([Child(owner_id=owner, code=one) for one in texts])
        session.add(event(owner, texts=texts, nested={"👧🏽": [None, True, 1, 0.1]}))
    with any_database.read() as session:
        found = set(session.scalars(select(Child.code)))
        kept: dict[str, Any] = session.scalars(select(AuditEvent.details)).one()
        assert session.scalars(select(Child).where(Child.code == texts[0])).one()
    assert found == set(texts)
    assert kept == {"texts": texts, "nested": {"👧🏽": [None, True, 1, 0.1]}}


def test_real_numbers_come_back_to_the_last_bit(any_database: Database) -> None:
    numbers = [0.1, 1 / 3, 2**-1074, 1.7976931348623157e308, -2.5e-300, 0.0]
    with any_database.write() as session:
        owner = local_owner_id(session)
        session.add_all([ThresholdSetting(owner_id=owner, threshold=one) for one in numbers])
        session.add(event(owner, numbers=numbers))
    with any_database.read() as session:
        query = select(ThresholdSetting.threshold).order_by(ThresholdSetting.id)
        assert list(session.scalars(query)) == numbers
        assert session.scalars(select(AuditEvent.details)).one() == {"numbers": numbers}


def test_a_vector_of_a_megabyte_comes_back(any_database: Database) -> None:
    vector = os.urandom(1 << 20)
    with any_database.write() as session:
        owner = local_owner_id(session)
        of = drawing(owner, Child(owner_id=owner))
        session.add(of)
        session.flush()
        session.add(embedding(of, vector))
    with any_database.read() as session:
        assert session.scalars(select(DrawingEmbedding.embedding_vector)).one() == vector


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(number: float, any_database: Database) -> None:
    rows: list[Callable[[int], Any]] = [
        lambda owner: event(owner, number=number),
        lambda owner: ThresholdSetting(owner_id=owner, threshold=number),
    ]
    for row in rows:
        with (
            pytest.raises((StatementError, ValueError), match=r"not finite|not JSON"),
            any_database.write() as session,
        ):
            session.add(row(local_owner_id(session)))
    with any_database.read() as session:
        assert session.scalars(select(func.count(ThresholdSetting.id))).one() == 0


def test_keys_tell_capitals_apart_and_refuse_the_same_twice(any_database: Database) -> None:
    with any_database.write() as session:
        owner = local_owner_id(session)
        session.add_all([Child(owner_id=owner, code=one) for one in ("Ann", "ann", "ANN", "Änn")])
        session.add_all([Child(owner_id=owner, code=None) for _ in range(2)])
    with pytest.raises(IntegrityError), any_database.write() as session:
        session.add(Child(owner_id=local_owner_id(session), code="ann"))
    with any_database.read() as session:
        found = session.scalars(select(Child).where(Child.code == "ann")).all()
        assert len(found) == 1
        assert session.scalars(select(func.count(Child.id))).one() == 6


def test_nonsense_is_refused_by_the_database_itself(any_database: Database) -> None:
    rows: list[Callable[[int, Child], list[Any]]] = [
        lambda owner, child: [drawing(owner, child, age_years=1.9)],
        lambda owner, child: [drawing(owner, child, age_years=18.1)],
        lambda owner, child: [drawing(owner, child, dataset_id=999)],
        lambda _, child: [drawing(999, child)],
        lambda owner, _: [ThresholdSetting(owner_id=owner)],
        lambda owner, _: [ThresholdSetting(owner_id=owner, percentile=95.0, threshold=1.0)],
        lambda owner, child: [drawing(owner, child, source_hash="a") for _ in range(2)],
    ]
    with any_database.write() as session:
        owner = local_owner_id(session)
        session.add(child := Child(owner_id=owner))
    for made in rows:
        with pytest.raises(IntegrityError), any_database.write() as session:
            session.add_all(made(owner, session.get_one(Child, child.id)))
    with pytest.raises(IntegrityError), any_database.write() as session:
        session.execute(delete(Owner).where(Owner.id == owner))
    with any_database.read() as session:
        assert session.scalars(select(func.count(Drawing.id))).one() == 0


def test_what_hangs_on_a_row_goes_with_it_or_is_let_go(any_database: Database) -> None:
    with any_database.write() as session:
        owner = local_owner_id(session)
        dataset = Dataset(
            owner_id=owner,
            name="d",
            version=1,
            content_hash="0",
            kind="k",
            card={},
            provenance="",
            licence_note="",
        )
        child = Child(owner_id=owner)
        session.add_all([dataset, child])
        session.flush()
        first = drawing(owner, child, dataset_id=dataset.id)
        session.add(first)
        session.flush()
        session.add(drawing(owner, Child(owner_id=owner), duplicate_of=first.id))
        session.add(embedding(first, b"1234"))
    with any_database.write() as session:
        session.execute(delete(Dataset))
    with any_database.write() as session:
        assert session.scalars(select(Drawing.dataset_id)).all() == [None, None]
        session.execute(delete(Child).where(Child.id == child.id))
    with any_database.read() as session:
        assert session.scalars(select(Drawing.duplicate_of)).all() == [None]
        assert session.scalars(select(DrawingEmbedding)).all() == []


def test_an_id_is_never_given_twice(any_database: Database) -> None:
    seen: list[int] = []
    for _ in range(3):
        with any_database.write() as session:
            made = Child(owner_id=local_owner_id(session))
            session.add(made)
            session.flush()
            seen.append(made.id)
        with any_database.write() as session:
            session.execute(delete(Child).where(Child.id == made.id))
    assert seen == sorted(set(seen))


@SERVERS
def test_a_value_that_does_not_fit_is_refused_and_never_cut(any_database: Database) -> None:
    """SQLite knows no lengths; there the fields' own checks stand alone."""
    rows: list[Callable[[int], Any]] = [
        lambda owner: Child(owner_id=owner, code=CANARY * 10),
        lambda owner: drawing(owner, Child(owner_id=owner), width=1 << 40),
    ]
    for row in rows:
        with (
            pytest.raises(
                ValidationError, match=r"too long or too large.*Nothing was changed"
            ) as caught,
            any_database.write() as session,
        ):
            session.add(row(local_owner_id(session)))
        assert "Canary" not in str(caught.value) + str(caught.value.__cause__)
    with any_database.read() as session:
        assert session.scalars(select(func.count(Child.id))).one() == 0


@pytest.mark.req("S-13.1")
def test_no_error_repeats_a_value(any_database: Database, engine_name: str) -> None:
    """Servers name the values that broke a rule, and drivers write values into the statement."""
    with any_database.write() as session:
        session.add(Owner(name=CANARY))
    statements = [
        "INSERT INTO owners (name, created_at) VALUES (:value, '2026-01-01 00:00:00')",
        "INSERT INTO audit_events (at, owner_id) VALUES (:value, 1)",
        "SELECT nonsense FROM owners WHERE name = :value",
        "SELECT FROM WHERE :value",
    ]
    for statement in statements:
        with pytest.raises(Exception) as caught, any_database.write() as session:  # noqa: PT011 - each engine has its own kind
            session.execute(text(statement), {"value": CANARY})
        error: BaseException | None = caught.value
        while error is not None:
            assert "Canary" not in str(error) + repr(error), (engine_name, statement)
            error = error.__cause__ or error.__context__
    with pytest.raises(IntegrityError) as broken, any_database.write() as session:
        session.add(Owner(name=CANARY))
    assert "name" in str(broken.value)
