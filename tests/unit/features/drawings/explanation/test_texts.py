"""The words: only what was measured, neutral, for whom they are meant."""

import math
import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepmed.features.drawings.explanation import texts
from deepmed.features.drawings.explanation.texts import (
    FIRST_STEPS,
    FLAGGED_CHIP,
    FORBIDDEN_WORDS,
    ExplanationGenerator,
    Facts,
    Place,
    Reader,
    chip,
    natural_frequency,
    place_of_100,
)
from deepmed.kit.errors import ConfigurationError

NUMBER = re.compile(r"\d+(?:\.\d+)?")
FORBIDDEN = re.compile(rf"\b({'|'.join(FORBIDDEN_WORDS)})", re.IGNORECASE)
WRITER = ExplanationGenerator(parent_texts=True)
PLACES = ("upper left", "centre", "lower right", "left")

FLAGGED = Facts(
    decision="ranked",
    reason=None,
    is_anomaly=True,
    normalized_score=98.2,
    percentile=95.0,
    flagged_of_100=4.8,
    children=83,
    role="new",
    confidence=0.91,
    ink_percent=14.9,
    ink_below=42,
    ink_compared=57,
    placement="upper left",
    regions=[Place("lower left", 0.36), Place("centre", 0.12)],
    map_is_faithful=True,
    neighbours=[(122, 0.907), (107, 0.86)],
)

measure = st.floats(0, 100).map(lambda value: round(value, 3))
share = st.floats(0.01, 0.5)
places = st.builds(Place, st.sampled_from(PLACES), share, st.booleans())
facts = st.builds(
    Facts,
    decision=st.sampled_from(["ranked", "manual", "not_supported", "in_sample"]),
    reason=st.sampled_from([None, "Few children compare."]),
    is_anomaly=st.booleans(),
    normalized_score=st.none() | measure,
    percentile=st.none() | st.sampled_from([50.0, 95.0, 97.5]),
    flagged_of_100=st.none() | measure,
    children=st.none() | st.integers(1, 5000),
    role=st.sampled_from([None, "new", "calibration", "fit"]),
    at_most=st.booleans(),
    undecided=st.booleans(),
    borderline=st.booleans(),
    among=st.sampled_from(["of this age", "of this group"]),
    confidence=st.none() | st.floats(0, 1),
    ink_percent=st.none() | measure,
    ink_below=st.none() | st.integers(0, 60),
    ink_compared=st.none() | st.integers(0, 60),
    placement=st.none() | st.sampled_from(PLACES),
    regions=st.lists(places, max_size=5),
    map_is_faithful=st.none() | st.booleans(),
    map_measured_on=st.sampled_from(["map", "model"]),
    neighbours=st.lists(st.tuples(st.integers(1, 9999), st.floats(0, 1)), max_size=3),
)
readers = st.sampled_from(list(Reader))


def said(of: Facts, reader: Reader = Reader.EDUCATOR) -> str:
    return " ".join(WRITER.generate_explanation(of, reader))


def measured(of: Facts) -> list[float]:
    """Every number of the facts; shares in percent too, and summed where places are the same."""
    values = [
        getattr(of, one.name)
        for one in fields(Facts)
        if isinstance(getattr(of, one.name), int | float)
        and not isinstance(getattr(of, one.name), bool)
    ]
    shares = {
        where: sum(region.share for region in of.regions if region.where == where)
        for where in PLACES
    }
    values += [100 * share for share in shares.values()]
    return values + [number for pair in of.neighbours for number in pair]


@pytest.mark.req("D-18.1")
@given(of=facts, reader=readers)
def test_every_number_in_a_text_comes_from_the_facts(of: Facts, reader: Reader) -> None:
    known = measured(of)
    # "of 100" is the unit of a natural frequency.
    text = said(of, reader).replace("of 100", "")
    for number in NUMBER.findall(text):
        decimals = len(number.partition(".")[2])
        # Three significant digits, or as many decimals as are shown.
        near = [max(10.0**-decimals, 0.005 * abs(value)) for value in known]
        assert any(
            abs(float(number) - value) <= margin for value, margin in zip(known, near, strict=True)
        ), f"{number} in {text!r}"


@pytest.mark.req("D-29.1")
@given(of=facts, reader=readers)
def test_where_nothing_was_measured_no_number_is_said(of: Facts, reader: Reader) -> None:
    optional = ("percentile", "flagged_of_100", "children", "confidence")
    ink = ("ink_percent", "ink_below", "ink_compared")
    empty = replace(of, **dict.fromkeys((*optional, *ink)), regions=[], neighbours=[])
    only_place = replace(empty, normalized_score=37.0)
    assert set(NUMBER.findall(said(only_place, reader))) <= {"37", "100"}
    assert not NUMBER.findall(said(replace(empty, normalized_score=None), reader))


