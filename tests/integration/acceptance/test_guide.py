"""The demo and the training guide's commands, run for real under the socket guard."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from deepmed.features.drawings.samples.maker import make_false_alarm_samples
from deepmed.kit.pictures import pixel_hash
from integration.acceptance.demonstration import Demo, guarded
from integration.acceptance.soundness import assert_complete
from integration.acceptance.terminal import Home, environment

GROUPS = ["3.0-6.0", "6.0-9.0", "9.0-12.0"]
STAGES = [
    "make samples",
    "import",
    "embed",
    "train",
    "analyse",
    "measure on unseen drawings",
    "explain and report",
]
GUIDE = ("total_models", "active_models", "training_models", "failed_models")


@pytest.fixture
def lived_in(demo: Demo, tmp_path: Path) -> Home:
    """A copy of the data folder that the demo left."""
    return demo.home.copy(tmp_path / "lived in")


@pytest.mark.req("P-1.1")
def test_the_demo_prints_the_promised_table_and_the_reports_path(demo: Demo) -> None:
    head, *rows = demo.table("Ages")
    assert [row[0] for row in rows] == GROUPS
    for column in (
        "Fit",
        "Calibrate",
        "Attained level",
        "False alarms on unseen",
        "Spread to expect",
        "Planted flagged",
        "AUROC",
        "Age-specificity",
    ):
        cells = [row[head.index(column)] for row in rows]
        assert all(re.match(r"\(?\d", cell) for cell in cells), (column, cells)
    assert [row[0] for row in demo.table("Stage")[1:]] == STAGES
    *_, last = demo.first.out.splitlines()
    assert last == f"Report: {demo.home.folder / 'demo' / 'report.html'}"


def test_what_people_and_programs_see_are_the_same_figures(demo: Demo) -> None:
    head, *rows = demo.table("Ages")
    for row, group in zip(rows, demo.again["groups"], strict=True):
        alarms, planted = (
            row[head.index(column)] for column in ("False alarms on unseen", "Planted flagged")
        )
        assert alarms.startswith(f"{group['false_alarms']}/100 ")
        assert planted.startswith(f"{group['planted_flagged']}/{group['planted_drawings']} ")
        assert float(row[head.index("Attained level")]) == pytest.approx(
            group["attained_level"], abs=1e-4
        )
        assert row[head.index("Calibrate")] == str(group["children"]["calibration"])


def test_the_demo_stores_95_typical_and_33_planted_drawings_and_trains_on_the_typical(
    demo: Demo, lived_in: Home
) -> None:
    assert demo.home.query(
        "SELECT name, expert_label, count(*) FROM drawings JOIN datasets "
        "ON datasets.id = dataset_id GROUP BY name, expert_label ORDER BY name"
    ) == [("demo: planted anomalies", "concern", 33), ("demo: typical samples", "normal", 95)]
    assert demo.home.query(
        "SELECT DISTINCT name FROM age_group_model_members JOIN drawings "
        "ON drawings.id = drawing_id JOIN datasets ON datasets.id = dataset_id"
    ) == [("demo: typical samples",)]
    assert demo.home.query(
        "SELECT kind, age_min, age_max, upper_closed FROM age_group_models WHERE is_active "
        "ORDER BY kind, age_min"
    ) == [("group", 3, 6, 0), ("group", 6, 9, 0), ("group", 9, 12, 1), ("pooled", 3, 12, 1)]
    assert_complete(lived_in)


@pytest.mark.req("D-3.3")
def test_false_alarms_are_counted_on_a_hundred_unseen_drawings_a_group(demo: Demo) -> None:
    for group in demo.again["groups"]:
        rate, spread = group["false_alarm_rate"], group["false_alarm_spread"]
        assert (group["typical_drawings"], rate["sample_size"], rate["n_children"]) == (100,) * 3
        assert rate["method"] == "Wilson score"
        assert rate["low"] <= group["false_alarms"] / 100 <= rate["high"]
        assert group["attained_level"] <= 0.05
        assert spread["low"] <= group["attained_level"] <= spread["high"]
        assert spread["low"] <= rate["estimate"] <= spread["high"]
    unseen = {pixel_hash(one.image) for one in make_false_alarm_samples(0)}
    assert len(unseen) == 300
    assert not unseen & {digest for (digest,) in demo.home.query("SELECT pixel_hash FROM drawings")}


def test_planted_shares_aurocs_and_age_specificity_have_their_intervals(demo: Demo) -> None:
    for group in demo.again["groups"]:
        assert group["planted_drawings"] == 11
        for name in ("planted_share", "auroc", "age_specificity"):
            figure = group[name]
            assert 0 <= figure["low"] <= figure["estimate"] <= figure["high"] <= 1
            assert figure["sample_size"] >= 11
            assert figure["unit"] == "child"
    filled = sum(group["flagged_by_kind"]["filled_page"][0] for group in demo.again["groups"])
    assert filled >= 2, "nobody overlooks a page that is nearly filled"


class Page(HTMLParser):
    """Collects what a page refers to and which elements it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"{name} on {tag} would run a script"
            if name in {"src", "href", "data", "action", "srcset", "poster"}:
                self.references.append(value or "")


