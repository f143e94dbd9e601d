"""Subject-aware models over HTTP: beside the default ones, and truthful about themselves."""

import pytest

from factories.api import Api, picture

AWARE = {
    "age_min": 6,
    "age_max": 9,
    "min_samples": 10,
    "model_type": "knn",
    "layout": "visual+subject",
    "seed": 7,
}


def aware_model(api: Api) -> int:
    """Train one of the middle group, which has a default model already."""
    accepted = api.json("POST", "/models/train", json=AWARE)
    api.work_off()
    status = api.get(accepted["progress_url"].removeprefix("/api/v1"))
    assert status["status"] == "completed", status
    model: int = status["model_id"]
    return model


@pytest.mark.req("D-16.3")
def test_a_drawing_with_a_subject_has_832_columns_and_any_other_769(api: Api) -> None:
    """The small encoder of the tests has 64 columns: 64 + 64, and 64 + 1."""
    named = api.upload(picture(21), age_years="7", subject="person").json()["id"]
    unnamed = api.upload(picture(22), age_years="7").json()["id"]
    before = [
        api.json("POST", f"/analysis/embeddings/{one}")["vector_dimension"]
        for one in (named, unnamed)
    ]
    model = aware_model(api)
    after = [
        api.json("POST", f"/analysis/embeddings/{one}")["vector_dimension"]
        for one in (named, unnamed)
    ]
    assert (before, after) == ([65, 65], [128, 65])
    answers = [api.json("POST", f"/analysis/analyze/{one}")["analysis"] for one in (named, unnamed)]
    assert [one["analysis_type"] for one in answers] == ["subject_aware", "age_group"]
    listed = {one["id"]: one for one in api.get("/models/age-groups")["models"]}
    assert listed[model]["supports_subjects"]
    assert listed[model]["subject_categories"] == ["house", "person"]
    assert [one["subject_categories"] for one in listed.values() if one["id"] != model] == [[]] * 3
    assert listed[model]["embedding_type"] == "hybrid"
    assert listed[model]["vector_dimension"] == 128
    assert {one["vector_dimension"] for number, one in listed.items() if number != model} == {65}


@pytest.mark.req("D-16.3")
def test_the_status_counts_what_is_in_use(api: Api) -> None:
    before = api.get("/config/models/subject-aware")["subject_aware_system_status"]
    assert not before["enabled"]
    assert before["subject_aware_models"] == 0
    model = aware_model(api)
    found = api.get("/config/models/subject-aware")
    status = found["subject_aware_system_status"]
    assert status["enabled"]
    assert status["subject_aware_models"] == 1
    assert status["legacy_models"] == before["total_active_models"]
    [own] = [one for one in found["model_details"] if one["is_subject_aware"]]
    assert (own["model_id"], own["embedding_type"], own["vector_dimension"]) == (
        model,
        "hybrid",
        128,
    )
    assert own["supports_subjects"]
    api.json("DELETE", f"/models/{model}")
    after = api.get("/config/models/subject-aware")["subject_aware_system_status"]
    assert after == before


def test_a_second_one_of_the_same_ages_is_refused_and_a_candidate_is_not(api: Api) -> None:
    aware_model(api)
    assert api.ask("POST", "/models/train", json=AWARE | {"seed": 8}).status_code == 409
    waiting = api.ask("POST", "/models/train", json=AWARE | {"seed": 8, "candidate": True})
    assert waiting.status_code == 200


def test_only_drawings_with_a_subject_are_counted(api: Api) -> None:
    refused = api.ask("POST", "/models/train", json=AWARE | {"min_samples": 10_000})
    assert refused.status_code == 400
    assert "with a subject may train" in refused.json()["detail"]
