"""Trainings in Amazon SageMaker, against Amazon's interface as moto serves it."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from deepmed.features.drawings.training.config import TrainingConfig
from deepmed.features.drawings.training.errors import (
    SageMakerConfigurationError,
    SageMakerJobError,
)
from deepmed.features.drawings.training.sagemaker import entry, following
from deepmed.features.drawings.training.sagemaker.results import NAMES, read_results
from deepmed.features.drawings.training.sagemaker.service import SageMakerTrainingService
from factories import encoder
from factories.api import Api, api_on
from factories.training_sets import wanted, write_set

pytestmark = pytest.mark.req("D-13.1")

JOBS, BUCKET, ACCOUNT, REGION = (
    "/training/jobs",
    "trainings-of-drawings",
    "123456789012",
    "us-east-1",
)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deepmed-training"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/deepmed:latest"


@pytest.fixture
def amazon(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Amazon's services at the tests' own server, empty and fast; with StopTrainingJob."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(SageMakerResponse, "stop_training_job", _stop, raising=False)
    monkeypatch.setattr(following, "POLL_SECONDS", 0.0)
    yield
    # The server outlives the test, so it is emptied.
    urlopen(Request(f"{s3}/moto-api/reset", method="POST")).close()  # noqa: S310 - our own server


def _stop(self: Any) -> str:
    """What moto lacks: a running job is stopped, one that has ended is not."""
    jobs = self.sagemaker_backend.training_jobs
    job = jobs[self._get_param("TrainingJobName")]
    if job.training_job_status != "InProgress":
        from moto.sagemaker.exceptions import ValidationError

        raise ValidationError(message="The request was rejected because the job has ended")
    job.training_job_status = "Stopped"
    return "{}"


@contextmanager
def cloud_on(folder: Path, datasets: Path, **changes: Any) -> Iterator[Api]:
    settings = {
        "datasets_dir": datasets,
        "sagemaker_bucket": BUCKET,
        "sagemaker_role_arn": ROLE,
        "sagemaker_image": IMAGE,
    }
    with api_on(folder, **{**settings, **changes}) as made:
        yield made


@pytest.fixture
def bare(amazon: None, home: Path, _migrated: Path) -> Path:
    """An installation that can reach an account in which nothing is set up."""
    shutil.copy(_migrated, home / "deepmed.db")
    return home


@pytest.fixture
def cloud(bare: Path, tmp_path: Path) -> Iterator[Api]:
    """An installation whose account is set up."""
    write_set(tmp_path / "datasets")
    with cloud_on(bare, tmp_path / "datasets") as api:
        api.json("POST", "/training/sagemaker/setup", params={"s3_bucket": BUCKET})
        yield api


@cache
def client(name: str) -> Any:
    """Kept, because making one reads all of Amazon's description of the service."""
    return boto3.client(name, region_name=REGION)


def keys(prefix: str = "") -> list[str]:
    found = client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", [])]


def job_there(name: str) -> Any:
    return sagemaker_backends[ACCOUNT][REGION].training_jobs[name]


