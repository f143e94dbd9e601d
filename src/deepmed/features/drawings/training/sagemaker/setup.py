"""What trainings need in an account, made once."""

import re
from typing import Any

from deepmed.features.drawings.training.sagemaker.connection import client, explained
from deepmed.features.drawings.training.sagemaker.service import (
    PREFIX,
    ROLE,
    SageMakerTrainingService,
)
from deepmed.kit.errors import ValidationError
from deepmed.kit.settings import Settings

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
_KEPT_DAYS = 7
"""Uploaded drawings that a killed training left behind."""
_FIRST_REGION = "us-east-1"
"""The one that CreateBucket takes no constraint for."""


def set_up(settings: Settings, s3_bucket: str, ecr_repository: str | None) -> dict[str, Any]:
    """Make bucket, role and repository where they are missing; running it again changes nothing.

    Raises:
        ValidationError: a name that Amazon would not take.
        SageMakerNotConfiguredError: there are no credentials.
        SageMakerJobError: Amazon refused it.
    """
    if not _BUCKET.fullmatch(s3_bucket):
        raise ValidationError(f"{s3_bucket!r} is no name of an S3 bucket. Nothing was made.")
    if ecr_repository is not None and not _REPOSITORY.fullmatch(ecr_repository):
        raise ValidationError(f"{ecr_repository!r} is no name of a repository. Nothing was made.")
    service, created = SageMakerTrainingService(settings), []
    session = service.session
    if _make_bucket(session, s3_bucket):
        created.append("bucket")
    role = service.create_execution_role(ROLE, s3_bucket)
    uri = None
    if ecr_repository is not None:
        uri, is_new = _make_repository(session, ecr_repository)
        created += ["repository"] if is_new else []
    return {
        "success": True,
        "s3_bucket": s3_bucket,
        "execution_role_arn": role,
        "ecr_repository_uri": uri,
        "created": created,
        "next_steps": _next_steps(s3_bucket, role, uri),
    }


def _make_bucket(session: Any, name: str) -> bool:
    """True where it was not there: then it is closed to the public, and forgets uploads."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - it loads slowly

    s3 = client(session, "s3")
    with explained("make the bucket"):
        try:
            s3.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
                raise
        else:
            return False
        region = session.region_name
        place = {} if region == _FIRST_REGION else {"LocationConstraint": region}
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
        s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration=dict.fromkeys(
                (
                    "BlockPublicAcls",
                    "IgnorePublicAcls",
                    "BlockPublicPolicy",
                    "RestrictPublicBuckets",
                ),
                True,
            ),
        )
        s3.put_bucket_lifecycle_configuration(
            Bucket=name,
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": "uploaded drawings",
                        "Status": "Enabled",
                        "Filter": {"Prefix": f"{PREFIX}/input/"},
                        "Expiration": {"Days": _KEPT_DAYS},
                    }
                ]
            },
        )
    return True


def _make_repository(session: Any, name: str) -> tuple[str, bool]:
    ecr = client(session, "ecr")
    with explained("make the repository of images"):
        try:
            found = ecr.describe_repositories(repositoryNames=[name])
            return str(found["repositories"][0]["repositoryUri"]), False
        except ecr.exceptions.RepositoryNotFoundException:
            made = ecr.create_repository(
                repositoryName=name, imageScanningConfiguration={"scanOnPush": True}
            )
            return str(made["repository"]["repositoryUri"]), True


def _next_steps(bucket: str, role: str, uri: str | None) -> list[str]:
    image = f"{uri}:latest" if uri else "REPOSITORY:latest"
    return [
        f"Set DEEPMED_SAGEMAKER_BUCKET={bucket} and DEEPMED_SAGEMAKER_ROLE_ARN={role}.",
        "Write what the image is built from: deepmed drawings training container FOLDER",
        f"Where Docker is, build and push it: deepmed drawings training container FOLDER --build "
        f"--push {uri or 'REPOSITORY'}",
        f"Set DEEPMED_SAGEMAKER_IMAGE={image} and start the server again.",
    ]
