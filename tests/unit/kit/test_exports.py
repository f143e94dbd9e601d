import csv
from pathlib import Path

import numpy as np
import pytest

from deepmed.kit.errors import StorageError
from deepmed.kit.exports import neutralise, write_csv


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.req("S-27.1")
@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1+1", "＝1", '=HYPERLINK("x")'],  # noqa: RUF001 - the full-width sign is the test
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path, text: str) -> None:
    write_csv([{"name": text, text: "value"}], tmp_path / "t.csv")
    header, row = read(tmp_path / "t.csv")
    assert (header[1], row[0]) == ("'" + text, "'" + text)


@pytest.mark.req("S-27.1")
@pytest.mark.parametrize(
    "text", ["crayon", "a=b", "1-2", "mädchen", "", "x@y.org", "ice cream, red"]
)
def test_other_text_stays_as_it_is(tmp_path: Path, text: str) -> None:
    assert neutralise(text) == text
    write_csv([{"name": text, "other": 1}], tmp_path / "t.csv")
    assert read(tmp_path / "t.csv")[1] == [text, "1"]


def test_numbers_stay_numbers_and_nothing_is_an_empty_cell(tmp_path: Path) -> None:
    row = {"a": -5, "b": -0.25, "c": np.float32(-1.5), "d": True, "e": None, "f": float("nan")}
    write_csv([row | {"g": np.float32("nan")}], tmp_path / "t.csv")
    assert read(tmp_path / "t.csv")[1] == ["-5", "-0.25", "-1.5", "True", "", "", ""]


def test_columns_can_be_ordered_and_a_foreign_one_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    assert write_csv([{"b": 1}, {"b": 2, "a": 3}], path, columns=["a", "b"]) == 2
    assert read(path) == [["a", "b"], ["", "1"], ["3", "2"]]
    with pytest.raises(ValueError, match="c"):
        write_csv([{"c": 1}], path, columns=["a", "b"])
    assert read(path) == [["a", "b"], ["", "1"], ["3", "2"]]
    assert [found.name for found in tmp_path.iterdir()] == ["t.csv"]


def test_a_table_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"t\.csv"):
        write_csv([{"a": 1}], tmp_path / "missing" / "t.csv")
