"""Contract 2.6: what the configuration answers beyond its shape, and how it refuses."""

from typing import Any

import pytest

from factories.api import Api, picture


class TestUpdate:
    def test_what_is_given_is_applied_and_echoed(self, api: Api) -> None:
        wanted = {
            "threshold_percentile": 90.0,
            "age_grouping_strategy": "custom",
            "min_samples_per_group": 25,
            "max_age_group_span": 3.5,
        }
        data = api.json("PUT", "/config/", json=wanted)["data"]
        assert {name: data[name] for name in wanted} == wanted
        found = api.get("/config/")
        assert {name: found[name] for name in wanted} == wanted
        assert {m["percentile"] for m in api.get("/models/age-groups")["models"]} == {90}

    def test_the_grouping_decides_what_is_suggested(self, api: Api) -> None:
        api.json("POST", "/config/reset", params={"confirm": True})
        ranges = []
        for least in (10, 50):
            api.json("PUT", "/config/age-grouping", json={"min_samples_per_group": least})
            job = api.json("POST", "/models/auto-create")["job_id"]
            jobs = {each["uid"]: each for each in api.get("/jobs")["jobs"]}
            ranges.append(len(jobs[job]["payload"]["groups"]))
        assert ranges[0] > ranges[1]
        assert api.get("/config/")["age_grouping_strategy"] == "custom"
        api.json("PUT", "/config/age-grouping", json={"age_grouping_strategy": "yearly"})
        assert api.get("/config/")["min_samples_per_group"] == 50

    @pytest.mark.parametrize(("years", "widest"), [(2, 4), (3, 3)])
    def test_groups_may_be_several_years_wide(self, api: Api, years: int, widest: int) -> None:
        api.json("POST", "/config/reset", params={"confirm": True})
        body = {"age_grouping_strategy": f"{years}-year"}
        assert api.json("PUT", "/config/age-grouping", json=body)["data"] == body
        found = api.get("/config/")
        assert found["age_grouping_strategy"] == f"{years}-year"
        assert (found["min_samples_per_group"], found["max_age_group_span"]) == (50, 4)
        job = api.json("POST", "/models/auto-create")["job_id"]
        jobs = {each["uid"]: each for each in api.get("/jobs")["jobs"]}
        groups = jobs[job]["payload"]["groups"]
        widths = [group["age_max"] - group["age_min"] for group in groups]
        assert {width % years for width in widths[:-1]} == {0}
        assert max(widths) <= widest

    def test_the_subjects_are_told(self, settled: Api) -> None:
        found = settled.get("/config/")
        listed = settled.get("/config/subjects")["supported_categories"]
        assert set(found["supported_subjects"]) == {each["category"] for each in listed}
        assert found["subject_aware_analysis"] is True

    @pytest.mark.parametrize("path", ["/config/", "/config/age-grouping"])
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400),
            ({"threshold_percentile": None}, 400),
            ({"something": "else"}, 400),
            ({"threshold_percentile": 49.9}, 422),
            ({"threshold_percentile": 99.91}, 422),
            ({"age_grouping_strategy": "5-year"}, 422),
            ({"min_samples_per_group": 9}, 422),
            ({"min_samples_per_group": 10**30}, 422),
            ({"max_age_group_span": 0}, 422),
            ({"max_age_group_span": 16.1}, 422),
            ([], 422),
        ],
    )
    def test_what_cannot_be_set(self, settled: Api, path: str, body: Any, status: int) -> None:
        before = settled.get("/config/")
        answer = settled.ask("PUT", path, json=body)
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str if status == 400 else list)
        assert settled.get("/config/") == before


