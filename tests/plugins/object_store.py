"""An S3 of the tests' own: `bucket` is the URL of an empty bucket, with its credentials set."""

import logging
import secrets
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

SECRET = "canary-of-the-bucket"  # noqa: S105 - opens nothing but the tests' own store


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's address; this process and its children know how to sign for it."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key-of-the-bucket",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def bucket(s3: str) -> str:
    name = f"bucket-{secrets.token_hex(6)}"
    urlopen(Request(f"{s3}/{name}", method="PUT")).close()  # noqa: S310 - our own server
    return f"s3://{name}/some/folder"
