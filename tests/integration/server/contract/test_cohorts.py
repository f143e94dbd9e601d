"""A batch as a search through many children: what is told of it before and after (D-10)."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factories.api import Api, api_on, picture

NEW = {"ann": 2, "bob": 1, "cy": 1}
"""How many drawings each new child brings."""
OLD = [1, 2, 3]
LEFT_OUT = 3
"""Labelled and withdrawn drawings, which trained nothing: their children are new too."""


@dataclass(frozen=True)
class Search:
    """A batch of drawings by new children and by children of the training."""

    api: Api
    drawings: dict[str, list[int]]
    told: dict[str, Any]
    """What was answered when the batch was asked for."""

    @property
    def uid(self) -> str:
        uid: str = self.told["batch_id"]
        return uid

    def cohort(self, uid: str | None = None) -> Any:
        return self.api.get(f"/analysis/batch/{uid or self.uid}/cohort")

    def analysis(self, drawing: int) -> Any:
        return self.api.get(f"/analysis/drawing/{drawing}")["analyses"][0]


def bring(api: Api) -> dict[str, list[int]]:
    brought: dict[str, list[int]] = {}
    for place, (child, count) in enumerate(NEW.items()):
        for number in range(count):
            sent = api.upload(picture(100 + 10 * place + number, 6 + place / 2), child_id=child)
            brought.setdefault(child, []).append(sent.json()["id"])
    return brought


def search(api: Api) -> Search:
    drawings = bring(api)
    asked = [*OLD, *(one for some in drawings.values() for one in some)]
    for drawing in asked:
        api.json("POST", f"/analysis/embeddings/{drawing}")
    told = api.json("POST", "/analysis/batch", json={"drawing_ids": asked})
    api.work_off()
    return Search(api, drawings, told)


@pytest.fixture(scope="module")
def searched(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    folder = tmp_path_factory.mktemp("searched") / "home"
    shutil.copytree(_trained, folder)
    with api_on(folder) as api:
        yield search(api)


@pytest.fixture
def mine(api: Api) -> Search:
    """One that a test may spoil."""
    return search(api)


@pytest.mark.req("D-10.5")
def test_a_child_has_one_p_and_one_q(searched: Search) -> None:
    told = searched.cohort()
    children = {each["child_id"]: each for each in told["children"]}
    assert set(children) == set(NEW)
    for name, drawings in searched.drawings.items():
        smallest = min(searched.analysis(each)["p_value"] for each in drawings)
        assert children[name]["drawing_ids"] == drawings
        assert children[name]["p_value"] == min(1.0, len(drawings) * smallest)
    ordered = sorted(each["p_value"] for each in told["children"])
    for each in told["children"]:
        least = min(
            ordered[rank] * len(ordered) / (rank + 1)
            for rank in range(len(ordered))
            if ordered[rank] >= each["p_value"]
        )
        assert each["q_value"] == pytest.approx(min(1.0, least))
        assert each["selected"] == (each["q_value"] <= told["outlook"]["level"])
    assert told["percentile"] == 95.0
    assert told["drawings_not_new"] == len(OLD)
    assert told["drawings_without_p"] == 0


@pytest.mark.req("D-10.5")
def test_no_q_changes_a_flag(searched: Search) -> None:
    for each in searched.cohort()["children"]:
        flagged = [one for one in each["drawing_ids"] if searched.analysis(one)["is_anomaly"]]
        assert each["flagged_drawing_ids"] == flagged


@pytest.mark.req("D-10.5")
def test_what_can_be_selected_is_told_beforehand(searched: Search) -> None:
    """With n children to compare with, no p is below 1 / (n + 1), and ann's is twice that."""
    asked = [one for some in searched.drawings.values() for one in some]
    told = searched.api.get("/analysis/outlook", params={"drawing_ids": asked})["outlook"]
    assert told == searched.told["outlook"] == searched.cohort()["outlook"]
    n = searched.analysis(asked[0])["n_children"]
    assert told["n_children"] == len(NEW)
    assert told["smallest_q"] == pytest.approx(min(2, 3 / 2) / (n + 1))
    assert told["can_select_any"] == (told["smallest_q"] <= told["level"])
    assert (told["statement"] is None) == told["can_select_any"]
    every = searched.api.get("/analysis/outlook")["outlook"]
    assert every["n_children"] == len(NEW) + LEFT_OUT


