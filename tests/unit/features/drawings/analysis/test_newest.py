"""Which answer of a drawing is its newest: the one that the last call came to, old row or new."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.scoring import analyse
from deepmed.features.drawings.analysis.service import AnalysisService, BatchAnalysis
from deepmed.features.drawings.analysis.storing import store
from deepmed.features.drawings.models.repository import members
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnalysisBatch,
    AnomalyAnalysis,
    Child,
    Drawing,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError
from factories.drawings import Sketch, add_drawings, embed
from factories.homes import open_bench, stranger


def newcomer(bench: Workbench, age: float = 4.5) -> int:
    (drawing,) = add_drawings(bench, [Sketch(age=age, picture=50)])
    embed(bench)
    return drawing


def set_age(bench: Workbench, drawing: int, age: float) -> None:
    with bench.database.write() as session:
        session.execute(update(Drawing).where(Drawing.id == drawing).values(age_years=age))


def newest(bench: Workbench, drawing: int) -> AnomalyAnalysis:
    with bench.database.read() as session:
        return repository.newest(session, bench.owner_id, [drawing])[drawing]


def looked_at_ages(bench: Workbench, drawing: int, *ages: float) -> list[BatchAnalysis]:
    found = []
    for age in ages:
        set_age(bench, drawing, age)
        found.append(AnalysisService(bench).analyze([drawing]))
    return found


class TestFoundAgain:
    @pytest.mark.req("D-16.1")
    def test_an_answer_that_is_found_again_is_the_newest_again(self, trained: Workbench) -> None:
        drawing = newcomer(trained)
        calls = looked_at_ages(trained, drawing, 4.5, 7.5, 4.5)
        young, old, again = (call.analyses[0].id for call in calls)
        assert [call.computed for call in calls] == [1, 1, 0]
        assert again == young != old
        assert newest(trained, drawing).id == young

    @pytest.mark.req("D-16.1")
    def test_the_history_counts_from_the_last_time_it_was_found(self, trained: Workbench) -> None:
        drawing = newcomer(trained)
        calls = looked_at_ages(trained, drawing, 4.5, 7.5, 10.5, 7.5)
        young, middle, old, _ = (call.analyses[0].id for call in calls)
        with trained.database.read() as session:
            rows, total = AnalysisService(trained).history(session, drawing)
        assert [row.id for row in rows] == [middle, old, young]
        assert total == 3

    @pytest.mark.req("D-16.1")
    def test_statistics_flags_and_scores_follow(self, trained: Workbench) -> None:
        service = AnalysisService(trained)
        service.analyze()
        before = told(trained)
        with trained.database.write() as session:
            service.thresholds.set_rule(session, percentile=80.0)
        service.analyze()
        assert told(trained) != before
        with trained.database.write() as session:
            session.execute(text("DELETE FROM threshold_settings"))
        assert service.analyze().computed == 0
        assert told(trained) == before

    @pytest.mark.req("D-9.8")
    def test_a_preview_reads_the_score_of_the_newest_answer(self, trained: Workbench) -> None:
        drawing = newcomer(trained)
        looked_at_ages(trained, drawing, 4.5, 7.5, 4.5)
        with trained.database.read() as session:
            young, middle, _ = AnalysisService(trained).models.active(session)
            scored = repository.newest_scores(session, trained.owner_id, young.id)
            assert scored == [(newest(trained, drawing).anomaly_score, scored[0][1])]
            assert repository.newest_scores(session, trained.owner_id, middle.id) == []


def told(bench: Workbench) -> dict[str, Any]:
    """All that is said of newest answers, but for how many there are in all."""
    with bench.database.read() as session:
        found = AnalysisService(bench).statistics(session)
        flagged = repository.flagged(session, bench.owner_id)
    assert len(flagged) == found["anomaly_count"]
    return {**found, "total_analyses": None, "flagged": flagged}


class TestTwoCalls:
    @pytest.mark.req("D-16.1")
    def test_the_database_refuses_a_second_newest_answer(self, trained: Workbench) -> None:
        (row,) = AnalysisService(trained).analyze([1]).analyses
        with pytest.raises(IntegrityError), trained.database.write() as session:
            session.add(
                AnomalyAnalysis(
                    owner_id=row.owner_id,
                    drawing_id=1,
                    inputs_hash="other",
                    current_of=1,
                    decision="ranked",
                    results={},
                )
            )

    @pytest.mark.req("D-16.1")
    def test_of_two_calls_at_once_the_one_that_began_later_has_the_say(
        self, trained: Workbench
    ) -> None:
        """The earlier one had read the old age, and came to storing its answer last."""
        drawing = newcomer(trained)
        service = AnalysisService(trained)
        with service.tracker.running(service.tracker.create_batch(1)) as earlier:
            with trained.database.read() as session:
                scene = service.scene(session)
                drawings = repository.drawings(session, trained.owner_id, [drawing])
                service._load_vectors(session, scene, drawings)
            (later,) = looked_at_ages(trained, drawing, 7.5)
            with trained.database.write() as session:
                made = analyse(scene, drawings)
                (row,), fresh = store(session, trained.owner_id, earlier.id, made)
        assert (row.results["age_group"], fresh) == ("3.0-6.0", 1)
        assert newest(trained, drawing).id == later.analyses[0].id
        assert newest(trained, drawing).results["age_group"] == "6.0-9.0"

    @pytest.mark.req("D-16.1")
    def test_a_batch_that_waited_begins_when_its_turn_comes(self, trained: Workbench) -> None:
        drawing = newcomer(trained)
        service = AnalysisService(trained)
        waiting = service.tracker.create_batch(1)
        looked_at_ages(trained, drawing, 7.5)
        set_age(trained, drawing, 10.5)
        batch = service.analyze([drawing], batch=waiting)
        assert batch.uid == waiting
        assert newest(trained, drawing).id == batch.analyses[0].id
        with trained.database.read() as session:
            row = service.tracker.get_batch(session, waiting)
            assert (row.status, row.completed) == ("completed", 1)
            assert session.scalars(select(func.count(AnalysisBatch.id))).one() == 2

    @pytest.mark.req("D-16.1")
    def test_a_batch_that_waited_for_a_drawing_that_went_keeps_the_reason(
        self, trained: Workbench
    ) -> None:
        service = AnalysisService(trained)
        waiting = service.tracker.create_batch(1)
        with pytest.raises(NotFoundError, match="no drawing 4711"):
            service.analyze([4711], batch=waiting)
        with trained.database.read() as session:
            row = service.tracker.get_batch(session, waiting)
        assert (row.status, row.failed) == ("failed", 1)
        assert "4711" in row.errors[0]

    @pytest.mark.req("D-16.1")
    def test_processes_that_analyse_everything_at_once_leave_one_newest_each(
        self, trained: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("deepmed.features.drawings.analysis.service.CHUNK", 20)
        benches = [open_bench(trained.settings.home) for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda bench: AnalysisService(bench).analyze(), benches))
        for bench in benches:
            bench.database.close()
        with trained.database.read() as session:
            rows = session.execute(
                select(AnomalyAnalysis.drawing_id, AnomalyAnalysis.current_of)
            ).all()
        assert len(rows) == 149
        assert all(row.drawing_id == row.current_of for row in rows)

    @pytest.mark.parametrize("dialect", [postgresql.dialect(), mysql.dialect()])
    def test_servers_hold_the_drawings_until_the_commit(self, dialect: Any) -> None:
        asked: list[str] = []

        class Told(Session):
            def scalars(self, statement: Any, *_: Any, **__: Any) -> Any:
                asked.append(str(statement.compile(dialect=dialect)))
                return iter(())

        repository.lock_drawings(Told(), [2, 1])
        assert " FOR " in asked[0]
        assert "UPDATE" in asked[0]


class TestChangedMembers:
    @pytest.mark.req("D-26.2", "D-30.2")
    def test_a_comparison_child_that_goes_makes_a_new_answer_at_once(
        self, trained: Workbench
    ) -> None:
        """Before the deletion has come to the model's files, too."""
        drawing = newcomer(trained, 7.5)
        service = AnalysisService(trained)
        (before,) = service.analyze([drawing]).analyses
        with trained.database.write() as session:
            gone = next(
                member.child_id
                for member in members(session, before.age_group_model_id or 0)
                if member.part == "calibration"
            )
            session.execute(update(AgeGroupModel).values(needs_retraining=True))
            session.execute(delete(Drawing).where(Drawing.child_id == gone))
            session.execute(delete(Child).where(Child.id == gone))
        batch = service.analyze([drawing])
        (after,) = batch.analyses
        assert batch.computed == 1
        counted = [row.results["ranking"]["n_children"] for row in (before, after)]
        assert counted[1] == counted[0] - 1


