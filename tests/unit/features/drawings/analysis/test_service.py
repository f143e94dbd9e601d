"""Analyses of stored drawings, counted again from the members' stored scores."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, func, select, update

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.repository import members
from deepmed.features.drawings.tables import (
    AnalysisBatch,
    AnomalyAnalysis,
    Drawing,
    DrawingEmbedding,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import IntegrityError, NotFoundError
from deepmed.learning.errors import EncoderMismatchError
from deepmed.learning.evaluation.oracle import recompute_decision, recompute_manual_decision
from deepmed.learning.reference import Layout
from factories.drawings import Sketch, add_drawings, add_vectors, embed, sketches
from factories.encoder import OTHER_NAME
from factories.homes import QUICK, alike, open_bench, stranger, train

LEVEL = 0.05


def odd(bench: Workbench, count: int, age: float = 7.5) -> list[int]:
    """Drawings of new children that lie far from everything that was fitted on."""
    ids = add_drawings(bench, [Sketch(age=age) for _ in range(count)])
    vectors = np.random.default_rng(count).uniform(5, 9, size=(count, 64)).astype(np.float32)
    add_vectors(bench, ids, vectors)
    return ids


def newcomers(bench: Workbench, wanted: Sequence[Sketch] | None = None) -> list[int]:
    ids = add_drawings(bench, wanted or [Sketch(age=7.2, picture=50 + n) for n in range(6)])
    embed(bench)
    return ids


def calibration(bench: Workbench, row: AnomalyAnalysis) -> list[tuple[int, float]]:
    """(child, score) that an analysis was to be ranked among, from the members' rows."""
    twin = row.results["ranked_by"] == "twin"
    with bench.database.read() as session:
        return [
            (member.child_id, member.twin_score if twin else member.score)
            for member in members(session, row.age_group_model_id or 0)
            if (member.twin_part if twin else member.part) == "calibration"
        ]


def children(bench: Workbench) -> dict[int, int]:
    with bench.database.read() as session:
        rows = session.execute(select(Drawing.id, Drawing.child_id))
        return {row.id: row.child_id for row in rows}


def ranked(row: AnomalyAnalysis) -> dict[str, Any]:
    return row.results["ranking"]


