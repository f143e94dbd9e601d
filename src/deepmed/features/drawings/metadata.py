"""What must and may be known of a drawing, and ages in the ways in which people write them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, SupportsFloat

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic import ValidationError as SchemaError
from pydantic_core import PydanticCustomError

from deepmed.features.drawings.subjects import canonical_subject
from deepmed.kit.errors import ValidationError

Precision = Literal["year", "month", "decimal"]

MIN_AGE = 2.0
MAX_AGE = 18.0
_WAYS = "write it as 6, 6.5, 6y 4m or 76 months"

_YEAR_WORDS = r"(?:years?\.?(?:\s*old)?|yrs?\.?|y\.?)"
_MONTH_WORDS = r"(?:months?|mths?\.?|mos?\.?|m\.?)"
_AGE_FORMS = re.compile(
    rf"""
      (?P<years>\d{{1,3}}) (?: [.,] (?P<fraction>\d{{1,20}}) )? \s* {_YEAR_WORDS}?
    | (?P<whole>\d{{1,3}}) (?: \s*{_YEAR_WORDS}\s*,?\s*(?:and\s*)? | ;\s* )
      (?P<months>\d{{1,2}}) \s* {_MONTH_WORDS}?
    | (?P<only_months>\d{{1,4}}) \s* {_MONTH_WORDS}
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_NEGATIVE = re.compile(r"[-\N{MINUS SIGN}]\s*[\d.,]")


class ExpertLabel(StrEnum):
    NORMAL = "normal"
    CONCERN = "concern"
    SEVERE = "severe"


@dataclass(frozen=True)
class Age:
    """An age in years, and how exactly it is known.

    `year`: completed years, so 6 stands for 6.0 up to 7.0; `month`: years and months, or months;
    `decimal`: a fraction of a year. A whole number is `year` however it is written, because 6.0
    is how spreadsheets write 6. As many decimals are kept as a double holds, about 16 digits; a
    fraction that is written stays one, even where rounding to a double makes a whole of it.
    """

    years: float
    precision: Precision


def parse_age(value: object) -> Age:
    """Understand an age: 6, "6", "6.5", "6,5", "6y 4m", "6;4", "76 months".

    Raises:
        ValidationError: missing, not a number, negative, or outside 2 to 18 years; says which.
    """
    age = _of_number(value) if isinstance(value, SupportsFloat) else _of_text(value)
    if not MIN_AGE <= age.years <= MAX_AGE:
        raise ValidationError(
            f"the age {value} is outside {MIN_AGE:g} to {MAX_AGE:g} years"
            + ("; is it in months?" if MIN_AGE * 12 <= age.years <= MAX_AGE * 12 else "")
        )
    return age


def _of_number(value: SupportsFloat) -> Age:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValidationError(f"the age {value} is not a number; {_WAYS}")
    if number < 0:
        raise ValidationError(f"the age {value} is negative")
    return Age(number, "year" if number.is_integer() else "decimal")


def _of_text(value: object) -> Age:
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "":
        raise ValidationError("the age is missing")
    found = _AGE_FORMS.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        negative = isinstance(text, str) and _NEGATIVE.match(text)
        what = "is negative" if negative else f"is not understood; {_WAYS}"
        raise ValidationError(f"the age {value!r} {what}")
    return _of_match(found)


def _of_match(found: re.Match[str]) -> Age:
    if found["only_months"]:
        return Age(int(found["only_months"]) / 12, "month")
    if found["months"]:
        months = int(found["months"])
        if months > 11:
            raise ValidationError(f"the age {found.group()!r} has more than 11 months in a year")
        return Age(int(found["whole"]) + months / 12, "month")
    fraction = found["fraction"] or "0"
    years = float(f"{found['years']}.{fraction}")
    return Age(years, "decimal" if fraction.strip("0") else "year")


def _text(value: object) -> object:
    """Blank text counts as none; a NUL cannot be stored in every database."""
    if isinstance(value, float) and math.isnan(value):
        return None  # an empty cell, as tables of numbers have it
    if isinstance(value, str):
        if "\0" in value:
            raise PydanticCustomError("nul", "holds a NUL character")
        return value.strip() or None
    return value


def _subject(value: object) -> object:
    value = _text(value)
    return canonical_subject(value) if isinstance(value, str) else value


def _label(value: object) -> object:
    value = _text(value)
    return value.lower() if isinstance(value, str) else value


Subject = Annotated[str | None, Field(max_length=100), BeforeValidator(_subject)]
Label = Annotated[ExpertLabel | None, BeforeValidator(_label)]
Text50 = Annotated[str | None, Field(max_length=50), BeforeValidator(_text)]
Text100 = Annotated[str | None, Field(max_length=100), BeforeValidator(_text)]
Text500 = Annotated[str | None, Field(max_length=500), BeforeValidator(_text)]


class DrawingMetadata(BaseModel):
    """What is known of one drawing. `age_years` takes any form that `parse_age` understands.

    The subject may be any text; one of the list is brought to the list's spelling, another one
    counts as unspecified where models ask for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    age_years: float = Field(ge=MIN_AGE, le=MAX_AGE)
    age_precision: Precision
    subject: Subject = None
    expert_label: Label = None
    drawing_tool: Text50 = None
    prompt: Text500 = None
    child_id: Text100 = None

    @model_validator(mode="before")
    @classmethod
    def validate_age(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or "age_precision" in values:
            return values
        try:
            age = parse_age(values.get("age_years"))
        except ValidationError as error:
            raise PydanticCustomError("age", "{reason}", {"reason": error.message}) from error
        return {**values, "age_years": age.years, "age_precision": age.precision}


FIELDS = tuple(name for name in DrawingMetadata.model_fields if name != "age_precision")


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field, in words."""

    column: str
    reason: str


def check_metadata(values: Mapping[str, object]) -> DrawingMetadata | list[FieldProblem]:
    """The metadata, or all that is wrong with it at once."""
    problems = []
    try:
        age = parse_age(values.get("age_years"))
    except ValidationError as error:
        problems.append(FieldProblem("age_years", error.message))
        age = Age(MIN_AGE, "year")  # only so that the other fields are looked at too
    filled = {**values, "age_years": age.years, "age_precision": age.precision}
    try:
        found = DrawingMetadata.model_validate(filled)
    except SchemaError as error:
        wrong = error.errors(include_url=False)
        problems += [FieldProblem(str(each["loc"][0]), _reason(each)) for each in wrong]
    return problems or found


def extract_metadata(values: Mapping[str, object]) -> DrawingMetadata:
    """Like `check_metadata`, but raising.

    Raises:
        ValidationError: names each wrong field and what is wrong with it.
    """
    found = check_metadata(values)
    if isinstance(found, DrawingMetadata):
        return found
    raise ValidationError(
        "The drawing's metadata cannot be used, so nothing was stored: "
        + "; ".join(f"{problem.column}: {problem.reason}" for problem in found)
        + ".",
        fields={problem.column: problem.reason for problem in found},
    )


def _reason(error: Any) -> str:
    value = error.get("input")
    if error["type"] == "string_too_long":
        return f"has {len(value)} characters; at most {error['ctx']['max_length']} are allowed"
    if error["type"] == "enum":
        return f"{value!r} is none of {', '.join(ExpertLabel)}"
    if error["type"] == "extra_forbidden":
        return f"there is no such field; known are {', '.join(FIELDS)}"
    return str(error["msg"])
