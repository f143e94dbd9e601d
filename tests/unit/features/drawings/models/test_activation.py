"""A rule that a person set for one age group outlives the model that it was set for."""

from typing import Any

import pytest

from deepmed.core.audit import repository as audit
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.models.ranges import AgeRange, parse_groups
from deepmed.features.drawings.models.training import TrainingRun, Use
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import Sketch, add_drawings, embed
from factories.homes import MEASURED, QUICK, train

MIDDLE = AgeRange(6, 9)


def model_of(bench: Workbench, ages: AgeRange = MIDDLE) -> AgeGroupModel:
    with bench.database.read() as session:
        models = AnalysisService(bench).models.active(session)
    return next(row for row in models if row.age_min == ages.age_min)


def rule_of(bench: Workbench, ages: AgeRange = MIDDLE) -> Rule:
    with bench.database.read() as session:
        return AnalysisService(bench).thresholds.rule(session, model_of(bench, ages).id)


def set_rule(bench: Workbench, **rule: Any) -> None:
    with bench.database.write() as session:
        AnalysisService(bench).thresholds.set_rule(session, **rule)


def retrained(bench: Workbench) -> TrainingRun:
    add_drawings(bench, [Sketch(age=7.2), Sketch(age=7.3)])
    embed(bench)
    return train(bench, config=QUICK, use=Use.REPLACE)


@pytest.mark.req("D-9.8")
def test_a_models_own_percentile_goes_over_to_its_heir(trained: Workbench) -> None:
    old = model_of(trained)
    set_rule(trained, percentile=80.0, model_id=old.id)
    run = retrained(trained)
    assert model_of(trained).id != old.id
    assert rule_of(trained).percentile == 80.0
    assert rule_of(trained, AgeRange(3, 6)).percentile == 95.0, "the others have none of their own"
    assert run.notes == []
    with trained.database.read() as session:
        entries = [one.action for one in audit.history(session, trained.owner_id)]
    assert entries.count("threshold.hand_over") == 1


@pytest.mark.req("D-9.8")
def test_a_later_rule_for_all_models_is_not_overruled(trained: Workbench) -> None:
    set_rule(trained, percentile=80.0, model_id=model_of(trained).id)
    set_rule(trained, percentile=90.0)
    retrained(trained)
    assert rule_of(trained).percentile == 90.0


def test_a_rule_that_was_set_for_the_candidate_itself_stands(trained: Workbench) -> None:
    candidate = train(
        trained, [MIDDLE], QUICK.model_copy(update={"seed": 1}), Use.CANDIDATE
    ).models[0]
    set_rule(trained, percentile=80.0, model_id=model_of(trained).id)
    set_rule(trained, percentile=70.0, model_id=candidate.id)
    train(trained, [MIDDLE], QUICK.model_copy(update={"seed": 1}), Use.REPLACE)
    assert model_of(trained).id == candidate.id
    assert rule_of(trained).percentile == 70.0


def test_a_threshold_by_hand_ends_with_its_model_and_that_is_said(trained: Workbench) -> None:
    """It is a raw score: another model's scores lie on another scale."""
    set_rule(trained, threshold=3.5, model_id=model_of(trained).id)
    run = retrained(trained)
    assert (rule_of(trained).percentile, rule_of(trained).threshold) == (95.0, None)
    (note,) = run.notes
    assert "3.5" in note
    assert "6 to under 9 years" in note
    assert run.to_dict()["notes"] == [note]


def test_a_threshold_by_hand_stays_with_a_model_that_is_only_measured_anew(
    trained: Workbench,
) -> None:
    old = model_of(trained)
    set_rule(trained, threshold=3.5, model_id=old.id)
    add_drawings(trained, [Sketch(age=4.4)])
    embed(trained)
    run = train(trained, config=MEASURED, use=Use.REPLACE)
    assert model_of(trained).id != old.id
    assert rule_of(trained).threshold == 3.5
    assert run.notes == []


def test_a_rule_for_ages_that_no_new_model_has_ends_and_that_is_said(trained: Workbench) -> None:
    set_rule(trained, percentile=80.0, model_id=model_of(trained).id)
    run = train(trained, parse_groups("3-7,7-12"), QUICK, Use.REPLACE)
    (note,) = run.notes
    assert "percentile 80" in note
    assert rule_of(trained, AgeRange(7, 12)).percentile == 95.0
