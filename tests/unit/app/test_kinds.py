import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.app import kinds
from deepmed.app.kinds import job_kinds
from deepmed.core.jobs.kinds import JobKind
from deepmed.kit.errors import ConfigurationError
from factories import job_kinds as plug_in


def test_slices_bring_their_kinds() -> None:
    assert {"drawings.train", "backups.create"} <= job_kinds().keys()
    assert all(name == kind.name for name, kind in job_kinds().items())


def test_an_installed_package_brings_kinds_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "test.add" not in job_kinds()
    plug_in.install(tmp_path / "plug-in", monkeypatch)
    assert job_kinds()["test.add"].name == "test.add"


def _one_feature(area: str) -> Iterator[JobKind]:
    yield from [plug_in.BY_NAME["test.add"]] if area == "features" else []


def test_two_kinds_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in.install(tmp_path / "plug-in", monkeypatch)
    monkeypatch.setattr(kinds, "_of_slices", _one_feature)
    with pytest.raises(ConfigurationError, match=r"'test\.add'"):
        job_kinds()


def test_who_names_them_waits_for_no_library_that_only_running_them_needs() -> None:
    """Every process that works on jobs names them first; with these it took half as long again."""
    program = (
        "import sys; from deepmed.app import open_home; from deepmed.app.kinds import job_kinds\n"
        "assert job_kinds(); print(*({'numpy', 'PIL', 'torch', 'fastapi'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
