"""Contract 2.4: what models answer beyond their shape, and how they refuse."""

from typing import Any, get_args

import pytest

from deepmed.features.drawings.models.ranges import DEFAULT_PLAN
from deepmed.features.drawings.schemas.fields import LayoutName
from deepmed.learning.reference import Layout
from factories.api import Api

SUFFICIENCY = "/models/data-sufficiency"
GROUP = {"age_min": 3, "age_max": 6, "min_samples": 10, "model_type": "knn"}


def trained(api: Api, **wanted: Any) -> dict[str, Any]:
    """What the training came to."""
    accepted = api.json("POST", "/models/train", json={**GROUP, **wanted})
    api.work_off()
    status: dict[str, Any] = api.get(accepted["progress_url"].removeprefix("/api/v1"))
    return status


class TestList:
    def test_by_age_and_those_out_of_use_on_demand(self, api: Api) -> None:
        trained(api, candidate=True)
        active = api.get("/models/age-groups")
        assert [model["age_min"] for model in active["models"]] == [3, 6, 9]
        assert (active["total_count"], active["active_count"]) == (3, 3)
        every = api.get("/models/age-groups", params={"active_only": False})
        assert [model["is_active"] for model in every["models"]].count(False) == 1
        assert (every["total_count"], every["active_count"]) == (4, 3)

    @pytest.mark.req("D-7.2")
    def test_only_the_end_of_the_plan_belongs_to_its_group(self, settled: Api) -> None:
        models = settled.get("/models/age-groups")["models"]
        assert [model["upper_closed"] for model in models] == [False, False, True]


class TestTrain:
    def test_a_candidate_is_trained_in_the_background(self, api: Api) -> None:
        accepted = api.json("POST", "/models/train", json={**GROUP, "candidate": True})
        path = accepted["progress_url"].removeprefix("/api/v1")
        assert api.get(path)["status"] == "training"
        assert api.get("/models/age-groups")["training_count"] == 1
        assert api.get("/models/status")["training_models"] == 1
        api.work_off()
        status = api.get(path)
        assert (status["status"], status["progress"], status["error"]) == ("completed", 100, None)
        assert status["age_range"] == [3, 6]
        every = api.get("/models/age-groups", params={"active_only": False})["models"]
        assert status["model_id"] in {model["id"] for model in every if not model["is_active"]}
        assert api.get("/models/status")["training_models"] == 0

    @pytest.mark.req("D-7.3")
    @pytest.mark.parametrize("ages", [(3, 6), (4, 5), (2, 4), (5, 12), (11.9, 15)])
    def test_an_overlap_with_an_active_model_is_named(
        self, settled: Api, ages: tuple[float, float]
    ) -> None:
        wanted = {**GROUP, "age_min": ages[0], "age_max": ages[1]}
        answer = settled.ask("POST", "/models/train", json=wanted)
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("Model ")
        assert settled.get("/jobs")["jobs"] == []

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"age_min": 14, "age_max": 16}, 400),
            ({"min_samples": 1000, "candidate": True}, 400),
            ({"min_samples": 10**40, "candidate": True}, 400),
            ({"model_type": "oracle"}, 400),
            ({"model_type": "x" * 41}, 422),
            ({"vision_model": "resnet"}, 400),
            ({"min_samples": 9}, 422),
            ({"age_min": 1}, 422),
            ({"age_max": 19}, 422),
            ({"age_min": 6, "age_max": 6}, 422),
            ({"age_min": 7, "age_max": 6}, 422),
            ({"age_min": "x"}, 422),
            ({"layout": "sound"}, 422),
            ({"seed": -1}, 422),
            ({"seed": 2**63}, 422),
            ({"seed": 0.5}, 422),
        ],
    )
    def test_what_cannot_be_trained(
        self, settled: Api, changes: dict[str, Any], status: int
    ) -> None:
        answer = settled.ask("POST", "/models/train", json={**GROUP, **changes})
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str if status == 400 else list)
        assert settled.get("/jobs")["jobs"] == []

    def test_ages_are_needed_and_other_fields_are_ignored(self, settled: Api) -> None:
        answer = settled.ask("POST", "/models/train", json={"min_samples": 10})
        assert [each["loc"] for each in answer.json()["detail"]] == [
            ["body", "age_min"],
            ["body", "age_max"],
        ]
        sent = {**GROUP, "epochs": 3, "learning_rate": "x"}
        assert settled.ask("POST", "/models/train", json=sent).status_code == 409

    def test_an_age_group_stands_for_its_bounds(self, api: Api) -> None:
        wanted = {"age_group": "3-4", "min_samples": 10, "candidate": True}
        found = api.json("POST", "/models/train", json=wanted)
        assert found["age_range"] == [3, 4]
        refused = api.ask("POST", "/models/train", json={"age_group": "old"})
        assert refused.status_code == 422

    def test_what_json_has_no_number_for(self, settled: Api) -> None:
        headers = {"content-type": "application/json"}
        for text in (b'{"age_min": NaN, "age_max": 6}', b'{"age_min": 3, "age_max": 1e999}'):
            answer = settled.ask("POST", "/models/train", content=text, headers=headers)
            assert answer.status_code == 422
            assert answer.json()["detail"][0]["input"] is None

    @pytest.mark.req("D-7.2")
    @pytest.mark.parametrize(
        ("ages", "said", "closed"),
        [
            ((3, 6), None, False),
            ((3, 6), True, True),
            ((9, 12), None, True),
            ((9, 12), False, False),
            ((3, 18), None, True),
            ((3, 11.5), None, False),
        ],
    )
    def test_the_upper_age_belongs_to_the_end_of_the_plan_alone(
        self, api: Api, ages: tuple[float, float], *, said: bool | None, closed: bool
    ) -> None:
        wanted = {"age_min": ages[0], "age_max": ages[1], "min_samples": 10, "candidate": True}
        api.json("POST", "/models/train", json=wanted | {"upper_closed": said})
        payload = api.get("/jobs")["jobs"][0]["payload"]
        assert payload["groups"] == [
            {"age_min": ages[0], "age_max": ages[1], "upper_closed": closed}
        ]

    def test_the_layouts_are_those_that_there_are(self) -> None:
        assert set(get_args(LayoutName)) == set(Layout)

    def test_a_training_that_fails_says_why(self, api: Api) -> None:
        accepted = api.json("POST", "/models/train", json={**GROUP, "candidate": True})
        for drawing in range(1, 48):
            api.json("PATCH", f"/drawings/{drawing}", json={"withdrawn": True})
        api.work_off()
        status = api.get(accepted["progress_url"].removeprefix("/api/v1"))
        assert (status["status"], status["model_id"]) == ("failed", None)
        assert status["error"] == status["message"]
        assert status["error"]

    @pytest.mark.parametrize("uid", ["0" * 32, "1", "%00", "x" * 5000])
    @pytest.mark.parametrize("path", ["training", "creation"])
    def test_an_unknown_job(self, settled: Api, path: str, uid: str) -> None:
        answer = settled.ask("GET", f"/models/{path}/{uid}/status")
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)

    def test_another_kind_of_job_is_no_training(self, api: Api) -> None:
        job = api.json("POST", "/analysis/batch", json={"drawing_ids": [1]})["job_id"]
        uid = api.get(f"/jobs/{job}")["uid"]
        assert api.ask("GET", f"/models/training/{uid}/status").status_code == 404


