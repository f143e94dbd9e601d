"""Everything of one drawing in one go."""

import json
from typing import Any

import numpy as np
import pytest

from deepmed.learning.encoders import Prepared
from deepmed.learning.errors import NotDifferentiableError
from deepmed.learning.saliency import (
    CompleteAnalysis,
    GateResult,
    ImportanceRegionDetector,
    InterpretabilityPipeline,
    PageScore,
    SaliencyMapGenerator,
    VisualFeatureIdentifier,
    choose_fill,
    measure_faithfulness,
)
from deepmed.learning.saliency.example import example_page, example_sheet

from .conftest import Values

DRAWING = example_sheet(5, bar=True)


def p_of(scores: Values) -> Values:
    """The sheet with the bar is unusual, blank paper more so, a typical sheet is usual."""
    return np.clip(1.2 - scores / 65, 0.01, 1.0)


def a_typical_page(page: PageScore) -> Prepared:
    return page.function.encoder.prepare([example_sheet(3)])


def analysed(
    pipeline: InterpretabilityPipeline, page: PageScore, **options: Any
) -> CompleteAnalysis:
    return pipeline.generate_complete_analysis(
        DRAWING, page.page, page.function, p_of, a_typical_page(page), **options
    )


@pytest.mark.req("D-17.1")
@pytest.mark.req("D-18.1")
def test_the_parts_are_those_that_the_parts_themselves_give() -> None:
    page = example_page()
    identifier = VisualFeatureIdentifier([example_sheet(place) for place in range(12)])
    found = analysed(InterpretabilityPipeline("m", identifier), page)
    fill = choose_fill(page, p_of, a_typical_page(page))
    made = SaliencyMapGenerator(page.function).generate_saliency_map(
        page.page, "two_sided_occlusion", fill
    )
    assert (found.saliency_map.values == made.values).all()
    assert found.saliency_map.fill == fill.name == "typical"
    measured = measure_faithfulness(page, p_of, [made], fill)
    assert found.faithfulness.scores == measured.scores
    assert found.content == identifier.analyze_drawing_content(DRAWING)
    regions = ImportanceRegionDetector().detect_bounding_boxes(made, (96, 96))
    assert found.regions == identifier.identify_important_regions(DRAWING, regions)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["faithfulness"]["random"] == measured.scores["random"]
    assert told["score"] == page.scores(page.pixels)[0]


@pytest.mark.req("D-17.2")
def test_where_the_figure_is_refused_the_map_stays_and_says_why() -> None:
    page = example_page()
    found = InterpretabilityPipeline("m", method="gradient").generate_complete_analysis(
        DRAWING, page.page, page.function, lambda scores: np.full(len(scores), 0.1), page.page
    )
    assert found.faithfulness is None
    assert "typical p = 0.100" in found.not_measured
    assert found.saliency_map.fill == "paper"
    assert found.saliency_map.values.any()


@pytest.mark.req("D-17.4")
@pytest.mark.parametrize(
    ("gate_result", "faithful"),
    [
        (None, None),
        (GateResult(passed=True, faithful=("gradient",), children=40), True),
        (GateResult(passed=True, faithful=("occlusion",), children=40), False),
        (GateResult(passed=False, faithful=(), children=40, reason="No."), False),
    ],
)
def test_a_map_is_called_faithful_only_by_the_models_gate(
    gate_result: GateResult | None, *, faithful: bool | None
) -> None:
    pipeline = InterpretabilityPipeline("m", gate_result=gate_result, method="gradient")
    assert analysed(pipeline, example_page(), measure=False).faithful is faithful


def test_what_was_not_asked_for_is_not_measured() -> None:
    found = analysed(
        InterpretabilityPipeline("m", method="gradient"), example_page(), measure=False
    )
    assert found.faithfulness is None
    assert found.not_measured == "It was not asked for."


@pytest.mark.req("D-18.1")
def test_all_four_overlays_can_be_had() -> None:
    kinds = ("heatmap", "contour", "masked", "side_by_side")
    pipeline, page = InterpretabilityPipeline("m", method="gradient"), example_page()
    found = analysed(pipeline, page, overlay_types=kinds, measure=False)
    assert tuple(found.overlays) == kinds
    assert {overlay.kind for overlay in found.overlays.values()} == set(kinds)
    with pytest.raises(ValueError, match="hologram"):
        analysed(pipeline, page, overlay_types=("hologram",), measure=False)


def test_a_method_that_the_detector_does_not_allow_is_refused() -> None:
    pipeline = InterpretabilityPipeline("m", method="integrated_gradients")
    with pytest.raises(NotDifferentiableError):
        analysed(pipeline, example_page("isolation_forest"))
