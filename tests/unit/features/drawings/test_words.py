"""One place that knows what the names of the code mean."""

import pytest

from deepmed.features.drawings.words import (
    DETECTOR_WORDS,
    KIND_WORDS,
    name_in_words,
)
from deepmed.learning.detectors import detector_names
from deepmed.learning.planting import PlantedKind


def test_every_detector_and_every_planted_kind_has_its_words() -> None:
    assert set(detector_names()) <= set(DETECTOR_WORDS)
    assert {kind.value for kind in PlantedKind} <= set(KIND_WORDS)
    for words in (*DETECTOR_WORDS.values(), *KIND_WORDS.values()):
        assert "_" not in words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("knn", "nearest neighbours"),
        ("ink and box", "ink and box alone"),
        ("jitter_2", "strokes jittered, medium"),
        ("something_new", "something new"),
    ],
)
def test_a_name_is_said_in_words(name: str, words: str) -> None:
    assert name_in_words(name) == words
