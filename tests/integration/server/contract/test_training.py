"""Contract 2.5, its jobs: what they answer beyond their shape, and how they refuse."""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from pypdf import PdfReader

from deepmed.core.jobs.ledger import JobLedger
from factories.api import Api, api_on
from factories.training_sets import NAME, wanted, write_set

JOBS = "/training/jobs"


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    root = tmp_path / "datasets"
    write_set(root)
    return root


@contextmanager
def opened(folder: Path, template: Path, datasets: Path) -> Iterator[Api]:
    """An empty data folder whose operator named a folder of datasets."""
    shutil.copy(template, folder / "deepmed.db")
    with api_on(folder, datasets_dir=datasets) as made:
        yield made


@pytest.fixture
def classroom(home: Path, _migrated: Path, datasets: Path) -> Iterator[Api]:
    """A test's own."""
    with opened(home, _migrated, datasets) as made:
        yield made


@pytest.fixture(scope="module")
def school(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Shared by tests that change nothing; two trainings were asked for: one ended, one waits."""
    root = tmp_path_factory.mktemp("school")
    (root / "home").mkdir(mode=0o700)
    write_set(root / "datasets")
    write_set(root / "datasets", 8, "few")
    (root / "datasets" / "link").symlink_to("/etc")
    (root / "datasets" / NAME / "link").symlink_to("/etc/passwd")
    with opened(root / "home", _migrated, root / "datasets") as made:
        completed(made)
        begin(made)
        yield made


def begin(api: Api, **changes: Any) -> dict[str, Any]:
    started: dict[str, Any] = api.json("POST", JOBS, json=wanted(**changes))
    return started


def completed(api: Api, **changes: Any) -> int:
    number = int(begin(api, **changes)["id"])
    api.work_off()
    found = api.get(f"{JOBS}/{number}")
    assert found["status"] == "completed", found
    return number


class TestStart:
    @pytest.mark.req("D-12.1")
    def test_a_training_is_listed_runs_and_is_reported(self, classroom: Api) -> None:
        started = begin(classroom)
        assert (started["id"], started["status"]) == (1, "pending")
        assert started["start_timestamp"] is started["end_timestamp"] is None
        assert classroom.get(f"{JOBS}/1/reports") == []
        classroom.work_off()
        found = classroom.get(f"{JOBS}/1")
        assert (found["status"], found["error"], found["progress"]) == ("completed", None, None)
        assert found["start_timestamp"] < found["end_timestamp"]
        (report,) = classroom.get(f"{JOBS}/1/reports")
        assert report["id"] == 1
        assert report["best_epoch"] <= 3
        assert report["validation_accuracy"] is None
        assert "no drawing labelled" in report["validation_accuracy_reason"]
        assert report["model_parameters_path"] == f"artifacts/{report['artifact']}"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"train_split": 0.5}, "add up to 0.8"),
            ({"train_split": 0.9}, "add up to 1.2"),
            ({"dataset_folder": "nowhere"}, "no folder"),
            ({"metadata_file": "nothing.csv"}, "no metadata file"),
            ({"metadata_file": "drawing_0.png"}, "metadata"),
        ],
    )
    def test_what_cannot_be_trained(self, school: Api, changes: dict[str, Any], words: str) -> None:
        answer = school.ask("POST", JOBS, json=wanted(**changes))
        assert answer.status_code == 400
        assert words in answer.json()["detail"]
        assert len(school.get(JOBS)) == 2

    def test_parts_within_a_hundredth_of_the_whole_are_taken(self, classroom: Api) -> None:
        assert begin(classroom, train_split=0.705)["status"] == "pending"

    @pytest.mark.req("S-16.1")
    @pytest.mark.parametrize("field", ["dataset_folder", "metadata_file"])
    @pytest.mark.parametrize(
        "name",
        [
            "/etc",
            "../datasets/classroom",
            "classroom/..",
            "..",
            "a\\b",
            "a\0b",
            "C:/x",
            "./x",
            "link",
        ],
    )
    def test_a_name_that_is_none(self, school: Api, field: str, name: str) -> None:
        answer = school.ask("POST", JOBS, json=wanted(**{field: name}))
        assert answer.status_code == 400
        assert "root:" not in answer.text

    @pytest.mark.req("S-16.1")
    def test_a_link_inside_a_folder_is_not_followed(self, classroom: Api, datasets: Path) -> None:
        (datasets / NAME / "drawing_0.png").unlink()
        (datasets / NAME / "drawing_0.png").symlink_to("/etc/passwd")
        number = completed(classroom)
        (report,) = classroom.get(f"{JOBS}/{number}/reports")
        content = classroom.get(report["downloads"]["json"].removeprefix("/api/v1"))
        assert content["metrics"]["left_out"]["unreadable"] == 1

    @pytest.mark.req("S-16.1")
    def test_without_an_operators_folder_it_says_what_to_do(self, empty: Api) -> None:
        answer = empty.ask("POST", JOBS, json=wanted())
        assert answer.status_code == 400
        for hint in ("DEEPMED_DATASETS_DIR", "/drawings/batch/upload", "/models/train"):
            assert hint in answer.json()["detail"]

    def test_an_operators_folder_that_is_gone(self, classroom: Api, datasets: Path) -> None:
        datasets.rename(datasets.with_name("elsewhere"))
        answer = classroom.ask("POST", JOBS, json=wanted())
        assert answer.status_code == 400
        assert "is not there" in answer.json()["detail"]

    def test_too_few_drawings_are_told_before_anything_is_queued(self, school: Api) -> None:
        answer = school.ask("POST", JOBS, json=wanted(dataset_folder="few"))
        assert answer.status_code == 400
        assert "at least 10" in answer.json()["detail"]
        assert len(school.get("/jobs")["jobs"]) == 2

    def test_a_picture_without_an_age_is_a_refusal_of_the_folder(
        self, classroom: Api, datasets: Path
    ) -> None:
        table = datasets / NAME / "metadata.csv"
        lines = table.read_text(encoding="utf-8").splitlines()
        table.write_text("\n".join(lines[:-1]), encoding="utf-8")
        answer = classroom.ask("POST", JOBS, json=wanted())
        assert answer.status_code == 400
        assert "nothing was trained" in answer.json()["detail"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"job_name": ""},
            {"job_name": "x" * 201},
            {"job_name": "${oc.env:HOME}"},
            {"job_name": "a\0b"},
            {"environment": "moon"},
            {"dataset_folder": ""},
            {"learning_rate": 0},
            {"learning_rate": 1.1},
            {"batch_size": 0},
            {"batch_size": 513},
            {"epochs": 0},
            {"epochs": 1001},
            {"train_split": 0.05},
            {"validation_split": 0.6},
            {"test_split": 0.4},
            {"instance_count": 11},
            {"instance_type": "t2.micro; rm"},
            {"optimizer": "lion"},
            {"scheduler": "warm"},
            {"loss": "zero"},
            {"hidden_dims": []},
            {"hidden_dims": [0]},
            {"seed": 2**63},
            {"layout": "sound"},
        ],
    )
    def test_a_wrong_form(self, school: Api, changes: dict[str, Any]) -> None:
        answer = school.ask("POST", JOBS, json=wanted(**changes))
        assert answer.status_code == 422
        assert isinstance(answer.json()["detail"], list)

    def test_unknown_fields_are_ignored_and_needed_ones_are_named(self, classroom: Api) -> None:
        assert begin(classroom, surprise=1)["status"] == "pending"
        answer = classroom.ask("POST", JOBS, json={"job_name": "x"})
        assert [each["loc"][-1] for each in answer.json()["detail"]] == [
            "environment",
            "dataset_folder",
            "metadata_file",
        ]

    @pytest.mark.req("D-12.1")
    def test_what_was_asked_for_is_what_is_trained(self, classroom: Api) -> None:
        number = completed(
            classroom, optimizer="sgd", scheduler="cosine", loss="huber", learning_rate=0.05, seed=7
        )
        (report,) = classroom.get(f"{JOBS}/{number}/reports")
        found = classroom.get(report["downloads"]["json"].removeprefix("/api/v1"))
        config = found["configuration"]["config"]
        assert (config["optimizer"]["type"], config["optimizer"]["learning_rate"]) == ("sgd", 0.05)
        assert (config["scheduler"]["type"], config["loss"], config["seed"]) == (
            "cosine",
            "huber",
            7,
        )
        rates = [point["learning_rate"] for point in found["curves"]]
        assert rates == sorted(rates, reverse=True)
        assert len(set(rates)) == len(rates) == 3


class TestList:
    def test_newest_first_and_by_environment_and_status(self, classroom: Api) -> None:
        for name in ("first", "second", "third"):
            begin(classroom, job_name=name)
        classroom.json("POST", f"{JOBS}/2/cancel")
        assert [job["job_name"] for job in classroom.get(JOBS)] == ["third", "second", "first"]
        assert [job["id"] for job in classroom.get(JOBS, params={"limit": 1})] == [3]
        by = lambda **params: [job["id"] for job in classroom.get(JOBS, params=params)]  # noqa: E731 - a question in short
        assert by(status="cancelled") == [2]
        assert by(status="pending") == [3, 1]
        assert by(environment="sagemaker") == []
        assert by(environment="local", status="pending") == [3, 1]

    @pytest.mark.parametrize(
        ("params", "status"),
        [
            ({"status": "done"}, 400),
            ({"environment": "moon"}, 422),
            ({"limit": 0}, 422),
            ({"limit": 501}, 422),
        ],
    )
    def test_what_cannot_be_listed(self, school: Api, params: dict[str, Any], status: int) -> None:
        assert school.ask("GET", JOBS, params=params).status_code == status


class TestStatus:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/{}"),
            ("POST", "/{}/cancel"),
            ("POST", "/{}/resume"),
            ("GET", "/{}/reports"),
            ("GET", "/{}/reports/1/html"),
        ],
    )
    @pytest.mark.parametrize("number", [99, 2**40, 0, -1])
    def test_an_unknown_training(self, school: Api, method: str, path: str, number: int) -> None:
        assert school.ask(method, JOBS + path.format(number)).status_code == 404

    def test_a_failure_is_told(self, classroom: Api, datasets: Path) -> None:
        begin(classroom)
        for picture in (datasets / NAME).glob("*.png"):
            picture.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
        classroom.work_off()
        found = classroom.get(f"{JOBS}/1")
        assert found["status"] == "failed"
        assert "cannot be trained on" in found["error"]
        assert classroom.get(f"{JOBS}/1/reports") == []

    @pytest.mark.req("D-12.1")
    def test_progress_while_it_trains(
        self, classroom: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from deepmed.features.drawings.training import running

        seen: list[dict[str, Any]] = []
        real = running._finished

        def looked(*given: Any) -> Any:
            seen.append(classroom.get(f"{JOBS}/1"))
            seen[0]["listed"] = classroom.get(JOBS, params={"status": "running"})
            return real(*given)

        monkeypatch.setattr(running, "_finished", looked)
        monkeypatch.setattr(running, "_TELL_SECONDS", 0)
        begin(classroom, epochs=4)
        classroom.work_off()
        (found,) = seen
        assert found["status"] == "running"
        assert [job["id"] for job in found["listed"]] == [1]
        progress = found["progress"]
        assert (progress["epoch"], progress["total_epochs"]) == (4, 4)
        assert (progress["epoch_progress"], progress["batch_progress"]) == (100, 100)
        assert progress["train_loss"] > 0
        assert progress["val_loss"] > 0
        assert progress["elapsed_time"] > 0
        assert progress["estimated_remaining"] == 0

    @pytest.mark.req("D-12.1")
    def test_preparing_before_it_trains(
        self, classroom: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from deepmed.features.drawings.training import running

        seen: list[str] = []
        real = running.prepare

        def looked(*given: Any, **named: Any) -> Any:
            seen.append(classroom.get(f"{JOBS}/1")["status"])
            return real(*given, **named)

        monkeypatch.setattr(running, "prepare", looked)
        begin(classroom)
        classroom.work_off()
        assert seen == ["preparing"]


class TestCancelAndResume:
    @pytest.mark.req("D-12.1")
    def test_a_waiting_training_is_cancelled_and_can_go_on(self, classroom: Api) -> None:
        begin(classroom)
        answer = classroom.json("POST", f"{JOBS}/1/cancel")
        assert (answer["job_id"], answer["status"]) == (1, "cancelled")
        assert classroom.get(f"{JOBS}/1")["status"] == "cancelled"
        assert classroom.work_off() == 0
        assert classroom.json("POST", f"{JOBS}/1/resume")["status"] == "pending"
        classroom.work_off()
        assert classroom.get(f"{JOBS}/1")["status"] == "completed"

    def test_what_has_ended_cannot_be_cancelled_nor_resumed(self, school: Api) -> None:
        number = 1
        for deed in ("cancel", "resume"):
            answer = school.ask("POST", f"{JOBS}/{number}/{deed}")
            assert answer.status_code == 400
            assert "completed" in answer.json()["detail"]

    def test_a_cancelled_one_cannot_be_cancelled_again(self, classroom: Api) -> None:
        begin(classroom)
        classroom.json("POST", f"{JOBS}/1/cancel")
        assert classroom.ask("POST", f"{JOBS}/1/cancel").status_code == 400

    @pytest.mark.req("D-12.1")
    def test_an_interrupted_training_goes_on_and_ends_with_the_same_model(
        self, classroom: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from deepmed.features.drawings.training import running

        whole = scores(classroom, completed(classroom, epochs=25, patience=25))
        real, failing = running._monitor, [True]

        def interrupted(config: Any, watcher: Any) -> Any:
            monitor = real(config, watcher)

            def stop(progress: Any) -> None:
                if failing and progress.epoch == 22:
                    failing.clear()
                    raise ValueError("pulled the plug")

            monitor.add_callback(stop)
            return monitor

        monkeypatch.setattr(running, "_monitor", interrupted)
        begin(classroom, epochs=25, patience=25)
        classroom.work_off()
        assert classroom.get(f"{JOBS}/2")["status"] == "failed"
        embedded = []
        monkeypatch.setattr(
            "deepmed.features.drawings.training.preparing.VectorStore.keep",
            lambda *given: embedded.append(given),
        )
        classroom.json("POST", f"{JOBS}/2/resume")
        classroom.work_off()
        assert classroom.get(f"{JOBS}/2")["status"] == "completed"
        assert scores(classroom, 2) == whole
        assert embedded == [], "the vectors of the first run were there"
        report = document(classroom, 2)
        assert any("interrupted" in note for note in report["notes"])
        assert [point["epoch"] for point in report["curves"]] == list(range(1, 26))


class TestReports:
    @pytest.mark.req("D-12.1")
    def test_every_form_can_be_fetched_by_its_owner(self, school: Api) -> None:
        number = 1
        (report,) = school.get(f"{JOBS}/{number}/reports")
        assert set(report["downloads"]) == {"html", "pdf", "json", "csv"}
        assert report["report_file_path"] == report["downloads"]["html"]
        kinds = {
            "html": "text/html; charset=utf-8",
            "pdf": "application/pdf",
            "json": "application/json",
            "csv": "text/csv; charset=utf-8",
        }
        files: dict[str, httpx.Response] = {}
        for form, kind in kinds.items():
            files[form] = school.ask("GET", report["downloads"][form].removeprefix("/api/v1"))
            assert files[form].status_code == 200
            assert files[form].headers["content-type"] == kind
            assert files[form].headers["content-disposition"].startswith("attachment")
        page = files["html"].text
        assert "<script" not in page
        assert page.count("<svg") >= 5
        text = "".join(
            one.extract_text() for one in PdfReader(io.BytesIO(files["pdf"].content)).pages
        )
        assert "Final loss" in text
        assert "bottleneck" in text
        rows = list(csv.DictReader(io.StringIO(files["csv"].text)))
        curves = files["json"].json()["curves"]
        assert [float(row["val_loss"]) for row in rows] == [point["val_loss"] for point in curves]

    @pytest.mark.req("D-29.1")
    def test_the_time_is_that_of_the_fit(
        self, classroom: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import time

        from deepmed.features.drawings.training import fitting

        spent: list[float] = []
        real = fitting.AutoencoderDetector.fit

        def timed(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return real(*given, **named)
            finally:
                spent.append(time.perf_counter() - began)

        monkeypatch.setattr(fitting.AutoencoderDetector, "fit", timed)
        number = completed(classroom)
        (report,) = classroom.get(f"{JOBS}/{number}/reports")
        assert report["training_time_seconds"] == pytest.approx(spent[0], abs=0.05)

    def test_an_unknown_form_or_report(self, school: Api) -> None:
        number = 1
        assert school.ask("GET", f"{JOBS}/{number}/reports/1/docx").status_code == 422
        assert school.ask("GET", f"{JOBS}/{number}/reports/2/html").status_code == 404

    @pytest.mark.req("S-3.1")
    def test_another_finds_neither_training_nor_report(self, school: Api) -> None:
        stranger = school.stranger()
        assert stranger.get(JOBS) == []
        for path in ("", "/reports", "/reports/1/html", "/reports/1/json"):
            assert stranger.ask("GET", f"{JOBS}/1{path}").status_code == 404
        for deed in ("cancel", "resume"):
            assert stranger.ask("POST", f"{JOBS}/1/{deed}").status_code == 404

    @pytest.mark.req("D-12.1")
    def test_no_name_of_a_file_or_a_child_is_in_what_is_stored(self, school: Api) -> None:
        number = 1
        (report,) = school.get(f"{JOBS}/{number}/reports")
        for content in school.bench.registry.load(report["artifact"]).values():
            assert b"drawing_" not in content
            assert b"child 1" not in content

    def test_a_training_that_is_done_twice_has_one_report(self, school: Api) -> None:
        """A worker may die between the report and the end of its job."""
        from deepmed.features.drawings.training import repository, storing
        from deepmed.features.drawings.training.reports.document import TrainingReportDocument

        number = 1
        (report,) = school.get(f"{JOBS}/{number}/reports")
        files = school.bench.registry.load(report["artifact"])
        with school.home.database.read() as session:
            found = repository.find(session, school.home.owner_id, number)
        assert found is not None
        again = storing.store(
            school.home, found[0], files, TrainingReportDocument.read(files["report.json"])
        )
        assert again.id == report["id"]


class TestEnvironments:
    @pytest.mark.req("D-12.1")
    def test_this_machine_and_the_cloud(self, school: Api) -> None:
        found = school.get("/training/environments/status")
        local = found["local"]
        assert local["available"] is True
        assert local["active_jobs"] == 1
        assert local["device_info"]["device"] == "cpu"
        assert local["device_info"]["threads"] == torch.get_num_threads()
        assert local["memory_usage"] is None
        assert local["pytorch_version"].startswith("2.")

    @pytest.mark.req("D-29.1")
    def test_trainings_that_are_not_over_are_counted(self, classroom: Api) -> None:
        for expected in (0, 1, 2):
            found = classroom.get("/training/environments/status")["local"]
            assert found["active_jobs"] == expected
            begin(classroom)
        classroom.json("POST", f"{JOBS}/1/cancel")
        assert classroom.get("/training/environments/status")["local"]["active_jobs"] == 2

    @pytest.mark.req("D-13.1")
    def test_without_credentials_the_cloud_is_not_available(
        self, school: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forget_amazon(monkeypatch)
        found = school.get("/training/environments/status")["sagemaker"]
        assert found["available"] is False
        told = " ".join(found["errors"])
        for name in ("DEEPMED_SAGEMAKER_BUCKET", "DEEPMED_SAGEMAKER_ROLE_ARN", "AWS_ACCESS_KEY_ID"):
            assert name in told

    @pytest.mark.req("D-13.1")
    def test_without_credentials_a_training_there_is_not_offered(
        self, school: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forget_amazon(monkeypatch)
        answer = school.ask("POST", JOBS, json=wanted(environment="sagemaker"))
        assert answer.status_code == 501
        assert "DEEPMED_SAGEMAKER_BUCKET" in answer.json()["detail"]
        setup = school.ask("POST", "/training/sagemaker/setup", params={"s3_bucket": "some-bucket"})
        assert setup.status_code == 501
        assert "AWS_ACCESS_KEY_ID" in setup.json()["detail"]
        assert len(school.get(JOBS)) == 2

    @pytest.mark.parametrize("params", [{}, {"s3_bucket": "x" * 300}])
    def test_a_setup_of_the_wrong_form(self, school: Api, params: dict[str, str]) -> None:
        assert school.ask("POST", "/training/sagemaker/setup", params=params).status_code == 422

    @pytest.mark.parametrize(
        "params",
        [
            {"s3_bucket": "Upper"},
            {"s3_bucket": "../x"},
            {"s3_bucket": "good-bucket", "ecr_repository": "Bad Name"},
        ],
    )
    def test_a_setup_of_names_that_amazon_does_not_take(
        self, school: Api, params: dict[str, str]
    ) -> None:
        assert school.ask("POST", "/training/sagemaker/setup", params=params).status_code == 400


def forget_amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, os.devnull)


def document(api: Api, number: int) -> dict[str, Any]:
    (report,) = api.get(f"{JOBS}/{number}/reports")
    found: dict[str, Any] = api.get(report["downloads"]["json"].removeprefix("/api/v1"))
    return found


def scores(api: Api, number: int) -> list[float]:
    return [item["score"] for item in document(api, number)["items"]]


def test_a_training_is_in_the_ledger_too(classroom: Api) -> None:
    begin(classroom)
    with classroom.home.database.read() as session:
        (job,) = JobLedger.of(classroom.home).list(session)
    assert job.title == "Training a class"
    assert json.dumps(job.payload) == '{"job_name": "a class"}'
