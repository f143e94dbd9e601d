import re
from pathlib import Path

import numpy as np
import pytest

from deepmed.app.access import ROLES
from deepmed.app.bench.load.material import IDS
from deepmed.app.bench.load.mix import FILE, Get, read_mix
from deepmed.kit.errors import ConfigurationError, ValidationError

ROOT = Path(__file__).parents[5]


def test_the_mix_that_comes_along_names_only_what_the_benchmark_knows() -> None:
    mix = read_mix(ROOT / FILE)
    assert {name for each in mix for name in each.names} <= {*IDS, "page", "age"}
    assert len({each.path for each in mix}) == len(mix)
    served = {_plain(route.removeprefix("GET ")) for route in ROLES if route.startswith("GET ")}
    asked = {_plain(each.path.partition("?")[0]) for each in mix}
    assert {path for path in asked - served if not path.startswith("/static/")} == set()


def _plain(path: str) -> str:
    """An address whatever its places are called."""
    return re.sub(r"\{\w+\}", "{}", path)


def test_what_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(ValidationError, match="asks for model, of which"):
        Get("/models/{model}", 1).filled({"model": []}, np.random.default_rng(0))


def test_names_are_read_in_paths_and_queries() -> None:
    assert Get("/drawings/{drawing}/x?page={page}", 1).names == ["drawing", "page"]


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "",
        "get = []",
        "get = 1",
        "[[get]]\npath = '/'",
        "[[get]]\npath = '/'\nweight = 0",
        "[[get]]\npath = '/'\nweight = 'much'",
    ],
)
def test_what_is_no_mix_is_told_before_anything_is_measured(tmp_path: Path, text: str) -> None:
    file = tmp_path / "load.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"no page mix.*Nothing was measured"):
        read_mix(file)


def test_a_missing_mix_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--mix"):
        read_mix(tmp_path / "none.toml")
