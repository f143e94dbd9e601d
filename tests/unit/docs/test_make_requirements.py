from pathlib import Path

import pytest

import make_requirements

REQUIREMENTS = """
[areas]
D = "Drawings"
X = "X-rays"

[D-1]
title = "Pictures"
sentences = ["files", { text = "archives", later = "the network" }]

[D-2]
title = "Words"
sentences = ["neutral"]

[X-1]
title = "Archives"
count = 2
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs" / "requirements.toml").write_text(REQUIREMENTS, encoding="utf-8")
    return tmp_path


def mark(root: Path, *sentences: str) -> None:
    tests = [
        f'@pytest.mark.req("{sentence}")\ndef test_{number}(): ...\n'
        for number, sentence in enumerate(sentences)
    ]
    (root / "tests" / "test_it.py").write_text("\n".join(tests), encoding="utf-8")


def row(root: Path, name: str) -> str:
    lines = make_requirements.page(root).splitlines()
    return next(line for line in lines if line.startswith((f"| {name} |", f"| **{name}**")))


def test_a_sentence_is_proven_by_a_test_and_links_to_it(root: Path) -> None:
    mark(root, "D-2.1")
    assert row(root, "D-2.1") == "| D-2.1 | neutral | proven | [test_0](../tests/test_it.py) |"
    assert row(root, "D-2") == "| **D-2** | **Words** | proven | |"
    assert "| Drawings (D) | 1 | 0 | 1 |" in make_requirements.page(root)


def test_a_requirement_is_partly_proven_and_says_what_is_missing(root: Path) -> None:
    mark(root, "D-1.2", "X-1.2")
    assert "| partly; open: D-1.1 |" in row(root, "D-1")
    assert "| partly; open: X-1.1 |" in row(root, "X-1")


def test_what_is_not_built_yet_keeps_a_tested_sentence_from_being_proven(root: Path) -> None:
    mark(root, "D-1.1", "D-1.2")
    assert "archives *(not built yet: the network)* | partly |" in row(root, "D-1.2")
    assert "| partly |" in row(root, "D-1")


def test_without_a_test_everything_is_open(root: Path) -> None:
    page = make_requirements.page(root)
    assert "| **all** | 0 | 0 | 3 |" in page
    assert "| D-1.1 | files | open |  |" in page
    assert "X-1.1" not in page


def test_check_fails_until_the_page_is_written_anew(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_requirements.main(["--check"], root) == 1
    assert make_requirements.main([], root) == 0
    assert make_requirements.main(["--check"], root) == 0
    mark(root, "D-1.1")
    assert make_requirements.main(["--check"], root) == 1
    assert "make docs" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["D-1.3", "D-9.1", "D-1", "X-1.3"])
def test_a_mark_with_an_unknown_sentence_fails(
    root: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(root, name)
    assert make_requirements.main([], root) == 1
    assert f"test_0 names {name}, which does not exist" in capsys.readouterr().err
    assert not (root / "docs" / "requirements.md").exists()