class TestThreshold:
    def test_a_value_by_hand_and_a_percentile_that_goes_before_it(self, api: Api) -> None:
        by_hand = api.json("PUT", "/models/1/threshold", json={"threshold": 5.5})
        assert (by_hand["new_threshold"], by_hand["percentile_used"]) == (5.5, None)
        both = {"threshold": 1.0, "percentile": 90}
        after = api.json("PUT", "/models/1/threshold", json=both)
        assert (after["old_threshold"], after["percentile_used"]) == (5.5, 90)
        model = api.get("/models/age-groups")["models"][0]
        assert (model["threshold"], model["percentile"]) == (after["new_threshold"], 90)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"threshold": 0},
            {"threshold": -1},
            {"threshold": "x"},
            {"percentile": 49.9},
            {"percentile": 100},
        ],
    )
    def test_what_is_no_threshold(self, settled: Api, body: dict[str, Any]) -> None:
        answer = settled.ask("PUT", "/models/1/threshold", json=body)
        assert answer.status_code == 422
        assert isinstance(answer.json()["detail"], list)

    @pytest.mark.parametrize("number", [0, -1, 99_999, 2**31, 10**30])
    def test_an_unknown_model(self, settled: Api, number: int) -> None:
        body = {"percentile": 90}
        assert settled.ask("PUT", f"/models/{number}/threshold", json=body).status_code == 404
        assert settled.ask("DELETE", f"/models/{number}").status_code == 404


class TestStatus:
    def test_the_words(self, api: Api, settled: Api) -> None:
        assert settled.get("/models/status")["system_status"] == "ready"
        api.json("POST", "/config/reset", params={"confirm": True})
        assert api.get("/models/status")["system_status"] == "no_models"

    def test_a_model_out_of_use_stays_and_can_be_asked_no_more(self, api: Api) -> None:
        for _ in range(2):
            found = api.json("DELETE", "/models/1")
            assert (found["model_id"], found["status"]) == (1, "deactivated")
        every = api.get("/models/age-groups", params={"active_only": False})["models"]
        assert 1 in {model["id"] for model in every}
        assert api.get("/models/status")["active_models"] == 2
        assert api.ask("POST", "/analysis/analyze/1").status_code == 400


