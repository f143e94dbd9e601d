import time

import pytest

from deepmed.features.drawings.name_pattern import compile_pattern
from deepmed.kit.errors import ValidationError


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize(
    ("pattern", "name", "fields"),
    [
        (
            "{subject}_sketch_age{age}_{child_id}",
            "set/bird_sketch_age4_cdm_run_v315.png",
            {"subject": "bird", "age_years": "4", "child_id": "cdm_run_v315"},
        ),
        ("{subject}_{age}", "ice_cream_5.JPG", {"subject": "ice_cream", "age_years": "5"}),
        ("{subject}{age}", "bird12.png", {"subject": "bird", "age_years": "12"}),
        ("{age_years}y", "6.5y.png", {"age_years": "6.5"}),
        ("*_{age}", "a_5.123456789.png", {"age_years": "5.123456789"}),
        (
            "{age}_{tool}",
            "6y4m_wax crayon.png",
            {"age_years": "6y4m", "drawing_tool": "wax crayon"},
        ),
        ("{age_months}m_*", "76m_x.png", {"age_years": "76 months"}),
        ("*_{age}_*", "a_b_5_c_d.png", {"age_years": "5"}),
        ("{age}-{label}", "5-Concern.bmp", {"age_years": "5", "expert_label": "Concern"}),
        (
            "{subject}_{label}_{age}*",
            "a_b_normal_5.png",
            {"subject": "a_b", "expert_label": "normal", "age_years": "5"},
        ),
        ("{child_id}/{age}", "set/kid 1/7.png", {"child_id": "kid 1", "age_years": "7"}),
        ("{child_id}/{age}", "7.png", None),
        ("set/{child_id}/{age}", "set/kid 1/7.png", {"child_id": "kid 1", "age_years": "7"}),
        ("{age}.png", "7.png", {"age_years": "7"}),
        ("{age}.png", "7.jpg", None),
        ("({age})[x]+.?", "(7)[x]+.?.png", {"age_years": "7"}),
        ("({age})[x]+.?", "(7)xx.png", None),
        ("a{age}", "ab7.png", None),
        ("a{age}", "a-7.png", None),
        ("a{age}", "aseven.png", None),
        ("a{age}*", "a1234.png", None),
        ("{age}_{child_id}", "7_.png", None),
    ],
)
def test_fields_are_read_from_names(pattern: str, name: str, fields: dict[str, str] | None) -> None:
    assert compile_pattern(pattern).match(name) == fields


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{name}_{age}", r"\{name\}"),
        ("{age", "cannot use"),
        ("age}", "cannot use"),
        ("{}", "cannot use"),
        ("{subject}{child_id}", "between"),
        ("*{subject}", "between"),
        ("{age}_{age_months}", "twice"),
        ("{subject}_{subject}", "twice"),
        ("no field at all", "no field"),
        ("", "no field"),
        ("{age}" + "x" * 300, "too long"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["{subject}a{tool}a{child_id}a*a*a*a*a*b", "*a" * 60 + "{age}"])
def test_no_pattern_makes_a_name_take_long(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    start = time.perf_counter()
    for _ in range(20):
        assert compiled.match("a" * 290) is None
    assert time.perf_counter() - start < 1
