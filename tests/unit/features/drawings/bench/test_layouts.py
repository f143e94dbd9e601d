"""832 columns against 769 and 768, on the same children in the same folds."""

from collections.abc import Iterator

import numpy as np
import pytest

from deepmed.features.drawings.bench.altered import CONTROL
from deepmed.features.drawings.bench.detection import places
from deepmed.features.drawings.bench.entrants import detector_entrants
from deepmed.features.drawings.bench.layouts import layout_rows
from deepmed.features.drawings.bench.material import Material
from deepmed.features.drawings.bench.words import sentences
from deepmed.learning.encoders import get_encoder
from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.reference import Layout
from factories.bench import hasty_detectors


@pytest.fixture(autouse=True)
def _hasty() -> Iterator[None]:
    with hasty_detectors():
        yield


@pytest.mark.req("D-16.3", "D-24.1")
def test_aurocs_and_differences_are_of_the_same_folds(material: Material) -> None:
    encoder = get_encoder("hog-pyramid")
    found = {
        (row["detector"], row["layout"]): row
        for row in layout_rows(material, encoder, 0, 20, lambda _: None)
    }
    aurocs = {}
    for layout in Layout:
        for entrant in detector_entrants(material, encoder, layout):
            if entrant.name in {"knn", "pca"}:
                ranked = places(material, entrant, 0)
                kinds = np.array([material.kinds[i] for i in material.unusual.tolist()])
                aurocs[entrant.name, layout.value] = recompute_auroc(
                    ranked.typical.tolist(), ranked.unusual[kinds != CONTROL].tolist()
                )
    for (detector, columns), auroc in aurocs.items():
        row = found[detector, columns]
        assert row["auroc"]["estimate"] == pytest.approx(auroc)
        for name, rival in (("visual", "visual"), ("age", "visual+age")):
            difference = row[f"difference_to_{name}"]["estimate"]
            assert difference == pytest.approx(auroc - aurocs[detector, rival])


@pytest.mark.req("D-16.3")
def test_only_what_lies_beyond_the_interval_is_a_verdict() -> None:
    def row(detector: str, low: float, high: float) -> dict[str, object]:
        figure = {"estimate": (low + high) / 2, "low": low, "high": high}
        return {
            "material": "real",
            "encoder": "x",
            "detector": detector,
            "layout": "visual+subject",
            "difference_to_visual": figure,
            "difference_to_age": {"estimate": None, "low": None, "high": None},
        }

    rows = [row("a", 0.01, 0.1), row("b", -0.1, 0.1), row("c", -0.2, -0.1)]
    parts = {"layouts": {"skipped": None, "rows": rows}}
    [_, said] = sentences({"checks": [], "parts": parts})
    assert "better than the vector alone with a, worse with c" in said
    assert "better than the vector with the age with no detector, worse with no detector" in said