class TestRanking:
    @pytest.mark.req("D-9.4", "D-26.2", "D-26.3")
    def test_every_answer_is_counted_again_from_the_members_stored_scores(
        self, trained: Workbench
    ) -> None:
        odd(trained, 3)
        newcomers(trained)
        drawn_by = children(trained)
        roles = set()
        rows = AnalysisService(trained).analyze().analyses
        answered = [row for row in rows if row.decision == "ranked"]
        for row in (*answered[:-9:4], *answered[-9:]):
            child = drawn_by[row.drawing_id]
            pairs = calibration(trained, row)
            own = child if row.role != "new" else None
            again = recompute_decision(pairs, row.anomaly_score or 0.0, 95.0, own)
            roles.add(row.role)
            assert row.p_value == pytest.approx(again["p_value"], abs=1e-12)
            assert row.normalized_score == again["normalized_score"]
            assert row.is_anomaly is again["is_anomaly"]
            assert ranked(row)["threshold"] == again["threshold"]
            assert ranked(row)["attained_level"] == pytest.approx(again["attained_level"])
            assert row.confidence == pytest.approx(again["confidence"], abs=1e-8)
            assert ranked(row)["n_children"] == len({one for one, _ in pairs} - {own})
        assert roles == {"fit", "calibration", "new"}

    @pytest.mark.req("D-9.5")
    def test_a_new_childs_drawing_is_flagged_exactly_above_the_threshold(
        self, trained: Workbench
    ) -> None:
        odd(trained, 5)
        newcomers(trained)
        rows = [row for row in AnalysisService(trained).analyze().analyses if row.role == "new"]
        assert {row.is_anomaly for row in rows} == {True, False}
        for row in rows:
            assert row.anomaly_score is not None
            assert row.p_value is not None
            assert row.is_anomaly == (row.anomaly_score > ranked(row)["threshold"])
            assert row.is_anomaly == (row.p_value <= LEVEL)

    @pytest.mark.req("D-26.1")
    def test_every_analysis_records_the_role_of_its_child(self, trained: Workbench) -> None:
        new = set(newcomers(trained))
        analyses = AnalysisService(trained).analyze().analyses
        with trained.database.read() as session:
            parts = {
                (member.model_id, member.child_id): member.part
                for row in ModelManager(trained).active(session)
                for member in members(session, row.id)
                if member.part
            }
        drawn_by = children(trained)
        for row in analyses:
            if row.decision == "blank":
                assert row.role is None
                continue
            part = parts.get((row.age_group_model_id or 0, drawn_by[row.drawing_id]), "new")
            assert row.role == {"borrowed": "fit"}.get(part, part)
            assert (row.role == "new") or row.drawing_id not in new

    @pytest.mark.req("D-26.1", "D-26.3")
    def test_a_borrowed_child_is_fit_and_gets_no_answer_of_the_borrowing_model(
        self, bench: Workbench
    ) -> None:
        ids = add_drawings(bench, [*sketches(22, 4.5), *sketches(40, 7.5)])
        embed(bench)
        (thin, *_) = train(bench, [AgeRange(3, 6), AgeRange(6, 9)]).models
        with bench.database.read() as session:
            lent = next(one for one in members(session, thin.id) if one.part == "borrowed")
        (young,) = add_drawings(bench, [Sketch(age=4.0)])
        with bench.database.write() as session:
            session.execute(
                update(Drawing).where(Drawing.id == young).values(child_id=lent.child_id)
            )
        embed(bench)
        (row,) = AnalysisService(bench).analyze([young]).analyses
        assert young not in ids
        assert (row.role, row.decision, row.is_anomaly) == ("fit", "in_sample", False)
        assert row.p_value is None
        assert row.reason

    @pytest.mark.req("D-9.7", "V-9.1")
    def test_a_percentile_that_so_few_children_cannot_support_gives_rank_and_no_flag(
        self, bench: Workbench
    ) -> None:
        add_drawings(bench, sketches(21))
        embed(bench)
        train(bench, [AgeRange(6, 9)])
        (drawing,) = odd(bench, 1)
        (row,) = AnalysisService(bench).analyze([drawing]).analyses
        assert (row.decision, row.is_anomaly, row.role) == ("not_supported", False, "new")
        assert row.p_value == pytest.approx(1 / 12)
        assert ranked(row)["highest_percentile"] == pytest.approx(100 * 11 / 12)
        assert ranked(row)["threshold"] is None
        assert row.confidence is None
        assert "11 comparison children" in (row.reason or "")

    @pytest.mark.req("D-9.7")
    def test_nineteen_support_a_new_child_and_twenty_a_calibration_child(
        self, bench: Workbench
    ) -> None:
        """With 29 drawings 19 calibrate: enough for 95 % of a new child, not of one of them."""
        add_drawings(bench, sketches(29))
        embed(bench)
        train(bench, [AgeRange(6, 9)])
        odd(bench, 1)
        rows = AnalysisService(bench).analyze().analyses
        decisions = {(row.role, row.decision) for row in rows}
        assert ("new", "ranked") in decisions
        assert ("calibration", "not_supported") in decisions
        assert ("calibration", "ranked") not in decisions


