"""Every page, as a browser gets it, on a trained data folder and on an empty one."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from deepmed.core.jobs.ledger import JobLedger
from factories.api import Api

BROWSER = {"accept": "text/html"}
PAGES = [
    "/",
    "/drawings",
    "/drawings?flagged=yes&age_min=6&age_max=9&sort=-age_years",
    "/drawings/upload",
    "/drawings/1",
    "/drawings/1/why",
    "/drawings/1/attention",
    "/drawings/1/compare",
    "/drawings/1/delete",
    "/drawings/4",
    "/children/1",
    "/batches",
    "/batches/outlook",
    "/models",
    "/models/1",
    "/thresholds",
    "/thresholds/preview?percentile=90",
    "/reports",
    "/trainings",
    "/backups",
    "/jobs",
    "/jobs/part",
    "/jobs/running",
    "/status",
    "/status/storage",
]
every_page = pytest.mark.parametrize("path", PAGES)
OWN = ["/drawings/1", "/drawings/1/why", "/drawings/1/compare", "/drawings/1/delete", "/models/1"]


class Links(HTMLParser):
    """Where a page leads, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.loaded: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.places.add(given["href"])
        if tag in {"script", "img", "link"}:
            self.loaded.add(given.get("src") or given.get("href") or "")
        self.inline += [name for name in given if name.startswith("on")]


def read(api: Api, path: str, status: int = 200) -> str:
    answer = api.client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return str(answer.text)


def links(text: str) -> Links:
    found = Links()
    found.feed(text)
    return found


@pytest.mark.req("U-1.1")
@every_page
def test_a_page_is_drawn_from_this_machine_alone(settled: Api, path: str) -> None:
    found = links(read(settled, path))
    assert all(re.match(r"/(?!/)|$", place) for place in found.loaded)
    assert found.inline == []


@pytest.mark.req("U-1.1")
@pytest.mark.req("U-11.1")
@every_page
def test_an_empty_folder_has_every_page_or_says_what_there_is_not(empty: Api, path: str) -> None:
    numbered = re.match(r"/(drawings|models|children)/\d", path)
    text = read(empty, path, 404 if numbered else 200)
    assert not numbered or "There is nothing here" in text


@pytest.mark.parametrize("path", OWN)
def test_a_stranger_finds_nothing_of_it(api: Api, path: str) -> None:
    read(api.stranger(), path, 404)


@pytest.mark.req("U-2.1")
def test_the_dashboard_leads_to_the_page_of_each_item(settled: Api) -> None:
    text = read(settled, "/")
    places = links(text).places
    assert {"/drawings", "/drawings?flagged=yes", "/models", "/jobs", "/status"} <= places
    assert {"/drawings/1", "/models/1"} <= places
    assert "Drawings by age" in text
    total = settled.get("/drawings/stats")["total_drawings"]
    assert f"<strong>{total}</strong> drawings" in text


@pytest.mark.req("U-2.1")
def test_the_dashboard_tells_what_the_server_warns_of(settled: Api) -> None:
    settled.json("POST", "/alerts/thresholds", json={"memory_percent": 0.0})
    try:
        assert "The memory is" in read(settled, "/")
    finally:
        settled.json("POST", "/alerts/thresholds", json={"memory_percent": 85.0})


@pytest.mark.req("U-11.1")
def test_an_empty_dashboard_shows_the_first_step(empty: Api) -> None:
    text = read(empty, "/")
    assert "Begin with drawings" in text
    assert "/drawings/upload" in links(text).places


def tiles(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="tile[^"]*" href="/drawings/(\d+)"', text)]


@pytest.mark.req("U-3.1")
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("age_min=6&age_max=7", lambda each: 6 <= each["age_years"] <= 7),
        ("subject=house", lambda each: each["subject"] == "house"),
        ("label=concern", lambda each: each["expert_label"] == "concern"),
        ("child=child+0+of+7", lambda each: each["child_id"] == "child 0 of 7"),
    ],
)
def test_the_gallery_shows_what_was_asked_for(settled: Api, query: str, wanted: Any) -> None:
    pages = [settled.get("/drawings/", params={"page": n, "page_size": 100}) for n in (1, 2)]
    known = [each for page in pages for each in page["drawings"]]
    expected = {each["id"] for each in known if wanted(each)}
    assert expected
    assert set(tiles(read(settled, f"/drawings?{query}"))) <= expected
    assert f"{len(expected)} drawings" in read(settled, f"/drawings?{query}")


