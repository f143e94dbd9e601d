"""Each number of an analysis, counted again from the models' files and the raw database."""

from collections import Counter, defaultdict
from typing import Any

import pytest
from scipy import stats

from factories.answers import Answers
from factories.recount import Ranking

POOLED = "SELECT id FROM age_group_models WHERE kind = 'pooled' AND is_active = 1"
TYPICAL = (
    "SELECT id FROM drawings WHERE coalesce(expert_label, 'normal') = 'normal' "
    "AND NOT withdrawn AND duplicate_of IS NULL"
)


@pytest.fixture(scope="module")
def ranked(answers: Answers) -> list[dict[str, Any]]:
    found = [row for row in answers["analyze"]["analyses"] if row["p_value"] is not None]
    assert {row["role"] for row in found} == {"new", "calibration", "fit"}
    return found


@pytest.fixture(scope="module")
def children(answers: Answers) -> dict[int, int]:
    return dict(answers.rows("analysed", "SELECT id, child_id FROM drawings"))


def ranking(answers: Answers, model: int, child: int) -> Ranking:
    """Among whom a child's drawings are ranked: the twin's children where it was fitted on."""
    header = answers.package(model, "reference.json")
    half = "twin" if child in header["fit_children"] else "model"
    return Ranking(header[half], own=child)


def test_ranks_thresholds_and_confidence(
    answers: Answers, ranked: list[dict[str, Any]], children: dict[int, int]
) -> None:
    for row in ranked:
        again = ranking(answers, row["age_group_model_id"], children[row["drawing_id"]])
        score, found = row["anomaly_score"], row["results"]["ranking"]
        percentile = found["percentile"]
        assert (found["score"], found["n_children"]) == (score, again.n)
        assert found["count_at_or_above"] == pytest.approx(float(again.at_or_above(score)))
        assert row["p_value"] == found["p_value"] == pytest.approx(float(again.p(score)))
        assert row["normalized_score"] == found["normalized_score"] == again.normalized(score)
        assert found["threshold"] == again.threshold(percentile)
        assert found["attained_level"] == pytest.approx(again.attained(percentile))
        assert found["highest_percentile"] == again.highest_percentile()
        assert row["confidence"] == pytest.approx(again.confidence(score, percentile), rel=1e-9)
        assert row["is_anomaly"] == (again.p(score) <= 1 - percentile / 100 + 1e-15)


def test_the_natural_frequency(
    answers: Answers, ranked: list[dict[str, Any]], children: dict[int, int]
) -> None:
    for row in ranked:
        again = ranking(answers, row["age_group_model_id"], children[row["drawing_id"]])
        attained = again.attained(row["results"]["ranking"]["percentile"])
        assert attained is not None
        assert row["results"]["natural_frequency"] == {
            "of_100_typical_drawings": round(100 * attained, 1),
            "children": again.n,
            "attained_level": pytest.approx(attained),
        }


def test_the_score_of_a_comparison_drawing_is_the_stored_one(
    answers: Answers, ranked: list[dict[str, Any]]
) -> None:
    """How detectors score is tested in the library; here: that the very score is reported."""
    compared = 0
    for row in ranked:
        header = answers.package(row["age_group_model_id"], "reference.json")
        half = header["model"] if row["role"] == "calibration" else header["twin"]
        stored = {one["drawing"]: one["score"] for one in half}
        if row["role"] != "new":
            assert row["anomaly_score"] == stored[row["drawing_id"]]
            compared += 1
    assert compared > 100


