"""Tables of labels as people write them, and as somebody writes them who means harm."""

import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.label_rows import (
    ColumnNames,
    MissingColumnError,
    read_labels,
)

GOOD = "patientId,Target,Sex,age\na,0,M,40\nb,1,female,058Y\n"


def test_rows_carry_patient_label_and_attributes_in_a_closed_form() -> None:
    first, second = read_labels(GOOD.encode(), "labels.csv").rows
    assert (first.row, first.patient, first.label) == (2, "a", 0)
    assert (second.image, second.label, second.attributes) == ("b", 1, {"sex": "F", "age": "58"})


@pytest.mark.req("X-1.1")
@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.encode("utf-16"),
        ("sep=;\r\n" + GOOD.replace(",", ";").replace("\n", "\r\n")).encode(),
    ],
    ids=["mark", "semicolon", "tabulator", "utf-16", "excel"],
)
def test_whatever_program_wrote_it_the_table_reads_the_same(data: bytes) -> None:
    rows = read_labels(data, "labels.csv").rows
    assert [(row.patient, row.label) for row in rows] == [("a", 0), ("b", 1)]


@pytest.mark.req("X-1.1")
def test_names_of_columns_can_be_chosen_and_a_file_name_may_stand_apart() -> None:
    columns = ColumnNames(patient="MRN", target="pneumonia", filename="Image Index")
    data = b"Image Index,MRN,pneumonia\nx/1.png,7,1\n"
    (row,) = read_labels(data, "labels.csv", columns).rows
    assert (row.image, row.patient, row.label) == ("x/1.png", "7", 1)


def test_a_missing_column_is_told_with_the_row_and_the_columns_that_are_there() -> None:
    with pytest.raises(MissingColumnError, match=r"row 1, column 'Target'.*'patientId', 'label'"):
        read_labels(b"patientId,label\na,1\n", "labels.csv")


@pytest.mark.parametrize("label", ["2", "-1", "yes", "0.5", "1e0", "nan", "=1"])
def test_a_label_outside_zero_and_one_is_told_with_row_and_column(label: str) -> None:
    data = f"patientId,Target\na,0\nb,{label}\n".encode()
    with pytest.raises(SourceRefusedError, match=r"b \(row 3, column 'Target'\)") as refused:
        read_labels(data, "labels.csv")
    (problem,) = refused.value.details["problems"]
    assert (problem["row"], problem["column"]) == (3, "Target")


def test_all_bad_rows_are_in_the_report_and_the_first_in_the_message() -> None:
    rows = "\n".join(f"p{at},7" for at in range(40))
    with pytest.raises(SourceRefusedError, match="and 30 more") as refused:
        read_labels(f"patientId,Target\n{rows}".encode(), "labels.csv")
    assert len(refused.value.details["problems"]) == 40


def test_line_breaks_in_quotes_do_not_shift_the_rows_that_messages_name() -> None:
    data = b'patientId,Target,report\na,0,"one\ntwo\nthree"\nb,9,\n'
    with pytest.raises(SourceRefusedError, match="row 3"):
        read_labels(data, "labels.csv")


def test_a_formula_is_text_like_any_other() -> None:
    data = b'patientId,Target,note\n"=HYPERLINK(""http://x"",""y"")",1,=cmd|\' /C calc\'!A0\n'
    (row,) = read_labels(data, "labels.csv").rows
    assert row.patient == '=HYPERLINK("http://x","y")'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no rows"),
        (b"patientId,Target\n", "no rows"),
        (b"patientId,Target\na\0b,1\n", "NUL"),
        (b'patientId,Target\n"a,1\n', "not a table"),
        (b"patientId,Target\na,1,2\n", "row 2"),
        (b"patientId,Target\n,1\n", "id is missing"),
        (b"patientId,Target\na,\n", "label is missing"),
        (b"patientId,Target,target \na,1,0\n", None),
        (b"patientId,Target,Target\na,1,0\n", "there twice"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_with_the_reason(
    data: bytes, message: str | None
) -> None:
    if message is None:
        assert read_labels(data, "labels.csv").rows[0].label == 1  # the very name wins
        return
    with pytest.raises(SourceRefusedError, match=message):
        read_labels(data, "labels.csv")
