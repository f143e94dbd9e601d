"""What a result depends on besides the data: recorded in each artefact (V-6)."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import deepmed

# Those whose version can change a figure.
LIBRARIES = (
    "faiss-cpu",
    "numpy",
    "pillow",
    "safetensors",
    "scikit-learn",
    "scipy",
    "skops",
    "torch",
    "transformers",
)


def provenance(seed: int, data_hash: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """All that determines a training: the caller's part and this process's environment."""
    return {
        "seed": seed,
        "data_hash": data_hash,
        "configuration": dict(configuration),
        **environment(),
    }


def environment() -> dict[str, Any]:
    """Code, libraries, threads and machine, as plain JSON."""
    return {
        "code": dict(_code()),
        "libraries": dict(_libraries()),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "threads": threads(),
    }


def threads() -> int:
    """How many threads computing takes; torch's own number where it is loaded."""
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() else os.cpu_count() or 1


@cache
def cpu_model() -> str:
    """The processor's name: floating-point results agree to the last bits on the same one only."""
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _code() -> dict[str, Any]:
    """The version and, in a checkout of our own, the commit and whether it was changed."""
    root = Path(deepmed.__file__).parents[2]
    # Not the commit of a repository that merely holds the virtual environment.
    checkout = (root / ".git").exists() and (root / "src" / "deepmed").is_dir()
    commit = _git(root, "rev-parse", "HEAD") if checkout else None
    changed = _git(root, "status", "--porcelain", "--", "src") if commit else None
    return {
        "version": deepmed.__version__,
        "commit": commit,
        "changed": None if changed is None else bool(changed),
    }


def _git(root: Path, *arguments: str) -> str | None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - the user's own git
            cwd=root,
            env=clean,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
