"""The committed benchmark's numbers, counted again from the items that stand beside them."""

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from deepmed.features.drawings.bench.run import FORMAT
from factories.recount import auroc, share_by_child

FILE = Path(__file__).parents[3] / "bench" / "results" / "drawings.json"


@pytest.fixture(scope="module")
def result() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def parts(result: Any) -> Any:
    return result["parts"]


def comparisons(parts: Any) -> Iterator[Any]:
    yield from (parts["detection"]["real"], parts["detection"]["samples"])
    yield from (parts["another_category"][subject] for subject in ("bird", "dog"))


def test_simulated_rates_have_the_error_of_a_share(parts: Any) -> None:
    assert parts["exactness"]["percentile"] == 95.0
    for row in parts["exactness"]["rows"]:
        n, rate = row["n_children"], row["rate"]
        error = math.sqrt(rate * (1 - rate) / row["repeats"])
        assert row["standard_error"] == pytest.approx(error)
        assert (row["low"], row["high"]) == pytest.approx((rate - 3 * error, rate + 3 * error))
        assert row["attained_level"] == pytest.approx(math.floor(0.05 * (n + 1) + 1e-9) / (n + 1))
        assert row["level"] == pytest.approx(0.05)
        assert row["repeats"] == 10_000


def test_the_lead_is_the_difference_of_two_aurocs(parts: Any) -> None:
    for found in comparisons(parts):
        defaults = found.get("defaults") or {"hog-pyramid": found["default"]}
        assert defaults["hog-pyramid"] == found["default"]
        for encoder, default in defaults.items():
            rows = {
                row["name"]: row["figures"]["all"]["estimate"]
                for row in found["rows"]
                if row["encoder"] == encoder
            }
            lead = rows["autoencoder"] - rows[default["best_simple"]]
            assert default["lead"]["estimate"] == pytest.approx(lead, abs=1e-5)


def test_against_untouched_the_negatives_are_the_typical_drawings(parts: Any) -> None:
    found = parts["detection"]["real"]
    items = found["items"]["hog-pyramid"]
    row = next(one for one in found["rows"] if one["name"] == "knn")
    places = items["places"]["knn"]
    kinds = [items["kinds"][code] for code in items["unusual_kinds"]]
    twice = {kind for kind, figure in row["figures"].items() if "against_untouched" in figure}
    assert twice == {"jitter_1", "jitter_2", "jitter_3", "other_group", "redrawn"}
    by_kind: dict[str, list[float]] = {}
    for place, kind in zip(
        places["untouched"], [kind for kind in kinds if kind in twice], strict=True
    ):
        by_kind.setdefault(kind, []).append(place)
    for kind in twice:
        again = auroc(places["typical"], by_kind[kind])
        assert row["figures"][kind]["against_untouched"]["estimate"] == pytest.approx(again)


def test_the_control_is_at_chance_for_every_detector(parts: Any) -> None:
    """Nothing is unusual in a redrawn drawing, and it is told from others redrawn likewise."""
    for found in comparisons(parts):
        for row in found["rows"]:
            if "redrawn" in row["figures"]:
                assert row["figures"]["redrawn"]["estimate"] == pytest.approx(0.5, abs=0.05)


def test_items_belong_to_children(parts: Any) -> None:
    for found in comparisons(parts):
        items = found["items"]["hog-pyramid"]
        assert len(items["unusual_kinds"]) == len(items["unusual_children"])
        assert set(items["unusual_kinds"]) == set(range(len(items["kinds"])))
        for places in items["places"].values():
            assert len(places["typical"]) == len(items["typical_children"])
            assert len(places["unusual"]) == len(items["unusual_children"])
            assert places["counterparts"].keys() == items["counterpart_children"].keys()
            for name, children in items["counterpart_children"].items():
                assert len(places["counterparts"][name]) == len(children)
            every = [*places["counterparts"].values(), places["typical"], places["unusual"]]
            assert all(0 <= place <= 1 for place in [*chain(*every), *places["untouched"]])


def test_rates_are_means_over_the_splits(parts: Any) -> None:
    for row in parts["false_alarms"]["rows"]:
        rates = row["items"]["rates"]
        assert len(rates) == row["splits"] == row["sample_size"]
        mean, deviation = statistics.fmean(rates), statistics.stdev(rates)
        room = 3 * deviation / math.sqrt(len(rates))
        assert (row["mean"], row["deviation"]) == pytest.approx((mean, deviation))
        assert (row["low"], row["high"]) == pytest.approx((mean - room, mean + room))
        n = row["calibration_children"]
        assert row["attained_level"] == pytest.approx(math.floor(0.05 * (n + 1) + 1e-9) / (n + 1))
        assert row["attained_in_splits"] <= row["level"] == pytest.approx(0.05)


def test_everybody_in_a_split_has_one_part(parts: Any) -> None:
    for row in parts["false_alarms"]["rows"]:
        times = parts["false_alarms"]["copies_a_child"] + 1 if row["repeated"] else 1
        assert row["drawings"] == times * row["children"]
        assert row["test_children"] == math.ceil(row["children"] / 4)
        left = row["children"] - row["test_children"]
        assert row["calibration_children"] in {min(left, max(20, math.ceil(left / 2))), left - 10}