@pytest.mark.req("S-3.1")
def test_newest_answers_of_another_owner_are_not_found(trained: Workbench) -> None:
    AnalysisService(trained).analyze([1])
    other = stranger(trained)
    with trained.database.read() as session:
        assert repository.newest(session, other.owner_id, [1]) == {}
        assert repository.flagged(session, other.owner_id) == []
        assert repository.counts(session, other.owner_id) == []


@pytest.mark.req("D-16.1")
def test_marked_drawings_are_counted_apart_and_once(trained: Workbench) -> None:
    """Marks that drawings share or not, against a count one by one."""
    rows = AnalysisService(trained).analyze().analyses
    some = [row.drawing_id for row in rows]
    with trained.database.write() as session:
        for name, value, where in (
            ("expert_label", "concern", some[::5]),
            ("expert_label", "normal", some[1::5]),
            ("withdrawn", True, some[::7]),
            ("duplicate_of", some[0], some[2::11]),
        ):
            session.execute(update(Drawing).where(Drawing.id.in_(where)).values({name: value}))
    with trained.database.read() as session:
        marks = repository.marks(session, some)
        found = repository.counts(session, trained.owner_id)
    told: Counter[tuple[Any, ...]] = Counter()
    for row in found:
        label = None if row.expert_label == "normal" else row.expert_label
        copied = row.duplicate_of is not None
        told[(*row[:3], label, row.withdrawn, copied)] += row.number
    expected: Counter[tuple[Any, ...]] = Counter()
    for one in rows:
        mark = marks[one.drawing_id]
        label = None if mark.expert_label == "normal" else mark.expert_label
        answer = (one.decision, one.role, one.is_anomaly)
        expected[*answer, label, mark.withdrawn, mark.duplicate_of is not None] += 1
    assert told == expected


