"""The way to Amazon: only with credentials that the environment gives, and only when asked."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deepmed.features.drawings.training.errors import (
    SageMakerJobError,
    SageMakerNotConfiguredError,
    SageMakerUnreachableError,
)
from deepmed.kit.settings import Settings

_TIMEOUT_SECONDS = 10
_ASKS_THE_NETWORK = ("iam-role",)
"""Providers of credentials that ask an address which nobody named (S-25)."""


def refuse_incomplete(settings: Settings) -> None:
    """Raises SageMakerNotConfiguredError naming every setting that a training lacks."""
    lacking = missing_settings(settings)
    if lacking:
        raise SageMakerNotConfiguredError(
            f"Trainings in Amazon SageMaker are not set up here: set {', '.join(lacking)}. Nothing "
            "was begun. POST /api/v1/training/sagemaker/setup makes bucket and role, and "
            "`deepmed drawings training container FOLDER` writes what the image is built from."
        )


def missing_settings(settings: Settings) -> list[str]:
    needed = {
        "DEEPMED_SAGEMAKER_BUCKET": settings.sagemaker_bucket,
        "DEEPMED_SAGEMAKER_ROLE_ARN": settings.sagemaker_role_arn,
        "DEEPMED_SAGEMAKER_IMAGE": settings.sagemaker_image,
    }
    return [name for name, value in needed.items() if not value]


def credentials(settings: Settings) -> Any:  # noqa: ARG001 - the place where settings would come in
    """A boto3 session that can sign.

    Raises:
        SageMakerNotConfiguredError: boto3 is not installed, or credentials or a region are missing.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra, and slow to load
        from botocore.session import get_session  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise SageMakerNotConfiguredError(
            "Amazon SageMaker needs boto3, which is not installed. Nothing was begun. Install it "
            "with: pip install 'deepmed[aws]'"
        ) from error
    inner = get_session()
    for name in _ASKS_THE_NETWORK:
        inner.get_component("credential_provider").remove(name)
    session = boto3.Session(botocore_session=inner, region_name=os.environ.get("AWS_REGION"))
    lacking = [
        *([] if session.get_credentials() else ["AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"]),
        *([] if session.region_name else ["AWS_REGION"]),
    ]
    if lacking:
        raise SageMakerNotConfiguredError(
            "There are no credentials for Amazon SageMaker: set "
            f"{' and '.join(lacking)} in the server's environment, or a profile by AWS_PROFILE. "
            "Nothing was begun."
        )
    return session


def client(session: Any, name: str) -> Any:
    """A client of one of Amazon's services that gives up soon."""
    from botocore.config import Config  # noqa: PLC0415 - see credentials

    return session.client(
        name,
        config=Config(
            connect_timeout=_TIMEOUT_SECONDS,
            read_timeout=6 * _TIMEOUT_SECONDS,
            retries={"total_max_attempts": 3, "mode": "standard"},
        ),
    )


@contextmanager
def explained(deed: str) -> Iterator[None]:
    """Turn Amazon's errors into ours: `deed` is what was tried.

    Raises:
        SageMakerJobError: Amazon refused it.
        SageMakerUnreachableError: it is out of reach.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see credentials

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        raise SageMakerJobError(
            f"Amazon refused to {deed}: {told.get('Code', 'unknown')}. {told.get('Message', '')} "
            "Nothing was changed here.",
            aws_code=told.get("Code"),
        ) from error
    except BotoCoreError as error:
        raise SageMakerUnreachableError(
            f"Amazon is out of reach, so it could not {deed}: {type(error).__name__}. Nothing was "
            "changed here. Try again."
        ) from error
