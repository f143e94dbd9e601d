"""Opening a file store that is not a folder: by URL, with credentials from the environment only."""

import os
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from deepmed.kit.errors import ConfigurationError

# A request that hangs is given up, however large the file that it carries.
CONNECT_TIMEOUT, READ_TIMEOUT, FILE_TIMEOUT = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(hours=1),
)
RETRIES = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}

# One of these tells how to sign. Without any, the library would ask the network for credentials.
_SIGNING = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
    "AWS_SKIP_SIGNATURE",
)
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


def open_remote(url: str) -> ObjectStore:
    """The store of a URL; nothing is asked of it yet.

    Raises:
        ConfigurationError: the URL cannot be understood or holds credentials, or the environment
            lacks them.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query:
        raise ConfigurationError(
            "DEEPMED_STORAGE_URL must not hold credentials: they would show wherever the URL does. "
            "Give them by the environment, for S3 as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if parts.scheme in {"s3", "s3a"}:
        _check_s3()
    try:
        return from_url(url, client_options=_client(), retry_config=_retries())
    except (BaseError, ValueError) as error:
        raise ConfigurationError(
            f"DEEPMED_STORAGE_URL cannot be used: {str(error).splitlines()[0]}. "
            "Examples: file:///data/files, s3://bucket/folder"
        ) from error


def _check_s3() -> None:
    if not any(os.environ.get(name) for name in _SIGNING):
        raise ConfigurationError(
            "DEEPMED_STORAGE_URL names an S3 bucket, and no credentials are set. Set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_METADATA_ENDPOINT for the role of "
            "the machine, or AWS_SKIP_SIGNATURE=true for a bucket that is open to all."
        )
    if os.environ.get("AWS_ACCESS_KEY_ID") and not os.environ.get("AWS_SECRET_ACCESS_KEY"):
        raise ConfigurationError("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not.")
    endpoint = next((found for name in _ENDPOINTS if (found := os.environ.get(name))), "")
    allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"true", "1", "yes"}
    if endpoint.startswith("http://") and not allowed:
        raise ConfigurationError(
            "The S3 endpoint is plain http, which anybody on the way can read. Use https, or set "
            "AWS_ALLOW_HTTP=true where the way is safe."
        )


def _client() -> Any:
    return {
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": READ_TIMEOUT,
        "timeout": FILE_TIMEOUT,
        # What is given here replaces what the environment says.
        **({"allow_http": True} if os.environ.get("AWS_ALLOW_HTTP") else {}),
    }


def _retries() -> Any:
    return RETRIES
