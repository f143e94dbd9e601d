"""Who is asked about whom: a model never scores a child that it was fitted on."""

import math
from dataclasses import replace

import numpy as np
import pytest

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.scoring import (
    Scene,
    _rows,
    _scores,
    _scores_across_ages,
)
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.errors import EncoderMismatchError
from deepmed.learning.reference import Layout, Role
from factories.homes import QUICK, alike, train


def staged(bench: Workbench) -> tuple[Scene, list[Drawing]]:
    """A scene with the vectors of all drawings that can be scored."""
    with bench.database.read() as session:
        service = AnalysisService(bench)
        scene = service.scene(session)
        drawings = repository.drawings(session, bench.owner_id, None)
        service._load_vectors(session, scene, drawings)
    return scene, [one for one in drawings if one.id in scene.vectors]


@pytest.mark.req("D-26.3")
def test_no_drawing_of_a_fitted_child_is_scored_by_its_model(trained: Workbench) -> None:
    scene, drawings = staged(trained)
    rows = _rows(scene, drawings)
    scores, across = _scores(scene, rows), _scores_across_ages(scene, rows)
    for item in scene.active:
        for place, drawing in enumerate(drawings):
            fitted = item.model.role(drawing.child_id) is Role.FIT
            own = item.ages.holds(drawing.age_years)
            assert math.isnan(scores[item.row.id, False][place]) is (fitted or not own)
            assert math.isnan(scores[item.row.id, True][place]) is (not fitted or not own)
            assert math.isnan(across[item.row.id][place]) is fitted


@pytest.mark.req("D-26.3")
def test_nor_by_the_pool(trained: Workbench) -> None:
    scene, drawings = staged(trained)
    scores = _scores(scene, _rows(scene, drawings))
    assert scene.pool is not None
    for place, drawing in enumerate(drawings):
        fitted = scene.pool.model.role(drawing.child_id) is Role.FIT
        assert math.isnan(scores[None, False][place]) is fitted
        assert math.isnan(scores[None, True][place]) is not fitted


def test_models_of_other_ages_are_not_asked_where_ages_are_not_told_apart(
    bench: Workbench,
) -> None:
    config = QUICK.model_copy(update={"layout": Layout.VISUAL})
    train(alike(bench), [AgeRange(3, 6), AgeRange(6, 9)], config)
    scene, drawings = staged(bench)
    rows = _rows(scene, drawings)
    scores, across = _scores(scene, rows), _scores_across_ages(scene, rows)
    for item in scene.active:
        for place, drawing in enumerate(drawings):
            asked = [not math.isnan(scores[item.row.id, twin][place]) for twin in (False, True)]
            assert sum(asked) == item.ages.holds(drawing.age_years)
            assert math.isnan(across[item.row.id][place])


@pytest.mark.req("D-16.2", "D-27.2")
def test_other_groups_models_do_not_see_how_old_the_child_is(trained: Workbench) -> None:
    """They were fitted on other ages, so the age alone would make every drawing unusual."""
    scene, drawings = staged(trained)
    rows = _rows(scene, drawings)
    assert rows is not None
    older = replace(rows, ages=rows.ages + 3.0)
    first, second = (_scores_across_ages(scene, some) for some in (rows, older))
    for item in scene.active:
        assert np.array_equal(first[item.row.id], second[item.row.id], equal_nan=True)
        assert item.model.neutral_age is not None
        assert item.ages.holds(item.model.neutral_age)


@pytest.mark.req("D-5.4")
def test_vectors_said_to_be_of_another_encoder_are_not_scored(trained: Workbench) -> None:
    scene, drawings = staged(trained)
    rows = _rows(scene, drawings)
    scene.encoder = "another@fp32/1"
    with pytest.raises(EncoderMismatchError, match="another@fp32"):
        _scores(scene, rows)


def test_a_scene_holds_the_active_models_only(trained: Workbench) -> None:
    with trained.database.read() as session:
        models = ModelManager(trained).active(session)
    scene, _ = staged(trained)
    assert [item.row.id for item in scene.active] == [row.id for row in models]
    assert scene.model_for(2.5) is None