@pytest.mark.req("S-25.1")
def test_the_report_stands_alone(demo: Demo) -> None:
    text = Path(demo.again["report"]).read_text(encoding="utf-8")
    page = Page(text)
    assert {"img", "svg", "table"} <= page.elements
    assert not {"script", "link", "iframe", "object", "embed"} & page.elements
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    assert "url(" not in text
    assert "@import" not in text
    assert text.rstrip().endswith("</html>")


def test_a_second_demo_is_quick_and_makes_nothing_twice(demo: Demo) -> None:
    assert demo.after == demo.before
    assert demo.again["seconds"]["train"] < 2
    assert sum(demo.again["seconds"].values()) < demo.seconds
    assert demo.home.count("drawings") == 128


@pytest.mark.req("S-25.1")
@pytest.mark.req("S-25.3")
def test_the_demo_and_its_training_attempt_no_connection_to_another_machine(
    demo: Demo, tmp_path: Path
) -> None:
    """Training compares all detectors, so each of them was fitted behind the guard."""
    assert not demo.outward.exists(), demo.outward.read_text(encoding="utf-8")
    log = tmp_path / "outward.log"
    attempt = "import deepmed, socket; socket.create_connection(('192.0.2.1', 9))"
    stopped = subprocess.run(
        [sys.executable, "-c", attempt],
        env=environment(tmp_path, **guarded(log)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "OutwardConnectionError" in stopped.stderr
    assert "192.0.2.1" in log.read_text(encoding="utf-8"), "the guard would have noticed"


@pytest.mark.req("D-3.4")
def test_train_models_takes_the_guides_arguments_and_ends_with_its_status(lived_in: Home) -> None:
    found = lived_in.do("drawings", "train-models", "--skip-embeddings", "--models-only")
    assert [found[name] for name in GUIDE] == [3, 3, 0, 0]
    assert (found["total_drawings"], found["system_status"]) == (95 + 33, "ready")
    assert found["analysis"] is None
    assert lived_in.count("age_group_models") == 4, "what the demo trained was not trained again"


@pytest.mark.req("D-3.4")
def test_train_models_can_leave_training_out_and_test_one_drawing(
    lived_in: Home, filled: Home
) -> None:
    found = lived_in.do("drawings", "train-models", "--skip-training")
    assert found["analysis"]["drawing_id"] == 1
    assert 0 <= found["analysis"]["normalized_score"] <= 100
    untrained = filled.do("drawings", "train-models", "--skip-training")
    assert [untrained[name] for name in GUIDE] == [0, 0, 0, 0]
    assert untrained["system_status"] == "no_models"


@pytest.mark.req("D-3.4")
@pytest.mark.req("D-3.5")
def test_the_guides_steps_are_commands_with_the_same_result(empty: Home, tmp_path: Path) -> None:
    made = empty.do("drawings", "samples", tmp_path / "sample_drawings", "--planted")
    assert (len(made["drawings"]), len(made["planted"])) == (95, 33)
    assert (tmp_path / "sample_drawings_planted" / "planted.csv").exists()
    report: dict[str, Any] = empty.do("drawings", "import", tmp_path / "sample_drawings")
    assert report["counts"]["stored"] == 95, "planted ones lie in a folder of their own"
    assert empty.do("drawings", "embed")["embedded"] == 95
    groups = empty.do("drawings", "groups", "--groups", "3-6,6-9,9-12")["groups"]
    assert [group["age_group"] for group in groups] == GROUPS
    status = empty.do("drawings", "status")
    assert (status["total_drawings"], status["system_status"]) == (95, "no_models")
    assert empty.do("drawings", "list", "--age-min", "6", "--age-max", "9")["total_count"] > 0


def test_the_demo_leaves_a_persons_own_drawings_alone(filled: Home) -> None:
    answer = filled.run("demo", "--json")
    assert (answer.code, answer.json["code"]) == (1, "conflict")
    assert "Set DEEPMED_HOME to an empty folder" in answer.err
    assert (filled.count("drawings"), filled.count("age_group_models")) == (30, 0)
