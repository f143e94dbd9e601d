"""What answers hold adds up, under the contract's names."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError as SchemaError

from deepmed.features.drawings.models.age_groups import CUSTOM, WIDTHS
from deepmed.features.drawings.schemas.analysis import BatchAnalysisResponse
from deepmed.features.drawings.schemas.common import PaginationInfo
from deepmed.features.drawings.schemas.models import (
    AgeGroupingStrategy,
    AgeGroupModelResponse,
    ModelStatus,
    ModelStatusResponse,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def batch(**counts: int) -> BatchAnalysisResponse:
    told: dict[str, Any] = {
        "batch_id": "b",
        "status": "processing",
        "results": [],
        "errors": [],
        "started_at": NOW,
        "completed_at": None,
        "q_values": {},
    }
    return BatchAnalysisResponse(**told, **counts)


def test_no_batch_has_more_ends_than_drawings() -> None:
    assert batch(total_drawings=3, completed=1, failed=2).failed == 2
    with pytest.raises(SchemaError, match="than the batch has"):
        batch(total_drawings=3, completed=2, failed=2)


def test_no_more_models_are_active_than_there_are() -> None:
    told = {
        "training_models": 0,
        "total_drawings": 0,
        "total_analyses": 0,
        "system_status": "ready",
        "last_training": None,
    }
    assert ModelStatusResponse(total_models=3, active_models=2, failed_models=1, **told)
    with pytest.raises(SchemaError, match="than there are"):
        ModelStatusResponse(total_models=3, active_models=3, failed_models=1, **told)


def test_the_ages_of_a_model_rise() -> None:
    told = dict.fromkeys(AgeGroupModelResponse.model_fields) | {
        "age_min": 6.0,
        "age_max": 3.0,
        "status": ModelStatus.READY,
    }
    with pytest.raises(ValueError, match="above age_min"):
        AgeGroupModelResponse.model_construct(**told).validate_age_range()


def test_the_strategies_are_those_that_groups_are_suggested_by() -> None:
    assert {*WIDTHS, CUSTOM} == set(AgeGroupingStrategy)


@pytest.mark.parametrize(
    ("page", "items", "pages", "before", "after"),
    [
        (1, 0, 0, False, False),
        (1, 20, 1, False, False),
        (1, 21, 2, False, True),
        (2, 21, 2, True, False),
        (7, 21, 2, True, False),
        (7, 0, 0, False, False),
    ],
)
def test_where_a_page_lies(page: int, items: int, pages: int, before: bool, after: bool) -> None:  # noqa: FBT001 - columns of the table
    found = PaginationInfo.of(page, 20, items)
    assert (found.total_items, found.total_pages) == (items, pages)
    assert (found.has_previous, found.has_next) == (before, after)
