"""The six parts of a drawing's page, and the pages of a child and of a batch."""

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.features.drawings.analysis.parts import NO_AGE_PART
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis
from factories.api import Api, api_on

BROWSER = {"accept": "text/html"}
PARTS = ("summary", "where", "why", "compare", "ages", "history", "notes", "export")
TOGETHER = "child 0 of 7"
"""A child with two drawings."""


def read(api: Api, path: str, status: int = 200) -> str:
    answer = api.client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def analysed(api: Api, drawing: int) -> int:
    number: int = api.json("POST", f"/analysis/analyze/{drawing}")["analysis"]["id"]
    return number


def part(text: str, name: str) -> str:
    """The section of a page whose heading is called so."""
    found = re.search(rf'<section [^>]*aria-labelledby="{name}".*?</section>', text, re.DOTALL)
    assert found, name
    return found[0]


def siblings(api: Api) -> list[dict[str, Any]]:
    found = api.get("/drawings/", params={"page_size": 100, "page": 2})["drawings"]
    found += api.get("/drawings/", params={"page_size": 100})["drawings"]
    return [each for each in found if each["child_id"] == TOGETHER]


def child_of(api: Api, drawing: int) -> str:
    [place] = set(re.findall(r"/children/\d+", read(api, f"/drawings/{drawing}")))
    return place


def tell_no_ages(api: Api) -> None:
    """As if one of the models had been found not to tell ages apart."""
    with api.home.database.write() as session:
        row = session.get_one(AgeGroupModel, 1)
        row.parameters = {**row.parameters, "tells_ages_apart": False}


def tell_ages(api: Api) -> None:
    with api.home.database.write() as session:
        for row in session.query(AgeGroupModel):
            row.parameters = {**row.parameters, "tells_ages_apart": True}


@pytest.mark.req("U-3.1")
def test_a_drawing_has_its_six_parts_and_the_way_to_each(settled: Api) -> None:
    text = read(settled, "/drawings/1")
    for name in PARTS:
        assert f'href="#{name}"' in text
        assert part(text, name)


@pytest.mark.req("U-3.1")
@pytest.mark.req("U-10.1")
def test_each_place_can_be_opened_and_has_its_text_and_numbers(settled: Api) -> None:
    analysis = analysed(settled, 1)
    where = part(read(settled, "/drawings/1"), "where")
    regions = settled.get(f"/interpretability/{analysis}/interactive")["saliency_regions"]
    assert regions
    for number, region in enumerate(regions, 1):
        assert f'data-region="place-{number}"' in where
        [told] = re.findall(rf'<details [^>]*id="place-{number}".*?</details>', where, re.DOTALL)
        assert f"{region['importance_score']:.0%}".removesuffix("%") in told
        assert region["click_explanation"] in told
    assert 'download="places_' in where
    assert 'type="range"' in where


@pytest.mark.req("D-18.1")
def test_why_is_written_for_who_reads_and_the_address_keeps_it(settled: Api) -> None:
    analysis = analysed(settled, 1)
    told = {}
    for reader in ("educator", "clinician", "researcher"):
        why = html.unescape(part(read(settled, f"/drawings/1?reader={reader}"), "why"))
        assert f'reader={reader}#why" aria-current="true"' in why
        assert why.count("aria-current") == 1
        plain = settled.get(
            f"/interpretability/{analysis}/simplified", params={"user_role": reader}
        )
        assert all(each in why for each in plain["recommendations"])
        assert read(settled, f"/drawings/1/why?reader={reader}").count("aria-current") == 1
        told[reader] = why
    assert "Rule: percentile" in told["researcher"]
    assert "Rule: percentile" not in told["educator"]
    assert html.unescape(part(read(settled, "/drawings/1"), "why")) == told["educator"]


@pytest.fixture
def for_parents(_trained: Path, tmp_path: Path) -> Iterator[Api]:
    """Where an operator switched texts for parents on."""
    shutil.copytree(_trained, tmp_path / "home")
    with api_on(tmp_path / "home", parent_texts=True) as made:
        yield made


