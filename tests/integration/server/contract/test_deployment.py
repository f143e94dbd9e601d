"""Contract 2.5, its models: leaving, being checked, coming into use and going out of it."""

import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from deepmed.core.registry.keys import full_fingerprint
from deepmed.core.registry.transfer import PackageTransfer
from deepmed.features.drawings.deployment.formats import EXPORT_KIND
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.training import Use
from factories.api import Api, api_on
from factories.homes import QUICK, train
from factories.training_sets import wanted, write_set

MODELS = "/training/models"
AGES = {"age_group_min": 6, "age_group_max": 9}
EXPORT = {"model_id": 2, **AGES}
OTHER = QUICK.model_copy(update={"detector": "pca"})


@pytest.fixture(scope="module")
def shop(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Shared by tests that change nothing but add exports."""
    folder = tmp_path_factory.mktemp("shop") / "home"
    shutil.copytree(_trained, folder)
    with api_on(folder) as made:
        yield made


def export(api: Api, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.json("POST", f"{MODELS}/export", params={**EXPORT, **changes})
    return made


def deploy(api: Api, path: str, **changes: Any) -> httpx.Response:
    return api.ask(
        "POST", f"{MODELS}/deploy", params={"model_export_path": path, **AGES, **changes}
    )


def put_parameters(api: Api, path: str, **changes: Any) -> httpx.Response:
    body = {"model_parameters_path": path, **AGES, **changes}
    return api.ask("POST", "/training/deploy", json=body)


def without_weights(api: Api) -> str:
    """A signed export in which nothing was ever fitted."""
    registry = api.bench.registry
    package = registry.package(export(api)["model_id"])
    manifest = package.manifest
    return registry.publish(
        EXPORT_KIND,
        {name: data for name, data in package.files.items() if "weights" not in name},
        metrics=manifest.metrics,
        card=manifest.card,
        lineage=manifest.lineage,
        recipe_hash="0" * 64,
        configuration={},
        seed=0,
        data_hash="0" * 64,
    ).uid


@pytest.mark.req("D-29.1")
def test_exports_and_deployments_are_counted(api: Api) -> None:
    for form in ("pytorch", "onnx"):
        export(api, export_format=form)
    assert api.get(f"{MODELS}/exports")["count"] == 2
    api.json("POST", f"{MODELS}/1/undeploy")
    assert api.get(f"{MODELS}/deployed")["count"] == 2
    with closing(sqlite3.connect(api.home.settings.home / "deepmed.db")) as database:
        counts = [
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
            for table in (
                "artifacts WHERE kind = 'drawings.export'",
                "age_group_models WHERE is_active AND kind = 'group'",
            )
        ]
    assert counts == [2, 2]


class TestExport:
    @pytest.mark.req("D-14.1")
    def test_by_the_models_id_or_with_its_ages_too(self, shop: Api) -> None:
        made = export(shop)
        uid = made["model_id"]
        assert made["export_path"] == f"exports/models/{uid}.pytorch"
        assert made["metadata"]["age_group_max"] == 9
        alone = shop.json("POST", f"{MODELS}/export", params={"model_id": 2})
        assert alone["model_id"] == uid
        listed = shop.get(f"{MODELS}/exports")
        assert listed["count"] == len(listed["models"])
        assert made["metadata"] in listed["models"]

    @pytest.mark.req("D-14.1")
    def test_a_pickle_is_refused_with_the_reason(self, shop: Api) -> None:
        answer = shop.ask("POST", f"{MODELS}/export", params={**EXPORT, "export_format": "pickle"})
        assert answer.status_code == 400
        assert "runs whatever its author wrote" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"export_format": "h5"}, 400),
            ({"export_format": "x" * 41}, 422),
            ({"age_group_min": 9, "age_group_max": 6}, 400),
            ({"age_group_min": 6, "age_group_max": 6}, 400),
            ({"age_group_min": 1}, 400),
            ({"age_group_max": 19}, 400),
            ({"age_group_min": 5}, 400),
            ({"age_group_min": "nan"}, 422),
            ({"age_group_min": "x"}, 422),
            ({"training_job_id": 1}, 400),
            ({"model_id": None}, 400),
            ({"model_id": None, "training_job_id": 1}, 400),
            ({"model_id": None, "training_job_id": 10**30}, 400),
            ({"model_id": 4, "age_group_min": 3, "age_group_max": 12}, 400),
            ({"model_id": 99}, 404),
            ({"model_id": 0}, 404),
            ({"model_id": 10**30}, 404),
            ({"model_id": "x"}, 422),
        ],
    )
    def test_what_cannot_be_exported(self, shop: Api, changes: dict[str, Any], status: int) -> None:
        params = {key: one for key, one in {**EXPORT, **changes}.items() if one is not None}
        answer = shop.ask("POST", f"{MODELS}/export", params=params)
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], list if status == 422 else str)

    @pytest.mark.req("P-8.1")
    def test_the_package_is_one_file_that_another_installation_takes(
        self, shop: Api, tmp_path: Path
    ) -> None:
        uid = export(shop)["model_id"]
        answer = shop.ask("GET", f"{MODELS}/exports/{uid}/file")
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-disposition"].startswith("attachment")
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert {"manifest.json", "manifest.sig", "signing.pub"} < {*names}
        (tmp_path / "model.zip").write_bytes(answer.content)
        with api_on(tmp_path / "other") as other:
            registry = other.home.registry
            seen = full_fingerprint(shop.home.registry.keys.public_key)
            transfer = PackageTransfer.of(registry, tmp_path / "other" / "keys")
            row = transfer.import_file(tmp_path / "model.zip", seen)
            made = deploy(other, row.uid).json()
            assert made["deployment_path"] == f"artifacts/{row.uid}"
            (found,) = other.get(f"{MODELS}/deployed")["models"]
            assert found["deployment_info"]["imported"] is True

    @pytest.mark.parametrize("uid", ["0" * 32, "x", "..", "%00"])
    def test_only_exports_are_fetched(self, shop: Api, uid: str) -> None:
        assert shop.ask("GET", f"{MODELS}/exports/{uid}/file").status_code == 404
        with shop.home.database.read():
            package = shop.home.registry.list("drawings.age-group")[0].uid
        assert shop.ask("GET", f"{MODELS}/exports/{package}/file").status_code == 404


class TestValidate:
    @pytest.mark.req("D-14.1")
    def test_an_export_is_checked_by_its_id_and_by_its_name(self, shop: Api) -> None:
        made = export(shop, export_format="onnx")
        for name in (made["model_id"], made["export_path"]):
            found = shop.json("POST", f"{MODELS}/validate", params={"model_id": name})
            assert found["is_valid"] is found["validation_result"]["is_valid"] is True
            assert found["model_id"] == made["model_id"]
            measured = found["validation_result"]["performance_checks"]
            assert measured["onnx_largest_difference"] <= 1e-4

    def test_what_is_wrong_is_said(self, shop: Api) -> None:
        uid = without_weights(shop)
        found = shop.json("POST", f"{MODELS}/validate", params={"model_id": uid})
        assert found["success"] is True
        assert found["is_valid"] is False
        assert "ever fitted" in found["validation_result"]["errors"][0]

    @pytest.mark.req("S-16.1")
    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("0" * 32, 404),
            ("model.pkl", 404),
            ("exports/models/x.onnx", 404),
            ("../../etc/passwd", 400),
            ("/etc/passwd", 400),
            ("a\0b", 400),
            ("", 400),
            ("x" * 501, 422),
        ],
    )
    def test_names_that_are_none(self, shop: Api, name: str, status: int) -> None:
        answer = shop.ask("POST", f"{MODELS}/validate", params={"model_id": name})
        assert answer.status_code == status
        deployed = {422: 422, 404: 400, 400: 400}[status]
        assert deploy(shop, name).status_code == deployed
        assert put_parameters(shop, name).status_code == status

    def test_a_name_is_needed(self, shop: Api) -> None:
        assert shop.ask("POST", f"{MODELS}/validate").status_code == 422


class TestDeploy:
    @pytest.mark.req("D-14.1")
    def test_out_of_use_and_into_it_again(self, api: Api) -> None:
        path = export(api)["export_path"]
        gone = api.json("POST", f"{MODELS}/2/undeploy")
        assert (gone["model_id"], gone["status"]) == (2, "undeployed")
        assert api.get(f"{MODELS}/deployed")["count"] == 2
        made = deploy(api, path).json()
        assert made["model_id"] == 2
        assert made["backup_path"] is None
        assert made["validation_result"]["is_valid"] is True
        found = api.get(f"{MODELS}/deployed")
        assert [model["id"] for model in found["models"]] == [1, 2, 3]
        active = api.get("/models/age-groups")["models"]
        for model, other in zip(found["models"], active, strict=True):
            assert model["threshold"] == other["threshold"]
        unchecked = deploy(api, path, replace_existing=True, validate_before_deployment=False)
        assert unchecked.json()["validation_result"] is None

    @pytest.mark.req("D-14.1")
    def test_what_was_in_use_can_be_put_back(self, api: Api) -> None:
        candidate = train(api.bench, [AgeRange(6.0, 9.0)], OTHER, Use.CANDIDATE).models[0].id
        path = export(api, model_id=candidate)["export_path"]
        refused = deploy(api, path)
        assert refused.status_code == 400
        assert "In use for these ages" in refused.json()["detail"]
        made = deploy(api, path, replace_existing=True).json()
        assert (made["model_id"], made["success"]) == (candidate, True)
        back = put_parameters(api, made["backup_path"], replace_existing=True).json()
        assert (back["model_id"], back["replaced_existing"]) == (2, True)
        assert back["model_path"] == made["backup_path"]

    def test_the_contracts_two_words_for_a_range_in_use(self, shop: Api) -> None:
        path = export(shop)["export_path"]
        assert put_parameters(shop, path).status_code == 409
        assert deploy(shop, path).status_code == 400

    @pytest.mark.req("D-29.3")
    def test_without_fitted_weights_there_is_no_model(self, shop: Api) -> None:
        uid = without_weights(shop)
        for ask in (deploy, put_parameters):
            answer = ask(shop, uid, replace_existing=True)
            assert answer.status_code == 409
            assert "no fitted weights" in answer.json()["detail"]
        assert [model["id"] for model in shop.get(f"{MODELS}/deployed")["models"]] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"age_group_min": 9, "age_group_max": 6}, (400, 422)),
            ({"age_group_min": 1, "age_group_max": 9}, (400, 422)),
            ({"age_group_min": 6, "age_group_max": 8}, (400, 400)),
            ({"age_group_min": "x"}, (422, 422)),
        ],
    )
    def test_ages(self, shop: Api, changes: dict[str, Any], status: tuple[int, int]) -> None:
        path = export(shop)["export_path"]
        wishes = {"replace_existing": True, **changes}
        answers = deploy(shop, path, **wishes), put_parameters(shop, path, **wishes)
        assert tuple(answer.status_code for answer in answers) == status

    @pytest.mark.parametrize("number", [0, -1, 99, 2**31, 10**30])
    def test_an_unknown_model(self, shop: Api, number: int) -> None:
        assert shop.ask("POST", f"{MODELS}/{number}/undeploy").status_code == 404

    @pytest.mark.req("S-3.1")
    def test_another_finds_nothing(self, api: Api) -> None:
        made = export(api)
        stranger = api.stranger()
        assert stranger.get(f"{MODELS}/exports")["models"] == []
        assert stranger.get(f"{MODELS}/deployed")["models"] == []
        named = {"model_id": made["model_id"]}
        assert stranger.ask("POST", f"{MODELS}/validate", params=named).status_code == 404
        assert stranger.ask("POST", f"{MODELS}/export", params=EXPORT).status_code == 404
        assert deploy(stranger, made["export_path"]).status_code == 400
        assert put_parameters(stranger, made["export_path"]).status_code == 404
        assert stranger.ask("POST", f"{MODELS}/2/undeploy").status_code == 404
        assert api.get(f"{MODELS}/deployed")["count"] == 3


class Hammer:
    """Asks for analyses of some drawings without pause, while something else happens."""

    def __init__(self, api: Api, drawings: list[int]) -> None:
        self.api = api
        self.drawings = drawings
        self.over = Event()

    def ask(self) -> list[tuple[int, str]]:
        answers: list[tuple[int, str]] = []
        while not self.over.is_set() or len(answers) < len(self.drawings):
            drawing = self.drawings[len(answers) % len(self.drawings)]
            sent = {"drawing_id": drawing, "force_reanalysis": True}
            answer = self.api.ask("POST", f"/analysis/analyze/{drawing}", json=sent)
            answers.append((answer.status_code, answer.text[:300]))
        return answers


class TestMeanwhile:
    def of_ages(self, api: Api, low: float, high: float) -> list[int]:
        rows = api.get("/drawings/", params={"page_size": 100, "age_min": low, "age_max": high})
        return [row["id"] for row in rows["drawings"]][:5]

    @pytest.mark.req("D-14.1")
    def test_no_request_fails_while_models_take_each_others_place(self, api: Api) -> None:
        candidate = train(api.bench, [AgeRange(6.0, 9.0)], OTHER, Use.CANDIDATE).models[0].id
        paths = [export(api, model_id=one)["export_path"] for one in (candidate, 2)]
        hammer = Hammer(api, self.of_ages(api, 6.2, 8.8))
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(hammer.ask) for _ in range(2)]
            try:
                for path in paths * 4:
                    assert deploy(api, path, replace_existing=True).status_code == 200
            finally:
                hammer.over.set()
            answers = [answer for one in asked for answer in one.result()]
        assert len(answers) >= 10
        assert [answer for answer in answers if answer[0] != 200] == []

    @pytest.mark.req("D-14.1")
    def test_no_request_fails_while_a_neighbour_goes_out_of_use_and_returns(self, api: Api) -> None:
        path = export(api)["export_path"]
        hammer = Hammer(api, self.of_ages(api, 3.2, 5.8))
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(hammer.ask)
            try:
                for _ in range(3):
                    api.json("POST", f"{MODELS}/2/undeploy")
                    assert deploy(api, path).status_code == 200
            finally:
                hammer.over.set()
            answers = asked.result()
        assert [answer for answer in answers if answer[0] != 200] == []


class TestTrainingJobs:
    @pytest.fixture
    def school(self, home: Path, _migrated: Path, tmp_path: Path) -> Iterator[Api]:
        """Where a training on a folder has ended."""
        shutil.copy(_migrated, home / "deepmed.db")
        write_set(tmp_path / "datasets")
        with api_on(home, datasets_dir=tmp_path / "datasets") as made:
            made.json("POST", "/training/jobs", json=wanted())
            made.work_off()
            yield made

    @pytest.mark.req("D-14.1")
    def test_what_a_job_came_to_leaves_and_comes_into_use(self, school: Api) -> None:
        (report,) = school.get("/training/jobs/1/reports")
        low, high = self.ages(school, report["artifact"])
        ages = {"age_group_min": low, "age_group_max": high}
        made = school.json("POST", f"{MODELS}/export", params={"training_job_id": 1, **ages})
        assert made["metadata"]["training_job_id"] == 1
        assert (made["metadata"]["age_group_min"], made["metadata"]["age_group_max"]) == (low, high)
        first = put_parameters(school, report["model_parameters_path"], **ages).json()
        assert first["replaced_existing"] is False
        again = deploy(school, made["export_path"], replace_existing=True, **ages).json()
        assert again["model_id"] == first["model_id"]
        (found,) = school.get(f"{MODELS}/deployed")["models"]
        assert found["model_type"] == "autoencoder"
        assert school.get("/models/age-groups")["models"][0]["children"]["calibration"] > 0

    @pytest.mark.parametrize("wrong", [(-1, 0), (0, 1), (0.5, 0), (0, -0.5)])
    def test_it_is_for_the_ages_of_its_drawings(
        self, school: Api, wrong: tuple[float, float]
    ) -> None:
        (report,) = school.get("/training/jobs/1/reports")
        low, high = self.ages(school, report["artifact"])
        ages = {"age_group_min": low + wrong[0], "age_group_max": high + wrong[1]}
        answer = school.ask("POST", f"{MODELS}/export", params={"training_job_id": 1, **ages})
        assert answer.status_code == 400
        assert "the model is for" in answer.json()["detail"]
        refused = put_parameters(school, report["model_parameters_path"], **ages)
        assert refused.status_code == 400

    def ages(self, api: Api, artifact: str) -> tuple[int, int]:
        items = json.loads(api.bench.registry.load(artifact)["items.json"])
        ages = [item["age_years"] for item in items if item["part"] != "labelled"]
        return int(min(ages)), -int(-max(ages) // 1)
