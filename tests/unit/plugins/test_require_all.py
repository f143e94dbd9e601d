import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"

SKIPPING = """
import pytest

def test_runs():
    pass

def test_skips():
    pytest.skip("no browser")

@pytest.mark.xfail(reason="known")
def test_expected_to_fail():
    assert False
"""


def run(folder: Path, source: str, required: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "require_all", "-p", "no:cacheprovider", "-q"],
        cwd=folder,
        env={
            "PYTHONPATH": str(PLUGINS),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # installed ones take seconds to load
            "DEEPMED_REQUIRE_ALL": required,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.req("P-1.1")
def test_a_skip_is_one_loud_line_on_a_machine_that_lacks_something(tmp_path: Path) -> None:
    done = run(tmp_path, SKIPPING, "")
    assert done.returncode == 0, done.stdout
    assert "NOT TESTED (1): Skipped: no browser" in done.stdout
    assert "1 passed, 1 skipped, 1 xfailed" in done.stdout


@pytest.mark.req("P-1.1")
def test_a_skip_fails_where_everything_is_required(tmp_path: Path) -> None:
    done = run(tmp_path, SKIPPING, "1")
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed, 1 xfailed" in done.stdout
    assert "allows no skip: Skipped: no browser" in done.stdout


@pytest.mark.req("P-1.1")
def test_a_skipped_module_fails_where_everything_is_required(tmp_path: Path) -> None:
    done = run(tmp_path, "import pytest\npytest.importorskip('no_such_module')\n", "1")
    assert done.returncode != 0, done.stdout
    assert "allows no skip" in done.stdout
