"""Temporary folders lie in memory where there is plenty, and never where somebody chose a place."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import memory_files


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory_files.VARIABLE, "")  # so that it is as before afterwards
    monkeypatch.delenv(memory_files.VARIABLE)
    monkeypatch.setattr(memory_files, "MEMORY", tmp_path)
    monkeypatch.setattr(memory_files, "ENOUGH_BYTES", 0)


def configured(basetemp: str | None = None) -> str | None:
    """The folder that pytest is told of."""
    config: Any = SimpleNamespace(option=SimpleNamespace(basetemp=basetemp))
    memory_files.pytest_configure(config)
    return os.environ.get(memory_files.VARIABLE)


def test_memory_is_taken_where_there_is_plenty(
    memory: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_files, "ENOUGH_BYTES", 2**62)
    assert configured() is None
    monkeypatch.setattr(memory_files, "ENOUGH_BYTES", 0)
    assert configured() == str(tmp_path)


def test_a_machine_without_such_a_folder_takes_the_systems(
    memory: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_files, "MEMORY", tmp_path / "nowhere")
    assert configured() is None


def test_a_chosen_place_is_kept(
    memory: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert configured("somewhere") is None
    monkeypatch.setenv(memory_files.VARIABLE, "elsewhere")
    assert configured() == "elsewhere"
