"""Where earlier designs filled numbers in by rule, ours are something else, and are measured."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.workbench import Workbench
from factories.answers import Answers

pytestmark = pytest.mark.req("D-29.1")


@pytest.fixture(scope="module")
def ranked(answers: Answers) -> list[dict[str, Any]]:
    return [row for row in answers["analyze"]["analyses"] if row["p_value"] is not None]


def names(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        yield from map(str, found)
    for one in found.values() if isinstance(found, dict) else found:
        if isinstance(one, dict | list):
            yield from names(one)


def test_confidence_does_not_follow_the_distance_to_the_threshold(
    ranked: list[dict[str, Any]],
) -> None:
    for row in ranked:
        score, threshold = row["anomaly_score"], row["results"]["ranking"]["threshold"]
        distance = abs(score - threshold) / threshold
        steps = [(0.01, 0.1), (0.05, 0.3), (0.1, 0.6)]
        by_rule = next((value for limit, value in steps if distance < limit), None)
        assert row["confidence"] != (by_rule or min(0.95, 0.5 + distance))


def test_equal_ranks_are_equally_sure_however_far_from_the_threshold(
    ranked: list[dict[str, Any]],
) -> None:
    by_rank: dict[tuple[float, int], set[float]] = {}
    scores: dict[tuple[float, int], set[float]] = {}
    for row in ranked:
        ranking = row["results"]["ranking"]
        rank = (ranking["count_at_or_above"], ranking["n_children"])
        by_rank.setdefault(rank, set()).add(row["confidence"])
        scores.setdefault(rank, set()).add(row["anomaly_score"])
    assert any(len(found) > 1 for found in scores.values())
    assert all(len(found) == 1 for found in by_rank.values())


def test_ranks_are_not_taken_among_stored_analyses(
    answers: Answers, ranked: list[dict[str, Any]]
) -> None:
    """Nor is a rank 50 where nothing was analysed before: the first analysis has its own."""
    differing = 0
    for row in ranked:
        model = row["age_group_model_id"]
        stored = [one["anomaly_score"] for one in ranked if one["age_group_model_id"] == model]
        among = 100 * np.mean(np.array(stored) <= row["anomaly_score"])
        differing += abs(row["normalized_score"] - among) > 1e-6
    assert differing > 0.9 * len(ranked)
    assert len({row["normalized_score"] for row in ranked}) > 10


def test_thresholds_are_not_percentiles_of_training_errors(answers: Answers) -> None:
    for model in answers["models"]["models"]:
        items = answers.package(model["id"], "items.json")
        fitted = [row["score"] for row in items["own"] if row["role"] == "fit"]
        threshold = model["metrics"]["threshold"]
        assert threshold != pytest.approx(np.percentile(fitted, 95))
        assert threshold != 0.95


def test_no_model_is_there_without_its_weights(answers: Answers) -> None:
    for model in answers["models"]["models"]:
        folder = answers.folder / f"model_{model['id']}"
        assert (folder / "model.weights.safetensors").stat().st_size > 1000


def test_nothing_is_attributed_or_called_reliable_by_rule(answers: Answers) -> None:
    made_up = {
        "attribution",
        "attribution_confidence",
        "anomaly_attribution",
        "model_confidence",
        "overall_confidence",
        "reliability",
        "risk_level",
        "severity_score",
        "subject_anomaly_score",
        "visual_anomaly_score",
    }
    # On X-rays it is the table of bins from which the calibration error is counted.
    known = {call: {"reliability"} for call in ("xray_show", "xray_show_federated")}
    for call, answer in answers.found.items():
        assert not (made_up - known.get(call, set())) & set(names(answer)), call


def test_neighbours_are_the_nearest_typical_drawings_and_no_others(answers: Answers) -> None:
    """No limit on similarity, no choice among the lowest ranks: the nearest three of the group."""
    vectors = {
        drawing: np.frombuffer(data, "<f4").astype(np.float64)
        for drawing, data in answers.rows(
            "analysed", "SELECT drawing_id, embedding_vector FROM drawing_embeddings"
        )
    }
    own = answers["compare"]["drawing_id"]
    rows = answers.rows(
        "analysed",
        """SELECT d.id, d.child_id FROM drawings d JOIN anomaly_analyses a ON a.drawing_id = d.id
           WHERE d.age_years >= 6 AND d.age_years < 9 AND NOT a.is_anomaly AND NOT d.withdrawn
           AND NOT d.is_blank AND coalesce(d.expert_label, 'normal') = 'normal'""",
    )
    [(child,)] = answers.rows("analysed", "SELECT child_id FROM drawings WHERE id = ?", own)
    cosine = {
        drawing: vectors[own]
        @ vectors[drawing]
        / np.linalg.norm(vectors[own])
        / np.linalg.norm(vectors[drawing])
        for drawing, other in rows
        if other != child
    }
    nearest = sorted(cosine, key=lambda drawing: (-round(cosine[drawing], 6), drawing))[:3]
    shown = [row["drawing_id"] for row in answers["compare"]["comparison_examples"]]
    assert shown == nearest


def test_importances_are_each_drawings_own(trained: Workbench) -> None:
    """Fixed places would have the same importances in every drawing of one answer."""
    service = ExplanationService(trained)
    found = [service.explain(drawing).regions for drawing in (43, 48, 60)]
    scores = [tuple(place["importance_score"] for place in places) for places in found]
    boxes = [tuple(map(tuple, (place["bounding_box"] for place in places))) for places in found]
    assert len(set(scores)) == len(set(boxes)) == 3
