import json

import pytest
import structlog

from deepmed.kit import logging
from deepmed.kit.logging import MASK, mask_secrets, mask_url

CANARY = "canary-7f3a"


@pytest.fixture(autouse=True)
def _reset() -> None:
    structlog.reset_defaults()


@pytest.mark.req("S-13.1")
@pytest.mark.parametrize(
    "event",
    [
        {"password": CANARY},
        {"user_password_hash": CANARY},
        {"Authorization": CANARY},
        {"api_key": CANARY},
        {"access_token": CANARY},
        {"settings": {"secret_key": CANARY, "seed": 1}},
        {"users": [{"name": "ann", "cookie": CANARY}]},
        {"url": f"postgresql://ann:{CANARY}@db/deepmed"},
        {"url": f"s3://bucket/folder?region=x&secret_access_key={CANARY}&more=1"},
        {"nested": {"urls": (f"redis://:{CANARY}@cache",)}},
        {"exception": f"could not connect to mysql://a:{CANARY}/p@ss@host/db"},
    ],
)
def test_no_secret_passes(event: dict[str, object]) -> None:
    assert CANARY not in repr(mask_secrets(None, "info", dict(event)))


def test_what_is_no_secret_stays() -> None:
    event = {
        "event": "import",
        "seed": 1,
        "url": "https://host:8080/a@b",
        "items": [1, {"name": "x"}],
    }
    kept = {**event, "url": "https://host:8080/a@b"}
    found = mask_secrets(None, "info", dict(event))
    assert found["seed"] == 1
    assert found["items"] == [1, {"name": "x"}]
    assert found["event"] == kept["event"]
    assert mask_url("see https://host/path?page=2") == "see https://host/path?page=2"


@pytest.mark.req("S-13.1")
def test_a_traceback_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("info")
    log = logging.get("test")
    try:
        raise ValueError(f"mysql://ann:{CANARY}@db/x")  # noqa: TRY301 - raised to be logged
    except ValueError:
        log.exception("failed", token=CANARY, where="here")
    printed = capsys.readouterr().err
    line = json.loads(printed)
    assert CANARY not in printed
    assert (line["event"], line["where"], line["token"]) == ("failed", "here", MASK)
    assert (line["level"], line["source"]) == ("error", "test")
    assert line["timestamp"].endswith("Z")


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("warning")
    logging.get("test").info("quiet")
    logging.get("test").warning("loud")
    assert json.loads(capsys.readouterr().err)["event"] == "loud"
