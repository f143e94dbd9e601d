import json

import pytest

from deepmed.features.drawings.metadata_files import (
    MetadataFormat,
    MetadataTable,
    format_of,
    read_metadata_file,
)
from deepmed.kit.errors import ValidationError

TEXT = "filename,age_years,subject,child_id\na.png,6,Bär,k1\nb.png,6y 4m,Apfel,k2\n"


def values(table: MetadataTable) -> list[tuple[str, str, dict[str, object]]]:
    return [(row.place, row.filename, dict(row.values)) for row in table.rows]


EXPECTED = [
    ("row 2", "a.png", {"age_years": "6", "subject": "Bär", "child_id": "k1"}),
    ("row 3", "b.png", {"age_years": "6y 4m", "subject": "Apfel", "child_id": "k2"}),
]


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_a_csv_is_read_in_the_encodings_and_with_the_separators_that_programs_write(
    encoding: str, delimiter: str
) -> None:
    data = TEXT.replace(",", delimiter).encode(encoding)
    assert values(read_metadata_file(data, "metadata.csv")) == EXPECTED


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        "sep=;\n" + TEXT.replace(",", ";"),
        TEXT.replace("filename,age_years", '"File_Name", AGE '),
        TEXT.replace("a.png,6,", '"a.png","6",'),
    ],
)
def test_other_ways_to_write_the_same_table(text: str) -> None:
    assert values(read_metadata_file(text.encode(), "m.csv")) == EXPECTED


@pytest.mark.req("D-1.1")
def test_blank_lines_are_skipped_and_counted() -> None:
    table = read_metadata_file(TEXT.replace("b.png", "\n,,,\nb.png").encode(), "m.csv")
    assert [row.place for row in table.rows] == ["row 2", "row 5"]


def test_a_decimal_comma_survives_a_semicolon_table() -> None:
    table = read_metadata_file(b"filename;age_years\na.png;6,5\n", "m.csv")
    assert table.rows[0].values == {"age_years": "6,5"}


def test_ages_in_months_have_a_column_of_their_own() -> None:
    table = read_metadata_file(b"filename,age_months\na.png,76\nb.png,76.0\nc.png,\n", "m.csv")
    ages = [row.values["age_years"] for row in table.rows]
    assert ages == ["76 months", "76 months", None]


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize(
    "content",
    [
        [{"filename": "a.png", "age_years": 6}, {"filename": "b.png", "age": "6y 4m"}],
        {"a.png": {"age_years": 6}, "b.png": {"age_years": "6y 4m"}},
    ],
)
def test_a_json_is_a_list_or_an_object_by_name(content: object) -> None:
    table = read_metadata_file(json.dumps(content).encode(), "m.json")
    assert [(row.filename, dict(row.values)) for row in table.rows] == [
        ("a.png", {"age_years": 6}),
        ("b.png", {"age_years": "6y 4m"}),
    ]


def test_a_name_twice_in_a_json_object_gives_two_rows() -> None:
    table = read_metadata_file(b'{"a.png": {"age": 6}, "a.png": {"age": 7}}', "m.json")
    assert [row.values["age_years"] for row in table.rows] == [6, 7]


def test_unknown_columns_are_named_and_ignored() -> None:
    assert read_metadata_file(b"filename,age,colour\na,6,red\n", "m.csv").ignored_columns == (
        "colour",
    )
    table = read_metadata_file(b'[{"filename": "a", "age": 6, "colour": 1}]', "m.json")
    assert table.ignored_columns == ("colour",)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "m.csv", "empty"),
        (b"\n\n", "m.csv", "empty"),
        (b"name_of_file,age\na,6\n", "m.csv", "'filename' and 'age_years' are needed"),
        (b"filename,subject\na,6\n", "m.csv", "are needed"),
        (b"filename,age,age_years\na,6,6\n", "m.csv", "twice"),
        (b"filename,age,age_months\na,6,72\n", "m.csv", "twice"),
        (b'filename,age\n"a,6\n', "m.csv", "not a table"),
        (b"filename,age\na\x81\x8d,6\n", "m.csv", "encoding"),
        (b"\0\0\0\0\0\0", "m.csv", "NUL"),
        (b"{", "m.json", "not valid JSON"),
        (b"[" * 100_000, "m.json", "not valid JSON"),
        (b'[{"age_years": ' + b"9" * 5000 + b"}]", "m.json", "not valid JSON"),
        (b"5", "m.json", "list of objects"),
        (b"x", "m.xlsx", "neither CSV nor JSON"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(data: bytes, name: str, words: str) -> None:
    with pytest.raises(ValidationError, match=rf"{name}.*{words}") as refusal:
        read_metadata_file(data, name)
    assert "othing was stored" in refusal.value.message


@pytest.mark.parametrize(
    ("data", "name", "place", "column"),
    [
        (b"filename,age\n,6\n", "m.csv", "row 2", "filename"),
        (b"filename,age\na,6,7\n", "m.csv", "row 2", ""),
        (b'["a"]', "m.json", "entry 1", ""),
        (b'{"a": 6}', "m.json", "entry 'a'", ""),
        (b'[{"age": 6}]', "m.json", "entry 1", "filename"),
        (b'[{"filename": "a", "age": 6, "age": 7}]', "m.json", "entry 1", "age_years"),
        (b'[{"filename": "a", "age": 6, "age_months": 7}]', "m.json", "entry 1", "age_years"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_column(
    data: bytes, name: str, place: str, column: str
) -> None:
    row = read_metadata_file(data, name).rows[0]
    assert row.place == place
    assert [problem.column for problem in row.problems] == [column]


def test_formats_are_known_by_ending() -> None:
    assert [format_of(name) for name in ("A.CSV", "b.tsv", "c.json")] == [
        MetadataFormat.CSV,
        MetadataFormat.CSV,
        MetadataFormat.JSON,
    ]
