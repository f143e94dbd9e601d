"""Service for managing SageMaker training jobs: real calls of boto3, made when somebody asks."""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from deepmed.features.drawings.training.datasets import DatasetPlace
from deepmed.features.drawings.training.errors import (
    SageMakerConfigurationError,
    SageMakerError,
    SageMakerNotConfiguredError,
)
from deepmed.features.drawings.training.sagemaker.connection import (
    client,
    credentials,
    explained,
    missing_settings,
    refuse_incomplete,
)
from deepmed.features.drawings.training.sagemaker.job_config import SageMakerJobConfig
from deepmed.features.drawings.training.sagemaker.uploading import anonymous
from deepmed.kit.settings import Settings

ROLE = "deepmed-training"
PREFIX = "deepmed"
MOST_ARTIFACT_BYTES = 256 << 20
STATUSES = {
    "InProgress": "running",
    "Stopping": "running",
    "Completed": "completed",
    "Failed": "failed",
    "Stopped": "cancelled",
}
_ENDED = ("ValidationException", "ResourceNotFound")


class SageMakerTrainingService:
    """Amazon's side of trainings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def session(self) -> Any:
        return credentials(self.settings)

    def validate_configuration(self) -> dict[str, Any]:
        """Validate SageMaker configuration and permissions.

        Amazon is asked only where bucket, role and image are set and there are credentials.
        """
        settings = self.settings
        found: dict[str, Any] = {
            "available": False,
            "configuration": {
                "bucket": settings.sagemaker_bucket,
                "role_arn": settings.sagemaker_role_arn,
                "image": settings.sagemaker_image,
                "region": None,
                "account": None,
            },
            "errors": [f"{name} is not set" for name in missing_settings(settings)],
            "warnings": [],
        }
        try:
            found["configuration"]["region"] = self.session.region_name
        except SageMakerNotConfiguredError as error:
            found["errors"].append(error.message)
        if found["errors"]:
            return found
        return self._asked(found)

    def create_execution_role(self, role_name: str = ROLE, bucket: str | None = None) -> str:
        """Create the role that SageMaker takes to train; returns its ARN.

        It may read and write the bucket, pull images, and write its log, and nothing else. One of
        that name that is there already gets these rights.

        Raises:
            SageMakerJobError: Amazon refused it.
        """
        iam = client(self.session, "iam")
        with explained("make a role for trainings"):
            try:
                arn = iam.get_role(RoleName=role_name)["Role"]["Arn"]
            except iam.exceptions.NoSuchEntityException:
                made = iam.create_role(
                    RoleName=role_name,
                    AssumeRolePolicyDocument=json.dumps(_trust()),
                    Description="Taken by Amazon SageMaker to run DeepMed's trainings",
                )
                arn = made["Role"]["Arn"]
            iam.put_role_policy(
                RoleName=role_name,
                PolicyName="deepmed-training",
                PolicyDocument=json.dumps(_rights(bucket or self._bucket())),
            )
        return str(arn)

    def upload_training_data(
        self,
        place: DatasetPlace,
        s3_bucket: str,
        s3_prefix: str,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> str:
        """Upload training data to S3; returns where it lies.

        Pictures are re-encoded without metadata; names of files and children become numbers.

        Raises:
            DatasetRefusedError: the folder cannot be used.
            SageMakerJobError: Amazon refused it.
        """
        s3 = client(self.session, "s3")
        for name, content in anonymous(place, self.settings, progress):
            with explained("store the drawings of a training"):
                s3.put_object(
                    Bucket=s3_bucket,
                    Key=f"{s3_prefix}/{name}",
                    Body=content,
                    ServerSideEncryption="AES256",
                )
        return f"s3://{s3_bucket}/{s3_prefix}"

    def submit_training_job(self, wanted: SageMakerJobConfig) -> str:
        """Submit SageMaker training job; returns its ARN. One of that name is not begun twice.

        Raises:
            SageMakerJobError: Amazon refused it.
        """
        api = client(self.session, "sagemaker")
        with explained("begin the training"):
            there = self.describe(wanted.job_name)
            if there is not None:
                return str(there["TrainingJobArn"])
            made = api.create_training_job(**wanted.to_sagemaker_config())
            return str(made["TrainingJobArn"])

    def describe(self, job_name: str) -> dict[str, Any] | None:
        """What Amazon says of a job; None where it knows none of that name."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - it loads slowly

        api = client(self.session, "sagemaker")
        with explained("tell of the training"):
            try:
                found: dict[str, Any] = api.describe_training_job(TrainingJobName=job_name)
            except ClientError as error:
                if error.response["Error"]["Code"] in _ENDED:
                    return None
                raise
        return found

    def get_job_status(self, job_name: str) -> dict[str, Any]:
        """Get status of SageMaker training job.

        Returns:
            `status` in the contract's words, `detail`, `arn`, `failure_reason` and `artifacts`.

        Raises:
            SageMakerError: Amazon knows no such job.
        """
        found = self.describe(job_name)
        if found is None:
            raise SageMakerError(f"Amazon SageMaker knows no training {job_name}.")
        return {
            "status": STATUSES.get(found["TrainingJobStatus"], "running"),
            "detail": found.get("SecondaryStatus", ""),
            "arn": found["TrainingJobArn"],
            "failure_reason": found.get("FailureReason"),
            "artifacts": found.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        }

    def cancel_training_job(self, job_name: str) -> bool:
        """Cancel SageMaker training job; False where it has ended already.

        Raises:
            SageMakerJobError: Amazon refused it, or is out of reach.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - it loads slowly

        api = client(self.session, "sagemaker")
        with explained("stop the training"):
            try:
                api.stop_training_job(TrainingJobName=job_name)
            except ClientError as error:
                if error.response["Error"]["Code"] in _ENDED:
                    return False
                raise
        return True

    stop = cancel_training_job

    def list_training_jobs(self, limit: int = 50) -> list[dict[str, Any]]:
        """List SageMaker training jobs of this program, newest first."""
        api = client(self.session, "sagemaker")
        with explained("list trainings"):
            found = api.list_training_jobs(
                NameContains=PREFIX,
                MaxResults=min(limit, 100),
                SortBy="CreationTime",
                SortOrder="Descending",
            )
        return [
            {
                "job_name": one["TrainingJobName"],
                "arn": one["TrainingJobArn"],
                "status": STATUSES.get(one["TrainingJobStatus"], "running"),
            }
            for one in found["TrainingJobSummaries"]
        ]

    def download_artifacts(self, uri: str) -> bytes:
        """The archive that a finished training left in the bucket.

        Raises:
            SageMakerConfigurationError: it lies in another bucket than ours, or is too large.
            SageMakerJobError: Amazon refused it.
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if bucket != self._bucket():
            raise SageMakerConfigurationError(
                "The training left its result in another bucket than DEEPMED_SAGEMAKER_BUCKET."
            )
        s3 = client(self.session, "s3")
        with explained("give the training's result"):
            answer = s3.get_object(Bucket=bucket, Key=key)
            content: bytes = answer["Body"].read(MOST_ARTIFACT_BYTES + 1)
        if len(content) > MOST_ARTIFACT_BYTES:
            raise SageMakerConfigurationError("The training's result is larger than any of ours.")
        return content

    def delete_training_data(self, s3_prefix: str) -> int:
        """Delete the uploaded drawings of a training; returns how many files they were."""
        s3, bucket, gone = client(self.session, "s3"), self._bucket(), 0
        with explained("delete the drawings of a training"):
            for page in s3.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=f"{s3_prefix}/"
            ):
                keys = [{"Key": one["Key"]} for one in page.get("Contents", [])]
                if keys:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                    gone += len(keys)
        return gone

    def _bucket(self) -> str:
        if self.settings.sagemaker_bucket is None:
            refuse_incomplete(self.settings)
        return str(self.settings.sagemaker_bucket)

    def _asked(self, found: dict[str, Any]) -> dict[str, Any]:
        role = str(self.settings.sagemaker_role_arn).rpartition("/")[2]
        questions: dict[str, Callable[[], Any]] = {
            "account": lambda: client(self.session, "sts").get_caller_identity()["Account"],
            "bucket": lambda: client(self.session, "s3").head_bucket(Bucket=self._bucket()),
            "role": lambda: client(self.session, "iam").get_role(RoleName=role),
        }
        answers = {}
        for name, question in questions.items():
            try:
                with explained(f"tell of the {name}"):
                    answers[name] = question()
            except SageMakerError as error:
                found["errors"].append(error.message)
        found["configuration"]["account"] = answers.get("account")
        found["available"] = not found["errors"]
        return found


def _trust() -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def _rights(bucket: str) -> dict[str, Any]:
    """No more than a training needs."""
    pulling = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    logging = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{bucket}/{PREFIX}/*",
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": {"StringLike": {"s3:prefix": f"{PREFIX}/*"}},
            },
            {"Effect": "Allow", "Action": pulling, "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": logging,
                "Resource": "arn:aws:logs:*:*:log-group:/aws/sagemaker/TrainingJobs*",
            },
        ],
    }
