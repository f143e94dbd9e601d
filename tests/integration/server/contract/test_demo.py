"""Contract 2.9: the demo shows what was computed here, or nothing."""

import re
from collections import Counter
from typing import Any

import pytest

from deepmed.app.access import ROLES
from deepmed.core.datasets.service import DatasetService, Item
from deepmed.features.drawings.demo.datasets import LICENCE, TYPICAL_DATASET
from deepmed.features.drawings.explanation.texts import FORBIDDEN_WORDS
from deepmed.features.drawings.tables import Drawing
from factories.api import Api

ANALYSED = 3
"""As `settled` comes."""


def data(api: Api, path: str) -> Any:
    answer = api.get(f"/demo/{path}")
    assert answer["success"] is True
    assert answer["message"]
    return answer["data"]


@pytest.mark.req("D-29.2")
def test_samples_are_the_analysed_drawings_with_their_stored_answers(settled: Api) -> None:
    found = data(settled, "samples")["samples"]
    assert sorted(one["id"] for one in found) == [1, 2, 3]
    for one in found:
        answer = settled.get(f"/analysis/drawing/{one['id']}")["analyses"][0]
        result = one["analysis_result"]
        for name in ("anomaly_score", "is_anomaly", "confidence"):
            assert result[name] == answer[name]
        assert one["age_group"] == answer["age_group"]
        assert one["description"].startswith(answer["chip"])
        assert one["metadata"]["created_at"] == answer["analysis_timestamp"]
        assert answer["age_group"] in result["age_group_model"]
        for picture in ("original_image", "saliency_map", "composite_image"):
            shown = settled.client.get(one[picture])
            assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")


@pytest.mark.req("D-29.2")
def test_without_analysed_drawings_there_is_no_sample(empty: Api) -> None:
    found = data(empty, "samples")
    assert found["samples"] == []
    assert "deepmed demo" in found["reason"]
    counted = data(empty, "statistics")
    assert (counted["total_samples"], counted["age_group_distribution"]) == (0, {})
    nulls = {"anomaly_rate", "average_confidence", "interpretability_coverage"}
    assert {counted[name] for name in nulls} == {None}
    assert set(counted["reasons"]) == nulls
    page = empty.client.get("/demo/")
    assert "No drawing has been analysed yet" in page.text


@pytest.mark.req("D-29.1")
def test_what_nobody_measured_is_null_with_its_reason(settled: Api) -> None:
    for one in data(settled, "samples")["samples"]:
        nulls = {
            name
            for part in (
                one["analysis_result"],
                one["metadata"],
                one["interpretability"],
                one["interpretability"]["technical_details"],
            )
            for name, value in part.items()
            if value is None
        }
        assert nulls - {"saliency_method", "attention_regions"} == set(one["reasons"])
        assert all(one["reasons"].values())


def test_a_sample_alone_has_its_explanation(settled: Api) -> None:
    one = data(settled, "samples/2")
    explained = settled.json("POST", "/analysis/analyze/2")["interpretability"]
    found = one["interpretability"]
    assert found["explanation"] == explained["explanation_text"]
    assert found["technical_details"]["saliency_method"] == explained["method"]
    assert found["technical_details"]["attention_regions"] == len(explained["importance_regions"])
    assert [each["importance"] for each in found["key_regions"]] == [
        each["importance_score"] for each in explained["importance_regions"]
    ]
    assert "explanation" not in one["reasons"]


def test_what_is_no_sample_is_not_found(settled: Api) -> None:
    for missing in (4, 999999, 0):
        answer = settled.ask("GET", f"/demo/samples/{missing}")
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)
    assert settled.ask("GET", "/demo/samples/x").status_code == 422


@pytest.mark.req("D-29.1")
def test_the_statistics_are_counted_over_the_samples(api: Api) -> None:
    api.json("PUT", "/config/threshold", params={"percentile": 60})
    api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 60))})
    api.work_off()
    found = data(api, "samples")["samples"]
    counted = data(api, "statistics")
    flagged = sum(one["analysis_result"]["is_anomaly"] for one in found)
    assert len(found) == counted["total_samples"] > 50
    assert (counted["anomaly_samples"], counted["normal_samples"]) == (
        flagged,
        len(found) - flagged,
    )
    assert counted["anomaly_rate"] == pytest.approx(flagged / len(found))
    assert counted["age_group_distribution"] == Counter(one["age_group"] for one in found)
    sure = [
        one["analysis_result"]["confidence"]
        for one in found
        if one["analysis_result"]["confidence"] is not None
    ]
    assert counted["average_confidence"] == pytest.approx(sum(sure) / len(sure))
    assert counted["interpretability_coverage"] == "0%"
    api.json("POST", f"/analysis/analyze/{found[0]['id']}")
    assert data(api, "statistics")["interpretability_coverage"] == f"{100 / len(found):.0f}%"
    assert counted["reasons"] == {}


