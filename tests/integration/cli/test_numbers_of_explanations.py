"""Each number of an explanation, counted again from its map, its curves and the picture."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factories.answers import Answers
from factories.recount import Ranking


@pytest.fixture(scope="module")
def found(answers: Answers) -> dict[str, Any]:
    return dict(answers["explain"])


@pytest.fixture(scope="module")
def shares(answers: Answers, found: dict[str, Any]) -> NDArray[np.float64]:
    """Each patch's share of what raises the score, from the written map."""
    [path] = (answers.folder / "maps").glob("*.json")
    stored = json.loads(path.read_text(encoding="utf-8"))
    values = np.maximum(np.array(stored["map"]["values"]), 0)
    return np.asarray(values / values.sum())


def area(curve: list[float]) -> float:
    """Trapezoids of equal width, over a scale from 0 to 1."""
    return sum((one + other) / 2 for one, other in pairwise(curve)) / (len(curve) - 1)


def test_faithfulness_is_the_area_between_the_curves(found: dict[str, Any]) -> None:
    trust = found["faithfulness"]
    assert set(trust["scores"]) == set(trust["curves"])
    for name, curves in trust["curves"].items():
        assert len(curves["insertion"]) == len(curves["deletion"]) == 17
        difference = area(curves["insertion"]) - area(curves["deletion"])
        assert trust["scores"][name] == pytest.approx(difference)


def test_curves_lead_from_the_filled_page_to_the_drawing(
    answers: Answers, found: dict[str, Any]
) -> None:
    [row] = [
        row for row in answers["analyze"]["analyses"] if row["drawing_id"] == found["drawing_id"]
    ]
    trust = found["faithfulness"]
    for curves in trust["curves"].values():
        assert curves["insertion"][0] == curves["deletion"][-1] == 1 - trust["fill_p"]
        assert curves["insertion"][-1] == pytest.approx(1 - row["p_value"])
        assert curves["deletion"][0] == pytest.approx(1 - row["p_value"])
        header = answers.package(row["age_group_model_id"], "reference.json")
        [(child,)] = answers.rows(
            "analysed", "SELECT child_id FROM drawings WHERE id = ?", found["drawing_id"]
        )
        half = "twin" if child in header["fit_children"] else "model"
        ranking = Ranking(header[half], own=child)
        every = {score for own in ranking.scores.values() for score in own}
        possible = {1 - float(ranking.p(score)) for score in every} | {ranking.n / (ranking.n + 1)}
        for value in curves["insertion"] + curves["deletion"]:
            assert min(abs(value - one) for one in possible) < 1e-12
    assert trust["fill_p"] > 0.2


def test_a_place_has_the_share_of_its_patches(
    found: dict[str, Any], shares: NDArray[np.float64]
) -> None:
    assert found["importance_regions"]
    for place in found["importance_regions"]:
        again = sum(shares[row, column] for row, column in place["patches"])
        assert place["importance_score"] == pytest.approx(again)
    assert sum(place["importance_score"] for place in found["importance_regions"]) <= 1


def test_a_place_lies_where_its_patches_lie(
    answers: Answers, found: dict[str, Any], shares: NDArray[np.float64]
) -> None:
    """The small encoder's frame is the whole page of 64 pixels: a patch of the grid has 8."""
    side = 64 // shares.shape[0]
    for place in found["importance_regions"]:
        rows, columns = zip(*place["patches"], strict=True)
        assert place["bounding_box"] == [
            side * min(columns),
            side * min(rows),
            side * (max(columns) + 1),
            side * (max(rows) + 1),
        ]


