"""One place that knows what the names of the code mean."""

import pytest

from deepmed.features.drawings.words import (
    DETECTOR_WORDS,
    KIND_WORDS,
    name_in_words,
    sentence_in_words,
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


@pytest.mark.parametrize("name", detector_names())
def test_a_sentence_names_no_detector_by_its_code(name: str) -> None:
    said = sentence_in_words(f"{name} has the highest AUROC, and {name} is taken.")
    assert "_" not in said
    assert "pca" not in said
    assert "knn" not in said
    assert said[0].isupper()
    assert said.count("detector") + said.count("forest") + said.count("utoencoder") == 2
    assert sentence_in_words("") == ""
