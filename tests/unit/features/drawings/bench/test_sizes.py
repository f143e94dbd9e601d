"""Groups of few and of many children, from a crowd of generated drawings."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.bench.collection import CROWD, SampleSets, make_crowd
from deepmed.features.drawings.bench.encoders import Candidate
from deepmed.features.drawings.bench.material import Material
from deepmed.features.drawings.bench.prepared import Prepared
from deepmed.features.drawings.bench.sizes import Crowd, size_row
from deepmed.learning.encoders import get_encoder
from deepmed.learning.reference import Rows
from deepmed.learning.reference.evaluation import PlantedRows
from factories.bench import TINY


def rows(first: int, count: int, shift: float = 0.0) -> Rows:
    random = np.random.default_rng(first)
    ids = np.arange(first, first + count)
    vectors = (random.normal(size=(count, 6)) + shift).astype(np.float32)
    return Rows(ids, ids, np.full(count, 7.0), np.ones(count, dtype=np.int64), vectors)


@cache
def row(children: int, repeats: int = 4) -> dict[str, Any]:
    crowd = Crowd("made-up", {"3-6": rows(0, 80), "6-9": rows(1000, 600)}, "6-9")
    planted = PlantedRows(rows(9000, 40, shift=2.5), ("far",) * 40)
    return size_row(
        crowd, rows(5000, 200), planted, "knn", children=children, repeats=repeats, seed=1
    )


@pytest.mark.req("D-24.1")
@pytest.mark.parametrize(
    ("children", "fitted", "calibrating"),
    [(10, 10, 0), (20, 10, 10), (50, 25, 25), (500, 250, 250)],
)
def test_so_many_children_are_taken_so_often(children: int, fitted: int, calibrating: int) -> None:
    found = row(children)
    assert (found["children"], found["repeats"]) == (children, 4)
    assert (found["fitted_drawings"], found["calibration_children"]) == (fitted, calibrating)
    assert (found["test_children"], found["planted"]) == (200, 40)
    assert len(found["items"]["rates"]) == 4


@pytest.mark.req("D-9.6", "D-22.1")
def test_too_few_children_flag_nothing_and_many_near_the_attained_level() -> None:
    assert row(20)["decision"] == "not_supported"
    assert row(20)["most"] == 0
    many = row(500)
    assert many["decision"] == "ranked"
    assert many["attained_level"] == pytest.approx(12 / 251)
    assert many["false_alarms"]["mean"] == pytest.approx(12 / 251, abs=0.035)
    assert many["power"]["mean"] > 0.8
    assert row(50)["auroc"]["mean"] > 0.95


def test_figures_are_means_over_the_times() -> None:
    found = row(50)
    pairs = {"rates": "false_alarms", "powers": "power", "aurocs": "auroc"}
    for items, name in pairs.items():
        values = found["items"][items]
        mean, deviation = np.mean(values), np.std(values, ddof=1)
        assert found[name]["mean"] == pytest.approx(mean)
        assert found[name]["deviation"] == pytest.approx(deviation)
        assert found[name]["low"] == pytest.approx(mean - 3 * deviation / 2)
        assert found[name]["high"] == pytest.approx(mean + 3 * deviation / 2)
        assert found[name]["sample_size"] == 4
    assert (found["least"], found["most"]) == (
        min(found["items"]["rates"]),
        max(found["items"]["rates"]),
    )


def test_a_crowd_comes_in_chunks_and_its_children_are_in_no_other_set() -> None:
    chunks = list(make_crowd(0, 7, 3, 5))
    assert [len(chunk) for chunk in chunks] == [5, 5, 3]
    children = [child for chunk in chunks for child in chunk.rows.children.tolist()]
    assert children == list(range(CROWD, CROWD + 13))
    labels = [label for chunk in chunks for label in chunk.labels]
    assert (labels.count("6.0-9.0"), labels.count("3.0-6.0"), labels.count("9.0-12.0")) == (7, 3, 3)


@pytest.mark.req("D-24.1", "D-5.2")
def test_every_built_in_encoder_takes_part_and_no_other(
    sample_sets: SampleSets, material: Material
) -> None:
    found = [Candidate(name, get_encoder(name)) for name in ("scattering", "hog-pyramid")]
    found += [Candidate("google/vit-base-patch16-224", None)]
    prepared = Prepared(TINY, 0, found, sample_sets, material, None, lambda _: None)
    assert [one.identity.name for one in prepared.built_in] == ["hog-pyramid", "scattering"]
