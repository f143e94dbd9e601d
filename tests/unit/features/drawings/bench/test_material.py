from collections.abc import Sequence

import numpy as np
import pytest

from deepmed.features.drawings.bench.collection import Collection, Image, make_sample_sets
from deepmed.features.drawings.bench.material import (
    CONTROL,
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


def materials(real: Material, drawings: Collection) -> list[Material]:
    sets = make_sample_sets(0, further_per_group=2, sources_per_group=2)
    return [
        real,
        category_material(drawings, real.pictures, "bird", seed=0),
        sample_material(sets, per_kind=1, seed=0),
    ]


@pytest.mark.req("D-24.1")
def test_whoever_is_tested_was_never_fitted_on(material: Material, drawings: Collection) -> None:
    for one in materials(material, drawings):
        for trial in one.trials:
            fitted = children(one, trial.fit)
            assert fitted
            assert not fitted & children(one, trial.typical)
            assert not fitted & children(one, trial.unusual)


def test_every_drawing_is_held_out_once(material: Material, drawings: Collection) -> None:
    assert sorted(material.typical.tolist()) == list(range(len(drawings)))
    assert len(set(material.unusual.tolist())) == len(material.unusual)


@pytest.mark.req("D-24.1")
def test_all_kinds_are_planted_and_the_control_stands_beside(material: Material) -> None:
    tried = {material.kinds[place] for place in material.unusual.tolist()}
    assert tried == {kind.value for kind in PlantedKind} | {CONTROL}


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
    assert np.isnan(view).sum() == len(material.unusual) - len(few.unusual)