@pytest.mark.req("U-3.1")
def test_the_gallery_finds_flags(api: Api) -> None:
    api.json("PUT", "/config/threshold", params={"percentile": 60})
    for drawing in range(1, 9):
        api.json("POST", f"/analysis/analyze/{drawing}", params={"explain": False})
    flagged = [
        each["drawing_id"]
        for each in api.get("/analysis/stats")["recent_analyses"]
        if each["is_anomaly"]
    ]
    assert flagged
    shown = tiles(read(api, "/drawings?flagged=yes"))
    assert sorted(shown) == sorted(flagged)
    assert not set(tiles(read(api, "/drawings?flagged=no"))) & set(flagged)


@pytest.mark.req("U-11.1")
@pytest.mark.parametrize("query", ["age_min=abc", "label=odd", "age_min=9&age_max=3", "sort=odd"])
def test_what_cannot_be_asked_for_is_told_and_all_are_shown(settled: Api, query: str) -> None:
    text = read(settled, f"/drawings?{query}")
    assert 'role="alert"' in text
    assert tiles(text)


@pytest.mark.req("U-3.1")
def test_a_drawing_shows_its_rank_what_it_means_and_what_is_like_it(settled: Api) -> None:
    told = settled.json("POST", "/analysis/analyze/1")
    text = read(settled, "/drawings/1")
    assert told["analysis"]["chip"] in text
    assert len(told["comparison_examples"]) == 3
    beside = links(read(settled, "/drawings/1/compare")).places
    assert {f"/drawings/{each['drawing_id']}" for each in told["comparison_examples"]} <= beside
    assert f"/api/v1/analysis/{told['analysis']['id']}/saliency.png" in text
    assert 'data-opacity-of="layer"' in text


@pytest.mark.req("U-3.1")
def test_an_answer_under_an_earlier_rule_says_so(api: Api) -> None:
    api.json("POST", "/analysis/analyze/1", params={"explain": False})
    assert "earlier threshold" not in read(api, "/drawings/1")
    api.json("PUT", "/config/threshold", params={"percentile": 90})
    assert "earlier threshold" in read(api, "/drawings/1")


@pytest.mark.req("U-11.1")
def test_a_deletion_shows_what_goes_and_asks_for_words(settled: Api) -> None:
    text = read(settled, "/drawings/1/delete")
    assert 'data-words="drawing 1"' in text
    assert "1 vectors" in text
    assert "They are marked" in text


@pytest.mark.req("U-3.1")
def test_a_threshold_is_previewed_for_each_model_and_changes_nothing(settled: Api) -> None:
    told = settled.get("/config/threshold/preview", params={"percentile": 99})["effects"]
    text = read(settled, "/thresholds/preview?percentile=99")
    assert text.count("Not supported") == sum(not each["then"]["supported"] for each in told) > 0
    assert settled.get("/config/")["threshold_percentile"] == 95.0
    assert read(settled, "/thresholds/preview?percentile=20", 422)


@pytest.mark.req("U-10.1")
@pytest.mark.parametrize("path", ["/", "/models/1", "/thresholds", "/drawings/1"])
def test_every_chart_has_its_table_and_its_files(settled: Api, path: str) -> None:
    text = read(settled, path)
    charts = re.findall(r'<figure class="chart">.*?</figure>', text, re.DOTALL)
    assert charts
    for chart in charts:
        assert "<svg" in chart
        assert "<table>" in chart
        assert '.csv" href="data:text/csv' in chart
        assert '.json" href="data:application/json' in chart


@pytest.mark.req("U-3.1")
def test_all_drawings_are_analysed_in_the_background(api: Api) -> None:
    job = api.client.post("/drawings/analyze").json()["job_id"]
    assert f"/jobs/{job}" in links(read(api, "/jobs")).places
    assert "Waiting for a worker" in read(api, f"/jobs/{job}")
    ledger = JobLedger.of(api.home)
    ledger.cancel(job)
    assert "Try again" in read(api, f"/jobs/{job}")
