"""Heat maps over HTTP: drawn where they belong, measured beside maps that know nothing, refused."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepmed.features.xray.inference.heat_maps import frame_of
from deepmed.features.xray.inference.served_model import SHELF, ServedModel
from deepmed.features.xray.inference.shown import SHOWN_SIDE, small
from deepmed.features.xray.runs.map_checks import RECORD, TOP, WHOLE
from deepmed.learning.imaging import Preprocessing
from factories.films import png
from factories.xray_runs import sharpened

from .conftest import Ward
from .test_routes import strange

METHODS = ("grad_cam", "grad_cam_plus_plus", "occlusion")


@pytest.fixture(scope="module")
def image(ward: Ward) -> np.ndarray:
    with Image.open(io.BytesIO(ward.film())) as opened:
        return np.array(opened.convert("RGB"))


@pytest.fixture
def deciding(ward: Ward, image: np.ndarray) -> Iterator[Ward]:
    """The ward, with a model that needs what its film shows."""
    run = ward.run
    SHELF.drop()
    SHELF.get(
        run.artifact.manifest_hash,
        lambda: sharpened(ServedModel.of(run.package.files), image),
    )
    yield ward
    SHELF.drop()


def mapped(ward: Ward, content: bytes, **query: Any) -> Any:
    answer = ward.post("/heatmap", content, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def picture(text: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(text))) as opened:
        return np.array(opened)


@pytest.mark.req("X-17.1")
@pytest.mark.req("V-4.1")
@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_measured_beside_random_and_edges(
    deciding: Ward, image: np.ndarray, method: str
) -> None:
    found = mapped(deciding, deciding.film(), method=method)
    assert found["refused"] is False, found["reason"]
    assert set(found["faithfulness"]["scores"]) == {method, "random", "sobel"}
    scores = found["faithfulness"]["scores"]
    low, high = found["faithfulness"]["random_range"]
    assert found["faithfulness"]["random_orders"] >= 19
    assert low < scores["random"] == high
    best = scores[method] > max(scores["random"], scores["sobel"])
    assert found["faithfulness"]["beats_controls"] == best
    assert any("says no more of this image" in one for one in found["notes"]) == (not best)
    assert found["faithfulness"]["baseline_probability"] <= (
        found["faithfulness"]["probability"] / 2
    )
    assert found["explained_class"] == found["prediction"]["decision"]
    assert (picture(found["original_image_base64"]) == image).all()
    shown = picture(found["heatmap_base64"])
    assert shown.shape == image.shape
    assert (shown != image).any()


@pytest.mark.req("X-17.1")
@pytest.mark.parametrize("trained", [0, 1])
def test_frozen_and_partly_unfrozen_networks_are_explained_alike(
    ward: Ward, image: np.ndarray, trained: int
) -> None:
    """What training left frozen changes no map, and the map changes nothing of the network."""
    from deepmed.features.xray.inference.service import Asked, MapWanted, XrayInference
    from deepmed.features.xray.source import XrayReader

    model = sharpened(ServedModel.of(ward.run.package.files), image)
    network = model.loaded.network
    with XrayInference.of(ward.home).asking() as asked, XrayReader() as reader:

        def scores() -> Any:
            made = Asked(asked.facts, model, reader, ward.home.settings).predict(
                ward.film(), "f", MapWanted()
            )
            assert made.heatmap is not None
            assert made.heatmap.faithfulness is not None, made.heatmap.reason
            return made.heatmap.faithfulness["scores"]

        free = scores()
        network.freeze_backbone()
        if trained:
            network.unfreeze_last_n_layers(trained)
        before = network.trainable_names()
        assert scores() == free
        assert network.trainable_names() == before
        assert not network.training


@pytest.mark.req("X-17.1")
def test_a_map_that_would_mean_nothing_is_refused_with_the_reason(ward: Ward) -> None:
    """The network was not trained, so that whatever replaces a patch scores like the image."""
    SHELF.drop()
    found = mapped(ward, ward.film())
    assert found["success"] is found["refused"] is True
    assert found["heatmap_base64"] is found["faithfulness"] is None
    assert "scores like the image itself" in found["reason"]
    assert found["original_image_base64"]
    shown = ward.post("/predict", ward.film(), include_heatmap=True).json()
    assert shown["heatmap_base64"] is None


@pytest.mark.req("V-4.1")
@pytest.mark.req("X-17.1")
@pytest.mark.parametrize(
    ("passed", "said"),
    [(False, "do not change enough when all weights"), (None, "is not known"), (True, "too alike")],
)
def test_a_map_that_does_not_need_the_weights_is_refused(
    deciding: Ward, *, passed: bool | None, said: str
) -> None:
    """What training measured on validation decides; what it could not measure is said."""
    alike = {"estimate": 0.8, "low": 0.7, "high": 0.9, "passed": False}
    whole = {**alike, "passed": passed}
    found = {"passed": passed, "n_items": 30, "depths": {TOP: alike, WHOLE: whole}}
    model = SHELF.held(deciding.run.artifact.manifest_hash)
    assert model is not None
    record: Any = model.loaded.record
    record[RECORD]["methods"]["grad_cam"] = found
    told = mapped(deciding, deciding.film(), measure=False)
    assert told["refused"] is (passed is False)
    assert (told["heatmap_base64"] is None) is (passed is False)
    assert said in (told["reason"] or " ".join(told["notes"]))


@pytest.mark.req("X-17.1")
def test_what_is_refused_has_no_map(deciding: Ward) -> None:
    found = mapped(deciding, strange()["photograph"])
    assert found["heatmap_base64"] is None
    assert "unlike those that the model was made for" in found["reason"]


def test_colours_and_cover_are_chosen(deciding: Ward) -> None:
    usual = mapped(deciding, deciding.film(), measure=False)
    assert usual["faithfulness"] is None
    assert "not measured" in usual["notes"][0]
    pictures = {usual["heatmap_base64"]}
    for query in ({"colormap": "hot"}, {"colormap": "jet"}, {"alpha": 0.9}):
        pictures.add(mapped(deciding, deciding.film(), measure=False, **query)["heatmap_base64"])
    assert len(pictures) == 4
    for wrong in ({"colormap": "pink"}, {"alpha": 1}, {"method": "guess"}):
        assert deciding.post("/heatmap", deciding.film(), **wrong).status_code == 422
    drawn = deciding.post("/predict", deciding.film(), include_heatmap=True).json()
    assert drawn["heatmap_base64"] == usual["heatmap_base64"]


def test_a_batch_of_maps_names_the_broken_one(deciding: Ward) -> None:
    sent = [("files", (name, data)) for name, data in (("a", deciding.film()), ("b", b"no"))]
    found = deciding.client.post("/api/inference/heatmap-batch", files=sent).json()
    assert [item["success"] for item in found["results"]] == [True, False]
    assert found["results"][0]["heatmap_base64"]
    assert found["results"][1]["error"]
    assert found["total_processing_time_ms"] >= found["results"][0]["processing_time_ms"]


def test_a_map_lies_where_the_network_saw_the_image() -> None:
    """A high image stands in the middle of a square input: the map reaches beyond its sides."""
    padded = Preprocessing((100, 100))
    assert frame_of(padded, 400, 200) == (-100, 0, 300, 400)
    assert frame_of(padded, 50, 100) == (0, -25, 100, 75)
    assert frame_of(Preprocessing((100, 100), fit="stretch"), 400, 200) == (0, 0, 200, 400)


def test_large_films_are_sent_back_smaller() -> None:
    large = np.zeros((3 * SHOWN_SIDE, 2 * SHOWN_SIDE, 3), np.uint8)
    assert small(large).shape[:2] == (SHOWN_SIDE, round(SHOWN_SIDE * 2 / 3))
    assert small(large[:10, :10]).shape == (10, 10, 3)
    assert png(small(large))
