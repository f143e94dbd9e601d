import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import deepmed
from deepmed.core.registry import provenance as module
from deepmed.core.registry.provenance import cpu_model, environment, provenance


@pytest.mark.req("V-6.1")
@pytest.mark.req("P-13.1")
def test_seed_data_and_configuration_are_the_callers_own() -> None:
    found = provenance(11, "hash", {"epochs": 3})
    assert (found["seed"], found["data_hash"]) == (11, "hash")
    assert found["configuration"] == {"epochs": 3}


@pytest.mark.req("V-6.1")
def test_libraries_python_and_machine_are_those_that_run() -> None:
    found = environment()
    assert found["libraries"]["numpy"] == version("numpy")
    assert found["libraries"]["torch"] == version("torch")
    assert found["python"] == platform.python_version()
    assert found["code"]["version"] == deepmed.__version__


@pytest.mark.req("V-6.1")
def test_the_processor_is_named_as_the_system_names_it() -> None:
    if not Path("/proc/cpuinfo").exists():
        assert cpu_model()
        return
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    assert cpu_model() in (names or {platform.processor(), platform.machine()})


@pytest.mark.req("V-6.1")
def test_threads_are_torchs_own_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys; from deepmed.core.registry.provenance import threads; before = threads();"
        "assert 'torch' not in sys.modules; import torch; torch.set_num_threads(2);"
        "print(before, threads())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["3", "2"]
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert module.threads() == os.cpu_count()


@pytest.mark.req("V-6.1")
def test_the_commit_is_our_checkouts_and_says_when_it_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "deepmed" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(deepmed, "__file__", str(package))
    look = module._code.__wrapped__

    assert look() == {"version": deepmed.__version__, "commit": None, "changed": None}
    identity = ["-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)  # noqa: S607 - the developer's own git
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=tmp_path, text=True).strip()  # noqa: S607 - likewise
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert look() == {"version": deepmed.__version__, "commit": head, "changed": False}
    package.write_text("x = 2\n", encoding="utf-8")
    assert look()["changed"] is True


def test_without_git_the_version_must_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module._git(tmp_path, "rev-parse", "HEAD") is None


def test_a_library_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIBRARIES", ("numpy", "no-such-library"))
    assert set(module._libraries.__wrapped__()) == {"numpy"}
