"""The flagging rule: read from stored scores, previewed, versioned, on the audit trail."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from deepmed.core.audit import repository as audit
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.models.repository import members
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis, ThresholdSetting
from deepmed.features.drawings.thresholds.manager import (
    Rule,
    ThresholdCalculationError,
    ThresholdConfig,
    ThresholdManager,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError, ValidationError
from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.detectors.base import Detector
from deepmed.learning.evaluation.oracle import recompute_decision
from factories.drawings import Sketch, add_drawings, embed
from factories.homes import stranger


def manager(bench: Workbench) -> ThresholdManager:
    return AnalysisService(bench).thresholds


def analysed(bench: Workbench) -> AnalysisService:
    add_drawings(bench, [Sketch(age=7.2, picture=50 + n) for n in range(8)])
    embed(bench)
    service = AnalysisService(bench)
    service.analyze()
    return service


def saved(bench: Workbench, **rule: Any) -> Rule:
    with bench.database.write() as session:
        return manager(bench).set_rule(session, **rule)


class TestChange:
    @pytest.mark.req("D-9.8")
    def test_a_new_percentile_trains_nothing_and_reads_stored_scores(
        self, trained: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never(*_: object, **__: object) -> None:
            raise AssertionError("a detector was asked")

        service = analysed(trained)
        before = _content(trained)
        monkeypatch.setattr(Detector, "score_samples", never)
        monkeypatch.setattr(Detector, "fit", never)
        with trained.database.read() as session:
            effects = service.thresholds.preview(session, percentile=80.0)
        saved(trained, percentile=80.0)
        with trained.database.read() as session:
            row = service.models.active(session)[0]
            found = service.thresholds.statistics(session, row)
            pairs = [
                (one.child_id, one.score)
                for one in members(session, row.id)
                if one.part == "calibration"
            ]
        again = recompute_decision(pairs, 1.0, 80.0)
        assert found["threshold"] == again["threshold"] == effects[0]["then"]["threshold"]
        assert found["attained_level"] == pytest.approx(again["attained_level"])
        assert _content(trained) == before

    @pytest.mark.req("D-9.8")
    def test_drawings_are_flagged_by_the_new_rule_with_the_scores_they_had(
        self, trained: Workbench
    ) -> None:
        service = analysed(trained)
        before = {row.drawing_id: row for row in service.analyze().analyses}
        version = saved(trained, percentile=80.0).version
        after = {row.drawing_id: row for row in service.analyze().analyses}
        assert sum(row.is_anomaly for row in after.values()) > sum(
            row.is_anomaly for row in before.values()
        )
        for drawing, row in after.items():
            assert row.anomaly_score == before[drawing].anomaly_score
            assert row.p_value == before[drawing].p_value
            if row.decision == "ranked":
                assert row.results["rule_version"] == version
                assert row.results["ranking"]["percentile"] == 80.0

    @pytest.mark.req("D-9.8")
    def test_versions_are_only_ever_added(self, trained: Workbench) -> None:
        first, second = (saved(trained, percentile=percentile) for percentile in (90.0, 97.5))
        with trained.database.read() as session:
            history = manager(trained).history(session)
            rule = manager(trained).rule(session)
        assert [(row["version"], row["percentile"]) for row in history] == [
            (first.version, 90.0),
            (second.version, 97.5),
        ]
        assert all(row["created_timestamp"] for row in history)
        assert rule == second

    @pytest.mark.req("D-9.8")
    def test_a_change_is_on_the_audit_trail_with_before_and_after(self, trained: Workbench) -> None:
        saved(trained, percentile=90.0)
        version = saved(trained, threshold=3.5, model_id=1).version
        with trained.database.read() as session:
            event = audit.history(session, trained.owner_id, limit=1)[0]
        assert (event.action, event.object_id) == ("threshold.change", str(version))
        assert event.details == {
            "model_id": 1,
            "before": {"percentile": 90.0, "threshold": None},
            "after": {"percentile": None, "threshold": 3.5},
        }

    @pytest.mark.req("D-9.8")
    def test_a_change_that_fails_leaves_neither_rule_nor_audit_line(
        self, trained: Workbench
    ) -> None:
        with trained.database.read() as session:
            before = len(audit.history(session, trained.owner_id))

        def fail_after_the_change() -> None:
            with trained.database.write() as session:
                manager(trained).set_rule(session, percentile=90.0)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail_after_the_change()
        with trained.database.read() as session:
            assert session.scalars(select(func.count(ThresholdSetting.id))).one() == 0
            assert len(audit.history(session, trained.owner_id)) == before


class TestPreview:
    @pytest.mark.req("D-9.8")
    def test_it_shows_the_effect_on_models_and_analysed_drawings_before_it_is_saved(
        self, trained: Workbench
    ) -> None:
        service = analysed(trained)
        with trained.database.read() as session:
            effects = service.thresholds.preview(session, percentile=80.0)
            assert session.scalars(select(func.count(ThresholdSetting.id))).one() == 0
            assert service.thresholds.rule(session) == Rule(0, 95.0, None)
        saved(trained, percentile=80.0)
        rows = service.analyze().analyses
        assert [effect["age_group"] for effect in effects] == ["3.0-6.0", "6.0-9.0", "9.0-12.0"]
        for effect in effects:
            mine = [row for row in rows if row.age_group_model_id == effect["model_id"]]
            answered = [row for row in mine if row.anomaly_score is not None]
            assert effect["then"]["analysed_drawings"] == len(answered)
            assert effect["then"]["flagged_drawings"] == sum(row.is_anomaly for row in answered)
            assert effect["now"]["percentile"] == 95.0
            assert effect["now"]["flagged_drawings"] <= effect["then"]["flagged_drawings"]

    @pytest.mark.req("D-9.8")
    def test_it_says_which_model_cannot_support_the_percentile(self, trained: Workbench) -> None:
        """23 children calibrate each group: 24 or more are asked for at 96 per cent."""
        with trained.database.read() as session:
            effects = manager(trained).preview(session, percentile=96.0)
        for effect in effects:
            assert effect["then"]["supported"] is False
            assert effect["then"]["threshold"] is None
            assert effect["then"]["highest_percentile"] == pytest.approx(100 * 23 / 24)
            assert effect["now"]["supported"] is True

    @pytest.mark.req("D-10.2")
    def test_a_threshold_by_hand_is_previewed_for_its_model_alone(self, trained: Workbench) -> None:
        analysed(trained)
        with trained.database.read() as session:
            (effect,) = manager(trained).preview(session, threshold=1e-6, model_id=2)
        assert effect["model_id"] == 2
        assert effect["then"]["percentile"] is None
        assert effect["then"]["threshold"] == 1e-6
        assert effect["then"]["flagged_drawings"] > effect["now"]["flagged_drawings"]


class TestRule:
    def test_the_settings_rule_until_one_is_saved(self, trained: Workbench) -> None:
        with trained.database.read() as session:
            assert manager(trained).rule(session) == Rule(0, 95.0, None)
            assert manager(trained).get_current_percentile(session) == 95.0

    def test_a_models_own_rule_wins_until_a_later_one_for_all(self, trained: Workbench) -> None:
        general = saved(trained, percentile=90.0)
        own = saved(trained, percentile=97.0, model_id=1)
        with trained.database.read() as session:
            assert manager(trained).rule(session, 1) == own
            assert manager(trained).rule(session, 2) == general
            assert manager(trained).rule(session) == general
        later = saved(trained, percentile=92.0)
        with trained.database.read() as session:
            assert manager(trained).rule(session, 1) == later

    @pytest.mark.parametrize(
        "rule",
        [
            {},
            {"percentile": 95.0, "threshold": 1.0, "model_id": 1},
            {"percentile": 49.9},
            {"percentile": 99.95},
            {"percentile": float("nan")},
            {"threshold": 1.0},
            {"threshold": 0.0, "model_id": 1},
            {"threshold": float("nan"), "model_id": 1},
            {"threshold": float("inf"), "model_id": 1},
        ],
    )
    def test_what_is_no_rule_is_refused_in_preview_and_saving(
        self, trained: Workbench, rule: dict[str, Any]
    ) -> None:
        with trained.database.read() as session, pytest.raises(ValidationError) as caught:
            manager(trained).preview(session, **rule)
        assert "Nothing was changed" in caught.value.message
        with pytest.raises(ValidationError):
            saved(trained, **rule)

    @pytest.mark.parametrize("percentile", [50.0, 99.9])
    def test_the_ends_of_the_range_are_allowed(self, trained: Workbench, percentile: float) -> None:
        assert saved(trained, percentile=percentile).percentile == percentile

    def test_a_model_that_never_was_is_named(self, trained: Workbench) -> None:
        with pytest.raises(NotFoundError, match="no model 77"):
            saved(trained, percentile=90.0, model_id=77)
        with trained.database.read() as session, pytest.raises(NotFoundError):
            manager(trained).preview(session, percentile=90.0, model_id=77)

    @pytest.mark.req("S-3.1")
    def test_another_owners_rule_and_models_are_out_of_reach(self, trained: Workbench) -> None:
        saved(trained, percentile=90.0)
        other = stranger(trained)
        with pytest.raises(NotFoundError):
            saved(other, percentile=80.0, model_id=1)
        with trained.database.read() as session:
            assert manager(other).rule(session).percentile == 95.0
            assert manager(other).history(session) == []
            assert manager(other).preview(session, percentile=80.0) == []
            with pytest.raises(NotFoundError):
                manager(other).preview(session, percentile=80.0, model_id=1)


def _content(bench: Workbench) -> dict[str, Any]:
    """All that training and analysing write."""
    with bench.database.read() as session:
        return {
            "models": session.scalars(select(func.count(AgeGroupModel.id))).one(),
            "artefacts": list(session.scalars(select(Artifact.manifest_hash))),
            "analyses": session.scalars(select(func.count(AnomalyAnalysis.id))).one(),
            "scores": np.array(
                [score for score in session.scalars(select(AnomalyAnalysis.anomaly_score)) if score]
            ).sum(),
        }


class TestCalculation:
    @pytest.mark.req("D-9.5")
    def test_the_threshold_is_the_calibrations(self, trained: Workbench) -> None:
        found = manager(trained)
        with trained.database.read() as session:
            row = found.models.active(session)[0]
            calibration = found.models.load_model(session, row).model.calibration
            told = found.calculate_model_threshold(session, row.id, 80)
            assert found.calculate_model_threshold(session, row.id, 99.9) is None
        assert told == found.calculate_percentile_threshold(calibration, 80)
        assert told == calibration.threshold(80)

    def test_what_so_few_children_cannot_support_is_said(self) -> None:
        few = CalibrationSet(range(9), range(9))
        assert ThresholdManager.calculate_percentile_threshold(few, 90) == 8
        with pytest.raises(ThresholdCalculationError, match=r"9 children .* percentile 95; .* 90"):
            ThresholdManager.calculate_percentile_threshold(few, 95)

    def test_bounds_and_default_can_be_others(self, trained: Workbench) -> None:
        models = AnalysisService(trained).models
        strict = ThresholdManager(trained, models, ThresholdConfig(default=90, least=85))
        with trained.database.write() as session:
            assert strict.rule(session).percentile == 90
            with pytest.raises(ValidationError, match="85"):
                strict.set_current_percentile(session, 80)
            assert strict.set_current_percentile(session, 85).percentile == 85
