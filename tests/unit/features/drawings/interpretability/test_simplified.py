"""Plain words say no more than the numbers beside them (D-18, D-28)."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from deepmed.features.drawings.explanation.texts import FORBIDDEN_WORDS, Facts, Place, Reader
from deepmed.features.drawings.interpretability import simplified
from deepmed.features.drawings.interpretability.simplified import ADVICE
from deepmed.features.drawings.interpretability.wording import confidence_level

FACTS = Facts(
    decision="ranked",
    reason=None,
    is_anomaly=True,
    normalized_score=97.0,
    percentile=95.0,
    flagged_of_100=4.5,
    children=21,
    role="new",
    regions=[Place("upper left", 0.4, empty=True)],
)


@pytest.mark.parametrize(
    ("confidence", "word"),
    [
        (None, "Not given"),
        (1.0, "High"),
        (0.9, "High"),
        (0.89, "Medium"),
        (0.5, "Medium"),
        (0.49, "Low"),
    ],
)
def test_words_for_how_settled_a_decision_is(confidence: float | None, word: str) -> None:
    assert confidence_level(confidence) == word


@pytest.mark.req("D-28.1")
@pytest.mark.parametrize("role", ADVICE)
def test_a_flag_is_told_with_its_frequency_and_what_to_do_first(role: str) -> None:
    reader = Reader.PARENT if role == "parent" else Reader.EDUCATOR
    found = simplified._findings(FACTS, reader)
    assert found[0] == "The drawing is flagged among those of this group."
    assert found[1].startswith("About 4.5 of 100 typical drawings are flagged")
    assert simplified._advice(FACTS, role) == list(ADVICE[role])
    unflagged = simplified._advice(replace(FACTS, is_anomaly=False), role)
    assert unflagged[0] == simplified.NOTHING_TO_DO
    assert unflagged[1:] == list(ADVICE[role][1:])


def test_where_nothing_is_drawn_is_told_and_parents_are_shown_no_place() -> None:
    assert (
        "upper left, where nothing is drawn (40%)"
        in simplified._findings(FACTS, Reader.EDUCATOR)[2]
    )
    assert "upper left" not in " ".join(simplified._findings(FACTS, Reader.PARENT))
    nowhere = simplified._findings(replace(FACTS, regions=[]), Reader.EDUCATOR)[2]
    assert nowhere == "No single place on the page raises its score."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"undecided": True}, "The decision is undecided at this number of children."),
        ({"decision": "not_supported"}, "There is no decision about this drawing."),
        ({"decision": "in_sample"}, "There is no decision about this drawing."),
        (
            {"decision": "blank", "normalized_score": None},
            "There is no decision about this drawing.",
        ),
        ({"is_anomaly": False}, "The drawing is not flagged among those of this group."),
    ],
)
def test_what_is_decided(change: dict[str, Any], said: str) -> None:
    assert simplified._verdict(replace(FACTS, **change)) == said


@pytest.mark.req("D-28.1")
def test_no_advice_and_no_finding_has_a_forbidden_word() -> None:
    said = [text for advice in ADVICE.values() for text in advice]
    said += [simplified.NOTHING_TO_DO, simplified.NOT_ABOUT_THE_CHILD, simplified.NO_RATE]
    for flagged, reader in product((False, True), Reader):
        said += simplified._findings(replace(FACTS, is_anomaly=flagged), reader)
    words = " ".join(said).lower()
    assert [word for word in FORBIDDEN_WORDS if f" {word}" in words] == []
