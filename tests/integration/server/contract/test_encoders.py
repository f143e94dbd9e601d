"""Beyond the contract: vectors of all drawings by encoder, and encoders compared."""

from typing import Any

import pytest

from deepmed.features.drawings.encoders import compare, material
from factories.api import Api
from factories.drawings import add_drawings, sketches
from factories.encoder import NAME, OTHER_NAME

EMBEDDINGS = "/analysis/embeddings"


def by_encoder(api: Api) -> dict[str, int]:
    found: dict[str, Any] = api.get(EMBEDDINGS)
    return {one["encoder"].partition("@")[0]: one["drawings"] for one in found["vectors"]}


class TestEmbed:
    @pytest.mark.req("D-5.4")
    def test_another_encoder_embeds_all_and_the_old_vectors_stay_until_deleted(
        self, api: Api
    ) -> None:
        before = by_encoder(api)
        assert list(before) == [NAME]
        accepted = api.json("POST", EMBEDDINGS, json={"encoder": OTHER_NAME})
        assert accepted["encoder"] == OTHER_NAME
        assert api.work_off() == 1
        job = api.get(accepted["progress_url"].removeprefix("/api/v1"))
        assert (job["kind"], job["state"]) == ("drawings.reembed", "succeeded")
        assert by_encoder(api) == {NAME: before[NAME], OTHER_NAME: before[NAME]}
        listed = api.get(EMBEDDINGS)
        assert listed["missing"] == 0
        assert listed["offered"][0] == NAME
        assert [one["is_present"] for one in listed["vectors"]] == [True, False]
        assert len(listed["vectors"][0]["model_ids"]) >= 3
        key = listed["vectors"][1]["encoder"]
        gone = api.json("DELETE", EMBEDDINGS, params={"encoder": key})
        assert gone == {"encoder": key, "deleted": before[NAME]}
        assert by_encoder(api) == before

    def test_the_present_encoder_embeds_what_is_missing_and_all_on_demand(self, api: Api) -> None:
        add_drawings(api.bench, sketches(2, age=3.5))
        assert api.get(EMBEDDINGS)["missing"] == 2
        results = []
        for body in (None, {"all": True}):
            accepted = api.json("POST", EMBEDDINGS, json=body)
            api.work_off()
            results.append(api.get(accepted["progress_url"].removeprefix("/api/v1"))["result"])
        assert [one["embedded"] for one in results] == [2, by_encoder(api)[NAME]]
        assert api.get(EMBEDDINGS)["missing"] == 0

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"encoder": "/etc"}, 400),
            ({"encoder": "../weights/vit"}, 400),
            ({"encoder": "a" * 501}, 422),
            ({"everything": True}, 422),
        ],
    )
    def test_what_is_no_known_encoder_is_refused(
        self, settled: Api, body: dict[str, Any], status: int
    ) -> None:
        answer = settled.ask("POST", EMBEDDINGS, json=body)
        assert answer.status_code == status
        assert settled.get("/jobs")["jobs"] == []

    def test_vectors_in_use_and_unknown_ones_are_not_deleted(self, settled: Api) -> None:
        key = settled.get(EMBEDDINGS)["vectors"][0]["encoder"]
        assert settled.ask("DELETE", EMBEDDINGS, params={"encoder": key}).status_code == 409
        assert settled.ask("DELETE", EMBEDDINGS, params={"encoder": "x"}).status_code == 404
        assert settled.ask("DELETE", EMBEDDINGS).status_code == 422

    @pytest.mark.req("S-3.1")
    def test_a_stranger_sees_and_deletes_nothing(self, settled: Api) -> None:
        stranger = settled.stranger()
        key = settled.get(EMBEDDINGS)["vectors"][0]["encoder"]
        assert by_encoder(stranger) == {NAME: 0}
        assert stranger.get(EMBEDDINGS)["vectors"][0]["model_ids"] == []
        other = key.replace(NAME, "elsewhere")
        assert stranger.ask("DELETE", EMBEDDINGS, params={"encoder": other}).status_code == 404
        assert by_encoder(settled)[NAME] > 0


class TestCompare:
    def test_the_newest_result_is_told_and_shown(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(material, "PLANTED_SOURCES", 6)
        monkeypatch.setattr(compare, "candidates", lambda _settings: [])
        nothing = api.get("/encoders/comparison")
        assert nothing == {"job_id": None, "state": None, "result": None}
        accepted = api.json("POST", "/encoders/compare", json={"encoders": [OTHER_NAME]})
        assert "under way" in api.client.get("/encoders").text
        api.work_off()
        found = api.get("/encoders/comparison")
        assert (found["job_id"], found["state"]) == (accepted["job_id"], "succeeded")
        result = found["result"]
        assert [one["name"] for one in result["encoders"]] == [NAME, OTHER_NAME]
        planted = result["tasks"][-1]
        first = planted["rows"][0]["figure"]
        assert 0 <= first["low"] <= first["estimate"] <= first["high"] <= 1
        assert first["n_children"] >= 5
        page = api.client.get("/encoders").text
        assert result["verdict"] in page
        assert all(task["verdict"].split(".")[0] in page for task in result["tasks"])
        assert "/encoders" in api.client.get("/models").text

    def test_a_later_failure_does_not_hide_an_earlier_result(self, empty: Api) -> None:
        empty.json("POST", "/encoders/compare")
        empty.work_off()
        found = empty.get("/encoders/comparison")
        assert found["state"] == "failed"
        assert found["result"] is None
        assert empty.client.get("/encoders").status_code == 200

    def test_folders_and_too_many_names_are_refused(self, settled: Api) -> None:
        for names, status in ((["/etc"], 400), (["scattering"] * 11, 422), ([""], 400)):
            answer = settled.ask("POST", "/encoders/compare", json={"encoders": names})
            assert answer.status_code == status

    @pytest.mark.req("S-3.1")
    def test_a_strangers_comparison_is_not_seen(self, api: Api) -> None:
        api.json("POST", "/encoders/compare", json={"encoders": []})
        assert api.stranger().get("/encoders/comparison")["job_id"] is None