@pytest.mark.req("D-18.1")
def test_the_text_tells_each_measured_fact() -> None:
    text = said(FLAGGED, Reader.RESEARCHER)
    for fact in (
        "about 98 of 100 drawings of this group",
        "lower left (36%)",
        "centre (12%)",
        "14.9% of the page, more than in 42 of 57 typical drawings",
        "towards the upper left of the page",
        "122 (similarity 0.91), 107 (similarity 0.86)",
        "percentile 95",
        "0.91",
    ):
        assert fact in text


@pytest.mark.req("D-18.1")
@pytest.mark.parametrize(
    ("below", "compared", "words"),
    [
        (42, 57, "14.9% of the page, more than in 42 of 57 typical drawings."),
        (0, 57, "14.9% of the page; none of 57 typical drawings has less."),
        (None, 57, "14.9% of the page."),
        (0, 0, "14.9% of the page."),
    ],
)
def test_ink_is_ranked_among_typical_drawings(below: int | None, compared: int, words: str) -> None:
    assert words in said(replace(FLAGGED, ink_below=below, ink_compared=compared))


@pytest.mark.req("D-18.1")
def test_three_readers_get_three_texts() -> None:
    texts_of = {reader: WRITER.generate_explanation(FLAGGED, reader) for reader in Reader}
    researcher, educator, parent = (texts_of[reader] for reader in Reader)
    assert educator == researcher[: len(educator)]
    assert "Rule: percentile 95" in researcher[-1]
    assert parent[0] == "The drawing stood out from the collected drawings of other children."
    assert not any("%" in sentence or "similarity" in sentence for sentence in parent)


@pytest.mark.req("D-18.1")
def test_a_place_without_ink_is_said_to_be_empty() -> None:
    regions = [
        Place("left", 0.2, empty=True),
        Place("centre", 0.1, empty=True),
        Place("centre", 0.1),
    ]
    text = said(replace(FLAGGED, regions=regions))
    assert "left (20%, nothing is drawn there), centre (20%)." in text


@pytest.mark.req("D-28.1")
@given(of=facts, reader=readers)
def test_every_flag_says_how_many_typical_drawings_are_flagged_and_what_to_do_first(
    of: Facts, reader: Reader
) -> None:
    of = replace(of, is_anomaly=True, normalized_score=99.0, flagged_of_100=4.8, children=83)
    sentences = WRITER.generate_explanation(of, reader)
    assert sentences[1] == (
        f"{'At most about' if of.at_most else 'About'} 4.8 of 100 typical drawings are flagged; "
        "this group has 83 children to compare with."
    )
    assert sentences[2] == FIRST_STEPS


@pytest.mark.req("D-28.1")
@given(of=facts, reader=readers)
def test_what_is_not_flagged_gets_no_advice(of: Facts, reader: Reader) -> None:
    text = said(replace(of, is_anomaly=False), reader)
    assert FIRST_STEPS not in text
    assert "typical drawings are flagged" not in text


@pytest.mark.req("D-10.2", "D-18.1")
@pytest.mark.parametrize("reader", list(Reader))
def test_a_rank_that_no_rule_may_flag_is_no_verdict(reader: Reader) -> None:
    reason = "A threshold set by hand is on the model's scale."
    text = said(
        replace(FLAGGED, decision="in_sample", is_anomaly=False, reason=reason, percentile=None),
        reader,
    )
    for verdict in ("flagged.", "flag it", "stand out", "stood out"):
        assert verdict not in text.replace("flagged is fixed by construction.", "")
    assert ("There is no answer" if reader is Reader.PARENT else "More unusual than about") in text
    assert reason in text


@pytest.mark.req("D-28.1")
def test_a_frequency_without_figure_is_not_said() -> None:
    assert natural_frequency(None, 20) is None
    assert natural_frequency(5.0, None) is None


@pytest.mark.req("D-28.1")
@pytest.mark.parametrize(
    ("decision", "flagged", "score", "words"),
    [
        ("ranked", True, 99.0, "unusual in this group"),
        ("manual", True, 99.0, "unusual in this group"),
        ("ranked", False, 50.0, "not unusual in this group"),
        ("not_supported", False, 50.0, "no answer"),
        ("in_sample", False, None, "no answer"),
        ("blank", False, None, "no answer"),
    ],
)
def test_the_chip_names_the_group_and_no_severity(
    decision: str,
    flagged: bool,  # noqa: FBT001 - a column of the table
    score: float | None,
    words: str,
) -> None:
    assert chip(decision, is_anomaly=flagged, normalized_score=score) == words
    assert FLAGGED_CHIP == "unusual in this group"


