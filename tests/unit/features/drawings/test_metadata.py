import pytest
from pydantic import ValidationError as SchemaError

from deepmed.features.drawings.metadata import (
    Age,
    DrawingMetadata,
    ExpertLabel,
    check_metadata,
    extract_metadata,
    parse_age,
)
from deepmed.kit.errors import ValidationError

SIX_AND_FOUR = 6 + 4 / 12


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize(
    ("written", "years", "precision"),
    [
        ("6", 6.0, "year"),
        (6, 6.0, "year"),
        (" 06 ", 6.0, "year"),
        ("6 years", 6.0, "year"),
        ("6 Years old", 6.0, "year"),
        ("6y", 6.0, "year"),
        ("6.0", 6.0, "year"),
        (6.0, 6.0, "year"),
        ("6.5", 6.5, "decimal"),
        (6.5, 6.5, "decimal"),
        ("6,5", 6.5, "decimal"),
        ("5.123456789", 5.123456789, "decimal"),
        ("6.333333333333333", 6.333333333333333, "decimal"),
        ("6.00000000000000000", 6.0, "year"),
        ("6.00000000000000001", 6.0, "decimal"),
        ("6y 4m", SIX_AND_FOUR, "month"),
        ("6y4m", SIX_AND_FOUR, "month"),
        ("6;4", SIX_AND_FOUR, "month"),
        ("6;0", 6.0, "month"),
        ("6 years and 4 months", SIX_AND_FOUR, "month"),
        ("6 yrs, 4 mos", SIX_AND_FOUR, "month"),
        ("76 months", SIX_AND_FOUR, "month"),
        ("76m", SIX_AND_FOUR, "month"),
        ("24 months", 2.0, "month"),
        ("2", 2.0, "year"),
        ("18", 18.0, "year"),
    ],
)
def test_an_age_is_understood_as_people_write_it(
    written: object, years: float, precision: str
) -> None:
    assert parse_age(written) == Age(years, precision)


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize(
    ("written", "words"),
    [
        (None, "missing"),
        ("", "missing"),
        ("   ", "missing"),
        (-3, "negative"),
        ("-3", "negative"),
        ("\N{MINUS SIGN}3", "negative"),
        (40, "outside 2 to 18.*in months"),
        ("40", "outside 2 to 18"),
        ("1.9", "outside"),
        ("18.01", "outside"),
        ("18y 1m", "outside"),
        ("12 months", "outside"),
        ("400 months", "outside"),
        (float("nan"), "not a number"),
        ("NaN", "not understood"),
        (float("inf"), "not a number"),
        (True, "not a number"),
        ("six", "not understood"),
        ("6 4", "not understood"),
        ("6." + "1" * 21, "not understood"),
        ("1e1", "not understood"),
        ("6y 12m", "more than 11 months"),
        ([6], "not understood"),
    ],
)
def test_what_is_no_age_is_refused_with_its_reason(written: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        parse_age(written)


@pytest.mark.req("D-2.1")
def test_all_fields_are_kept_and_blanks_are_nothing() -> None:
    found = extract_metadata(
        {
            "age_years": "6y 4m",
            "subject": " Ice Cream ",
            "expert_label": " Normal",
            "drawing_tool": " crayon ",
            "prompt": "   ",
            "child_id": 17,
        }
    )
    assert found == DrawingMetadata(
        age_years=SIX_AND_FOUR,
        age_precision="month",
        subject="ice cream",
        expert_label=ExpertLabel.NORMAL,
        drawing_tool="crayon",
        prompt=None,
        child_id="17",
    )


@pytest.mark.req("D-2.1")
def test_only_the_age_must_be_known() -> None:
    found = extract_metadata({"age_years": 5, "child_id": "", "subject": float("nan")})
    assert found == DrawingMetadata(age_years=5, age_precision="year")
    assert DrawingMetadata(age_years="5") == found


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("subject", "s" * 101, "101 characters; at most 100"),
        ("drawing_tool", "t" * 51, "at most 50"),
        ("prompt", "p" * 501, "at most 500"),
        ("child_id", "c" * 101, "at most 100"),
        ("expert_label", "odd", "none of normal, concern, severe"),
        ("prompt", "a\0b", "NUL"),
        ("colour", "red", "no such field"),
        ("prompt", ["list"], "string"),
    ],
)
def test_each_wrong_field_is_named(field: str, value: object, words: str) -> None:
    with pytest.raises(ValidationError, match=rf"{field}: .*{words}"):
        extract_metadata({"age_years": 6, field: value})


@pytest.mark.req("D-2.1")
def test_the_caps_themselves_are_allowed() -> None:
    sizes = {"subject": 100, "drawing_tool": 50, "prompt": 500, "child_id": 100}
    values = {field: "x" * size for field, size in sizes.items()}
    assert extract_metadata({"age_years": 6, **values}).prompt == "x" * 500


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = check_metadata({"age_years": "six", "expert_label": "odd", "prompt": "p" * 501})
    assert isinstance(found, list)
    assert [problem.column for problem in found] == ["age_years", "expert_label", "prompt"]


def test_the_model_itself_refuses_an_age_out_of_range() -> None:
    with pytest.raises(SchemaError):
        DrawingMetadata(age_years=40)
    with pytest.raises(SchemaError):
        DrawingMetadata(age_years=40, age_precision="year")
