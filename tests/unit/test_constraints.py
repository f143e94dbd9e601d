"""constraints.txt is what the product and its checks really need, no more and no less."""

import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def asked_for() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    return [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(line for extra in extras.values() for line in extra),
    ]


def needed() -> dict[str, str]:
    """Everything installed that our own requirements lead to, by name and version."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(line) for line in asked_for()]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (asked := (name, frozenset(requirement.extras))) not in seen:
            seen.add(asked)  # a package may be asked for again, with an extra
            distribution = importlib.metadata.distribution(name)
            found[name] = distribution.version.partition("+")[0]
            waiting.extend(_children(distribution, requirement))
    found.pop("deepmed", None)  # the dev extra asks for our own others
    return found


def _children(
    distribution: importlib.metadata.Distribution, parent: Requirement
) -> Iterator[Requirement]:
    for line in distribution.requires or []:
        child = Requirement(line)
        extras = {"", *parent.extras}
        if child.marker is None or any(child.marker.evaluate({"extra": one}) for one in extras):
            yield child


def test_the_lock_is_the_closure_of_what_is_asked_for() -> None:
    assert pinned() == needed()


def test_torch_is_pinned_to_one_version_that_suits_every_machine() -> None:
    assert "torch==2.13.0" in asked_for()
    assert pinned()["torch"] == "2.13.0"


def test_the_lock_names_versions_only() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not any(word in text for word in ("://", "--", "@", "+"))
