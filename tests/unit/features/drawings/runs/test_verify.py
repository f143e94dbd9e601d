"""Reports are counted again from their items, and whatever was altered shows."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from sqlalchemy import delete

from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models.fitting import ITEMS_FILE
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.runs.verify import RESCORED, Check, recompute, rescore
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.reference.files import HEADER
from factories.drawings import add_drawings, embed, sketches
from factories.homes import train


def packages(bench: Workbench) -> list[Package]:
    """The three groups in order of age, then the pool."""
    with bench.database.read() as session:
        manager = ModelManager(bench)
        pooled = manager.pooled(session)
        rows = [*manager.active(session), *([pooled] if pooled else [])]
        uids = [session.get_one(Artifact, row.artifact_id).uid for row in rows]
    return [bench.registry.package(uid) for uid in uids]


def disagreeing(files: dict[str, bytes], metrics: dict[str, Any]) -> set[str]:
    return {check.figure for check in recompute(files, metrics) if not check.agrees}


@pytest.mark.req("V-2.2")
def test_every_run_agrees_with_itself(trained: Workbench) -> None:
    for package in packages(trained):
        checks = recompute(package.files, package.manifest.metrics)
        assert all(check.agrees for check in checks), package.manifest.card["title"]
        assert len(checks) > 20


@pytest.mark.req("V-2.2")
def test_threshold_level_power_planted_share_and_age_specificity_are_counted(
    trained: Workbench,
) -> None:
    package = packages(trained)[0]
    metrics = package.manifest.metrics
    figures = {check.figure for check in recompute(package.files, metrics)}
    assert {
        "threshold",
        "attained_level",
        "calibration children",
        "AUROC all",
        "share of planted drawings flagged",
        "age specificity",
    } <= figures
    assert {f"AUROC {kind}" for kind in metrics["power"]} <= figures
    assert "calibration score" in figures


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("path", "figure"),
    [
        (["threshold"], "threshold"),
        (["attained_level"], "attained_level"),
        (["children", "calibration"], "calibration children"),
        (["power", "all", "estimate"], "AUROC all"),
        (["planted", "estimate"], "share of planted drawings flagged"),
        (["age_specificity", "estimate"], "age specificity"),
    ],
)
def test_an_altered_figure_does_not_agree(trained: Workbench, path: list[str], figure: str) -> None:
    package = packages(trained)[0]
    metrics = deepcopy(package.manifest.metrics)
    inner = metrics
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] *= 1.000001
    assert disagreeing(package.files, metrics) == {figure}


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("name", "change", "figure"),
    [
        ("own", lambda item: item["role"] == "calibration", "calibration score"),
        ("planted", lambda item: item["kind"], "AUROC all"),
        ("neighbours", lambda item: item["role"] != "fit", "age specificity"),
    ],
)
def test_an_altered_item_does_not_agree(
    trained: Workbench, name: str, change: Callable[[dict[str, Any]], bool], figure: str
) -> None:
    package = packages(trained)[0]
    items = json.loads(package.files[ITEMS_FILE])
    moved = [item for item in items[name] if change(item)]
    middle = sorted(moved, key=lambda item: item["score"])[len(moved) // 2]
    middle["score"] = 0.0
    files = {**package.files, ITEMS_FILE: json.dumps(items).encode()}
    assert figure in disagreeing(files, package.manifest.metrics)


@pytest.mark.req("V-2.2")
def test_an_altered_calibration_score_does_not_agree(trained: Workbench) -> None:
    package = packages(trained)[0]
    header = json.loads(package.files[HEADER])
    header["model"][0]["score"] += 1e-6
    files = {**package.files, HEADER: json.dumps(header).encode()}
    assert disagreeing(files, package.manifest.metrics) == {"calibration score"}


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("own", "calibration drawings"),
        ("planted", "share of planted drawings flagged"),
        ("neighbours", "age specificity"),
    ],
)
def test_missing_items_do_not_agree(trained: Workbench, name: str, figure: str) -> None:
    package = packages(trained)[0]
    items = json.loads(package.files[ITEMS_FILE])
    for kept in (items[name][:-1], []):
        fewer = {**items, name: kept}
        files = {**package.files, ITEMS_FILE: json.dumps(fewer).encode()}
        assert figure in disagreeing(files, package.manifest.metrics)


@pytest.mark.req("V-2.2")
def test_a_model_that_nobody_calibrates_has_nothing_to_count(bench: Workbench) -> None:
    add_drawings(bench, sketches(10))
    embed(bench)
    train(bench, "6-9")
    for package in packages(bench):
        assert recompute(package.files, package.manifest.metrics) == []


@pytest.mark.req("V-2.2")
def test_items_scored_again_from_their_stored_vectors_agree(trained: Workbench) -> None:
    for package in packages(trained):
        with trained.database.read() as session:
            checks = rescore(trained, session, package.files, seed=3)
        assert len(checks) == RESCORED == 20
        assert all(check.agrees for check in checks)


@pytest.mark.req("V-2.2")
def test_the_items_that_are_scored_again_are_random(trained: Workbench) -> None:
    files = packages(trained)[0].files
    with trained.database.read() as session:
        first, again, other = (
            {check.figure for check in rescore(trained, session, files, seed)} for seed in (1, 1, 2)
        )
    assert first == again != other


@pytest.mark.req("V-2.2")
def test_an_altered_weight_shows_when_items_are_scored_again(trained: Workbench) -> None:
    package = packages(trained)[0]
    weights = bytearray(package.files["model.weights.safetensors"])
    weights[-2] ^= 0x0F
    files = {**package.files, "model.weights.safetensors": bytes(weights)}
    with trained.database.read() as session:
        checks = rescore(trained, session, files, seed=3)
    assert not all(check.agrees for check in checks)


def test_a_deleted_drawing_is_passed_over_when_items_are_scored_again(trained: Workbench) -> None:
    files = packages(trained)[0].files
    with trained.database.write() as session:
        session.execute(delete(Drawing).where(Drawing.age_years < 6))
    with trained.database.read() as session:
        assert rescore(trained, session, files, seed=3) == []


@pytest.mark.parametrize(
    ("stored", "again", "agrees"),
    [
        (None, None, True),
        (None, 0.5, False),
        (0.5, None, False),
        (0.5, 0.5 + 1e-10, True),
        (0.5, 0.5 + 1e-8, False),
        (1e6, 1e6 + 1e-4, True),
    ],
)
def test_two_figures_agree_to_a_billionth(
    stored: float | None,
    again: float | None,
    agrees: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert Check("x", stored, again).agrees is agrees