def test_the_part_of_the_subject(
    answers: Answers, ranked: list[dict[str, Any]], children: dict[int, int]
) -> None:
    [(pool,)] = answers.rows("analysed", POOLED)
    header = answers.package(pool, "reference.json")
    subjects = dict(answers.rows("analysed", "SELECT id, subject FROM drawings"))
    answered = 0
    for row in ranked:
        part, child = row["results"]["subject_part"], children[row["drawing_id"]]
        half = header["twin" if child in header["fit_children"] else "model"]
        cell = [one for one in half if subjects[one["drawing"]] == part["subject"]]
        again = Ranking(cell, own=child)
        if part["subject"] is None:
            assert (part["p_value"], part["children"]) == (None, None)
            continue
        assert part["children"] == again.n
        assert (part["p_value"] is None) == (again.n < 19) == (part["reason"] is not None)
        known = [one["score"] for one in half if one["drawing"] == row["drawing_id"]]
        if part["p_value"] is not None and known:
            assert part["p_value"] == pytest.approx(float(again.p(known[0])))
            answered += 1
    assert answered > 50


def test_the_part_of_the_age(
    answers: Answers, ranked: list[dict[str, Any]], children: dict[int, int]
) -> None:
    in_use = [one for one in answers["models"]["models"] if one["is_active"]]
    models = {one["age_group"]: one["id"] for one in in_use}
    answered = 0
    for row in ranked:
        child = children[row["drawing_id"]]
        for part in row["results"]["age_part"]["groups"]:
            header = answers.package(models[part["age_group"]], "reference.json")
            at_one_age = [{**one, "score": one["neutral"]} for one in header["model"]]
            again = Ranking(at_one_age, own=child)
            assert part["children"] == again.n
            assert (part["p_value"] is None) == (child in header["fit_children"] or again.n < 19)
            items = answers.package(models[part["age_group"]], "items.json")
            known = {one["drawing"]: one["score"] for one in at_one_age + items["neighbours"]}
            if part["p_value"] is not None and row["drawing_id"] in known:
                score = known[row["drawing_id"]]
                assert part["p_value"] == pytest.approx(float(again.p(score)))
                answered += 1
    assert answered > 100


def test_q_values_are_of_new_children_only(answers: Answers, children: dict[int, int]) -> None:
    p_of_child: dict[int, list[float]] = defaultdict(list)
    rows = answers["analyze"]["analyses"]
    for row in rows:
        if row["role"] == "new":
            p_of_child[children[row["drawing_id"]]].append(row["p_value"])
    one_each = [min(1.0, len(own) * min(own)) for own in p_of_child.values()]
    expected = dict(zip(p_of_child, stats.false_discovery_control(one_each), strict=True))
    assert any(len(own) > 1 for own in p_of_child.values())
    for row in rows:
        if row["role"] == "new":
            assert row["q_value"] == pytest.approx(expected[children[row["drawing_id"]]])
        else:
            assert row["q_value"] is None


def test_the_outlook_of_the_batch(answers: Answers, children: dict[int, int]) -> None:
    n_of_child: dict[int, int] = {}
    drawings = Counter[int]()
    for row in answers["analyze"]["analyses"]:
        if row["role"] == "new":
            child = children[row["drawing_id"]]
            drawings[child] += 1
            n = ranking(answers, row["age_group_model_id"], child).n
            n_of_child[child] = max(n, n_of_child.get(child, n))
    least = sorted(min(1.0, count / (n_of_child[child] + 1)) for child, count in drawings.items())
    outlook = answers["analyze"]["outlook"]
    assert outlook["n_children"] == len(least)
    assert outlook["level"] == pytest.approx(0.05)
    assert outlook["smallest_q"] == pytest.approx(min(stats.false_discovery_control(least)))
    assert outlook["children_needed"] == _needed(least, 0.05)


def _needed(least: list[float], level: float) -> int | None:
    """Tried out: so many children at their smallest p, all others at 1."""
    for count in range(1, len(least) + 1):
        tried = least[:count] + [1.0] * (len(least) - count)
        if min(stats.false_discovery_control(tried)) <= level + 1e-12:
            return count
    return None


def test_a_second_look_computes_nothing(answers: Answers) -> None:
    [(stored,)] = answers.rows("analysed", "SELECT count(*) FROM anomaly_analyses")
    assert answers["analyze"]["computed"] == stored == len(answers["analyze"]["analyses"])
    assert answers["analyze_by_hand"]["computed"] == 1  # under a new rule
    assert answers["show"]["total_count"] == len(answers["show"]["analyses"]) == 1


