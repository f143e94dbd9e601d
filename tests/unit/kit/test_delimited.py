"""Tables of any encoding and delimiter; what else they hold is asked by those who read them."""

import pytest

from deepmed.kit.delimited import read_records
from deepmed.kit.errors import ValidationError
from deepmed.kit.sizes import MIB

COLUMNS = {"name", "age"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_cells_are_the_same_however_they_were_written(encoding: str, delimiter: str) -> None:
    text = f'name{delimiter}age\r\n"a{delimiter}b\nc"{delimiter}7\r\n'
    records, _ = read_records(text.encode(encoding), COLUMNS.__contains__)
    assert records == [["name", "age"], [f"a{delimiter}b\nc", "7"]]


def test_the_last_resort_is_windows_1252_which_is_told() -> None:
    assert read_records("name\né".encode("cp1252"), COLUMNS.__contains__) == (
        [["name"], ["é"]],
        "cp1252",
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"name\n\0", "NUL"),
        (b'name\n"a', "not a table"),
        (b"\xff\xfea", "encoding"),
        (b"name\n" + b"x" * 200_000, "not a table"),
        (b"name\n" + b"," * 200, "row 2 has 201 columns"),
        (b"name\n" * 500_001, "more than 500000 rows"),
        (b"n" * (16 * MIB + 1), r"16\.0 MiB; at most 16 MiB"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        read_records(data, COLUMNS.__contains__)


def test_the_header_is_looked_at_before_the_rest_is_read() -> None:
    seen = []

    def check(number: int, cells: list[str]) -> None:
        seen.append((number, cells))
        raise KeyError

    with pytest.raises(KeyError):
        read_records(b'\n ,\nname,age\n"never closed', COLUMNS.__contains__, check)
    assert seen == [(3, ["name", "age"])]