@pytest.mark.req("D-28.1")
def test_parents_are_written_to_only_where_that_is_switched_on(
    settled: Api, for_parents: Api
) -> None:
    analysed(settled, 1)
    why = part(read(settled, "/drawings/1?reader=parent"), "why")
    assert "reader=parent" not in why
    assert 'reader=educator#why" aria-current="true"' in why
    analysed(for_parents, 1)
    why = part(read(for_parents, "/drawings/1?reader=parent"), "why")
    assert 'reader=parent#why" aria-current="true"' in why
    assert "collected drawings of other children" in why
    assert "<table>" not in why


@pytest.mark.req("D-19.1")
def test_compare_shows_neighbours_and_examples_with_their_data(settled: Api) -> None:
    analysed(settled, 1)
    text = read(settled, "/drawings/1/compare")
    near = settled.get("/drawings/1/neighbours", params={"count": 6})
    assert near
    for each in near:
        assert f'href="/drawings/{each["drawing_id"]}"' in text
        assert f"similarity {each['similarity_score']:.2f}" in text
    examples = settled.get("/interpretability/examples/3-6", params={"limit": 4})
    for each in examples["normal_examples"]:
        assert f'href="/drawings/{each["drawing_id"]}"' in text
    assert text.count('.csv" href="data:text/csv') == text.count("<table>") > 1


@pytest.mark.req("D-16.2")
@pytest.mark.req("D-27.2")
def test_the_what_if_curve_is_drawn_only_where_the_models_tell_ages_apart(api: Api) -> None:
    tell_ages(api)
    told = api.json("POST", "/analysis/analyze/1")["analysis"]["parts"]["age"]
    ages = part(read(api, "/drawings/1"), "ages")
    assert told["statement"] is None
    for group in told["groups"]:
        if group["p_value"] is None:
            assert group["reason"] in ages
        else:
            assert f"{group['p_value']:.2f} (n {group['children']})" in ages
    assert 'class="chart"' in ages
    tell_no_ages(api)
    with api.home.database.write() as session:
        row = session.query(AnomalyAnalysis).filter_by(current_of=1).one()
        row.results = {**row.results, "age_part": {"statement": NO_AGE_PART, "groups": []}}
    ages = part(read(api, "/drawings/1"), "ages")
    assert NO_AGE_PART in ages
    assert "<svg" not in ages


@pytest.mark.req("D-27.2")
def test_a_childs_chart_over_age_gives_way_to_the_statement(api: Api) -> None:
    tell_ages(api)
    mine = siblings(api)
    for each in mine:
        analysed(api, each["id"])
    place = child_of(api, mine[0]["id"])
    text = read(api, place)
    assert TOGETHER in text
    for each in mine:
        assert f'href="/drawings/{each["id"]}"' in text
    ages = part(text, "ages")
    assert ages.count("<circle") == len(mine)
    assert '.csv" href="data:text/csv' in ages
    tell_no_ages(api)
    ages = part(read(api, place), "ages")
    assert NO_AGE_PART in ages
    assert "<svg" not in ages


def test_a_childs_page_is_of_its_owner(settled: Api, api: Api) -> None:
    assert read(settled, "/children/99999", 404)
    assert read(api.stranger(), "/children/1", 404)


@pytest.mark.req("D-20.1")
def test_notes_stand_with_author_and_history(api: Api) -> None:
    analysis = analysed(api, 1)
    base = f"/interpretability/{analysis}"
    note = {"region_id": "drawing", "annotation_text": "Two <suns>", "annotation_type": "question"}
    uid = api.json("POST", f"{base}/annotate", json=note)["annotation_id"]
    api.json("PUT", f"{base}/annotations/{uid}", json={"annotation_text": "One sun", "version": 1})
    notes = part(read(api, "/drawings/1"), "notes")
    assert "One sun" in notes
    assert "Two &lt;suns&gt;" in notes  # in its history, and no markup
    assert f'data-send="PUT /api/v1{base}/annotations/{uid}"' in notes
    assert 'name="version" data-type="number" value="2"' in notes
    assert "History of this note (2)" in notes
    api.json("DELETE", f"{base}/annotations/{uid}")
    notes = part(read(api, "/drawings/1"), "notes")
    assert "Nobody has noted anything yet" in notes
    assert "Taken back (1)" in notes
    assert "History of this note (3)" in notes


