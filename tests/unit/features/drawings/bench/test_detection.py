from itertools import chain
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.bench.detection import ALL, Places, compare, places, strength_of
from deepmed.features.drawings.bench.entrants import (
    CONSTANT,
    NEAREST,
    Entrant,
    entrants,
    plain_entrants,
)
from deepmed.features.drawings.bench.material import CONTROL, Material
from deepmed.learning.detectors import detector_names
from deepmed.learning.encoders import Encoder
from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.evaluation.oracle_intervals import recompute_auroc_bounds
from deepmed.learning.planting import PlantedKind

RESAMPLES = 40
FAST = ("knn", "pca", NEAREST)


@pytest.fixture(scope="module")
def report(material: Material, encoder: Encoder) -> dict[str, Any]:
    rows = (one for one in entrants(material, encoder) if one.name in FAST)
    everyone = chain(rows, plain_entrants(material, 0))
    return compare(material, everyone, 0, RESAMPLES, lambda _: None)


def row(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["rows"] if one["name"] == name)


def scored(report: dict[str, Any], name: str, kind: str) -> tuple[list[Any], list[Any]]:
    """(child, place) of negatives and of the positives of a kind, from the stored items."""
    items = report["items"]
    stored = items["places"][name]
    negatives = list(zip(items["typical_children"], stored["typical"], strict=True))
    pairs = zip(items["unusual_children"], stored["unusual"], items["unusual_kinds"], strict=True)
    positives = [(child, place) for child, place, code in pairs if items["kinds"][code] == kind]
    return negatives, positives


@pytest.mark.req("D-24.1")
def test_every_detector_of_the_registry_is_compared(material: Material, encoder: Encoder) -> None:
    made = list(entrants(material, encoder))
    assert [one.name for one in made if one.role == "detector"] == detector_names()


@pytest.mark.req("D-15.3")
def test_ink_edges_and_chance_stand_beside_every_comparison(report: dict[str, Any]) -> None:
    found = [one["name"] for one in report["rows"] if one["role"] == "reference row"]
    assert found == ["ink and box", "Sobel energy", "random projection"]
    for name in found:
        assert row(report, name)["figures"][ALL]["estimate"] is not None


@pytest.mark.req("V-5.1")
def test_a_constant_a_linear_and_a_nearest_neighbour_baseline_are_shown(
    report: dict[str, Any],
) -> None:
    names = [one["name"] for one in report["rows"]]
    assert {CONSTANT, NEAREST, "pca"} <= set(names)
    assert row(report, CONSTANT)["figures"][ALL]["estimate"] == 0.5


@pytest.mark.req("D-24.1")
def test_there_is_a_figure_for_each_kind_and_strength(report: dict[str, Any]) -> None:
    figures = row(report, "knn")["figures"]
    assert set(figures) == {ALL, CONTROL, *(kind.value for kind in PlantedKind)}
    assert [figures[f"jitter_{strength}"]["strength"] for strength in (1, 2, 3)] == [1, 2, 3]
    assert strength_of("scribble") is None
    assert strength_of("dog") is None


@pytest.mark.req("V-2.1")
def test_each_figure_says_interval_size_unit_and_split(report: dict[str, Any]) -> None:
    for one in report["rows"]:
        for kind, figure in one["figures"].items():
            assert figure["low"] <= figure["estimate"] <= figure["high"], kind
            assert figure["unit"] == "child"
            assert figure["sample_size"] >= 5
            assert figure["split"] == "age groups of real drawings, 5 folds by child"
            assert str(RESAMPLES) in figure["method"]


@pytest.mark.req("D-24.2")
@pytest.mark.parametrize("name", ["knn", "ink and box"])
@pytest.mark.parametrize("kind", ["parts_shuffled", "jitter_2"])
def test_an_oracle_counts_the_same_figures_from_the_items(
    report: dict[str, Any], name: str, kind: str
) -> None:
    negatives, positives = scored(report, name, kind)
    figure = row(report, name)["figures"][kind]
    assert figure["estimate"] == pytest.approx(
        recompute_auroc([place for _, place in negatives], [place for _, place in positives])
    )
    bounds = recompute_auroc_bounds(negatives, positives, figure["seed"], resamples=RESAMPLES)
    assert (figure["low"], figure["high"]) == pytest.approx(bounds)


@pytest.mark.req("D-24.2")
def test_against_redrawn_the_negatives_are_the_control(report: dict[str, Any]) -> None:
    _, controls = scored(report, "knn", CONTROL)
    _, positives = scored(report, "knn", "jitter_3")
    figure = row(report, "knn")["figures"]["jitter_3"]["against_redrawn"]
    assert figure["estimate"] == pytest.approx(
        recompute_auroc([place for _, place in controls], [place for _, place in positives])
    )
    assert "against_redrawn" not in row(report, "knn")["figures"]["scribble"]


def test_the_control_does_not_count_among_all(report: dict[str, Any]) -> None:
    figures = row(report, "knn")["figures"]
    planted = [figures[kind.value]["n_positive"] for kind in PlantedKind]
    assert figures[ALL]["n_positive"] == sum(planted)


def entrant(material: Material, features: np.ndarray) -> Entrant:
    return Entrant("given", "detector", features, lambda _rows, _seed: lambda rows: rows[:, 0])


def test_places_are_ranks_within_the_trial(material: Material) -> None:
    values = np.arange(len(material.rows), dtype=float)[:, None]
    found = places(material, entrant(material, values), seed=0)
    start = 0
    for trial in material.trials:
        own = found.typical[start : start + len(trial.typical)]
        expected = (np.arange(len(own)) + 0.5) / len(own)
        assert own[np.argsort(trial.typical)] == pytest.approx(expected, abs=1e-4)
        start += len(trial.typical)
    assert (found.unusual == 1.0).all()


def test_what_is_found_by_its_score_is_found_in_the_figure(material: Material) -> None:
    scribbles = np.array([float(kind == "scribble") for kind in material.kinds])[:, None]
    found = compare(material, [entrant(material, scribbles)], 0, RESAMPLES, lambda _: None)
    figures = found["rows"][0]["figures"]
    assert figures["scribble"]["estimate"] == 1.0
    assert figures["filled_page"]["estimate"] == 0.5


def test_the_default_is_the_best_simple_detector_unless_the_autoencoder_leads(
    material: Material,
) -> None:
    truth = np.array([float(bool(kind)) for kind in material.kinds])[:, None]
    noise = np.random.default_rng(0).random((len(truth), 1))

    def choose(autoencoder: np.ndarray, knn: np.ndarray) -> str:
        rows = [
            Entrant(name, "detector", features, lambda _r, _s: lambda rows: rows[:, 0])
            for name, features in {"autoencoder": autoencoder, "knn": knn, "pca": noise}.items()
        ]
        return str(compare(material, rows, 0, RESAMPLES, lambda _: None)["default"]["chosen"])

    assert choose(truth, noise) == "autoencoder"
    assert choose(truth, truth) == "knn"
    assert choose(noise, truth) == "knn"


def test_all_but_the_control_are_all(material: Material) -> None:
    found = Places(material, np.zeros(len(material.typical)), np.zeros(len(material.unusual)))
    assert len(found.of(ALL)[0]) == len(material.unusual) - len(found.of(CONTROL)[0])
