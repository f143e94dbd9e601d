"""Each name of the class diagram, the guide and the contract can be imported, methods and all."""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import make_vocabulary
from make_vocabulary import ROOT, Word, vocabulary

WORDS = vocabulary()


def public(kind: Any) -> set[str]:
    """Methods, properties, and fields that only their class knows of."""
    fields = {name for base in kind.__mro__ for name in vars(base).get("__annotations__", ())}
    return set(dir(kind)) | fields


@pytest.mark.parametrize("word", WORDS, ids=lambda word: f"{word.module}.{word.name}")
def test_a_name_is_there_with_its_methods(word: Word) -> None:
    found = getattr(import_module(word.module), word.name)
    assert isinstance(found, type)
    assert set(word.methods) <= public(found)
    aliased = "another name of" in word.remark
    assert aliased or (found.__module__, found.__name__) == (word.module, word.name)


def test_the_seeds_names_are_all_in_the_table() -> None:
    names = {word.name for word in WORDS}
    assert len(WORDS) == 199
    for name in (
        "ModelManager",
        "EmbeddingPipeline",
        "SageMakerTrainingService",
        "LitResNetEnhanced",
    ):
        assert name in names


def test_the_page_is_that_of_the_table() -> None:
    assert make_vocabulary.main(["--check"]) == 0


def test_a_stale_page_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "vocabulary.toml", tmp_path / "docs")
    assert make_vocabulary.main(["--check"], tmp_path) == 1
    assert "stale" in capsys.readouterr().err
    assert make_vocabulary.main([], tmp_path) == 0
    assert make_vocabulary.main(["--check"], tmp_path) == 0
    written = (tmp_path / "docs" / "vocabulary.md").read_text(encoding="utf-8")
    assert written.count("\n| `") == len(WORDS)


def test_a_missing_method_would_be_seen() -> None:
    class Small:
        field: int

        def method(self) -> None: ...

    assert {"field", "method"} <= public(Small)
    assert "other" not in public(Small)