@pytest.mark.req("D-29.2")
def test_the_demos_own_drawings_go_before_a_persons(api: Api) -> None:
    for drawing in (1, 2):
        api.json("POST", f"/analysis/analyze/{drawing}", params={"explain": False})
    with api.home.database.write() as session:
        dataset = DatasetService(session, api.home.owner_id).register(
            TYPICAL_DATASET,
            "drawings",
            [Item("a.png", "0" * 64, {})],
            card={},
            provenance="this test",
            licence_note=LICENCE,
        )
        session.get_one(Drawing, 2).dataset_id = dataset.id
    assert [one["id"] for one in data(api, "samples")["samples"]] == [2]
    assert api.ask("GET", "/demo/samples/1").status_code == 404


@pytest.mark.req("S-3.1")
def test_anothers_drawings_are_no_samples(api: Api) -> None:
    api.json("POST", "/analysis/analyze/1", params={"explain": False})
    stranger = api.stranger()
    assert data(stranger, "samples")["samples"] == []
    assert data(stranger, "statistics")["total_samples"] == 0
    assert data(stranger, "project-info")["current_status"]["training_data"].startswith("0 ")
    assert stranger.ask("GET", "/demo/samples/1").status_code == 404


def test_what_this_is_names_what_there_is(settled: Api) -> None:
    found = data(settled, "project-info")
    total = settled.get("/drawings/")["total_count"]
    models = settled.get("/models/age-groups")["active_count"]
    status = found["current_status"]
    assert status["training_data"] == f"{total} drawings in this data folder"
    assert status["models"] == f"{models} models of age groups in use"
    assert (
        status["features"] == f"{settled.get('/models/status')['total_analyses']} analyses stored"
    )
    assert settled.home.settings.encoder in found["technical_approach"]["feature_extraction"]


def test_links_lead_to_this_server_alone(settled: Api) -> None:
    links = data(settled, "technical-links")
    assert {"github", "documentation", "research", "technical_paper"} <= set(links)
    for link in links.values():
        if link["url"] is not None:
            assert f"GET {link['url']}" in ROLES
            assert settled.client.get(link["url"]).status_code == 200


@pytest.mark.req("D-28.1")
def test_no_text_of_the_demo_has_a_forbidden_word(settled: Api) -> None:
    told = [data(settled, path) for path in ("samples", "samples/1", "project-info", "statistics")]
    words = " ".join(re.findall(r"[a-z]+", str(told).lower()))
    assert not [word for word in FORBIDDEN_WORDS if re.search(rf"\b{word}", words)]


def test_the_disclaimer_is_prominent(settled: Api) -> None:
    found = data(settled, "disclaimer")
    assert found["styling"]["prominence"] == "high"
    assert "nothing about a child" in found["primary_warning"]
    assert len(found["detailed_disclaimer"]) >= 3
    assert len(found["recommendations"]) >= 3


@pytest.mark.parametrize("address", ["/demo/", "/api/v1/demo/"])
def test_the_page_shows_disclaimer_samples_and_links(settled: Api, address: str) -> None:
    answer = settled.client.get(address)
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.text
    warning = data(settled, "disclaimer")["primary_warning"]
    assert page.index(warning) < page.index("What it does") < page.index("Samples")
    for number in (1, 2, 3):
        assert f'src="/api/v1/drawings/{number}/file"' in page
        assert f'href="/drawings/{number}"' in page
    assert len(re.findall(r'src="/api/v1/analysis/\d+/overlay.png"', page)) == ANALYSED
    assert "http://" not in page.replace("http://localhost", "")
    assert "https://" not in page


def test_the_demo_is_served_at_both_places(settled: Api) -> None:
    for path in ("samples", "project-info", "disclaimer", "technical-links", "statistics"):
        assert settled.client.get(f"/demo/{path}").json() == settled.get(f"/demo/{path}")
    assert settled.client.get("/demo").headers["location"].endswith("/demo/")
