"""What a request is refused with stands in the description of its address."""

from typing import Any

import pytest

from factories.api import PREFIX, Api

AGES = {"age_group_min": 3, "age_group_max": 6}
REFUSED: list[tuple[str, str, int, dict[str, Any]]] = [
    ("GET", "/drawings/{drawing_id}", 404, {}),
    ("GET", "/drawings/", 400, {"params": {"page": 0}}),
    ("POST", "/drawings/upload", 422, {"data": {"age_years": "7"}}),
    ("POST", "/analysis/batch", 400, {"json": {"drawing_ids": [999_999]}}),
    ("GET", "/analysis/outlook", 404, {"params": {"drawing_ids": [999_999]}}),
    ("GET", "/interpretability/examples/{age_group}", 400, {}),
    ("POST", "/models/train", 409, {"json": {"age_min": 3, "age_max": 6, "min_samples": 10}}),
    ("POST", "/models/train", 400, {"json": {"age_min": 16, "age_max": 17}}),
    ("GET", "/models/data-sufficiency/analyze", 400, {"params": {"age_groups": "x"}}),
    (
        "POST",
        "/training/models/export",
        400,
        {"params": {"training_job_id": 1, "export_format": "pickle", **AGES}},
    ),
    ("PUT", "/config/", 400, {"json": {}}),
    ("POST", "/config/reset", 400, {}),
    ("POST", "/alerts/thresholds", 400, {"json": {"nothing": 5}}),
    ("POST", "/database/migrate", 400, {"json": {"target_revision": "nowhere"}}),
    ("GET", "/security/status", 501, {}),
]
NAMES = {"drawing_id": 999_999, "age_group": "nothing"}


@pytest.mark.parametrize(
    ("method", "path", "status", "content"), REFUSED, ids=lambda one: str(one)[:40]
)
def test_an_error_is_one_of_those_that_the_description_names(
    settled: Api, described: dict[str, Any], method: str, path: str, status: int, content: Any
) -> None:
    answer = settled.ask(method, path.format(**NAMES), **content)
    assert answer.status_code == status, answer.text
    assert str(status) in described["paths"][PREFIX + path][method.lower()]["responses"]


@pytest.fixture(scope="module")
def described(settled: Api) -> dict[str, Any]:
    schema: dict[str, Any] = settled.get("/openapi.json")
    return schema
