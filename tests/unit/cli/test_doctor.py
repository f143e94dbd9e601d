import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deepmed.app import open_home
from deepmed.cli.entry import main
from deepmed.cli.examination import examine, resolved_settings
from deepmed.kit.logging import MASK
from deepmed.kit.settings import Settings, current, load

CANARY = "canary-41d8"


def ask(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["doctor", "--json"])
    return code, json.loads(capsys.readouterr().out)


def state(name: str, **overrides: Any) -> str:
    return next(item.state for item in examine(load(**overrides)) if item.name == name)


@pytest.mark.req("P-2.1")
def test_every_setting_is_shown_with_its_source(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "deepmed.toml").write_text("seed = 5\n", encoding="utf-8")
    monkeypatch.setenv("DEEPMED_THREADS", "2")
    code, answer = ask(capsys)
    assert code == 0
    shown = {item["variable"]: item for item in answer["settings"]}
    assert shown.keys() == {f"DEEPMED_{name.upper()}" for name in Settings.model_fields}
    assert all(item["meaning"] for item in shown.values())
    sources = {name: (item["value"], item["source"]) for name, item in shown.items()}
    assert sources["DEEPMED_SEED"] == ("5", "file")
    assert sources["DEEPMED_THREADS"] == ("2", "environment")
    assert sources["DEEPMED_ENCODER"] == ("hog-pyramid", "default")
    assert sources["DEEPMED_DATABASE_URL"] == (f"sqlite:///{home}/deepmed.db", "default")


@pytest.mark.req("P-2.1")
def test_no_secret_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPMED_SECRET_KEY", CANARY)
    monkeypatch.setenv("DEEPMED_DATABASE_URL", f"postgresql://ann:{CANARY}@127.0.0.1:1/x")
    monkeypatch.setenv("DEEPMED_STORAGE_URL", f"memory:///?secret_access_key={CANARY}")
    shown = {item.variable: item.value for item in resolved_settings(current())}
    assert shown["DEEPMED_SECRET_KEY"] == MASK
    assert shown["DEEPMED_DATABASE_URL"] == "postgresql://ann:***@127.0.0.1:1/x"
    assert main(["doctor"]) == 1
    assert main(["doctor", "--json"]) == 1
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err


@pytest.mark.req("P-2.1")
def test_a_wrong_setting_stops_it_with_name_and_fix(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPMED_THREADS", "lots")
    assert main(["doctor"]) == 1
    assert "DEEPMED_THREADS" in capsys.readouterr().err


def test_it_makes_nothing(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPMED_HOME", str(tmp_path / "not" / "yet"))
    current.cache_clear()
    assert main(["doctor"]) == 0
    assert not (tmp_path / "not").exists()


def test_a_healthy_home_is_healthy(home: Path) -> None:
    with open_home() as opened:
        assert opened.registry.keys.fingerprint
        assert opened.storage
    assert {item.name: item.state for item in examine(current())} == {
        "environment": "ok",
        "data folder": "ok",
        "free space": "ok",
        "database": "ok",
        "file store": "ok",
        "signing key": "ok",
        "device": "ok",
        "privacy": "ok",
    }


def test_each_thing_that_is_wrong_is_found(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_home() as opened:
        assert opened.registry
        with opened.database.write() as session:
            session.connection().exec_driver_sql("DROP TABLE dataset_items")
    assert state("database") == "failed"
    (home / "keys" / "signing.key").chmod(0o644)
    assert state("signing key") == "failed"
    home.chmod(0o755)
    assert state("data folder") == "warning"
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert state("data folder", home=blocked) == "failed"
    assert state("file store", storage_url="nonsense://x") == "failed"
    assert state("device", device="cuda" if not _has_cuda() else "mps") == "failed"
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert state("privacy") == "warning"
    monkeypatch.setenv("DEEPMED_DATABSE_URL", "x")
    assert state("environment") == "warning"
    monkeypatch.setattr("deepmed.cli.examination.LEAST_FREE_BYTES", 1 << 80)
    assert state("free space") == "warning"


def _has_cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def test_a_home_that_cannot_be_made_is_found(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert state("data folder", home=tmp_path / "new") == "failed"


def test_it_runs_as_a_command_of_its_own(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deepmed.cli", "doctor"], capture_output=True, text=True, check=True
    )
    assert "DEEPMED_DATABASE_URL" in done.stdout
    assert str(home) in done.stdout
