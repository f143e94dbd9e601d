from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from deepmed.kit.errors import ValidationError
from deepmed.kit.safe_config import load_yaml


class Kind(StrEnum):
    ADAM = "adam"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    width: int = 1


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = "x"
    rate: float = 0.1
    kind: Kind = Kind.ADAM
    layers: tuple[int, ...] = ()
    inner: Inner = Inner()


@pytest.mark.req("S-26.1")
def test_plain_data_is_read() -> None:
    text = "name: run\nrate: 1\nkind: adam\nlayers: [8, 4]\ninner: {width: 3}\n"
    assert load_yaml(text, Config) == Config(
        name="run", rate=1.0, kind=Kind.ADAM, layers=(8, 4), inner=Inner(width=3)
    )


@pytest.mark.req("S-26.1")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("_target_: os.system\n", "underscore"),
        ("inner:\n  _partial_: true\n", "line 2.*underscore"),
        ("name: a\nlayers:\n- {_x: 1}\n", "line 3.*underscore"),
        ("name: ${oc.env:HOME}\n", r"\$\{"),
        ("layers: [1, '${x}']\n", r"\$\{"),
        ("${x}: 1\n", r"\$\{"),
        ("name: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
        ("name: !!python/name:os.system\n", "not valid YAML"),
        ("name: &a x\nkind: *a\n", "alias"),
        ("inner: &a {width: 1}\nother:\n  <<: *a\n", "alias"),
        ("name: a\nname: b\n", "twice"),
        ("? [1, 2]\n: 3\n", "key must be text"),
        ("name: [1\n", "not valid YAML"),
        ("name: a\n---\nname: b\n", "not valid YAML"),
        ("[" * 100_000, "nesting"),
        ("name: " + "x" * (1 << 20), "1 MiB"),
        ("unknown: 1\n", "unknown"),
        ("rate: '0.1'\n", "rate"),
        ("name: 5\n", "name"),
        ("inner: {width: 1.5}\n", r"inner\.width"),
        ("kind: sgd\n", "kind"),
        ("just text", "the file"),
        ("", "the file"),
    ],
)
def test_everything_else_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        load_yaml(text, Config)


@pytest.mark.req("S-26.1")
def test_a_model_that_takes_unknown_keys_is_never_used() -> None:
    class Loose(BaseModel):
        name: str = ""

    with pytest.raises(TypeError, match="forbid"):
        load_yaml("name: x", Loose)


@pytest.mark.req("S-26.1")
def test_nothing_was_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    text = f"name: !!python/object/apply:os.mkdir ['{witness}']"
    with pytest.raises(ValidationError):
        load_yaml(text, Config)
    assert not witness.exists()