@pytest.mark.req("D-10.5")
def test_too_few_children_to_compare_with_are_told_beforehand(mine: Search) -> None:
    mine.api.json("PUT", "/config/threshold", params={"percentile": 99.9})
    told = mine.api.get("/analysis/outlook")["outlook"]
    assert "no drawing could stay selected" in told["statement"]
    assert "no drawing could stay selected" in mine.api.client.get("/batches/outlook").text


@pytest.mark.req("D-10.5")
def test_a_second_look_at_a_drawing_takes_nothing_from_the_batch(mine: Search) -> None:
    before = mine.cohort()
    mine.api.json("POST", f"/analysis/analyze/{mine.drawings['bob'][0]}")
    again = mine.api.json("POST", "/analysis/batch", json={"drawing_ids": mine.drawings["ann"]})
    mine.api.work_off()
    assert mine.cohort() == before
    [ann] = mine.cohort(again["batch_id"])["children"]
    assert ann["q_value"] == pytest.approx(ann["p_value"])


@pytest.mark.req("D-10.5")
def test_an_answer_that_came_later_is_none_of_the_batch(mine: Search) -> None:
    [bob] = mine.drawings["bob"]
    p = mine.analysis(bob)["p_value"]
    mine.api.json("PATCH", f"/drawings/{bob}", json={"subject": "tree"})
    mine.api.json("POST", f"/analysis/analyze/{bob}", params={"explain": False})
    told = {each["child_id"]: each for each in mine.cohort()["children"]}
    assert told["bob"]["p_value"] == p
    second = mine.api.json("POST", "/analysis/batch", json={"drawing_ids": [bob]})
    mine.api.work_off()
    third = mine.api.json("POST", "/analysis/batch", json={"drawing_ids": [bob]})
    mine.api.work_off()
    [earlier], [later] = (mine.cohort(each["batch_id"])["children"] for each in (second, third))
    assert later["p_value"] is not None
    assert earlier["p_value"] is None  # two answers stood when it was done
    assert "later call" in earlier["reason"]


@pytest.mark.req("D-10.5")
def test_drawings_that_were_given_to_another_child_have_no_common_q(mine: Search) -> None:
    before = {each["child_id"]: each["q_value"] for each in mine.cohort()["children"]}
    [bob], [cy] = mine.drawings["bob"], mine.drawings["cy"]
    mine.api.json("PATCH", f"/drawings/{bob}", json={"child_id": "cy"})
    after = {each["child_id"]: each for each in mine.cohort()["children"]}
    assert after["cy"]["drawing_ids"] == [bob, cy]
    if math.isclose(before["bob"], before["cy"]):
        assert after["cy"]["q_value"] == before["cy"]
    else:
        assert after["cy"]["q_value"] is None
        assert "another child" in after["cy"]["reason"]


def test_what_is_no_batch_and_no_drawing(searched: Search) -> None:
    stranger = searched.api.stranger()
    assert stranger.ask("GET", f"/analysis/batch/{searched.uid}/cohort").status_code == 404
    assert searched.api.ask("GET", "/analysis/batch/nothing/cohort").status_code == 404
    for api, drawing in ((stranger, 1), (searched.api, 9999)):
        answer = api.ask("GET", "/analysis/outlook", params={"drawing_ids": [drawing]})
        assert answer.status_code == 404
    assert searched.api.ask("GET", "/analysis/outlook?drawing_ids=x").status_code == 422
