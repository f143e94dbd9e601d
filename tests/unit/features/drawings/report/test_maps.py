"""What is said of a map: its figure, and why it must not be relied on."""

from typing import Any

import pytest

from deepmed.features.drawings.report.maps import likeness, trust_in_words

METHOD = "occlusion"
TRUST: dict[str, Any] = {
    "faithful": True,
    "measured_on": "map",
    "scores": {METHOD: 0.653, "random": -0.004},
    "randomised": 0.1,
}


@pytest.mark.req("V-4.1")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "What raises its score (faithfulness 0.65, random order 0.00)"),
        ({"faithful": None}, "What raises its score. How faithful this map is was not measured."),
        (
            {"faithful": False},
            "This map is not faithful to the score (0.65, random order 0.00)",
        ),
        (
            {"faithful": False, "randomised": 0.87},
            "This map is not faithful to the score (0.65, random order 0.00): a model that knows "
            "nothing gives one much like it (rank correlation 0.87)",
        ),
        (
            {"measured_on": "model", "drawings": 30, "randomised": {"estimate": 0.1}},
            "What raises its score (faithfulness 0.65, random order 0.00; this model's maps of 30 "
            "other drawings)",
        ),
    ],
)
def test_a_map_is_called_what_it_was_found_to_be(change: dict[str, Any], words: str) -> None:
    assert trust_in_words(TRUST | change, METHOD) == words


@pytest.mark.parametrize(
    ("found", "expected"), [(None, None), (0.3, 0.3), ({"estimate": 0.3}, 0.3)]
)
def test_the_likeness_is_that_of_the_map_or_of_the_models_maps(
    found: object, expected: float | None
) -> None:
    assert likeness(TRUST | {"randomised": found}) == expected