def test_the_classic_rules_interval_is_of_its_mean(parts: Any) -> None:
    for row in parts["false_alarms"]["rows"]:
        found = row["classic_rule"]
        room = 3 * found["deviation"] / math.sqrt(found["sample_size"])
        assert found["low"] == pytest.approx(found["mean"] - room)
        assert found["high"] == pytest.approx(found["mean"] + room)
        assert 0 <= found["mean"] <= 1


def test_power_is_a_mean_over_children(parts: Any) -> None:
    counted = 0
    for row in parts["false_alarms"]["rows"]:
        for kind, items in row["items"].get("flagged", {}).items():
            own: dict[int, list[float]] = {}
            for child, share in items:
                own.setdefault(child, []).append(share)
            mean = statistics.fmean(statistics.fmean(shares) for shares in own.values())
            assert row["power"][kind]["estimate"] == pytest.approx(mean)
            counted += 1
    assert counted > 50


def test_faithfulness_is_a_mean_over_drawings(parts: Any) -> None:
    part = parts["faithfulness"]
    items = part["items"]
    assert part["drawings"] == len(items)
    assert part["children"] == len({item["child"] for item in items})
    assert part["fills"] == dict(Counter(item["fill"] for item in items))
    unusual = {item["child"] for item in items if item["p"] <= 0.2}
    assert part["gate"]["children"] == len(unusual)
    for row in part["rows"]:
        own = [item["scores"][row["method"]] for item in items]
        assert row["score"]["estimate"] == pytest.approx(statistics.fmean(own))
        for control, figure in row["over"].items():
            other = [item["scores"][control] for item in items]
            difference = statistics.fmean(own) - statistics.fmean(other)
            assert figure["estimate"] == pytest.approx(difference)


def test_randomisation_is_a_mean_of_correlations(parts: Any) -> None:
    part = parts["faithfulness"]
    for found in part["randomisation"].values():
        assert len(found["correlations"]) == part["drawings"]
        assert all(-1 <= one <= 1 for one in found["correlations"])
        mean = statistics.fmean(found["correlations"])
        assert found["mean"]["estimate"] == pytest.approx(mean)


def test_times_are_in_their_order(result: Any) -> None:
    for row in result["parts"]["speed"]["rows"]:
        if row["reason"] is None:
            for found in (row["batched_ms"], row["single_ms"]):
                assert 0 < found["best"] <= found["median"] <= found["worst"]
                assert found["repeats"] > 1
            assert row["batch_size"] == 32
    seconds = dict(result["seconds"])
    assert seconds.pop("all") == pytest.approx(sum(seconds.values()), abs=0.01)
    assert set(seconds) == {"preparing", *result["parts"]}


def test_chance_is_one_of_the_answers(parts: Any) -> None:
    answers = {"subject": 2, "age": 5}
    assert {row["tells"] for row in parts["neighbours"]["rows"]} == set(answers)
    for row in parts["neighbours"]["rows"]:
        assert row["chance"] == 1 / answers[row["tells"]]


def test_the_machine_is_counted(result: Any) -> None:
    machine = result["environment"]
    assert 1 <= machine["threads"] <= machine["cores"]
    assert machine["load_average_at_start"] >= 0
    assert (result["format"], result["seed"]) == (FORMAT, 0)


def test_what_the_page_of_limits_says_of_the_figures(parts: Any) -> None:
    """docs/guide/limits.md says so in words; where a run says otherwise the page is mended."""
    page = (FILE.parents[2] / "docs" / "guide" / "limits.md").read_text(encoding="utf-8")
    assert "no model of the\ndefault encoder told its own age group from its neighbours" in page
    assert "of the second built-in encoder's thirty one did" in page
    real = [row for row in parts["age_specificity"]["rows"] if row["material"] == "real"]
    told = {
        encoder: [row["tells_ages_apart"] for row in real if row["encoder"] == encoder]
        for encoder in ("hog-pyramid", "scattering")
    }
    assert {encoder: (len(all_), sum(all_)) for encoder, all_ in told.items()} == {
        "hog-pyramid": (30, 0),
        "scattering": (30, 1),
    }
    assert "a page nearly filled or with a tiny mark is mostly found, a scribble often" in page
    assert "mirrored or turned hardly more often than a typical drawing is flagged" in page
    assert "an unsteady line or a drawing of\nanother age group no more often" in page
    default = parts["detection"]["real"]["default"]["chosen"]
    hardly = ("part_mirrored", "part_turned", "jitter_1", "jitter_2", "jitter_3", "other_group")
    for row in parts["false_alarms"]["rows"]:
        if row["detector"] == default and "power" in row:
            found = {kind: figure["estimate"] for kind, figure in row["power"].items()}
            assert min(found["tiny_mark"], found["filled_page"]) > 0.9
            assert found["scribble"] > 0.25
            assert max(found[kind] for kind in hardly) < 2 * row["level"]


def test_every_child_weighs_one() -> None:
    assert share_by_child([(1, True), (1, False), (2, True)]) == 0.75
