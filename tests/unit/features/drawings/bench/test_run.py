"""One small run of everything, on drawings that stand in for the real ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.features.drawings.bench import prepared
from deepmed.features.drawings.bench.collection import SampleSets
from deepmed.features.drawings.bench.effort import FULL, QUICK
from deepmed.features.drawings.bench.json_file import to_text
from deepmed.features.drawings.bench.parts import PARTS
from deepmed.features.drawings.bench.run import STAGES, run_benchmark
from deepmed.features.drawings.bench.tables import skipped, tables
from deepmed.kit.settings import Settings
from deepmed.learning.detectors import detector_names
from deepmed.learning.evaluation.oracle import recompute_auroc
from factories.bench import TINY, hasty_detectors


@pytest.fixture(scope="module")
def stages() -> list[str]:
    return []


@pytest.fixture(scope="module", autouse=True)
def _small(sample_sets: SampleSets) -> Iterator[None]:
    """Detectors that learn little, and sample drawings that were drawn already."""
    with hasty_detectors() as patch:
        patch.setattr(prepared, "make_sample_sets", lambda *_: sample_sets)
        yield


@pytest.fixture(scope="module")
def result(
    drawings_zip: Path, bench_settings: Settings, stages: list[str], _small: None
) -> dict[str, Any]:
    return run_benchmark(
        bench_settings, drawings_zip, TINY, seed=3, stage=lambda part, _: stages.append(part)
    )


def figures(found: Any) -> Iterator[dict[str, Any]]:
    """Every reported figure with an interval, wherever it stands."""
    if isinstance(found, dict):
        if "estimate" in found and "low" in found:
            yield found
        for one in found.values():
            yield from figures(one)
    elif isinstance(found, list):
        for one in found:
            yield from figures(one)


@pytest.mark.req("D-24.1")
def test_every_part_runs_and_nothing_is_left_out(result: dict[str, Any], stages: list[str]) -> None:
    assert list(result["parts"]) == list(PARTS)
    assert not skipped(result)
    assert [part for part in STAGES if part in stages] == list(STAGES)
    detection = result["parts"]["detection"]
    for material in ("real", "samples"):
        names = [row["name"] for row in detection[material]["rows"]]
        assert set(detector_names()) < set(names)
        assert {"ink and box", "Sobel energy", "random projection"} < set(names)
    assert set(result["parts"]["another_category"]) == {"skipped", "bird", "dog"}
    alarms = result["parts"]["false_alarms"]["rows"]
    assert {row["detector"] for row in alarms if "power" in row} == set(detector_names())
    assert {row["repeated"] for row in alarms} == {True, False}
    sides = [(row["name"], row.get("longest_side")) for row in result["parts"]["speed"]["rows"]]
    assert sides[:2] == [("hog-pyramid", 224), ("hog-pyramid", 1500)]
    groups = {row["group"] for row in result["parts"]["age_specificity"]["rows"]}
    assert groups == {"4.0-6.0", "6.0-9.0", "3.0-6.0", "9.0-12.0"}


@pytest.mark.req("D-16.3", "D-24.1")
def test_832_columns_stand_beside_769_and_768_for_every_detector(result: dict[str, Any]) -> None:
    rows = result["parts"]["layouts"]["rows"]
    assert {(row["material"], row["detector"], row["layout"]) for row in rows} == {
        (material, detector, layout)
        for material in ("real", "samples")
        for detector in detector_names()
        for layout in ("visual", "visual+age", "visual+subject")
    }
    for row in rows:
        own = {"visual": "visual", "visual+age": "age"}.get(row["layout"])
        for rival in ("visual", "age"):
            difference = row[f"difference_to_{rival}"]
            if own == rival:
                assert difference["estimate"] == 0
            beats = difference["low"] is not None and difference["low"] > 0
            assert row[f"beats_{rival}"] is beats


@pytest.mark.req("D-24.1", "D-9.6")
def test_groups_of_few_children_flag_nothing_and_say_so(result: dict[str, Any]) -> None:
    part = result["parts"]["sizes"]
    assert {(row["children"], row["detector"]) for row in part["rows"]} == {
        (children, detector) for children in TINY.crowd_sizes for detector in detector_names()
    }
    for row in part["rows"]:
        n = row["calibration_children"]
        assert row["attained_level"] == (int(0.05 * (n + 1) + 1e-9) / (n + 1))
        if n < 19:
            assert row["decision"] == "not_supported"
            assert row["false_alarms"]["mean"] == row["power"]["mean"] == 0
            assert row["promised_spread"]["estimate"] is None
        else:
            assert row["decision"] == "ranked"
            assert row["promised_spread"]["estimate"] == pytest.approx(row["attained_level"])
        assert row["least"] <= row["false_alarms"]["mean"] <= row["most"]
    assert {row["calibration_children"] for row in part["rows"]} == {0, 20}


@pytest.mark.req("V-2.1")
def test_every_figure_has_interval_size_unit_and_split_or_a_reason(
    result: dict[str, Any],
) -> None:
    found = list(figures(result["parts"]))
    assert len(found) > 200
    for figure in found:
        if figure["estimate"] is None:
            assert figure["reason"]
            continue
        assert figure["low"] <= figure["high"]
        assert figure["sample_size"] > 0
        assert figure["unit"] in {"child", "drawing"}
        assert figure["split"] != "not stated"


@pytest.mark.req("D-24.2")
def test_two_figures_can_be_counted_again_from_the_file(result: dict[str, Any]) -> None:
    found = result["parts"]["detection"]["real"]
    items = found["items"]["hog-pyramid"]
    for name in ("knn", "Sobel energy"):
        row = next(one for one in found["rows"] if one["name"] == name)
        own = items["places"][name]
        code = items["kinds"].index("scribble")
        positives = [
            place
            for place, kind in zip(own["unusual"], items["unusual_kinds"], strict=True)
            if kind == code
        ]
        assert row["figures"]["scribble"]["estimate"] == pytest.approx(
            recompute_auroc(own["typical"], positives)
        )
        assert row["figures"]["redrawn"]["against_untouched"]["estimate"] is not None
    rates = result["parts"]["false_alarms"]["rows"][0]
    assert rates["mean"] == pytest.approx(sum(rates["items"]["rates"]) / rates["splits"])


@pytest.mark.req("D-24.2")
def test_the_run_says_on_what_it_was_made(result: dict[str, Any]) -> None:
    environment = result["environment"]
    assert environment["libraries"]["torch"]
    assert environment["cpu"]
    assert environment["cores"] >= 1
    assert environment["threads"] >= 1
    assert environment["code"]["version"]
    assert (result["seed"], result["quick"]) == (3, True)
    assert set(result["seconds"]) == {*STAGES, "all"}
    assert "70 drawings by 70 children" in result["data"]["real"]
    assert result["date"].startswith("20")


def test_the_tables_show_every_part(result: dict[str, Any]) -> None:
    titles = [table.title for table in tables(result)]
    assert titles == [
        "Checks",
        "Milliseconds an image",
        "False alarms in simulation",
        "False alarms on real drawings",
        "Share of planted anomalies flagged at the same threshold",
        "AUROC on real drawings",
        "AUROC on sample drawings",
        "Another category: AUROC where bird is typical",
        "Another category: AUROC where dog is typical",
        "Age-specificity",
        "With and without columns for the subject",
        "Groups of few and of many children, generated drawings of 6.0-9.0 years",
        "What the nearest drawing of another child tells",
        "Faithfulness of maps",
        "Beside the design note",
    ]
    for table in tables(result):
        assert all(len(row) == len(table.columns) for row in table.rows), table.title


def test_the_result_is_json(result: dict[str, Any]) -> None:
    assert to_text(result).startswith("{")


@pytest.mark.req("D-24.2")
def test_without_real_drawings_those_parts_say_so_and_hold_no_number(
    bench_settings: Settings,
) -> None:
    parts = ("speed", "another_category", "false_alarms", "neighbours", "faithfulness")
    result = run_benchmark(
        bench_settings, None, TINY, seed=0, stage=lambda _part, _what: None, only=parts
    )
    missing = skipped(result)
    assert set(missing) == set(parts) - {"speed"}
    assert all("--data" in reason for reason in missing.values())
    assert all(set(result["parts"][name]) == {"skipped"} for name in missing)
    assert all(one["passed"] is None for one in result["checks"] if one["check"] in missing)
    assert result["data"]["real"] is None


def test_a_quick_run_has_every_part_of_a_full_one_with_fewer_repetitions() -> None:
    assert (FULL.simulations, FULL.splits) == (10_000, 200)
    assert not FULL.quick
    assert QUICK.simulations < FULL.simulations
    assert QUICK.splits < FULL.splits