@pytest.mark.req("D-20.1")
def test_notes_to_an_earlier_answer_stay_in_sight(api: Api) -> None:
    first = analysed(api, 1)
    note = {"region_id": "drawing", "annotation_text": "A thick line", "annotation_type": "note"}
    api.json("POST", f"/interpretability/{first}/annotate", json=note)
    api.json("PATCH", "/drawings/1", json={"subject": "tree"})
    second = analysed(api, 1)
    assert second != first
    notes = part(read(api, "/drawings/1"), "notes")
    assert "A thick line" in notes
    assert "written to an earlier answer" in notes
    assert f'data-send="POST /api/v1/interpretability/{second}/annotate"' in notes


@pytest.mark.req("D-20.1")
def test_every_kind_of_file_can_be_asked_for_with_its_three_choices(settled: Api) -> None:
    analysis = analysed(settled, 1)
    export = part(read(settled, "/drawings/1?reader=researcher"), "export")
    assert f'data-send="POST /api/v1/interpretability/{analysis}/export"' in export
    for form in ("pdf", "png", "csv", "json", "html", "pptx"):
        assert f'name="format" value="{form}"' in export
    for flag in ("include_annotations", "include_comparisons", "simplified_version"):
        assert f'name="{flag}"' in export
    assert 'name="export_options.user_role" value="researcher"' in export


def test_what_was_not_analysed_says_so_in_every_part(settled: Api) -> None:
    text = read(settled, "/drawings/9")
    assert "has not been analysed yet" in part(text, "why")
    assert "no answer yet" in part(text, "ages")
    assert "analyse the drawing first" in part(text, "notes")
    assert "nothing to export" in part(text, "export")


@pytest.fixture(scope="module")
def batched(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, str]]:
    folder = tmp_path_factory.mktemp("batched") / "home"
    shutil.copytree(_trained, folder)
    with api_on(folder) as api:
        ids = [each["id"] for each in api.get("/drawings/", params={"page_size": 100})["drawings"]]
        batch = api.json("POST", "/analysis/batch", json={"drawing_ids": ids})["batch_id"]
        assert "under way" in read(api, "/batches")
        assert "Children are put together when all are" in read(api, f"/batches/{batch}")
        api.work_off()
        yield api, batch


@pytest.mark.req("D-10.5")
@pytest.mark.req("U-10.1")
def test_a_batch_shows_its_new_children_with_p_and_q(batched: tuple[Api, str]) -> None:
    api, batch = batched
    assert f"/batches/{batch}" in read(api, "/batches")
    assert f"/batches/{batch}/cohort" in read(api, f"/batches/{batch}")
    told = api.get(f"/analysis/batch/{batch}/cohort")
    text = read(api, f"/batches/{batch}/cohort")
    assert told["children"]
    for each in told["children"]:
        assert f'href="/children/{each["id"]}"' in text
        assert f"<td>{each['p_value']:.4g}</td><td>{each['q_value']:.4g}</td>" in text
    selected = sum(each["selected"] for each in told["children"])
    assert f"{selected} of {len(told['children'])} children selected" in text
    rows = api.client.get(f"/batches/{batch}/cohort.json").json()
    assert [row["q"] for row in rows] == [each["q_value"] for each in told["children"]]
    lines = api.client.get(f"/batches/{batch}/cohort.csv").text.splitlines()
    assert len(lines) == 1 + len(rows)


@pytest.mark.req("D-10.5")
def test_before_a_batch_it_is_said_whether_any_could_be_selected(batched: tuple[Api, str]) -> None:
    api, _ = batched
    told = api.get("/analysis/outlook")["outlook"]
    text = read(api, "/batches/outlook")
    if told["statement"]:
        assert told["statement"] in text
    else:
        assert f"At least {told['children_needed']} of them" in text
    assert 'hx-get="/batches/outlook"' in read(api, "/batches")


def test_a_batch_is_of_its_owner(batched: tuple[Api, str]) -> None:
    api, batch = batched
    stranger = api.stranger()
    for path in (f"/batches/{batch}", f"/batches/{batch}/cohort", f"/batches/{batch}/cohort.csv"):
        assert stranger.client.get(path).status_code == 404