class TestNoAnswer:
    @pytest.mark.req("V-9.1", "D-7.4")
    def test_an_age_outside_the_supported_ones_gets_no_answer_with_the_reason(
        self, trained: Workbench
    ) -> None:
        (old,) = newcomers(trained, [Sketch(age=14.0)])
        (row,) = AnalysisService(trained).analyze([old]).analyses
        assert (row.decision, row.is_anomaly, row.anomaly_score) == ("no_model", False, None)
        assert "14 years" in (row.reason or "")
        assert "9 to 12 years" in (row.reason or "")

    @pytest.mark.req("V-9.1")
    def test_a_blank_page_gets_no_answer(self, trained: Workbench) -> None:
        (blank,) = newcomers(trained, [Sketch(blank=True)])
        (row,) = AnalysisService(trained).analyze([blank]).analyses
        assert (row.decision, row.p_value, row.is_anomaly) == ("blank", None, False)
        assert row.reason

    @pytest.mark.req("V-9.1")
    def test_a_drawing_without_a_vector_gets_no_answer(self, trained: Workbench) -> None:
        (drawing,) = add_drawings(trained, [Sketch()])
        (row,) = AnalysisService(trained).analyze([drawing]).analyses
        assert (row.decision, row.p_value) == ("not_embedded", None)

    def test_without_any_model_the_reason_says_so(self, bench: Workbench) -> None:
        newcomers(bench)
        rows = AnalysisService(bench).analyze().analyses
        assert {row.decision for row in rows} == {"no_model"}
        assert all("Covered: none yet" in (row.reason or "") for row in rows)

    def test_an_empty_home_is_analysed_to_nothing(self, bench: Workbench) -> None:
        batch = AnalysisService(bench).analyze()
        assert (batch.analyses, batch.q_values, batch.computed) == ([], {}, 0)

    @pytest.mark.req("D-5.4")
    def test_vectors_of_another_encoder_are_refused_by_name_with_what_to_do(
        self, trained: Workbench
    ) -> None:
        other = replace(
            trained, settings=trained.settings.model_copy(update={"encoder": OTHER_NAME})
        )
        for again in (False, True):
            if again:
                embed(other)
            with pytest.raises(EncoderMismatchError) as caught:
                AnalysisService(other).analyze()
            said = str(caught.value)
            assert trained.encoding.identity.key in said
            assert other.encoding.identity.key in said
            assert "Model 1 for 3 to under 6 years" in said
            assert "deepmed drawings embed" in said
        with trained.database.read() as session:
            assert session.scalars(select(func.count(AnomalyAnalysis.id))).one() == 0


class TestSameAnswer:
    @pytest.mark.req("D-10.4", "D-23.1")
    def test_alone_in_a_batch_and_after_reopening_the_answer_is_the_same(
        self, trained: Workbench
    ) -> None:
        odd(trained, 2)
        newcomers(trained)
        batch = AnalysisService(trained).analyze()
        first = {row.drawing_id: _answer(row) for row in batch.analyses}
        some = list(first)[::9]
        forget_analyses(trained)
        alone = {one: _answer(AnalysisService(trained).analyze([one]).analyses[0]) for one in some}
        trained.database.close()
        again = open_bench(trained.settings.home)
        forget_analyses(again)
        reopened = {
            row.drawing_id: _answer(row) for row in AnalysisService(again).analyze().analyses
        }
        again.database.close()
        assert alone == {one: first[one] for one in some}
        assert reopened == first

    def test_the_same_inputs_are_not_computed_twice(self, trained: Workbench) -> None:
        service = AnalysisService(trained)
        first, again = service.analyze(), service.analyze()
        assert first.computed == len(first.analyses)
        assert again.computed == 0
        assert [row.id for row in again.analyses] == [row.id for row in first.analyses]

    @pytest.mark.parametrize(
        "change", [{"age_years": 7.9}, {"subject": "tree"}, {"is_blank": True}]
    )
    def test_what_an_answer_rests_on_makes_a_new_one(
        self, trained: Workbench, change: dict[str, Any]
    ) -> None:
        (drawing,) = newcomers(trained, [Sketch(age=7.2)])
        service = AnalysisService(trained)
        service.analyze([drawing])
        with trained.database.write() as session:
            session.execute(update(Drawing).where(Drawing.id == drawing).values(**change))
        assert service.analyze([drawing]).computed == 1

    def test_a_corrected_subject_of_another_drawing_makes_a_new_answer(
        self, trained: Workbench
    ) -> None:
        """It changes among whom the subject part ranks."""
        (drawing,) = newcomers(trained, [Sketch(age=7.2, subject="house")])
        service = AnalysisService(trained)
        before = service.analyze([drawing]).analyses[0].results["subject_part"]
        with trained.database.write() as session:
            session.execute(update(Drawing).where(Drawing.id <= 60).values(subject="house"))
        batch = service.analyze([drawing])
        assert batch.computed == 1
        assert before["p_value"] is None
        assert batch.analyses[0].results["subject_part"]["p_value"] is not None

    @pytest.mark.req("D-23.3")
    @pytest.mark.parametrize(
        ("age", "group"),
        [(5.999, "3.0-6.0"), (6.0, "6.0-9.0"), (9.0, "9.0-12.0"), (12.0, "9.0-12.0")],
    )
    def test_an_age_on_a_boundary_is_ranked_by_the_documented_model(
        self, trained: Workbench, age: float, group: str
    ) -> None:
        (drawing,) = newcomers(trained, [Sketch(age=age)])
        (row,) = AnalysisService(trained).analyze([drawing]).analyses
        assert row.results["age_group"] == group