class TestThreshold:
    @pytest.mark.req("D-9.8")
    @pytest.mark.parametrize(
        ("content", "percentile"),
        [
            ({"params": {"percentile": "90.0"}}, 90),
            ({"json": {"threshold": 0.5, "percentile": 85}}, 85),
            ({"json": {"threshold": 0.5}}, 95),
            ({}, 95),
            ({"params": {"percentile": 70}, "json": {"percentile": 85}}, 70),
        ],
    )
    def test_by_query_or_by_body(self, api: Api, content: Any, percentile: float) -> None:
        data = api.json("PUT", "/config/threshold", **content)["data"]
        assert data["percentile"] == percentile
        assert (data["successful_updates"], data["failed_updates"], data["errors"]) == (3, 0, [])
        assert api.get("/config/")["threshold_percentile"] == percentile

    @pytest.mark.parametrize("percentile", ["49", "100", "nan", "inf", "x"])
    def test_what_is_no_percentile(self, settled: Api, percentile: str) -> None:
        wanted = {"percentile": percentile}
        assert settled.ask("PUT", "/config/threshold", params=wanted).status_code == 422
        assert settled.ask("GET", "/config/threshold/preview", params=wanted).status_code == 422

    @pytest.mark.req("D-9.8")
    def test_a_preview_changes_nothing_and_tells_what_then_is(self, api: Api) -> None:
        api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 41))})
        api.work_off()
        effects = api.get("/config/threshold/preview", params={"percentile": 60})["effects"]
        assert api.get("/config/")["threshold_percentile"] == 95
        api.json("PUT", "/config/threshold", params={"percentile": 60})
        models = {m["id"]: m for m in api.get("/models/age-groups")["models"]}
        for effect in effects:
            assert models[effect["model_id"]]["threshold"] == effect["then"]["threshold"]
        api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 41))})
        api.work_off()
        flagged = sum(effect["then"]["flagged_drawings"] for effect in effects)
        assert api.get("/analysis/stats")["anomaly_count"] == flagged > 0

    def test_a_model_whose_files_were_altered_fails_and_the_others_do_not(self, api: Api) -> None:
        uid = api.bench.registry.list()[0].uid
        key = next(f.key for f in api.home.storage.list_files() if uid in f.key)
        api.home.storage.put(key, b"altered")
        fresh = Api.of(api.home)
        data = fresh.json("PUT", "/config/threshold", params={"percentile": 90})["data"]
        assert (data["successful_updates"] + data["failed_updates"]) == 3


class TestHealth:
    def test_well(self, settled: Api) -> None:
        found = settled.get("/config/health")
        states = {found[name] for name in ("status", "database", "models", "storage")}
        assert states == {"healthy"}


class TestSubjects:
    def test_the_list_of_the_contract_by_use_then_by_name(self, settled: Api) -> None:
        found = settled.get("/config/subjects")
        listed = found["supported_categories"]
        assert found["total_categories"] == len(listed) == 52
        order = [(-each["usage_count"], each["category"]) for each in listed]
        assert order == sorted(order)
        assert [each["category"] for each in listed if each["is_default"]] == ["unspecified"]

    def test_what_has_no_subject_is_unspecified(self, empty: Api) -> None:
        empty.upload(picture(1))
        empty.upload(picture(2), subject="unspecified")
        empty.upload(picture(3), subject="cat")
        empty.upload(picture(4), subject="a dragon")
        found = empty.get("/config/subjects")
        usage = {each["category"]: each["usage_count"] for each in found["supported_categories"]}
        assert (usage["unspecified"], usage["cat"]) == (2, 1)
        counts = found["statistics"]
        assert (counts["drawings_with_subject"], counts["drawings_without_subject"]) == (2, 2)
        shares = empty.get("/config/subjects/statistics")["subject_distribution"]
        assert {each["subject"]: each["drawing_count"] for each in shares} == {
            "unspecified": 2,
            "cat": 1,
            "a dragon": 1,
        }
        one = empty.get("/config/subjects/statistics", params={"subject": "UNSPECIFIED"})
        assert one["total_drawings"] == 2

    def test_of_nothing_nothing_is_divided(self, empty: Api) -> None:
        assert empty.get("/config/subjects")["statistics"]["subject_coverage_percentage"] is None
        assert empty.get("/config/subjects/statistics")["subject_distribution"] == []
        assert empty.get("/config/stats")["threshold_statistics"]["mean_threshold"] is None
        aware = empty.get("/config/models/subject-aware")["subject_aware_system_status"]
        assert aware["coverage_percentage"] is None

    @pytest.mark.parametrize(
        ("subject", "status"), [("dragon", 404), ("", 404), ("\0", 422), ("x" * 501, 422)]
    )
    def test_an_unknown_one(self, settled: Api, subject: str, status: int) -> None:
        answer = settled.ask("GET", "/config/subjects/statistics", params={"subject": subject})
        assert answer.status_code == status


class TestReset:
    def test_it_must_be_confirmed(self, settled: Api) -> None:
        for wanted in ({}, {"confirm": "false"}):
            answer = settled.ask("POST", "/config/reset", params=wanted)
            assert answer.status_code == 400
            assert isinstance(answer.json()["detail"], str)
        assert settled.ask("POST", "/config/reset?confirm=maybe").status_code == 422
        assert settled.get("/models/status")["active_models"] == 3

    def test_models_go_out_of_use_and_all_else_stays(self, api: Api) -> None:
        api.json("POST", "/analysis/analyze/1")
        data = api.json("POST", "/config/reset", params={"confirm": True})["data"]
        assert data == {"deactivated_models": 3, "caches_cleared": True}
        status = api.get("/models/status")
        assert (status["active_models"], status["total_models"]) == (0, 3)
        assert (status["total_drawings"], status["total_analyses"]) == (149, 1)
        again = api.json("POST", "/config/reset", params={"confirm": True})["data"]
        assert again["deactivated_models"] == 0