def test_statistics_are_counts(answers: Answers) -> None:
    rows, found = answers["analyze"]["analyses"], answers["analyze"]["statistics"]
    ages = [age for (age,) in answers.rows("analysed", "SELECT age_years FROM drawings")]
    assert found["total_drawings"] == len(ages)
    assert found["total_analyses"] == len(rows)
    assert found["anomaly_count"] == sum(row["is_anomaly"] for row in rows)
    assert found["decisions"] == dict(Counter(row["decision"] for row in rows))
    roles = Counter(row["role"] or "none" for row in rows)
    flagged = Counter(row["role"] for row in rows if row["is_anomaly"])
    assert found["by_role"] == {
        role: {"analysed": count, "flagged": flagged[role]} for role, count in roles.items()
    }
    typical = set(answers.rows("analysed", TYPICAL))
    new = [row for row in rows if row["role"] == "new" and (row["drawing_id"],) in typical]
    assert 0 < len(new) < found["by_role"]["new"]["analysed"]
    assert found["new_children"] == {
        "analysed": len(new),
        "flagged": sum(row["is_anomaly"] for row in new),
    }
    labels = dict(answers.rows("analysed", "SELECT id, expert_label FROM drawings"))
    for label in ("concern", "severe"):
        mine = [row for row in rows if labels[row["drawing_id"]] == label]
        assert found["labelled"][label] == {
            "analysed": len(mine),
            "flagged": sum(row["is_anomaly"] for row in mine),
        }
    years = Counter(int(age) for age in ages)
    assert found["age_distribution"] == [
        {"age_group": f"{year}-{year + 1}", "count": years[year]} for year in sorted(years)
    ]


def test_a_threshold_by_hand_has_an_estimate_of_its_false_alarms(
    answers: Answers, children: dict[int, int]
) -> None:
    [row] = answers["analyze_by_hand"]["analyses"]
    found = row["results"]["ranking"]
    again = ranking(answers, row["age_group_model_id"], children[row["drawing_id"]])
    assert (found["threshold"], found["percentile"], row["confidence"]) == (5.5, None, None)
    assert found["false_alarm_estimate"] == pytest.approx(float(again.above(5.5)))
    frequency = row["results"]["natural_frequency"]
    assert frequency["of_100_typical_drawings"] == round(100 * float(again.above(5.5)), 1)


def test_what_a_rule_does_and_would_do(answers: Answers, children: dict[int, int]) -> None:
    for effect in answers["threshold"]["effects"]:
        rows = [
            row
            for row in answers["analyze"]["analyses"]
            if row["age_group_model_id"] == effect["model_id"] and row["p_value"] is not None
        ]
        whole = Ranking(answers.package(effect["model_id"], "reference.json")["model"])
        for when, percentile in (("now", 95.0), ("then", 80.0)):
            alpha = 1 - percentile / 100 + 1e-15
            assert effect[when] == {
                "percentile": percentile,
                "threshold": whole.threshold(percentile),
                "supported": True,
                "attained_level": pytest.approx(whole.attained(percentile)),
                "highest_percentile": whole.highest_percentile(),
                "analysed_drawings": len(rows),
                "flagged_drawings": sum(
                    ranking(answers, effect["model_id"], children[row["drawing_id"]]).p(
                        row["anomaly_score"]
                    )
                    <= alpha
                    for row in rows
                ),
            }


def test_versions_of_the_rule_are_counted(answers: Answers) -> None:
    versions = [answers[name]["version"] for name in ("threshold", "saved", "by_hand")]
    assert versions == [0, 1, 2]
    [row] = answers["analyze_by_hand"]["analyses"]
    assert row["results"]["rule_version"] == 2
    assert (answers["saved"]["percentile"], answers["by_hand"]["threshold"]) == (80.0, 5.5)
    assert answers["by_hand"]["effects"][0]["then"]["threshold"] == 5.5
