"""What requests may hold, under the contract's names."""

from typing import Any

import pytest
from pydantic import ValidationError as SchemaError

from deepmed.features.drawings.metadata import ExpertLabel
from deepmed.features.drawings.schemas.analysis import AnalysisMethod, BatchAnalysisRequest
from deepmed.features.drawings.schemas.drawings import DrawingFilterRequest, DrawingUploadRequest
from deepmed.features.drawings.schemas.models import ModelTrainingRequest
from deepmed.kit.errors import ValidationError


def test_a_blank_field_of_a_form_says_nothing() -> None:
    form = DrawingUploadRequest(age_years="6.5", subject="  ", prompt="", drawing_tool=" pen ")
    assert form.model_dump() == {
        "age_years": "6.5",
        "subject": None,
        "expert_label": None,
        "drawing_tool": "pen",
        "prompt": None,
        "child_id": None,
    }
    with pytest.raises(SchemaError):
        DrawingUploadRequest(age_years="nineteen")


def test_a_filter_is_what_the_catalogue_is_asked_for() -> None:
    asked = DrawingFilterRequest(age_min=3, age_max=6, child_id="x", expert_label="normal")
    wanted = asked.wanted()
    assert (wanted.age_min, wanted.age_max, wanted.child) == (3, 6, "x")
    assert wanted.expert_label is ExpertLabel.NORMAL
    assert (asked.page, asked.page_size) == (1, 20)


@pytest.mark.parametrize(("low", "high"), [(6, 6), (6, 3)])
def test_ages_of_a_filter_rise(low: float, high: float) -> None:
    with pytest.raises(ValidationError, match="above"):
        DrawingFilterRequest(age_min=low, age_max=high)


def test_a_batch_names_each_drawing_once() -> None:
    assert BatchAnalysisRequest(drawing_ids=[2, 1]).drawing_ids == [2, 1]
    for ids in ([1, 1], [], [0], list(range(1, 102))):
        with pytest.raises(SchemaError):
            BatchAnalysisRequest(drawing_ids=ids)


@pytest.mark.parametrize(
    ("given", "ages"),
    [
        ({"age_group": "3-4"}, (3, 4)),
        ({"age_group": " 3.5 - 6.0 "}, (3.5, 6)),
        ({"age_min": 3, "age_max": 6}, (3, 6)),
        ({"age_group": "9-12", "age_min": 3, "age_max": 6}, (3, 6)),
    ],
)
def test_an_age_group_may_stand_for_its_bounds(given: Any, ages: tuple[float, float]) -> None:
    request = ModelTrainingRequest.model_validate(given)
    assert (request.age_min, request.age_max) == ages
    assert request.model_type == AnalysisMethod.AUTOENCODER == "autoencoder"


@pytest.mark.parametrize(
    "given",
    [
        {"age_group": "3"},
        {"age_group": "6-3"},
        {"age_group": "4-4"},
        {"age_group": "1-30"},
        {"age_group": "3-4-5"},
        {"age_group": "a-b"},
        {"age_group": ""},
        {"age_group": 3},
        {"age_group": None},
        {"age_group": "1.2.3-4"},
        {},
        [],
    ],
)
def test_what_is_no_age_group(given: Any) -> None:
    with pytest.raises(SchemaError):
        ModelTrainingRequest.model_validate(given)
