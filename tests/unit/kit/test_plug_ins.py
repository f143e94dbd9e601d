"""Plug-ins are found where they are, and looked for once."""

from importlib import metadata
from pathlib import Path

import pytest

from deepmed.kit.plug_ins import entry_points

GROUP = "deepmed.tested"


def offer(folder: Path, name: str) -> None:
    described = folder / f"{name}-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (described / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = json:loads\n")


def test_a_package_that_comes_onto_the_module_path_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not entry_points(GROUP)
    for name in ("first", "second"):
        offer(tmp_path / name, name)
        monkeypatch.syspath_prepend(tmp_path / name)
    assert entry_points(GROUP).names == {"first", "second"}
    monkeypatch.undo()
    assert not entry_points(GROUP)


def test_packages_are_not_read_again_for_each_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    entry_points(GROUP)
    monkeypatch.delattr(metadata, "entry_points")
    assert not entry_points(GROUP)
