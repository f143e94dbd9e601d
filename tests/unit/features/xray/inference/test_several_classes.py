"""A model that tells more than two classes apart, and one whose classes are not the contract's."""

import numpy as np
import pytest
import torch

from deepmed.features.xray.inference.prediction import ModelFacts, Prediction
from deepmed.features.xray.inference.served_model import ServedModel
from deepmed.features.xray.inference.service import Asked, MapWanted
from deepmed.features.xray.runs.loading import LoadedModel
from deepmed.features.xray.source import XrayReader
from deepmed.kit import settings as kit_settings
from deepmed.kit.errors import ValidationError
from deepmed.learning.evaluation.binary import OperatingPoint
from deepmed.learning.imaging import Preprocessing
from deepmed.learning.networks import NetworkSettings, build_network
from factories.films import png
from factories.xray import SIDE, film_of

CLASSES = ("cat", "dog", "horse")


def asked_about(classes: tuple[str, ...], side: int = SIDE) -> Asked:
    outputs = 1 if len(classes) == 2 else len(classes)
    torch.manual_seed(0)
    described = NetworkSettings("resnet18", channels=1, classes=outputs, head=(), width=2)
    labels = np.arange(60) % len(classes)
    logits = (
        np.random.default_rng(0).normal(size=(60, outputs))
        + 2 * np.eye(len(classes))[labels, -outputs:]
    )
    point = OperatingPoint.fit(logits if outputs > 1 else logits[:, 0], labels, range(60))
    prepare = Preprocessing((side, side), "L", (0.5,), (0.25,))
    loaded = LoadedModel(build_network(described).eval(), prepare, point, classes, {})
    model = ServedModel(loaded, None, "There is no gate in this test.", 0)
    facts = ModelFacts(1, "animals", "run_1_0", classes)
    return Asked(facts, model, XrayReader(), kit_settings.Settings())


def predicted(classes: tuple[str, ...]) -> Prediction:
    return asked_about(classes).predict(png(film_of(1)), "film.png")


@pytest.mark.req("X-17.1")
def test_of_several_classes_the_most_probable_is_decided_for() -> None:
    made = predicted(CLASSES)
    told = made.to_dict()
    shares = told["probabilities"]
    assert list(shares) == list(CLASSES)
    assert sum(shares.values()) == pytest.approx(1)
    assert made.decision == max(shares, key=shares.__getitem__)
    assert told["decision"] in {None, made.decision}
    assert told["confidence"] in {None, max(shares.values())}
    assert told["threshold"] is told["abstention"]["band"] is None
    assert told["pneumonia_probability"] is told["normal_probability"] is None
    assert "cat, dog, horse" in told["reasons"]["pneumonia_probability"]
    assert told["out_of_distribution"]["flagged"] is None
    assert told["out_of_distribution"]["reason"] == "There is no gate in this test."


def test_two_classes_of_other_names_are_not_called_pneumonia() -> None:
    told = predicted(("healthy", "ill")).to_dict()
    assert told["pneumonia_probability"] is None
    assert set(told["probabilities"]) == {"healthy", "ill"}
    assert told["predicted_class"] in {"healthy", "ill", None}


def test_the_sentence_says_the_class_or_why_there_is_none() -> None:
    made = predicted(CLASSES)
    share = f"{100 * max(made.probabilities):.1f} %"
    assert share in made.sentence
    assert made.decision in made.sentence
    assert (made.answer is None) == made.sentence.startswith("No answer")


def test_a_map_that_cannot_be_measured_is_refused_with_the_reason() -> None:
    """A side of 29 pixels cannot be cut into equal patches."""
    made = asked_about(CLASSES, 29).predict(png(film_of(1)), "film.png", MapWanted())
    assert made.heatmap is not None
    assert made.heatmap.picture is None
    assert made.heatmap.reason
    with pytest.raises(ValidationError, match="no map by the method"):
        asked_about(CLASSES).predict(png(film_of(1)), "film.png", MapWanted("guess"))
