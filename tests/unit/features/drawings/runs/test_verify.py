"""Reports are counted again from their items, and whatever was altered shows."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete

from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.items import FoldLog
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.planted import PlantedDrawings
from deepmed.features.drawings.models.selection import Comparison, choose
from deepmed.features.drawings.runs.checks import Check, Value
from deepmed.features.drawings.runs.choice import selection
from deepmed.features.drawings.runs.record import Record
from deepmed.features.drawings.runs.verify import RESCORED, recompute, rescore
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.reference import Rows
from deepmed.learning.reference.evaluation import PlantedRows
from deepmed.learning.reference.files import HEADER
from factories.drawings import add_drawings, embed, sketches
from factories.homes import QUICK, train

REPLACED = "contamination.0.05.replaced_drawings"


def packages(bench: Workbench) -> list[Package]:
    """The three groups in order of age, then the pool."""
    with bench.database.read() as session:
        manager = ModelManager(bench)
        pooled = manager.pooled(session)
        rows = [*manager.active(session), *([pooled] if pooled else [])]
        uids = [session.get_one(Artifact, row.artifact_id).uid for row in rows]
    return [bench.registry.package(uid) for uid in uids]


def counted(package: Package, **changed: Any) -> list[Check]:
    """All checks of a run; `files` or `metrics` may be altered ones."""
    manifest = package.manifest
    stored = {"files": package.files, "metrics": manifest.metrics} | changed
    return recompute(stored["files"], stored["metrics"], manifest.lineage["recipe"])


def disagreeing(package: Package, **changed: Any) -> set[str]:
    return {check.figure for check in counted(package, **changed) if not check.agrees}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Place, container and key of everything countable, by the names of rows in lists."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        name = f"{path}.{_label(key, inner)}".removeprefix(".")
        if isinstance(inner, dict | list):
            yield from leaves(inner, name)
        elif isinstance(inner, bool | int | float) or key == "method":
            yield name, value, key


def _label(key: Any, inner: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(inner, dict) and "rate" in inner:
        return f"{inner['rate']:g}"
    names = ("name", "layout", "reason")
    return next((inner[name] for name in names if isinstance(inner, dict) and name in inner), "")


def countable(metrics: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """All but wall times, settings of a training, and ids of drawings."""
    passed_over = re.compile(r"seconds\.|selection\.autoencoder\.|left_out\..*\.drawing_ids")
    return {
        path: (container, key)
        for path, container, key in leaves(metrics)
        if not passed_over.match(path)
    }


def alter(container: Any, key: Any) -> None:
    value = container[key]
    if isinstance(value, bool):
        container[key] = not value
    elif isinstance(value, str):
        container[key] = value.replace("child", "CHILD").replace("Wilson", "WILSON")
    elif isinstance(value, int):
        container[key] = value + 1
    else:
        container[key] = value * 1.000001 if value else 0.000001


@pytest.mark.req("V-2.2")
def test_every_run_agrees_with_itself(trained: Workbench) -> None:
    for package in packages(trained):
        checks = counted(package)
        assert all(check.agrees for check in checks), package.manifest.card["title"]
        assert len(checks) > 100


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize("place", range(4))
def test_whatever_figure_is_altered_in_its_last_digits_does_not_agree(
    trained: Workbench, place: int
) -> None:
    """Estimates, bounds, sizes, levels, and what follows from them: all at once, none is missed."""
    package = packages(trained)[place]
    metrics = deepcopy(package.manifest.metrics)
    places = countable(metrics)
    assert {"threshold", "selection.rows.knn.overall.interval.low"} <= set(places)
    for container, key in places.values():
        alter(container, key)
    assert set(places) - disagreeing(package, metrics=metrics) == set()


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    "path",
    [
        "planted.high",
        "planted.attained_level",
        "power.all.low",
        "contamination.0.05.flagged.estimate",
        "contamination.0.1.replaced_drawings",
        "age_specificity.high",
        "age_specificity.neutral_age",
        "layouts.visual+subject.difference_to_visual.low",
        "selection.rows.ink and box.by_kind.scribble.auroc",
    ],
)
def test_one_altered_figure_is_the_only_one_that_does_not_agree(
    trained: Workbench, path: str
) -> None:
    package = packages(trained)[1]
    metrics = deepcopy(package.manifest.metrics)
    alter(*countable(metrics)[path])
    assert disagreeing(package, metrics=metrics) == {path}


@pytest.mark.req("V-2.2")
def test_figures_that_are_missing_or_too_many_do_not_agree(trained: Workbench) -> None:
    package = packages(trained)[0]
    for name, figure in (
        ("selection", "selection rows"),
        ("layouts", "layouts"),
        ("contamination", "contamination rates"),
    ):
        metrics = deepcopy(package.manifest.metrics)
        rows = metrics[name]["rows"] if name == "selection" else metrics[name]
        rows.pop()
        assert figure in disagreeing(package, metrics=metrics)
    metrics = deepcopy(package.manifest.metrics)
    del metrics["power"]["scribble"]
    assert "power.scribble.estimate" in disagreeing(package, metrics=metrics)


@pytest.mark.req("V-2.2", "D-15.2")
def test_a_detector_that_was_not_chosen_does_not_agree(trained: Workbench) -> None:
    package = packages(trained)[0]
    metrics = deepcopy(package.manifest.metrics)
    metrics["selection"]["chosen"] = "pca"
    assert {"selection.chosen", "selection rule"} <= disagreeing(package, metrics=metrics)


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("name", "change", "figure"),
    [
        ("own", lambda item: item["role"] == "calibration", "power.all.estimate"),
        ("planted", lambda item: item["kind"], "power.all.estimate"),
        ("neighbours", lambda item: item["role"] != "fit", "age_specificity.estimate"),
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
    assert figure in disagreeing(package, files=files)


@pytest.mark.req("V-2.2", "D-8.2")
@pytest.mark.parametrize("part", ["calibration", "planted"])
def test_an_altered_item_of_a_contaminated_model_does_not_agree(
    trained: Workbench, part: str
) -> None:
    """One that scores above everybody is flagged; one that calibrates so keeps others from it."""
    package = packages(trained)[0]
    items = json.loads(package.files[ITEMS_FILE])
    for item in items[f"contamination 0.1 {part}"][:9]:
        item["score"] = 1e6
    files = {**package.files, ITEMS_FILE: json.dumps(items).encode()}
    assert "contamination.0.1.flagged.estimate" in disagreeing(package, files=files)


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("name", "column", "figure"),
    [
        ("compared", 0, "selection.rows.knn.overall.auroc"),
        ("compared", 2, "selection.rows.Sobel energy.overall.auroc"),
        ("layouts", 2, "layouts.visual+subject.auroc.estimate"),
    ],
)
def test_an_altered_score_of_a_fold_does_not_agree(
    trained: Workbench, name: str, column: int, figure: str
) -> None:
    package = packages(trained)[0]
    items = json.loads(package.files[ITEMS_FILE])
    planted = [item for item in items[name] if item["kind"]]
    highest = max(planted, key=lambda item: item["scores"][column])
    highest["scores"][column] = -1.0
    files = {**package.files, ITEMS_FILE: json.dumps(items).encode()}
    assert figure in disagreeing(package, files=files)


@pytest.mark.req("V-2.2")
def test_an_altered_calibration_score_does_not_agree(trained: Workbench) -> None:
    package = packages(trained)[0]
    header = json.loads(package.files[HEADER])
    row = header["model"][0]
    for name, words in (("score", ""), ("neutral", "neutral ")):
        altered = deepcopy(header)
        altered["model"][0][name] += 1e-6
        files = {**package.files, HEADER: json.dumps(altered).encode()}
        figure = f"{words}calibration score of {row['drawing']}"
        assert disagreeing(package, files=files) == {figure}


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("name", "one_less", "none"),
    [
        ("own", "calibration drawings", "calibration drawings"),
        ("planted", "planted.n_items", "planted.estimate"),
        ("neighbours", "age_specificity.n_positive", "age_specificity.estimate"),
        ("contamination 0.05 replaced", REPLACED, REPLACED),
        ("compared", "selection.planted", "selection rows"),
        ("layouts", "layouts.visual.auroc.n_positive", "layouts"),
    ],
)
def test_missing_items_do_not_agree(
    trained: Workbench, name: str, one_less: str, none: str
) -> None:
    package = packages(trained)[0]
    items = json.loads(package.files[ITEMS_FILE])
    for kept, figure in ((items[name][:-1], one_less), ([], none)):
        fewer = {**items, name: kept}
        files = {**package.files, ITEMS_FILE: json.dumps(fewer).encode()}
        assert figure in disagreeing(package, files=files)


@pytest.mark.req("V-2.2")
def test_a_model_that_nobody_calibrates_agrees_that_it_has_no_figures(bench: Workbench) -> None:
    add_drawings(bench, sketches(10))
    embed(bench)
    train(bench, "6-9")
    for package in packages(bench):
        checks = {check.figure: check for check in counted(package)}
        assert all(check.agrees for check in checks.values())
        for name in ("threshold", "attained_level", "highest_percentile"):
            assert checks[name].stored is checks[name].recomputed is None


@pytest.mark.req("V-2.2", "D-15.2")
@pytest.mark.parametrize("shift", [0.0, 0.9])
def test_the_choice_between_autoencoder_and_simple_detectors_is_made_again(shift: float) -> None:
    random = np.random.default_rng(0)
    rows = Rows(
        np.arange(30),
        np.arange(30) // 2,
        np.full(30, 7.0),
        np.zeros(30, np.int64),
        random.normal(size=(30, 3)).astype(np.float32),
    )
    pages = list(random.integers(0, 255, (30, 8, 8, 3), dtype=np.uint8))
    moved = rows.with_vectors(rows.vectors + np.float32(shift))
    planted = PlantedDrawings(PlantedRows(moved, ("moved", "shaken") * 15), pages, rows)
    config = QUICK.model_copy(update={"seed": 5})
    log = FoldLog()
    found = choose(Comparison(rows, planted, pages), ["knn", "pca", "autoencoder"], config, log)
    recipe = {"config": config.model_dump(mode="json")}

    def again(stored: dict[str, Any]) -> set[str]:
        record = Record({"selection": stored}, {}, log.sets, recipe, found["chosen"])
        return {check.figure for check in selection(record) if not check.agrees}

    assert found["lead"] is not None
    assert again(found) == set()
    for path in ("lead.estimate", "lead.low", "lead.high", "lead.n_items"):
        altered = deepcopy({"selection": found})
        alter(*countable(altered)[f"selection.{path}"])
        assert again(altered["selection"]) == {f"selection.{path}"}
    last = found["reason"].rstrip(".")[-1]
    wrong = found | {"reason": f"{found['reason'].rstrip('.')[:-1]}{(int(last) + 2) % 10}."}
    assert again(wrong) == {"selection.reason"}
    for item in log.sets["compared"]:
        if item["kind"] and item["fold"] >= 0:
            item["scores"][:3] = [0.0, 0.0, 1e6]
    assert "selection rule" in again(found)
    wins = found | {"chosen": "autoencoder"}
    assert "selection rule" not in again(wins)


@pytest.mark.req("D-30.2")
def test_figures_that_rest_on_deleted_drawings_are_passed_over(trained: Workbench) -> None:
    package = packages(trained)[0]
    items = json.loads(package.files[ITEMS_FILE])
    files = {
        **package.files,
        ITEMS_FILE: json.dumps(items | {"compared": items["compared"][1:]}).encode(),
    }
    assert "selection.drawings" in disagreeing(package, files=files)
    metrics = {**package.manifest.metrics, "forgotten": ["compared"]}
    assert disagreeing(package, files=files, metrics=metrics) == set()


@pytest.mark.req("V-2.2")
def test_items_scored_again_from_their_stored_vectors_agree(trained: Workbench) -> None:
    for package in packages(trained):
        with trained.database.read() as session:
            checks = rescore(trained, session, package.files, seed=3)
        neutral = [check for check in checks if "neutral age" in check.figure]
        assert len(checks) - len(neutral) == RESCORED == 20
        assert neutral
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
        ("knn", "knn", True),
        ("knn", "pca", False),
        (True, False, False),
        (True, 1, False),
    ],
)
def test_two_figures_agree_to_a_billionth_and_words_exactly(
    stored: Value,
    again: Value,
    agrees: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert Check("x", stored, again).agrees is agrees
