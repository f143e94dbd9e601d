import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from deepmed.cli.output import Output, cell, plain, printable


@dataclass(frozen=True)
class Point:
    x: float
    where: Path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_programs_get_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.say("for people")
    out.table(["a"], [(1,)])
    with out.progress("work", total=3) as progress:
        progress(1, 3)
        progress.advance()
        progress.note("on the way")
    out.note("a remark")
    out.finish({"count": 1})
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"count": 1}
    assert printed.err == "on the way\na remark\n"


def test_people_get_text_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.say("Zwölf drawings.")
    out.table(["Group", "Children"], [("3-6", 12), ("[red]6-9[/red]", None)], title="Ages")
    out.table(["Nothing"], [])
    out.finish({"count": 1})
    printed = capsys.readouterr().out
    for word in ("Zwölf drawings.", "Ages", "Group", "12", "[red]6-9[/red]", "-"):
        assert word in printed
    assert "Nothing" not in printed
    assert "count" not in printed


def test_a_long_cell_is_not_cut_where_no_terminal_is_attached(
    capsys: pytest.CaptureFixture[str],
) -> None:
    digest = "0123456789abcdef" * 4
    Output().table(["File", "Bytes", "SHA-256"], [("model.safetensors", 123, digest)])
    assert digest in capsys.readouterr().out


def test_a_files_name_cannot_fool_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b[2Kb\r\u202egnp.png"
    Output().table(["Name"], [(evil,)])
    Output().say(evil)
    Output().note(evil)
    printed = capsys.readouterr()
    for sign in ("\x1b", "\r", "\u202e"):
        assert sign not in printed.out + printed.err
    assert printable("Ärger\n\tok") == "Ärger\n\tok"


def test_a_bar_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        monkeypatch.setattr(sys, "stderr", stream)
        with Output().progress("Embedding", total=2) as progress:
            progress(1)
            progress(2, 2)
            progress.advance(0)
            progress.note("A remark.")
    assert "Embedding" in terminal.getvalue()
    assert "A remark.\n" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
    assert pipe.getvalue() == "A remark.\n"


def test_everything_we_compute_has_a_form_in_json() -> None:
    value = {
        "point": Point(1.5, Path("a/b")),
        "array": np.array([1.0, np.nan]),
        "scalar": np.float32(0.5),
        "count": np.int64(3),
        "flag": np.bool_(True),
        "moment": datetime(2026, 1, 2, tzinfo=UTC),
        "set": {3, 1, 2},
        "tuple": (None, True, "x"),
        "infinite": float("inf"),
        5: "key",
    }
    assert plain(value) == {
        "point": {"x": 1.5, "where": "a/b"},
        "array": [1.0, None],
        "scalar": 0.5,
        "count": 3,
        "flag": True,
        "moment": "2026-01-02T00:00:00+00:00",
        "set": [1, 2, 3],
        "tuple": [None, True, "x"],
        "infinite": None,
        "5": "key",
    }
    with pytest.raises(TypeError, match="object"):
        plain({"x": object()})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (0.123456, "0.1235"),
        (float("nan"), "-"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02 03:04:05+00:00"),
        ("text", "text"),
    ],
)
def test_a_cell_reads_as_people_write(value: object, text: str) -> None:
    assert cell(value) == text
