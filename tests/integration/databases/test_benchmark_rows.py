"""What the benchmarks fill a database with, on each engine."""

import numpy as np
import pytest
from sqlalchemy import func, select

from deepmed.app.bench import crowd
from deepmed.app.bench.database import SETTINGS, facts, settle
from deepmed.app.bench.platform import drawings as bench_drawings
from deepmed.core.home import Home
from deepmed.features.drawings.tables import Drawing, DrawingEmbedding
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings
from factories.drawings import Sketch, add_drawings, embed, sketches


def test_drawings_by_the_thousand_leave_room_for_the_next_one(
    any_settings: Settings, any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_drawings, "CHUNK", 25)
    home = Home(any_settings, any_database, 1)
    ids = bench_drawings.add_drawings(home, 60)
    assert ids == sorted(set(ids))
    with any_database.write() as session:
        (late,) = bench_drawings.insert(session, [bench_drawings.new_drawing(1, age_years=3.0)])
    assert late > ids[-1]
    with any_database.read() as session:
        children = session.scalars(select(func.count(Drawing.child_id.distinct()))).one()
        assert children == session.scalars(select(func.count(Drawing.id))).one() == 61


def test_a_crowd_is_like_the_samples_and_leaves_room_for_the_next_drawing(
    machines: list[Workbench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "CHUNK", 20)
    bench, other = machines
    known = add_drawings(bench, [*sketches(3, 4.5, subject="house"), *sketches(3, 7.5)])
    embed(bench)
    crowd._further(bench, 50, seed=3)
    key = bench.encoding.identity.key
    with bench.database.read() as session:
        rows = session.scalars(select(Drawing).order_by(Drawing.id)).all()
        vectors, ids = bench.embeddings.retrieve_matrix(session, None, key)
        stored = session.scalars(select(DrawingEmbedding.drawing_id)).all()
    assert len(rows) == len(set(stored)) == 50
    assert sorted(ids.tolist()) == [row.id for row in rows]
    unit = vectors[np.argsort(ids)]
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    assert ((unit @ unit[: len(known)].T).max(axis=1) > 0.999).all()
    assert len({tuple(vector) for vector in unit.tolist()}) == 50
    assert {row.subject for row in rows[6:]} == {*(row.subject for row in rows[:6]), None}
    assert {row.expert_label for row in rows[6:]} == {"normal", "concern"}
    (late,) = add_drawings(other, [Sketch(picture=99)])
    assert late > rows[-1].id


def test_a_result_says_which_database_it_is_of(any_database: Database, engine_name: str) -> None:
    found = facts(any_database)
    assert found["database"] == {"mysql": "mariadb"}.get(engine_name, engine_name)
    assert int(found["database_version"].split(".")[0]) >= 3
    assert set(found["database_settings"]) == set(SETTINGS.get(found["database"], ()))
    if engine_name == "postgresql":
        assert found["database_settings"]["fsync"] == "off", "as the tests start it"


def test_a_server_knows_its_tables_before_anything_is_timed(
    any_settings: Settings, any_database: Database, engine_name: str
) -> None:
    bench_drawings.add_drawings(Home(any_settings, any_database, 1), 40)
    settle(any_database)
    known = {
        "postgresql": "SELECT reltuples FROM pg_class WHERE relname = 'drawings'",
        "mysql": "SELECT table_rows FROM information_schema.tables "
        "WHERE table_schema = database() AND table_name = 'drawings'",
        "sqlite": "SELECT count(*) FROM drawings",
    }
    with any_database.engine.connect() as connection:
        assert connection.exec_driver_sql(known[engine_name]).scalar() == 40