def test_facts_are_measured_on_the_picture(answers: Answers, found: dict[str, Any]) -> None:
    ink = picture(answers, found["drawing_id"])
    rows, columns = np.nonzero(ink)
    content = found["facts"]["content"]
    left, top, right, bottom = content["box"]
    assert (left, top) == (columns.min(), rows.min())
    assert (right, bottom) == (columns.max() + 1, rows.max() + 1)
    facts = {name: fact["value"] for name, fact in content["facts"].items()}
    assert facts["ink_coverage"] == pytest.approx(ink.mean())
    assert facts["line_darkness"] == 1.0  # black lines
    assert facts["box_width"] == pytest.approx((right - left) / 64)
    assert facts["box_height"] == pytest.approx((bottom - top) / 64)
    assert facts["centre_x"] == pytest.approx((columns.mean() + 0.5) / 64)
    assert facts["centre_y"] == pytest.approx((rows.mean() + 0.5) / 64)
    crop = ink[top:bottom, left:right]
    mirrored = crop[:, ::-1]
    assert facts["symmetry"] == pytest.approx((crop & mirrored).sum() / (crop | mirrored).sum())
    assert facts["strokes"] == connected(ink)


def test_facts_stand_among_those_of_the_drawings_that_the_model_learned_from(
    answers: Answers, found: dict[str, Any]
) -> None:
    [(child, model)] = answers.rows(
        "analysed",
        "SELECT d.child_id, a.age_group_model_id FROM drawings d JOIN anomaly_analyses a"
        " ON a.drawing_id = d.id WHERE d.id = ?",
        found["drawing_id"],
    )
    fitted = child in answers.package(model, "reference.json")["fit_children"]
    part = "twin_part" if fitted else "part"
    query = f"SELECT drawing_id, {part} FROM age_group_model_members WHERE model_id = ?"  # noqa: S608 - one of two names
    parts = answers.rows("analysed", query, model)
    others = [picture(answers, drawing) for drawing, own in parts if own in {"fit", "borrowed"}]
    fact = found["facts"]["content"]["facts"]["ink_coverage"]
    assert fact["compared"] == len(others)
    less = sum(other.mean() < fact["value"] for other in others)
    assert fact["rank"] == pytest.approx(less / len(others))


def test_the_ink_of_a_place(answers: Answers, found: dict[str, Any]) -> None:
    ink = picture(answers, found["drawing_id"])
    for row in found["facts"]["regions"]:
        left, top, right, bottom = row["region"]["bounding_box"]
        inside = ink[top:bottom, left:right]
        assert row["ink_coverage"] == pytest.approx(inside.mean())
        assert row["ink_share"] == pytest.approx(inside.sum() / ink.sum())
        assert row["strokes"] == connected(inside)


def test_a_models_figure_is_the_mean_over_its_drawings(answers: Answers) -> None:
    found = answers["faithfulness"]
    [path] = (answers.folder / "explanations").glob("model-*.json")
    [stored] = json.loads(path.read_text(encoding="utf-8"))["methods"].values()
    rows = [row for row in stored["drawings"].values() if "refused" not in row]
    assert found["drawings"] == len(rows)
    assert found["children"] == len({row["child"] for row in rows})
    assert found["refused"] == len(stored["drawings"]) - len(rows)
    for name, score in found["scores"].items():
        assert score == pytest.approx(np.mean([row["scores"][name] for row in rows]))
    estimates = {row["order"]: row["estimate"] for row in found["rows"]}
    assert estimates == found["scores"]
    alike = [row["randomised"] for row in rows]
    assert found["randomised"]["estimate"] == pytest.approx(np.mean(alike))


def picture(answers: Answers, drawing: int) -> NDArray[np.bool_]:
    """Where a drawing is black; these are black on white."""
    [(path,)] = answers.rows("analysed", "SELECT file_path FROM drawings WHERE id = ?", drawing)
    return np.asarray(Image.open(answers.home / "files" / path).convert("L")) < 128


def connected(ink: NDArray[np.bool_]) -> int:
    """Lines that touch, corners included, by filling one after the other; dust is not counted."""
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(ink), strict=True)}
    count = 0
    while left:
        todo, size = [left.pop()], 0
        while todo:
            row, column = todo.pop()
            size += 1
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            todo += near
        count += size >= 3
    return count
