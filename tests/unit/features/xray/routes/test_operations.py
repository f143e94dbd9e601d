"""Contract 1.1 to 1.5: nothing that it names is missing. The list is written from it alone."""

import re
from typing import Any

import pytest

from deepmed.kit.http.routing import all_names
from factories.api import Api

OPERATIONS = {
    "1.1": ["GET /", "GET /config/current", "POST /config/update"],
    "1.2": [
        "POST /experiments/centralized/train",
        "POST /experiments/centralized",
        "POST /experiments/federated/train",
        "POST /experiments/federated",
        "GET /experiments/status/{}",
        "GET /experiments/list",
        "POST /experiments/comparison/run",
    ],
    "1.3": [
        "GET /api/runs/list",
        "GET /api/runs/{}/metrics",
        "GET /api/runs/{}/federated-rounds",
        "GET /api/runs/{}/server-evaluation",
        "GET /api/runs/{}/client-metrics",
        "GET /api/runs/{}/download/csv",
        "GET /api/runs/{}/download/json",
        "GET /api/runs/{}/download/summary",
        "POST /api/runs/backfill/{}/server-evaluations",
        "GET /api/runs/analytics/summary",
    ],
    "1.4": [
        "GET /api/inference/health",
        "POST /api/inference/predict",
        "POST /api/inference/predict-batch",
        "POST /api/inference/heatmap",
        "POST /api/inference/heatmap-batch",
    ],
    "1.5": [
        "POST /api/inference/report/single",
        "POST /api/inference/report/batch-summary",
        "POST /api/inference/report/batch-with-images",
        "POST /api/reports/single",
        "POST /api/reports/batch",
        "POST /api/reports/batch-with-heatmaps",
    ],
}
"""By section, old and new ones, and both ways that documents and code write an experiment's path.
Left out are raw rows for those who wrote the original (`/debug/`), which it does not
serve."""


@pytest.mark.req("X-19.1")
@pytest.mark.parametrize("section", OPERATIONS)
def test_every_operation_of_the_contract_is_served_by_its_method(
    hospital: Api, section: str
) -> None:
    app: Any = hospital.client.app
    served = {re.sub(r"\{[^}]+\}", "{}", name) for name in all_names(app.routes)}
    assert set(OPERATIONS[section]) - served == set()