class TestBatch:
    @pytest.mark.req("D-10.5")
    def test_q_values_are_of_new_children_only_one_p_a_child(self, trained: Workbench) -> None:
        first = odd(trained, 3)
        newcomers(trained)
        with trained.database.write() as session:
            owner = session.get_one(Drawing, first[0]).child_id
            session.execute(update(Drawing).where(Drawing.id == first[1]).values(child_id=owner))
        batch = AnalysisService(trained).analyze()
        drawn_by = children(trained)
        rows = [row for row in batch.analyses if row.role == "new"]
        expected = _benjamini_hochberg(
            {row.drawing_id: row.p_value or 1.0 for row in rows}, drawn_by
        )
        for row in batch.analyses:
            stored = batch.q_values.get(str(row.drawing_id))
            if row.role == "new":
                assert stored == pytest.approx(expected[drawn_by[row.drawing_id]], abs=1e-9)
            else:
                assert stored is None

    @pytest.mark.req("D-10.5")
    def test_a_q_value_never_changes_a_flag(self, trained: Workbench) -> None:
        """One odd drawing among many looks: its q is beyond the level, its flag stands."""
        (drawing,) = odd(trained, 1)
        newcomers(trained, [Sketch(age=7.2, picture=60 + n) for n in range(30)])
        batch = AnalysisService(trained).analyze()
        row = next(row for row in batch.analyses if row.drawing_id == drawing)
        assert row.is_anomaly
        assert batch.q_values[str(drawing)] > LEVEL

    @pytest.mark.req("D-10.5")
    def test_the_outlook_is_told_at_the_rule_in_force(self, trained: Workbench) -> None:
        newcomers(trained)
        service = AnalysisService(trained)
        assert service.analyze().outlook["statement"] is None
        with trained.database.write() as session:
            service.thresholds.set_rule(session, percentile=99.0)
        found = service.analyze().outlook
        assert found["level"] == pytest.approx(0.01)
        assert "no drawing could stay selected" in found["statement"]

    def test_the_outlook_is_told_before_anything_is_scored(self, trained: Workbench) -> None:
        newcomers(trained)
        told = []

        def foretold(outlook: dict[str, Any]) -> None:
            with trained.database.read() as session:
                assert session.scalars(select(func.count(AnomalyAnalysis.id))).one() == 0
            told.append(outlook)

        made = AnalysisService(trained).analyze(foretold=foretold)
        assert told == [made.outlook]

    @pytest.mark.req("D-16.1")
    def test_a_batch_outlives_the_process_with_its_count_and_q_values(
        self, trained: Workbench
    ) -> None:
        newcomers(trained)
        batch = AnalysisService(trained).analyze()
        trained.database.close()
        again = open_bench(trained.settings.home)
        with again.database.read() as session:
            row = AnalysisService(again).tracker.get_batch(session, batch.uid)
        again.database.close()
        assert (row.status, row.total, row.completed) == ("completed", 155, 155)
        assert row.q_values == batch.q_values
        assert row.completed_at is not None

    @pytest.mark.req("D-16.1")
    def test_a_batch_that_fails_is_kept_with_its_reason(self, trained: Workbench) -> None:
        with trained.database.write() as session:
            row = session.scalars(select(DrawingEmbedding)).first()
            assert row is not None
            session.execute(
                update(DrawingEmbedding)
                .where(DrawingEmbedding.id == row.id)
                .values(embedding_vector=bytes(256))
            )
        with pytest.raises(IntegrityError):
            AnalysisService(trained).analyze([row.drawing_id])
        with trained.database.read() as session:
            batch = session.scalars(select(AnalysisBatch)).one()
        assert (batch.status, batch.completed, batch.failed) == ("failed", 0, 1)
        assert "damaged" in batch.errors[0]

    @pytest.mark.req("D-16.1")
    def test_an_unknown_drawing_is_named_and_nothing_is_analysed(self, trained: Workbench) -> None:
        with pytest.raises(NotFoundError, match=r"no drawing 4711, 4712\. Nothing was analysed"):
            AnalysisService(trained).analyze([1, 4711, 4712])
        with trained.database.read() as session:
            assert session.scalars(select(func.count(AnomalyAnalysis.id))).one() == 0
            assert session.scalars(select(func.count(AnalysisBatch.id))).one() == 0

    @pytest.mark.req("D-16.1")
    def test_the_history_keeps_every_answer_newest_first(self, trained: Workbench) -> None:
        service = AnalysisService(trained)
        first = service.analyze([1]).analyses[0]
        with trained.database.write() as session:
            service.thresholds.set_rule(session, percentile=90.0)
        second = service.analyze([1]).analyses[0]
        with trained.database.read() as session:
            rows, total = service.history(session, 1)
            short, same_total = service.history(session, 1, limit=1)
        assert [row.id for row in rows] == [second.id, first.id]
        assert [row.id for row in short] == [second.id]
        assert total == same_total == 2

    def test_progress_is_told_chunk_by_chunk(
        self, trained: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("deepmed.features.drawings.analysis.service.CHUNK", 60)
        told: list[tuple[int, int]] = []
        AnalysisService(trained).analyze(progress=lambda done, total: told.append((done, total)))
        assert told == [(60, 149), (120, 149), (149, 149)]


class TestStatistics:
    @pytest.mark.req("D-16.1")
    def test_they_count_the_newest_analysis_of_each_drawing(self, trained: Workbench) -> None:
        service = AnalysisService(trained)
        service.analyze()
        with trained.database.write() as session:
            service.thresholds.set_rule(session, percentile=90.0)
        rows = service.analyze().analyses
        with trained.database.read() as session:
            found = service.statistics(session)
        assert found["total_drawings"] == 149
        assert found["total_analyses"] == 2 * 149
        assert found["anomaly_count"] == sum(row.is_anomaly for row in rows)
        assert found["decisions"] == {"ranked": 148, "blank": 1}
        assert sum(one["count"] for one in found["age_distribution"]) == 149

    @pytest.mark.req("D-26.4")
    def test_the_flag_rate_counts_new_children_only(self, trained: Workbench) -> None:
        odd(trained, 2)
        newcomers(trained)
        service = AnalysisService(trained)
        rows = service.analyze().analyses
        with trained.database.read() as session:
            found = service.statistics(session)
        new = [row for row in rows if row.role == "new"]
        # Three of those left out of training are by new children too: two labelled, one withdrawn.
        assert len(new) == 2 + 6 + 3
        with trained.database.read() as session:
            typical = {
                drawing.id
                for drawing in session.query(Drawing)
                if drawing.expert_label in {None, "normal"} and not drawing.withdrawn
            }
        counted = [row for row in new if row.drawing_id in typical]
        assert found["new_children"] == {
            "analysed": 2 + 6,
            "flagged": sum(row.is_anomaly for row in counted),
        }
        assert (
            found["by_role"]["fit"]["analysed"] + found["by_role"]["calibration"]["analysed"] > 140
        )

    @pytest.mark.req("D-8.2")
    def test_labelled_drawings_are_counted_by_their_label(self, trained: Workbench) -> None:
        first, second = odd(trained, 2)
        with trained.database.write() as session:
            session.get_one(Drawing, first).expert_label = "concern"
            session.get_one(Drawing, second).expert_label = "concern"
        service = AnalysisService(trained)
        rows = {row.drawing_id: row for row in service.analyze().analyses}
        assert rows[first].is_anomaly
        assert rows[second].is_anomaly
        with trained.database.read() as session:
            found = service.statistics(session)
            severe = session.query(Drawing).filter_by(expert_label="severe").one().id
            concern = [one.id for one in session.query(Drawing).filter_by(expert_label="concern")]
        assert len(concern) == 3
        assert found["labelled"] == {
            "concern": {"analysed": 3, "flagged": sum(rows[one].is_anomaly for one in concern)},
            "severe": {"analysed": 1, "flagged": int(rows[severe].is_anomaly)},
        }
        assert found["new_children"] == {"analysed": 0, "flagged": 0}

    @pytest.mark.req("D-26.4")
    def test_what_could_not_be_flagged_makes_no_rate(self, trained: Workbench) -> None:
        """At 99.9 a thousand children would be needed: a rank is given, and no flag."""
        newcomers(trained)
        service = AnalysisService(trained)
        with trained.database.write() as session:
            service.thresholds.set_rule(session, percentile=99.9)
        rows = service.analyze().analyses
        assert {row.decision for row in rows if row.role == "new"} == {"not_supported"}
        with trained.database.read() as session:
            found = service.statistics(session)
        assert found["new_children"] == {"analysed": 0, "flagged": 0}
        assert found["labelled"] == {}
        assert found["by_role"]["new"]["analysed"] == 6 + 3

    @pytest.mark.req("D-26.4")
    def test_without_new_children_there_is_no_rate_to_speak_of(self, bench: Workbench) -> None:
        add_drawings(bench, sketches(40))
        embed(bench)
        train(bench, [AgeRange(6, 9)])
        service = AnalysisService(bench)
        service.analyze()
        with bench.database.read() as session:
            found = service.statistics(session)
        assert found["new_children"] == {"analysed": 0, "flagged": 0}
        assert found["anomaly_count"] > 0


class TestAges:
    @pytest.mark.req("D-27.2")
    def test_models_that_tell_ages_apart_give_the_age_part_and_speak_of_ages(
        self, trained: Workbench
    ) -> None:
        (drawing,) = newcomers(trained, [Sketch(age=7.2)])
        service = AnalysisService(trained)
        (row,) = service.analyze([drawing]).analyses
        assert row.results["among"] == "of this age"
        assert [one["age_group"] for one in row.results["age_part"]["groups"]] == [
            "3.0-6.0",
            "6.0-9.0",
            "9.0-12.0",
        ]
        with trained.database.read() as session:
            scene = service.scene(session)
            service._load_vectors(session, scene, [session.get_one(Drawing, drawing)])
        for item, part in zip(scene.active, row.results["age_part"]["groups"], strict=True):
            ranking, age = item.model.model.across_ages, item.model.neutral_age
            columns = np.append(scene.vectors[drawing].astype(np.float64), age)[None]
            score = item.model.model.detector.score_samples(columns)[0]
            pairs = zip(ranking.children, ranking.scores.tolist(), strict=True)
            again = recompute_decision(pairs, score, 95.0)
            assert part["p_value"] == pytest.approx(again["p_value"])

    @pytest.mark.req("D-27.2")
    def test_models_that_do_not_speak_of_the_group_and_give_the_statement(
        self, bench: Workbench
    ) -> None:
        config = QUICK.model_copy(update={"layout": Layout.VISUAL})
        train(alike(bench), [AgeRange(3, 6), AgeRange(6, 9)], config)
        for row in AnalysisService(bench).analyze().analyses:
            assert row.results["among"] == "of this group"
            assert row.results["age_part"]["groups"] == []
            assert "do not tell" in row.results["age_part"]["statement"]


class TestManualThreshold:
    @pytest.mark.req("D-10.2")
    def test_it_flags_what_scores_above_and_names_no_percentile(self, trained: Workbench) -> None:
        newcomers(trained)
        service = AnalysisService(trained)
        with trained.database.read() as session:
            model = service.models.active(session)[1]
            pairs = [
                (one.child_id, one.score)
                for one in members(session, model.id)
                if one.part == "calibration"
            ]
        threshold = float(np.median([score for _, score in pairs if score is not None]))
        with trained.database.write() as session:
            service.thresholds.set_rule(session, threshold=threshold, model_id=model.id)
        rows = [row for row in service.analyze().analyses if row.age_group_model_id == model.id]
        new = [row for row in rows if row.role == "new" and row.anomaly_score is not None]
        assert {row.is_anomaly for row in new} == {True, False}
        for row in new:
            again = recompute_manual_decision(pairs, row.anomaly_score or 0.0, threshold)
            assert row.decision == "manual"
            assert row.is_anomaly is again["is_anomaly"]
            assert ranked(row)["percentile"] is None
            assert ranked(row)["false_alarm_estimate"] == pytest.approx(
                again["false_alarm_estimate"]
            )
            assert row.confidence is None
        fitted = [row for row in rows if row.role == "fit"]
        assert {(row.decision, row.is_anomaly) for row in fitted} == {("in_sample", False)}

    @pytest.mark.req("D-10.2", "D-26.3")
    def test_twin_ranked_drawings_keep_score_and_rank_and_get_no_flag(
        self, trained: Workbench
    ) -> None:
        """The threshold is on the model's scale: it says nothing of the twin's scores."""
        service = AnalysisService(trained)
        before = {row.drawing_id: row for row in service.analyze().analyses if row.role == "fit"}
        with trained.database.write() as session:
            for model in service.models.active(session):
                service.thresholds.set_rule(session, threshold=1e-6, model_id=model.id)
        after = {row.drawing_id: row for row in service.analyze().analyses if row.role == "fit"}
        assert len(after) == len(before) > 50
        for drawing, row in after.items():
            old = before[drawing]
            assert (row.decision, row.is_anomaly) == ("in_sample", False)
            assert "on the model's scale" in (row.reason or "")
            kept = (row.anomaly_score, row.p_value, row.normalized_score)
            assert kept == (old.anomaly_score, old.p_value, old.normalized_score)
            assert kept[0] is not None
            assert ranked(row)["n_children"] == ranked(old)["n_children"]
            assert (ranked(row)["threshold"], row.confidence) == (None, None)
            assert row.results["natural_frequency"] is None

    @pytest.mark.req("D-9.8", "D-10.2")
    def test_the_way_back_to_a_percentile_is_previewed_for_them_too(
        self, trained: Workbench
    ) -> None:
        service = AnalysisService(trained)
        service.analyze()
        with trained.database.write() as session:
            model = service.models.active(session)[1]
            before = service.thresholds.preview(session, 80.0, model_id=model.id)
            service.thresholds.set_rule(session, threshold=1e-6, model_id=model.id)
        service.analyze()
        with trained.database.read() as session:
            after = service.thresholds.preview(session, 80.0, model_id=model.id)
        assert after[0]["then"] == before[0]["then"]


class TestOwners:
    @pytest.mark.req("S-3.1")
    def test_another_owners_drawings_analyses_and_batches_are_not_found(
        self, trained: Workbench
    ) -> None:
        batch = AnalysisService(trained).analyze([1])
        other = AnalysisService(stranger(trained))
        with pytest.raises(NotFoundError, match="no drawing 1"):
            other.analyze([1])
        assert other.analyze().analyses == []
        with trained.database.read() as session:
            assert other.history(session, 1) == ([], 0)
            assert repository.analysis(session, other.bench.owner_id, batch.analyses[0].id) is None
            assert other.statistics(session)["total_drawings"] == 0
            with pytest.raises(NotFoundError, match=batch.uid):
                other.tracker.get_batch(session, batch.uid)


def forget_analyses(bench: Workbench) -> None:
    with bench.database.write() as session:
        session.execute(delete(AnomalyAnalysis))


def _answer(row: AnomalyAnalysis) -> dict[str, Any]:
    return {
        "score": row.anomaly_score,
        "p": row.p_value,
        "decision": row.decision,
        "role": row.role,
        "results": row.results,
        "inputs": row.inputs_hash,
    }


def _benjamini_hochberg(p: dict[int, float], drawn_by: dict[int, int]) -> dict[int, float]:
    """By the definition: the least level at which a child is among the rejected."""
    mine: dict[int, list[float]] = {}
    for drawing, value in p.items():
        mine.setdefault(drawn_by[drawing], []).append(value)
    by_child = {child: min(1.0, len(own) * min(own)) for child, own in mine.items()}
    ordered = sorted(by_child.values())
    steps = [value * len(ordered) / (place + 1) for place, value in enumerate(ordered)]
    return {
        child: min(
            1.0, *(step for step, least in zip(steps, ordered, strict=True) if least >= value)
        )
        for child, value in by_child.items()
    }
