"""The set-up from the lock: how long it takes, and that what it leaves out is not needed.

`make` writes down how long it took to set these tests' own environment up, which has all that
`make setup` installs and more. Where that was not told a real one is made in an empty folder.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import require_all

ROOT = Path(__file__).parents[2]
TOLD = Path(sys.prefix) / ".seconds"
LONGEST_SECONDS = 180
TOOLS = {"pip", "setuptools", "_distutils_hack", "pkg_resources"}
WITHOUT = """
import sys

missing = set(sys.argv[1:])

class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from importlib import import_module
from deepmed.cli.groups import COMMANDS
from deepmed.cli.entry import main
for entry in COMMANDS.values():
    import_module(entry.module)
import_module("deepmed.app.server")
import_module("deepmed.features.drawings.models.training")
sys.exit(main(["--version"]))
"""


def copy_of_the_sources(folder: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src")
    return folder


def told_seconds() -> float:
    """Computing time of the commands that made this environment, as a shell's `times` tells it."""
    last = TOLD.read_text(encoding="ascii").splitlines()[-1]
    found = re.findall(r"(\d+)m([\d.]+)s", last)
    assert len(found) == 2, last
    return sum(60 * int(minutes) + float(seconds) for minutes, seconds in found)


def seconds_of_a_new_one(clone: Path) -> float:
    # A make that runs the tests must not pass its own state on.
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH"}
    environment = {key: value for key, value in os.environ.items() if key not in outer}
    before = _seconds_of_children()
    done = subprocess.run(
        ["make", "setup"],  # noqa: S607 - the make that runs these tests
        cwd=copy_of_the_sources(clone),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(clone / ".venv", ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return _seconds_of_children() - before


def _seconds_of_children() -> float:
    """Computing time, which unlike the clock does not depend on what else the machine does."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@pytest.mark.req("P-1.2")
@pytest.mark.skipif(
    not (TOLD.exists() or require_all.required()),
    reason="the timed set-up from the lock runs where DEEPMED_REQUIRE_ALL=1",
)
def test_set_up_from_the_lock_takes_less_than_three_minutes(tmp_path: Path) -> None:
    seconds = told_seconds() if TOLD.exists() else seconds_of_a_new_one(tmp_path)
    assert 1 < seconds < LONGEST_SECONDS


def needed(extra: str = "") -> set[str]:
    """Distributions that the product needs, with those that they need."""
    found: set[tuple[str, frozenset[str]]] = set()
    todo = [("deepmed", frozenset({extra}))]
    while todo:
        name, extras = todo.pop()
        if (name, extras) in found:
            continue
        found.add((name, extras))
        for text in _requirements(name):
            one = Requirement(text)
            if one.marker is None or any(one.marker.evaluate({"extra": each}) for each in extras):
                todo.append((one.name, frozenset(one.extras | {""})))
    return {_plain(name) for name, _ in found}


def _requirements(name: str) -> list[str]:
    try:
        return metadata.distribution(name).requires or []
    except metadata.PackageNotFoundError:
        return []


def modules_of(distribution: str) -> set[str]:
    files = metadata.distribution(distribution).files or []
    return {file.parts[0].removesuffix(".py") for file in files}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.req("P-1.1")
def test_the_product_starts_without_what_only_tests_and_extras_install() -> None:
    base = needed()
    assert {"torch", "fastapi", "numpy", "sqlalchemy"} <= base
    others = {_plain(one.name): one for one in metadata.distributions()}.keys() - base
    missing = {module for name in others for module in modules_of(name)} - TOOLS
    assert {"pytest", "moto", "psycopg", "boto3", "onnx"} <= missing
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *sorted(missing)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("deepmed, version")
