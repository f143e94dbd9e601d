"""Asking about one image: the stored probability, or why there is no answer."""

import io
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepmed.features.xray.inference.prediction import NO_INTERPRETATION
from deepmed.features.xray.inference.served_model import SHELF, ServedModel
from deepmed.features.xray.inference.service import XrayInference
from factories.api import Api
from factories.films import png
from factories.markup import read, words
from factories.xray import film_of
from factories.xray_runs import sharpened

RUN, THREE, NO_TEST = 1, 4, 6


def ask(api: Api, content: bytes, run: int = RUN, status: int = 200, **form: str) -> Any:
    sent = {"file": ("../a <b>.png", content, "image/png")}
    answer = api.client.post("/xrays/predict", files=sent, data={"run": str(run), **form})
    assert answer.status_code == status, answer.text
    return answer.text


def a_tested_image(clinic: Api) -> Any:
    """A test image with what is stored of it."""
    run = XrayInference.of(clinic.home).run(RUN)
    record = run.predictions["test"][0]
    patient, view = re.findall(r"\d+", record["image"])
    return png(film_of(int(patient), int(view))), record


@pytest.mark.req("X-17.1")
def test_the_answer_is_the_stored_probability_and_names_its_threshold(clinic: Api) -> None:
    content, record = a_tested_image(clinic)
    markup = ask(clinic, content)
    text = words(markup)
    shown = re.search(r"<td>this image</td><td>([^<]+)</td>", markup)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(record["probability"], rel=1e-3)
    assert NO_INTERPRETATION in text
    assert "validation patients" in text


@pytest.mark.req("X-17.1")
def test_a_map_comes_with_how_faithful_it_is(clinic: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    content, _ = a_tested_image(clinic)
    with Image.open(io.BytesIO(content)) as opened:
        image = np.array(opened.convert("RGB"))
    needing = model_of(clinic, lambda model: sharpened(model, image))
    monkeypatch.setattr(SHELF, "get", lambda *_: needing)
    text = ask(clinic, content, method="grad_cam")
    assert 'id="layer"' in text
    assert 'data-opacity-of="layer"' in text
    table = text[text.index("Is the map faithful?") :]
    assert "this map" in table
    assert "edges of the image (Sobel)" in table
    assert "the best of 20 random orders of patches" in table
    assert "Random orders reach from -" in table
    assert "without a map" not in text
    assert "Where it looked" not in ask(clinic, content)


@pytest.mark.req("X-17.1")
def test_where_a_map_would_mean_nothing_the_page_says_why(
    clinic: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the image moves the output, so that whatever replaces a patch scores alike."""
    content, _ = a_tested_image(clinic)

    def dulled(model: ServedModel) -> ServedModel:
        network = deepcopy(model.loaded.network)
        for weight in network.parameters():
            weight.data *= 1e-3
        return replace(model, loaded=replace(model.loaded, network=network))

    dull = model_of(clinic, dulled)
    monkeypatch.setattr(SHELF, "get", lambda *_: dull)
    text = ask(clinic, content, method="grad_cam")
    assert "The image as it was read, without a map." in text
    assert "scores like the image itself" in words(text)
    assert 'id="layer"' not in text


def model_of(clinic: Api, change: Callable[[ServedModel], ServedModel]) -> ServedModel:
    """Changed, and without a gate, which would refuse the features of a changed network."""
    model = ServedModel.of(XrayInference.of(clinic.home).run(RUN).package.files)
    return replace(change(model), gate=None, no_gate="There is no gate in this test.")


@pytest.mark.req("U-11.1")
def test_what_is_no_image_is_refused_with_what_was_kept(clinic: Api) -> None:
    assert "Nothing was predicted." in ask(clinic, b"no image", status=400)
    assert "Nothing was predicted." in ask(clinic, b"", status=400)
    ask(clinic, png(film_of(1)), status=400, method="guess")


def test_names_of_files_are_labels(clinic: Api) -> None:
    text = ask(clinic, png(film_of(1)))
    assert "a &lt;b&gt;.png" in text
    assert "../" not in text


def test_the_page_says_what_the_answers_are_worth(clinic: Api) -> None:
    run = XrayInference.of(clinic.home).run(RUN)
    found = run.evaluation["test"]["report"]["figures"]["sensitivity"]
    text = words(read(clinic, f"/xrays/predict?run={RUN}"))
    assert f"{found['estimate']:.3f}" in text
    assert f"{found['sample_size']} patients" in text
    assert "mean of the classes" in words(read(clinic, f"/xrays/predict/worth?run={THREE}"))
    assert "It has no test part" in read(clinic, f"/xrays/predict/worth?run={NO_TEST}")


def test_several_classes_have_a_probability_each(clinic: Api) -> None:
    text = words(ask(clinic, png(np.full((28, 28), 90, np.uint8)), THREE))
    assert all(name in text for name in ("clear", "cloudy", "dark"))
    assert "stored threshold of" not in text


def test_models_of_others_cannot_be_asked(stranger: Api) -> None:
    ask(stranger, png(film_of(1)), status=404)
    read(stranger, f"/xrays/predict?run={RUN}", 404)
    assert "No training is completed yet" in read(stranger, "/xrays/predict")
