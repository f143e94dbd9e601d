import subprocess
from pathlib import Path
from typing import Any

import pytest

import deepmed
from deepmed.app.bench.platform.setting_up import set_up
from deepmed.kit.errors import ConfigurationError, ResourceError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(deepmed, "__file__", str(tmp_path / "src" / "deepmed" / "__init__.py"))
    return tmp_path


def test_the_lock_is_installed_into_a_place_of_its_own(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "Makefile").write_text("setup:\n\t@echo $(VENV) $$PIP_NO_CACHE_DIR > told\n")
    assert set_up().passed
    place, no_cache = (checkout / "told").read_text().split()
    assert not Path(place).is_relative_to(checkout)
    assert no_cache == "1"


def test_a_set_up_that_fails_is_no_figure(checkout: Path) -> None:
    (checkout / "Makefile").write_text("setup:\n\t@echo no network >&2; exit 1\n")
    with pytest.raises(ResourceError, match="no network"):
        set_up()


def test_without_a_lock_nothing_is_measured(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(subprocess, "run", never)
    with pytest.raises(ConfigurationError, match="--setup"):
        set_up()
