"""The servers of a test run: missed aloud where there are none, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
PATIENCE = 60

ASKS = """
def test_asks(database_server):
    database_server("mysql")

def test_needs_none():
    pass
"""
WITHOUT = """
import database_servers

def missing(name, folders, hint):
    raise database_servers.ServerMissingError(hint)

database_servers._program = missing
"""
WAITS = """
import time
from pathlib import Path

def test_waits(database_server):
    server = database_server("postgresql")
    Path("started").write_text(str(server.shared))
    time.sleep(600)
"""


def start(folder: Path, source: str, required: str = "") -> subprocess.Popen[str]:
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    plugins = [part for name in ("require_all", "databases") for part in ("-p", name)]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *plugins, "-p", "no:cacheprovider", "-q"],
        cwd=folder,
        env={
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS / 'plugins'}",
            "PATH": os.environ["PATH"],
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # installed ones take seconds to load
            "DEEPMED_REQUIRE_ALL": required,
        },
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.req("P-1.1")
@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_a_missing_server_is_one_loud_line_and_a_failure_where_all_is_required(
    tmp_path: Path, required: str, code: int
) -> None:
    (tmp_path / "conftest.py").write_text(WITHOUT, encoding="utf-8")
    running = start(tmp_path, ASKS, required)
    said, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == code, said
    if required:
        assert "allows no skip" in said
    else:
        assert said.count("NOT TESTED (1): Skipped: MariaDB is not here") == 1
        assert "1 passed, 1 skipped" in said


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_takes_its_server_along(tmp_path: Path, end: signal.Signals) -> None:
    running = start(tmp_path, WAITS)
    limit = time.monotonic() + PATIENCE
    while not (tmp_path / "started").exists() and running.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.05)
    if running.poll() is not None:
        pytest.skip(f"PostgreSQL did not start: {running.communicate()[0][-300:]}")
    shared = Path((tmp_path / "started").read_text(encoding="utf-8"))
    keeper = int((shared / "postgresql.keeper").read_text(encoding="ascii"))
    server = int((shared / "postgresql/data/postmaster.pid").read_text("utf-8").split()[0])
    running.send_signal(end)
    running.communicate(timeout=PATIENCE)
    while not (gone(keeper) and gone(server)):
        assert time.monotonic() < limit
        time.sleep(0.05)
    while shared.exists():
        assert time.monotonic() < limit
        time.sleep(0.05)
