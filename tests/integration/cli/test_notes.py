"""annotate, annotations and export-explanation beyond what the numbers' tests ask of them."""

import json
from pathlib import Path

import pytest

from deepmed.cli.entry import main
from factories import encoder

pytestmark = pytest.mark.req("D-20.1")


@pytest.fixture(autouse=True)
def _environment(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPMED_ENCODER", encoder.NAME)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["drawings", *arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_note_is_written_changed_and_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    made = answer(capsys, "annotate", "1", "A note", "--type", "Question", "--signed", "Kim")
    assert (made["region_id"], made["author"], made["user_id"]) == ("drawing", "local", "Kim")
    uid = str(made["annotation_id"])
    changed = answer(capsys, "annotate", "1", "Another", "--change", uid)
    assert (changed["annotation_text"], changed["annotation_type"]) == ("Another", "question")
    assert changed["version"] == 2
    answer(capsys, "annotate", "1", "--delete", uid)
    assert answer(capsys, "annotations", "1")["annotations"] == []
    kept = answer(capsys, "annotations", "1", "--deleted")["annotations"]
    assert isinstance(kept, list)
    assert [one["annotation_id"] for one in kept] == [uid]


@pytest.mark.parametrize(
    "arguments",
    [
        ("annotate", "1"),
        ("annotate", "1", " "),
        ("annotate", "1", "x" * 501),
        ("annotate", "1", "A note", "--type", "rumour"),
        ("export-explanation", "1", "--out", "file.docx"),
        ("export-explanation", "1", "--out", "file"),
        ("export-explanation", "1", "--out", "a.pdf", "--page-size", "A0"),
    ],
)
def test_what_cannot_be(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], tmp_path: Path
) -> None:
    assert main(["drawings", *arguments]) == 2
    assert "Invalid value" in capsys.readouterr().err


def test_the_format_is_the_endings_or_another(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "one.csv"
    assert answer(capsys, "export-explanation", "1", "--out", str(file))["format"] == "csv"
    assert file.read_text(encoding="utf-8").startswith("analysis_id")
    other = tmp_path / "one.dat"
    form = ("--format", "html", "--simplified", "--no-comparisons")
    answer(capsys, "export-explanation", "1", "--out", str(other), *form)
    assert other.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_texts_for_parents_are_refused_unless_switched_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wanted = ("--out", str(tmp_path / "a.html"), "--role", "parent")
    assert main(["drawings", "export-explanation", "1", *wanted]) == 1
    assert "switched off" in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()