class TestPlans:
    """What a page asks often is read from an index, at any number of drawings."""

    @pytest.mark.req("D-25.1")
    def test_statistics_read_no_results(self, trained: Workbench) -> None:
        AnalysisService(trained).analyze()
        plan = explained(trained, lambda session: repository.counts(session, trained.owner_id))
        assert "COVERING INDEX ix_anomaly_analyses_current" in plan
        assert "SCAN" not in plan

    @pytest.mark.req("D-25.1")
    def test_flags_are_read_from_the_index(self, trained: Workbench) -> None:
        plan = explained(trained, lambda session: repository.flagged(session, trained.owner_id))
        assert "COVERING INDEX ix_anomaly_analyses_" in plan

    @pytest.mark.req("D-25.1")
    def test_scores_of_a_model_are_read_without_those_of_others(self, trained: Workbench) -> None:
        plan = explained(
            trained, lambda session: repository.newest_scores(session, trained.owner_id, 1)
        )
        assert "age_group_model_id=?" in plan
        assert "SCAN" not in plan

    @pytest.mark.req("D-25.1")
    def test_newest_answers_of_a_page_are_looked_up_one_by_one(self, trained: Workbench) -> None:
        asked = list(range(1, 101))
        plan = explained(
            trained, lambda session: repository.newest(session, trained.owner_id, asked)
        )
        assert "current_of=?" in plan

    @pytest.mark.req("D-25.1")
    def test_the_history_of_a_drawing_is_read_in_its_order(self, trained: Workbench) -> None:
        plan = explained(trained, lambda session: repository.history(session, trained.owner_id, 1))
        assert "drawing_id=?" in plan
        assert "SCAN" not in plan

    @pytest.mark.req("D-25.1")
    def test_stored_answers_are_looked_up_by_drawing(self, trained: Workbench) -> None:
        asked = [(1, "a"), (2, "b")]
        plan = explained(
            trained, lambda session: repository.by_inputs(session, trained.owner_id, asked)
        )
        assert "drawing_id=?" in plan


def explained(bench: Workbench, ask: Any) -> str:
    """SQLite's plan of the statements of a call."""
    plans: list[str] = []
    with bench.database.read() as session:
        connection = session.connection()
        raw: Any = connection.connection.driver_connection
        raw.set_trace_callback(plans.append)
        ask(session)
        raw.set_trace_callback(None)
        statements = [
            one for one in plans if one.startswith("SELECT") and "data_revision" not in one
        ]
        rows = [
            row
            for statement in statements
            for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        ]
    return "\n".join(row[3] for row in rows)
