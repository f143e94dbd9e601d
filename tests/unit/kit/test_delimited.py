"""Tables of any encoding and delimiter; what else they hold is asked by those who read them."""

import pytest

from deepmed.kit.delimited import read_records
from deepmed.kit.errors import ValidationError

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
    ],
)
def test_what_is_no_table_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        read_records(data, COLUMNS.__contains__)