class TestAutoCreate:
    def test_models_in_use_are_kept_unless_they_are_to_be_replaced(self, settled: Api) -> None:
        found = settled.json("POST", "/models/auto-create")
        assert found["existing_models"] == 3
        assert settled.get("/jobs")["jobs"] == []

    def test_without_drawings_nothing_is_begun(self, empty: Api) -> None:
        assert empty.ask("POST", "/models/auto-create").status_code == 400

    def test_it_is_a_training_of_the_suggested_groups(self, api: Api) -> None:
        api.json("POST", "/config/reset", params={"confirm": True})
        job = api.json("POST", "/models/auto-create")
        assert job["force_recreate"] is False
        status = api.get(f"/models/creation/{job['job_id']}/status")
        assert (status["status"], status["job_id"]) == ("training", job["job_id"])
        assert api.get("/models/age-groups")["training_count"] == 1


class TestSufficiency:
    def test_of_the_groups_named(self, settled: Api) -> None:
        found = settled.get(f"{SUFFICIENCY}/analyze", params={"age_groups": "3-4,4-5"})
        assert [(g["age_min"], g["age_max"]) for g in found["analysis_results"]] == [(3, 4), (4, 5)]
        assert found["merging_suggestions"][0]["original_groups"] == [[3, 4], [4, 5]]

    def test_else_of_the_active_models_else_of_the_plan(self, settled: Api, empty: Api) -> None:
        for asked in (settled, empty):
            groups = asked.get(f"{SUFFICIENCY}/analyze")["analysis_results"]
            ages = ",".join(f"{group['age_min']:g}-{group['age_max']:g}" for group in groups)
            assert ages == DEFAULT_PLAN

    @pytest.mark.parametrize(
        "text", ["3", "3-", "a-b", "1-2-3", "6-3", "1-4", "3-19", "nan-6", "3-6,5-8", ",", "3-inf"]
    )
    def test_what_is_no_group(self, settled: Api, text: str) -> None:
        answer = settled.ask("GET", f"{SUFFICIENCY}/analyze", params={"age_groups": text})
        assert answer.status_code == 400
        assert isinstance(answer.json()["detail"], str)

    @pytest.mark.parametrize(
        ("ages", "status"),
        [("6/6", 400), ("7/6", 400), ("1/6", 400), ("3/19", 400), ("a/b", 422), ("nan/6", 422)],
    )
    def test_one_group_has_bounds(self, settled: Api, ages: str, status: int) -> None:
        answer = settled.ask("GET", f"{SUFFICIENCY}/age-group/{ages}")
        assert answer.status_code == status

    def test_a_single_group_ends_as_a_training_of_it_would(self, empty: Api) -> None:
        from factories.api import picture

        empty.upload(picture(1), age_years="6.0")
        empty.upload(picture(2), age_years="12.0")
        for ages, count in (("3/6", 0), ("6/9", 1), ("9/12", 1)):
            group = empty.get(f"{SUFFICIENCY}/age-group/{ages}")
            assert group["data_analysis"]["sample_count"] == count

    def test_warnings_of_one_severity(self, settled: Api) -> None:
        every = settled.get(f"{SUFFICIENCY}/warnings")
        high = settled.get(f"{SUFFICIENCY}/warnings", params={"severity": "high"})
        assert high["severity_filter"] == "high"
        assert high["warnings"] == [w for w in every["warnings"] if w["severity"] == "high"]
        assert settled.get(f"{SUFFICIENCY}/warnings?severity=none")["total_warnings"] == 0
        assert settled.ask("GET", f"{SUFFICIENCY}/warnings?severity=%00").status_code == 422


class TestMerge:
    @pytest.mark.req("D-29.3")
    def test_nothing_is_merged_before_a_candidate_is_trained(self, api: Api) -> None:
        groups = {"original_groups": [[3, 6], [6, 9]], "merged_group": [3, 9]}
        refused = api.ask("POST", f"{SUFFICIENCY}/merge-age-groups", json=groups)
        assert refused.status_code == 409
        assert len(api.get("/models/age-groups")["models"]) == 3
        candidate = trained(api, age_max=9, candidate=True)["model_id"]
        merged = api.json("POST", f"{SUFFICIENCY}/merge-age-groups", json=groups)
        assert (merged["merged_model_id"], merged["deactivated_models"]) == (candidate, [1, 2])
        active = api.get("/models/age-groups")["models"]
        assert [model["id"] for model in active] == [candidate, 3]
        again = api.ask("POST", f"{SUFFICIENCY}/merge-age-groups", json=groups)
        assert again.status_code == 409

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"original_groups": [[3, 6]], "merged_group": [9, 3]}, 400),
            ({"original_groups": [[6, 3]], "merged_group": [3, 9]}, 400),
            ({"original_groups": [[3, 12]], "merged_group": [3, 9]}, 400),
            ({"original_groups": [[3]], "merged_group": [3, 9]}, 422),
            ({"original_groups": [], "merged_group": [3, 9]}, 422),
            ({"original_groups": [[3, 6]]}, 422),
            ({"original_groups": [[3, 6]], "merged_group": [3, 9, 12]}, 422),
        ],
    )
    def test_what_cannot_be_merged(self, settled: Api, body: dict[str, Any], status: int) -> None:
        answer = settled.ask("POST", f"{SUFFICIENCY}/merge-age-groups", json=body)
        assert answer.status_code == status