class Machine:
    """Amazon's machine: it runs the container's entry point on what was uploaded."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.submitted: list[dict[str, Any]] = []
        self.uploaded: dict[str, bytes] = {}
        self.ends = "Completed"
        self.changed: dict[str, bytes] = {}
        real = SageMakerTrainingService.submit_training_job

        def submit(service: SageMakerTrainingService, job: Any) -> str:
            arn = real(service, job)
            self.run(job.to_sagemaker_config())
            return arn

        monkeypatch.setattr(SageMakerTrainingService, "submit_training_job", submit)

    def run(self, config: dict[str, Any]) -> None:
        self.submitted.append(config)
        root = self.folder / config["TrainingJobName"]
        data = root / "input" / "data" / "training"
        data.mkdir(parents=True)
        (root / "input" / "config").mkdir()
        uri = config["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
        prefix = uri.removeprefix(f"s3://{BUCKET}/")
        for key in keys(prefix):
            content = client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
            self.uploaded[key.rpartition("/")[2]] = content
            (data / key.rpartition("/")[2]).write_bytes(content)
        hyper = json.dumps(config["HyperParameters"])
        (root / "input" / "config" / "hyperparameters.json").write_text(hyper, encoding="utf-8")
        files = self._come_to(root)
        job = job_there(config["TrainingJobName"])
        job.training_job_status = self.ends
        uri = job.model_artifacts["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
        client("s3").put_object(Bucket=BUCKET, Key=uri, Body=packed(files | self.changed))

    def _come_to(self, root: Path) -> dict[str, bytes]:
        """What the entry point makes of its input; of the same input once, for it is seeded."""
        given = sorted(path for path in (root / "input").rglob("*") if path.is_file())
        named = [(path.relative_to(root).as_posix(), path.read_bytes()) for path in given]
        key = hashlib.sha256(repr(named).encode()).hexdigest()
        if key not in _MADE:
            assert entry.main(root) == 0
            _MADE[key] = {path.name: path.read_bytes() for path in (root / "model").iterdir()}
        return _MADE[key]


_MADE: dict[str, dict[str, bytes]] = {}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "machine", monkeypatch)


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class TestSetup:
    def test_bucket_role_and_repository_are_made_once(self, bare: Path, tmp_path: Path) -> None:
        with cloud_on(bare, tmp_path, sagemaker_bucket=None) as api:
            params = {"s3_bucket": BUCKET, "ecr_repository": "team/deepmed"}
            first = api.json("POST", "/training/sagemaker/setup", params=params)
            again = api.json("POST", "/training/sagemaker/setup", params=params)
        assert first["created"] == ["bucket", "repository"]
        assert again["created"] == []
        assert first["execution_role_arn"] == again["execution_role_arn"] == ROLE
        assert first["ecr_repository_uri"].endswith("/team/deepmed")
        told = " ".join(first["next_steps"])
        for name in ("BUCKET", "ROLE_ARN", "IMAGE"):
            assert f"DEEPMED_SAGEMAKER_{name}" in told
        closed = client("s3").get_public_access_block(Bucket=BUCKET)
        assert set(closed["PublicAccessBlockConfiguration"].values()) == {True}
        rules = client("s3").get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
        assert [rule["Expiration"]["Days"] for rule in rules] == [7]

    @pytest.mark.usefixtures("cloud")
    def test_the_role_may_do_no_more_than_a_training_needs(self) -> None:
        policy = client("iam").get_role_policy(
            RoleName="deepmed-training", PolicyName="deepmed-training"
        )["PolicyDocument"]
        actions = {
            action
            for one in policy["Statement"]
            for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        }
        assert not any(action.endswith("*") for action in actions)
        assert {action.partition(":")[0] for action in actions} == {"s3", "ecr", "logs"}
        files = next(one for one in policy["Statement"] if "s3:GetObject" in one["Action"])
        assert files["Resource"] == f"arn:aws:s3:::{BUCKET}/deepmed/*"

    def test_a_bucket_that_is_there_keeps_its_own_rules(self, bare: Path, tmp_path: Path) -> None:
        from botocore.exceptions import ClientError

        client("s3").create_bucket(Bucket=BUCKET)
        with cloud_on(bare, tmp_path) as api:
            made = api.json("POST", "/training/sagemaker/setup", params={"s3_bucket": BUCKET})
        assert made["created"] == []
        with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
            client("s3").get_bucket_lifecycle_configuration(Bucket=BUCKET)

    def test_what_is_set_up_is_available(self, cloud: Api) -> None:
        found = cloud.get("/training/environments/status")["sagemaker"]
        assert found["available"] is True, found["errors"]
        assert found["configuration"]["account"] == ACCOUNT
        assert found["configuration"]["region"] == REGION

    def test_a_bucket_or_role_that_is_gone_is_told(self, cloud: Api) -> None:
        client("iam").delete_role_policy(RoleName="deepmed-training", PolicyName="deepmed-training")
        client("iam").delete_role(RoleName="deepmed-training")
        client("s3").delete_bucket(Bucket=BUCKET)
        found = cloud.get("/training/environments/status")["sagemaker"]
        assert found["available"] is False
        assert len(found["errors"]) == 2


class TestTraining:
    @pytest.mark.usefixtures("machine")
    def test_it_comes_to_what_a_training_here_comes_to(self, cloud: Api) -> None:
        cloud.json("POST", JOBS, json=wanted())
        started = cloud.json("POST", JOBS, json=wanted(environment="sagemaker"))
        assert started["sagemaker_job_arn"] is None
        cloud.work_off()
        found = cloud.get(f"{JOBS}/2")
        assert found["status"] == "completed", found
        assert found["sagemaker_job_arn"].startswith(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:")
        reports = [cloud.get(f"{JOBS}/{number}/reports")[0] for number in (1, 2)]
        contents = [
            cloud.get(report["downloads"]["json"].removeprefix("/api/v1")) for report in reports
        ]
        by_picture = [
            {item["pixel_hash"]: item["score"] for item in content["items"]} for content in contents
        ]
        assert by_picture[0].keys() == by_picture[1].keys()
        assert contents[1]["configuration"]["config"]["environment"] == "sagemaker"

    def test_what_is_submitted(self, cloud: Api, machine: Machine) -> None:
        cloud.json("POST", JOBS, json=wanted(environment="sagemaker", instance_type="ml.c5.xlarge"))
        cloud.work_off()
        (config,) = machine.submitted
        assert config["RoleArn"] == ROLE
        assert config["AlgorithmSpecification"]["TrainingImage"] == IMAGE
        assert config["ResourceConfig"] == {
            "InstanceType": "ml.c5.xlarge",
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        }
        assert config["EnableNetworkIsolation"] is True
        assert config["HyperParameters"]["encoder"] == encoder.NAME
        sent = TrainingConfig.model_validate_json(config["HyperParameters"]["config"])
        assert (sent.epochs, sent.model.hidden_dims) == (3, (8, 2))
        described = client("sagemaker").describe_training_job(
            TrainingJobName=config["TrainingJobName"]
        )
        assert described["HyperParameters"] == config["HyperParameters"]

    @pytest.mark.req("D-30.1")
    def test_pictures_leave_without_names_and_do_not_stay(
        self, cloud: Api, machine: Machine
    ) -> None:
        cloud.json("POST", JOBS, json=wanted(environment="sagemaker"))
        cloud.work_off()
        assert len(machine.uploaded) == 41
        assert all(name[:6].isdigit() for name in machine.uploaded if name.endswith(".png"))
        table = machine.uploaded["metadata.csv"].decode()
        assert "drawing_" not in table
        assert "child " not in table
        assert keys("deepmed/input") == []

    def test_a_failure_there_is_told(self, cloud: Api, machine: Machine) -> None:
        machine.ends = "Failed"
        cloud.json("POST", JOBS, json=wanted(environment="sagemaker"))
        cloud.work_off()
        found = cloud.get(f"{JOBS}/1")
        assert found["status"] == "failed"
        assert "failed in Amazon SageMaker" in found["error"]
        assert keys("deepmed/input") == []
        machine.ends = "Completed"
        cloud.json("POST", f"{JOBS}/1/resume")
        cloud.work_off()
        assert cloud.get(f"{JOBS}/1")["status"] == "completed"
        assert len({config["TrainingJobName"] for config in machine.submitted}) == 2

    @pytest.mark.parametrize(
        "changed",
        [
            {"report.json": b"{}"},
            {"model.weights.safetensors": b"\x02\x00\x00\x00\x00\x00\x00\x00{}"},
            {"reference.json": b"[]"},
        ],
    )
    def test_a_result_that_was_tampered_with_is_not_kept(
        self, cloud: Api, machine: Machine, changed: dict[str, bytes]
    ) -> None:
        machine.changed = changed
        cloud.json("POST", JOBS, json=wanted(environment="sagemaker"))
        cloud.work_off()
        found = cloud.get(f"{JOBS}/1")
        assert found["status"] == "failed"
        assert "Nothing was kept" in found["error"]
        assert cloud.get(f"{JOBS}/1/reports") == []

    def test_a_running_training_is_stopped_there_too(
        self, cloud: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cloud.json("POST", JOBS, json=wanted(environment="sagemaker"))
        names: list[str] = []

        def while_running(service: SageMakerTrainingService, name: str, job: Any) -> Any:
            names.append(name)
            job_there(name).training_job_status = "InProgress"
            assert cloud.get(f"{JOBS}/1")["status"] == "running"
            cloud.json("POST", f"{JOBS}/1/cancel")
            from deepmed.core.jobs.errors import JobCancelled

            raise JobCancelled

        monkeypatch.setattr(following, "_wait", while_running)
        cloud.work_off()
        assert job_there(names[0]).training_job_status == "Stopped"
        assert keys("deepmed/input") == []

    def test_a_worker_that_is_stopped_leaves_it_running(
        self, cloud: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cloud.json("POST", JOBS, json=wanted(environment="sagemaker"))
        names: list[str] = []

        def stopped(service: SageMakerTrainingService, name: str, job: Any) -> Any:
            from deepmed.core.jobs.errors import JobCancelled

            names.append(name)
            job_there(name).training_job_status = "InProgress"
            raise JobCancelled

        monkeypatch.setattr(following, "_wait", stopped)
        cloud.work_off()
        assert job_there(names[0]).training_job_status == "InProgress"
        assert keys("deepmed/input") != []


class TestService:
    def test_a_job_of_the_same_name_is_not_begun_twice(self, cloud: Api) -> None:
        from deepmed.features.drawings.training.sagemaker.job_config import SageMakerJobConfig

        service = SageMakerTrainingService(cloud.home.settings)
        job = SageMakerJobConfig(
            job_name="deepmed-once",
            config=TrainingConfig(),
            encoder="hog-pyramid",
            role_arn=ROLE,
            image_uri=IMAGE,
            input_uri=f"s3://{BUCKET}/in",
            output_uri=f"s3://{BUCKET}/out",
            volume_gb=30,
            max_seconds=60,
        )
        assert service.submit_training_job(job) == service.submit_training_job(job)
        (listed,) = service.list_training_jobs()
        assert (listed["job_name"], listed["status"]) == ("deepmed-once", "completed")
        assert service.cancel_training_job("deepmed-once") is False
        assert service.describe("deepmed-never") is None

    def test_a_result_elsewhere_is_not_fetched(self, cloud: Api) -> None:
        service = SageMakerTrainingService(cloud.home.settings)
        with pytest.raises(SageMakerConfigurationError, match="another bucket"):
            service.download_artifacts("s3://somebody-elses/model.tar.gz")
        with pytest.raises(SageMakerJobError, match="NoSuchKey"):
            service.download_artifacts(f"s3://{BUCKET}/missing.tar.gz")

    def test_amazon_out_of_reach_is_told(self, cloud: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(SageMakerJobError, match="out of reach"):
            SageMakerTrainingService(cloud.home.settings).list_training_jobs()


class TestResults:
    @pytest.mark.parametrize(
        "archive", [b"", b"no archive", packed({}), packed(dict.fromkeys(NAMES, b"{}"))]
    )
    def test_an_archive_that_is_none_of_ours(self, archive: bytes) -> None:
        with pytest.raises(SageMakerJobError):
            read_results(archive)


class TestEntry:
    def test_why_it_failed_stands_where_amazon_reads_it(self, tmp_path: Path) -> None:
        config = json.dumps(TrainingConfig().model_dump(mode="json"))
        place = tmp_path / "input" / "config"
        place.mkdir(parents=True)
        (place / "hyperparameters.json").write_text(
            json.dumps({"config": config, "encoder": encoder.NAME}), encoding="utf-8"
        )
        assert entry.main(tmp_path) == 1
        assert "no folder" in (tmp_path / "output" / "failure").read_text(encoding="utf-8")
