"""`deepmed backup …` as people and programs use it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.core.backups.sealing import is_sealed_file
from factories.launching import Command, fork_children

PASSPHRASE = "correct horse battery"  # noqa: S105 - of these tests


@pytest.fixture
def ask(home: Path, _migrated: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert main(["backup", *arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return call


@pytest.mark.req("D-21.1")
def test_the_whole_way(ask: Any, home: Path) -> None:
    made = ask("create")
    assert Path(made["path"]).is_relative_to(home / "backups")
    assert [one["name"] for one in ask("list")["backups"]] == [made["name"]]
    assert ask("verify", made["name"])["rows"] == made["rows"]
    assert ask("verify", made["path"])["rows"] == made["rows"]
    refused = ask("restore", made["name"], code=1)
    assert refused["code"] == "validation"
    done = ask("restore", made["name"], "--yes")
    assert done["restored"] == made["name"]
    assert ask("delete", done["safety_backup"])["name"] == done["safety_backup"]
    assert ask("cleanup") == {"deleted": []}
    assert ask("delete", "full_backup_20200101_000000", code=1)["code"] == "not_found"


def test_people_read_sentences(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["list"], ["create", "--database-only"], ["schedule"], ["schedule", "6"]):
        assert main(["backup", *arguments]) == 0
    (name,) = [path.name for path in (home / "backups").glob("db_backup_*")]
    assert main(["backup", "verify", name]) == 0
    printed = capsys.readouterr()
    assert "There are no backups yet." in printed.out
    assert "No backups are made by the clock." in printed.out
    assert "Everything is backed up every 6 hours" in printed.out
    assert "All of it is as it was signed: 2 rows" in printed.out
    assert "not encrypted, so the key that signs models was left out" in printed.err


@pytest.mark.req("D-21.1", "S-10.1")
def test_a_passphrase_from_a_file_or_the_environment(
    ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    made = ask("create", "--key-file", str(key))
    assert made["encrypted"]
    assert is_sealed_file(Path(made["path"]))
    assert ask("verify", made["name"], "--key-file", str(key))["lost_files"] == 0
    key.write_text("short", encoding="utf-8")
    assert ask("create", "--key-file", str(key), code=1)["code"] == "configuration"
    from deepmed.kit import settings

    monkeypatch.setenv("DEEPMED_BACKUP_PASSPHRASE", PASSPHRASE)
    settings.current.cache_clear()
    assert ask("verify", made["name"])["tables"] > 10
    monkeypatch.setenv("DEEPMED_BACKUP_PASSPHRASE", "another passphrase")
    settings.current.cache_clear()
    assert ask("verify", made["name"], code=1)["code"] == "backup_passphrase"


@pytest.mark.req("S-10.1")
def test_a_passphrase_is_asked_for_and_shown_nowhere(home: Path) -> None:
    def run(given: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return Command("backup", *arguments, given=given, DEEPMED_LOG_LEVEL="debug").ended()

    twice = f"{PASSPHRASE}\n{PASSPHRASE}\n"
    made = run(twice, "create", "--encrypt")
    assert made.returncode == 0, made.stderr
    (name,) = [path.name for path in (home / "backups").glob("*.enc")]
    assert run(f"{PASSPHRASE}\n", "verify", name).returncode == 0
    wrong = run("not the passphrase\n", "verify", name)
    assert wrong.returncode == 1
    assert "does not open this backup" in wrong.stderr
    too_short = run("x\nx\n", "create", "--encrypt")
    assert "at least 8 characters" in too_short.stderr
    said = made.stdout + made.stderr + wrong.stdout + wrong.stderr
    assert PASSPHRASE not in said
    assert "not the passphrase" not in said


def test_a_passphrase_is_no_argument() -> None:
    assert main(["backup", "create", "--passphrase", PASSPHRASE]) == 2


@pytest.mark.req("D-21.1")
def test_in_the_background_it_is_a_job(
    ask: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_children(monkeypatch)
    job = ask("create", "--background")["job_id"]
    assert ask("create", "--background", "--encrypt", code=1)["code"] == "validation"
    assert main(["job", "run", str(job), "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["state"] == "succeeded"
    assert [one["name"] for one in ask("list")["backups"]] == [done["result"]["backup_name"]]


@pytest.mark.req("O-7.1")
def test_a_lost_machine_comes_back(
    ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(PASSPHRASE, encoding="utf-8")
    made = ask("create", "--key-file", str(key))
    plain = ask("create")
    signer = home / "keys" / "signing.pub"
    from deepmed.kit import settings

    monkeypatch.setenv("DEEPMED_HOME", str(tmp_path / "new"))
    settings.current.cache_clear()
    assert ask("restore", plain["path"], "--yes", code=1)["code"] == "backup_refused"
    done = ask("restore", plain["path"], "--yes", "--signed-by", str(signer))
    assert done["kind"] == "full"
    done = ask("restore", made["path"], "--yes", "--keys", "--key-file", str(key))
    assert (tmp_path / "new" / "keys" / "signing.pub").read_bytes() == signer.read_bytes()
    assert ask("verify", plain["path"])["lost_files"] == 0


@pytest.mark.req("O-7.1")
def test_the_drill_by_one_command(ask: Any) -> None:
    found = ask("drill")
    assert found["ok"]
    assert (found["writes_lost"], found["differences"]) == (0, [])
    assert {"recovery_seconds", "recovery_point_seconds"} <= found.keys()


def test_the_schedule_is_shown_set_and_ended(ask: Any) -> None:
    assert ask("schedule")["interval_hours"] is None
    assert ask("schedule", "12", "--database-only")["include_files"] is False
    assert ask("schedule")["interval_hours"] == 12
    assert ask("schedule", "0")["next_at"] is None


def test_databases_are_compared(
    ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from deepmed.kit import settings
    from deepmed.kit.database import migration, open_database

    assert main(["db", "compare", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "validation"
    url = f"sqlite:///{tmp_path / 'other.db'}"
    other = open_database(url)
    migration.upgrade(other, "0003")
    other.close()
    monkeypatch.setenv("DEEPMED_OTHER_DATABASE_URL", url)
    settings.current.cache_clear()
    assert main(["db", "compare"]) == 1
    assert "Only this one has the table backup_schedules." in capsys.readouterr().out
