from itertools import chain
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.bench.altered import CONTROL, COUNTERPARTS, OWN_GROUP, REDRAWN
from deepmed.features.drawings.bench.detection import (
    ALL,
    Places,
    choose,
    compare,
    places,
    strength_of,
)
from deepmed.features.drawings.bench.entrants import (
    CONSTANT,
    NEAREST,
    Entrant,
    entrants,
    plain_entrants,
)
from deepmed.features.drawings.bench.material import Material
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
    """(child, place) of what a kind is told from and of its pictures, from the stored items."""
    items = report["items"]
    stored = items["places"][name]
    against = COUNTERPARTS.get(kind)
    children = items["counterpart_children"][against] if against else items["typical_children"]
    others = stored["counterparts"][against] if against else stored["typical"]
    negatives = list(zip(children, others, strict=True))
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
@pytest.mark.parametrize("kind", ["parts_shuffled", "jitter_2", "other_group", CONTROL])
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
def test_against_untouched_the_negatives_are_the_typical_drawings(report: dict[str, Any]) -> None:
    items, stored = report["items"], report["items"]["places"]["knn"]
    twice = [items["kinds"][code] for code in items["unusual_kinds"]]
    twice = [kind for kind in twice if kind in COUNTERPARTS]
    for kind in COUNTERPARTS:
        pairs = zip(stored["untouched"], twice, strict=True)
        positives = [place for place, one in pairs if one == kind]
        figure = row(report, "knn")["figures"][kind]["against_untouched"]
        expected = recompute_auroc(stored["typical"], positives)
        assert figure["estimate"] == pytest.approx(expected), kind
    assert "against_untouched" not in row(report, "knn")["figures"]["scribble"]
    assert "against_untouched" not in row(report, "knn")["figures"]["parts_shuffled"]


@pytest.mark.req("D-24.1")
def test_redrawn_drawings_are_no_more_unusual_than_others_redrawn_likewise(
    report: dict[str, Any],
) -> None:
    """The control: only their random displacements differ, so every detector is at chance."""
    for one in report["rows"]:
        figure = one["figures"][CONTROL]
        assert figure["low"] < 0.55, one["name"]
        assert figure["high"] > 0.45, one["name"]
        assert figure["n_positive"] == 15


def test_softness_of_every_drawing_that_was_made_anew_counts_for_nothing(
    material: Material,
) -> None:
    """A detector that sees whether pixels were interpolated finds jitter no better than chance."""
    made = np.concatenate(
        [material.counterpart(REDRAWN), material.counterpart(OWN_GROUP)]
        + [np.flatnonzero(np.array(material.kinds) == kind) for kind in COUNTERPARTS]
    )
    softness = np.zeros((len(material.rows), 1))
    softness[made] = 1.0
    found = compare(material, [entrant(material, softness)], 0, RESAMPLES, lambda _: None)
    figures = found["rows"][0]["figures"]
    for kind in COUNTERPARTS:
        assert figures[kind]["estimate"] == 0.5, kind
        assert figures[kind]["against_untouched"]["estimate"] == 1.0, kind


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
    assert (found.untouched == 1.0).all()
    # Counterparts have the last numbers of all.
    counterparts = np.isin([material.kinds[place] for place in material.unusual], [*COUNTERPARTS])
    assert (found.unusual[~counterparts] == 1.0).all()
    assert (found.unusual[counterparts] == 0.0).all()


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

    def default(autoencoder: np.ndarray, knn: np.ndarray) -> str:
        rows = [
            Entrant(name, "detector", features, lambda _r, _s: lambda rows: rows[:, 0])
            for name, features in {"autoencoder": autoencoder, "knn": knn, "pca": noise}.items()
        ]
        return str(compare(material, rows, 0, RESAMPLES, lambda _: None)["default"]["chosen"])

    assert default(truth, noise) == "autoencoder"
    assert default(truth, truth) == "knn"
    assert default(noise, truth) == "knn"


def test_all_but_the_control_are_all(material: Material) -> None:
    nothing = np.zeros(len(material.unusual))
    found = Places(material, np.zeros(len(material.typical)), {}, nothing, nothing)
    assert len(found.of(ALL)[0]) == len(material.unusual) - len(found.of(CONTROL)[0])


def test_who_is_left_out_takes_no_part_in_the_choice(material: Material) -> None:
    """Only in one fold's drawings the worse detector is the better one."""
    children = np.unique(material.rows.children)[:20]
    gone = np.isin(material.rows.children, children)
    truth = np.array([float(bool(kind)) for kind in material.kinds])
    features = {
        "knn": np.where(gone, 0.0, truth),
        "pca": np.where(gone, truth, 0.0),
        "autoencoder": np.zeros(len(truth)),
    }
    rows = [
        Entrant(name, "detector", values[:, None], lambda _r, _s: lambda rows: rows[:, 0])
        for name, values in features.items()
    ]
    assert choose(material.without_children(children), rows, 0, RESAMPLES) == "knn"
    only = material.without_children(np.setdiff1d(material.rows.children, children))
    assert choose(only, rows, 0, RESAMPLES) == "pca"