@pytest.mark.req("D-28.1")
def test_texts_for_parents_exist_only_where_they_are_switched_on() -> None:
    with pytest.raises(ConfigurationError, match="DEEPMED_PARENT_TEXTS"):
        ExplanationGenerator().generate_explanation(FLAGGED, Reader.PARENT)
    assert said(FLAGGED, Reader.PARENT)
    for reader in (Reader.RESEARCHER, Reader.EDUCATOR):
        assert ExplanationGenerator().generate_explanation(FLAGGED, reader)


@pytest.mark.req("D-28.1")
@given(of=facts, reader=readers)
def test_no_text_holds_a_forbidden_word(of: Facts, reader: Reader) -> None:
    assert not FORBIDDEN.search(said(of, reader))


@pytest.mark.req("D-28.1")
def test_no_fixed_text_holds_a_forbidden_word() -> None:
    fixed = {
        name: value
        for name, value in vars(texts).items()
        if isinstance(value, str) and name.isupper()
    }
    assert len(fixed) >= 4
    assert not {name for name, value in fixed.items() if FORBIDDEN.search(value)}


@pytest.mark.req("D-28.1")
@pytest.mark.parametrize(
    "word", ["severe", "severity", "abnormality", "diagnosis", "disorder", "risk", "worrying"]
)
def test_the_list_of_forbidden_words_finds_them(word: str) -> None:
    assert FORBIDDEN.search(f"This is a {word}.")
    assert not FORBIDDEN.search("Several asterisks, and fundamental lines.")


@pytest.mark.req("D-27.2")
@pytest.mark.parametrize("among", ["of this age", "of this group"])
def test_a_text_says_among_which_drawings(among: str) -> None:
    text = said(replace(FLAGGED, among=among))
    assert f"98 of 100 drawings {among}" in text
    other = {"of this age": "of this group", "of this group": "of this age"}[among]
    assert f"drawings {other}" not in text


@pytest.mark.req("V-4.1")
def test_a_map_that_is_not_faithful_is_called_so() -> None:
    assert "faithful" not in said(FLAGGED)
    assert "not faithful to the score: do not rely on it." in said(
        replace(FLAGGED, map_is_faithful=False)
    )
    assert "was not measured" in said(replace(FLAGGED, map_is_faithful=None))


@pytest.mark.req("D-17.3")
def test_the_figure_of_a_model_is_named_as_the_models() -> None:
    model = replace(FLAGGED, map_measured_on="model")
    assert "Maps by this model were found faithful to the score on other drawings." in said(model)
    text = said(replace(model, map_is_faithful=False))
    assert "Maps by this model were found not faithful to the score on other drawings" in text


@pytest.mark.req("V-3.1")
@pytest.mark.parametrize("reader", [Reader.RESEARCHER, Reader.EDUCATOR])
def test_no_drawing_is_more_unusual_than_all_of_a_hundred(reader: Reader) -> None:
    assert place_of_100(99.98) == "99 of 100"
    assert "about 99 of 100" in said(replace(FLAGGED, normalized_score=99.98), reader)
    assert place_of_100(0.0) == "0 of 100"


def test_what_no_number_of_children_could_flag_is_not_called_unflagged() -> None:
    reason = "18 comparison children support at most the percentile 94.7; nothing is flagged."
    few = replace(
        FLAGGED, decision="not_supported", is_anomaly=False, reason=reason, confidence=None
    )
    text = said(few)
    assert "not enough to flag it" not in text
    assert reason in text
    assert "no answer" in said(few, Reader.PARENT)
    assert "not enough to flag it" in said(replace(FLAGGED, is_anomaly=False))


def test_no_answer_gives_its_reason_alone() -> None:
    none = replace(FLAGGED, normalized_score=None, reason="The page is nearly blank.")
    for reader in Reader:
        assert WRITER.generate_explanation(none, reader) == [
            "There is no answer for this drawing. The page is nearly blank."
        ]


@pytest.mark.req("D-26.4")
@pytest.mark.parametrize(("role", "told"), [("new", False), ("calibration", True), ("fit", True)])
def test_a_drawing_of_the_training_says_that_its_rate_is_fixed(
    role: str,
    told: bool,  # noqa: FBT001 - a column of the table
) -> None:
    text = said(replace(FLAGGED, role=role))
    assert ("fixed by construction" in text) is told


def test_limits_of_the_decision_are_told() -> None:
    assert "Undecided at this number of children" in said(replace(FLAGGED, undecided=True))
    assert "another machine could decide otherwise" in said(replace(FLAGGED, borderline=True))
    plain = said(FLAGGED)
    assert "Undecided" not in plain
    assert "another machine" not in plain


def test_the_middle_of_the_page_is_a_place_too() -> None:
    assert "Most of it lies in the middle of the page." in said(
        replace(FLAGGED, placement="centre")
    )


@given(score=st.floats(0, 100))
def test_a_place_is_a_whole_number_not_above_the_score(score: float) -> None:
    place = int(place_of_100(score).split()[0])
    assert place <= score < place + 1
    assert place == math.floor(score)
