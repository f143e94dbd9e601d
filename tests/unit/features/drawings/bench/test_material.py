from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from deepmed.features.drawings.bench.altered import CONTROL, OWN_GROUP, REDRAWN
from deepmed.features.drawings.bench.collection import Collection, Image, SampleSets
from deepmed.features.drawings.bench.material import (
    FOLDS,
    Material,
    Pictures,
    category_material,
    deal,
    sample_material,
)
from deepmed.learning.planting import PlantedKind


def children(material: Material, places: np.ndarray) -> set[int]:
    return set(material.rows.children[places].tolist())


def materials(real: Material, drawings: Collection, sets: SampleSets) -> list[Material]:
    return [
        real,
        category_material(drawings, real.pictures, "bird", seed=0),
        sample_material(sets, per_kind=1, seed=0),
    ]


@pytest.mark.req("D-24.1")
def test_whoever_is_tested_was_never_fitted_on(
    material: Material, drawings: Collection, sample_sets: SampleSets
) -> None:
    for one in materials(material, drawings, sample_sets):
        for trial in one.trials:
            fitted = children(one, trial.fit)
            assert fitted
            assert not fitted & children(one, trial.typical)
            assert not fitted & children(one, trial.unusual)
            for part in trial.counterparts.values():
                assert not fitted & children(one, part)


def test_every_drawing_is_held_out_once(material: Material, drawings: Collection) -> None:
    assert sorted(material.typical.tolist()) == list(range(len(drawings)))
    assert len(set(material.unusual.tolist())) == len(material.unusual)


@pytest.mark.req("D-24.1")
def test_all_kinds_are_planted_and_the_control_stands_beside(material: Material) -> None:
    tried = {material.kinds[place] for place in material.unusual.tolist()}
    assert tried == {kind.value for kind in PlantedKind} | {CONTROL}


@pytest.mark.req("D-24.1")
def test_every_held_out_drawing_is_redrawn_once_to_be_compared_with(material: Material) -> None:
    assert material.counterparts == [REDRAWN, OWN_GROUP]
    for trial in material.trials:
        drawings, again = (
            material.rows.drawings[part].tolist()
            for part in (trial.typical, trial.counterparts[REDRAWN])
        )
        assert sorted(again) == sorted(drawings)
        controls = [place for place in trial.unusual.tolist() if material.kinds[place] == CONTROL]
        by_drawing = dict(zip(again, trial.counterparts[REDRAWN].tolist(), strict=True))
        for place in controls:
            pictures = material.pictures.images
            drawing = int(material.rows.drawings[place])
            # The control is the same drawing, displaced by another field.
            assert (pictures[place] != pictures[by_drawing[drawing]]).any()
            assert (pictures[place] != pictures[drawing]).any()


@pytest.mark.req("D-24.1")
def test_the_control_is_of_the_very_drawings_that_it_is_told_from(
    sample_sets: SampleSets, material: Material
) -> None:
    """Other children's would be told apart by what they drew."""
    for one in (material, sample_material(sample_sets, per_kind=4, seed=0)):
        found = 0
        for trial in one.trials:
            mine = [place for place in trial.unusual.tolist() if one.kinds[place] == CONTROL]
            assert set(one.rows.drawings[mine]) <= set(one.rows.drawings[trial.typical])
            found += len(mine)
        assert found >= 4


@pytest.mark.req("D-24.1")
def test_stand_ins_of_the_own_group_come_from_the_trials_own_drawings(material: Material) -> None:
    for trial in material.trials:
        standing = trial.counterparts[OWN_GROUP]
        assert len(standing) > len(trial.typical) / 2
        assert set(material.rows.drawings[standing]) <= set(material.rows.drawings[trial.typical])
        assert all(material.kinds[place] == "" for place in standing.tolist())


def test_a_kind_is_left_out_where_it_has_nothing_to_be_told_from(material: Material) -> None:
    alone = [replace(one, counterparts={REDRAWN: one.fit[:0]}) for one in material.trials]
    kinds = {
        material.kinds[place] for place in replace(material, trials=tuple(alone)).unusual.tolist()
    }
    assert not kinds & {CONTROL, "jitter_1"}
    assert {"scribble", "parts_shuffled"} <= kinds


def test_children_who_are_left_out_are_in_no_part_of_a_trial(material: Material) -> None:
    some = np.unique(material.rows.children[material.trials[0].typical])
    rest = material.without_children(some)
    assert 0 < len(rest.trials) < len(material.trials)
    for trial in rest.trials:
        assert not np.isin(material.rows.children[trial.used], some).any()


def test_typical_and_unusual_drawings_of_a_trial_are_of_one_age_group(material: Material) -> None:
    for trial in material.trials:
        ages = material.rows.ages[np.concatenate([trial.fit, trial.typical, trial.unusual])]
        assert (ages < 6).all() or (ages >= 6).all()


def test_children_are_dealt_whole() -> None:
    owners = np.repeat(np.arange(20), 3)
    folds = deal(owners, seed=1)
    assert all(len(set(folds[owners == child])) == 1 for child in range(20))
    assert np.bincount(folds).tolist() == [12] * FOLDS


@pytest.mark.req("D-24.1")
def test_in_the_category_task_one_subject_is_fitted_and_all_others_are_to_be_found(
    material: Material, drawings: Collection
) -> None:
    task = category_material(drawings, material.pictures, "dog", seed=0)
    subjects = np.array(drawings.subjects)
    for trial in task.trials:
        assert set(subjects[trial.fit]) == set(subjects[trial.typical]) == {"dog"}
        assert set(subjects[trial.unusual]) == {"bird"}
    assert len(task.unusual) == 35


def test_a_picture_is_looked_at_once() -> None:
    looked: list[int] = []

    def look(images: Sequence[Image]) -> np.ndarray:
        looked.extend(int(image[0, 0, 0]) for image in images)
        return np.ones((len(images), 2))

    pictures = Pictures([np.full((2, 2, 3), value, np.uint8) for value in range(4)])
    pictures.view("ones", look, [0, 2])
    assert pictures.view("ones", look, [2, 3]).shape == (2, 2)
    assert looked == [0, 2, 3]


def test_a_thinned_material_keeps_its_drawings_and_looks_at_fewer_unusual_ones(
    material: Material,
) -> None:
    few = material.thinned(1)
    assert (few.typical == material.typical).all()
    assert 0 < len(few.unusual) < len(material.unusual)
    view = few.seen("ones", lambda images: np.ones((len(images), 1)))
    assert np.isfinite(view[few.unusual]).all()
    kept = [place for name in few.counterparts for place in few.counterpart(name).tolist()]
    assert np.isfinite(view[kept]).all()
    assert np.isnan(view).sum() == len(view) - len(few.typical) - len(few.unusual) - len(kept)
