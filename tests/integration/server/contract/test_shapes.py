"""Every operation of the contract's sections 2.1 to 2.8 and 2.11 answers in its shape."""

from typing import Any

import pytest

from factories.tour import Tour
from integration.server.contract import (
    shapes,
    shapes_deployment,
    shapes_training,
    shapes_usage,
)
from integration.server.contract.shapes import Shape, mismatches

SUFFICIENCY = "/models/data-sufficiency"
OPERATIONS: dict[str, Shape | list[Shape]] = {
    # 2.1
    "POST /drawings/upload": shapes.DRAWING,
    "GET /drawings/upload/progress/{upload_id}": shapes.UPLOAD_PROGRESS,
    "GET /drawings/{drawing_id}": shapes.DRAWING,
    "GET /drawings/{drawing_id}/file": None,
    "GET /drawings/": shapes.DRAWINGS,
    "DELETE /drawings/{drawing_id}": None,
    "POST /drawings/batch/upload": shapes.BATCH_UPLOAD,
    "GET /drawings/stats": shapes.DRAWING_STATISTICS,
    # 2.2
    "GET /analysis/stats": shapes.ANALYSIS_STATISTICS,
    "POST /analysis/analyze/{drawing_id}": shapes.RESULT,
    "POST /analysis/batch": shapes.BATCH,
    "GET /analysis/batch/{batch_id}/progress": shapes.BATCH_PROGRESS,
    "GET /analysis/{analysis_id}": shapes.RESULT,
    "POST /analysis/embeddings/{drawing_id}": shapes.EMBEDDING,
    "GET /analysis/drawing/{drawing_id}": shapes.HISTORY,
    # 2.3
    "GET /interpretability/{analysis_id}/interactive": shapes.INTERACTIVE,
    "GET /interpretability/{analysis_id}/simplified": shapes.SIMPLIFIED,
    "GET /interpretability/{analysis_id}/confidence": shapes.CONFIDENCE,
    "GET /interpretability/{analysis_id}/attribution": shapes.ATTRIBUTED,
    "POST /interpretability/{analysis_id}/export": shapes.EXPORTED,
    "POST /interpretability/{analysis_id}/annotate": shapes.ANNOTATED,
    "GET /interpretability/examples": [shapes.PATTERN],
    "GET /interpretability/examples/{age_group}": shapes.COMPARISON,
    # 2.4
    "GET /models/age-groups": shapes.MODELS,
    "POST /models/train": shapes.TRAINING,
    "GET /models/training/{job_id}/status": shapes.TRAINING_STATUS,
    "PUT /models/{model_id}/threshold": shapes.THRESHOLD_UPDATED,
    "GET /models/status": shapes.MODEL_STATUS,
    "POST /models/auto-create": (shapes.IN_USE, shapes.CREATING),
    "GET /models/creation/{job_id}/status": shapes.CREATION_STATUS,
    "DELETE /models/{model_id}": shapes.DEACTIVATED,
    f"GET {SUFFICIENCY}/analyze": shapes.SUFFICIENCY,
    f"GET {SUFFICIENCY}/age-group/{{age_min}}/{{age_max}}": shapes.GROUP_SUFFICIENCY,
    f"POST {SUFFICIENCY}/merge-age-groups": shapes.MERGED,
    f"GET {SUFFICIENCY}/warnings": shapes.WARNINGS,
    # 2.5
    "POST /training/jobs": shapes_training.JOB,
    "GET /training/jobs": [shapes_training.JOB],
    "GET /training/jobs/{training_job_id}": shapes_training.JOB_STATUS,
    "POST /training/jobs/{training_job_id}/cancel": shapes_training.CANCELLED,
    "GET /training/jobs/{training_job_id}/reports": [shapes_training.REPORT],
    "GET /training/environments/status": shapes_training.ENVIRONMENTS,
    "POST /training/sagemaker/setup": shapes_training.SETUP,
    "POST /training/deploy": shapes_deployment.PARAMETERS_DEPLOYED,
    "POST /training/models/export": shapes_deployment.EXPORTED,
    "GET /training/models/exports": shapes_deployment.EXPORTS,
    "POST /training/models/validate": shapes_deployment.VALIDATED,
    "POST /training/models/deploy": shapes_deployment.DEPLOYED,
    "GET /training/models/deployed": shapes_deployment.IN_USE,
    "POST /training/models/{model_id}/undeploy": shapes_deployment.UNDEPLOYED,
    # 2.6
    "GET /config/": shapes.CONFIGURATION,
    "PUT /config/": shapes.UPDATED,
    "PUT /config/threshold": shapes.PERCENTILE_SET,
    "PUT /config/age-grouping": shapes.GROUPING_UPDATED,
    "GET /config/health": shapes.CONFIGURATION_HEALTH,
    "GET /config/stats": shapes.CONFIGURATION_STATISTICS,
    "GET /config/subjects": shapes.SUBJECTS,
    "GET /config/subjects/statistics": (shapes.ALL_SUBJECTS, shapes.ONE_SUBJECT),
    "GET /config/models/subject-aware": shapes.SUBJECT_AWARE,
    "POST /config/reset": shapes.RESET,
    # 2.7
    "GET /health": shapes.HEALTH,
    "GET /health/detailed": shapes.DETAILED_HEALTH,
    "GET /health/component/{component_name}": shapes.COMPONENT,
    "GET /metrics": shapes.METRICS,
    "GET /metrics/history": shapes.METRICS_HISTORY,
    "GET /alerts": shapes.ALERTS,
    "POST /alerts/thresholds": shapes.ALERT_THRESHOLDS,
    "GET /status": shapes.STATUS,
    # 2.8
    "POST /backup/full": shapes.FULL_BACKUP,
    "POST /backup/database": shapes.DATABASE_BACKUP,
    "GET /backup/list": shapes.BACKUPS,
    "GET /backup/download/{backup_name}": None,
    "POST /backup/restore": shapes.RESTORED,
    "POST /backup/upload": shapes.BACKUP_UPLOADED,
    "DELETE /backup/{backup_name}": shapes.BACKUP_DELETED,
    "POST /export": shapes.EXPORT,
    "GET /export/download/{export_name}": None,
    "POST /cleanup": shapes.CLEANED_UP,
    "GET /storage/info": shapes.STORAGE,
    "POST /storage/cleanup": shapes.STORAGE_CLEANED,
    # 2.11
    "POST /database/backup": shapes.DATABASE_BACKED_UP,
    "POST /database/migrate": shapes.MIGRATED,
    "GET /database/migration-info": shapes.MIGRATION_INFO,
    "POST /database/validate-consistency": shapes.COMPARED,
    "GET /database/backup-list": shapes.DATABASE_BACKUPS,
    "POST /database/schedule-backups": shapes.SCHEDULED,
    "POST /database/consistency-check": shapes.CONSISTENCY,
    # 2.9
    "GET /demo/": None,
    "GET /demo/samples": shapes_usage.DEMO_SAMPLES,
    "GET /demo/samples/{sample_id}": shapes_usage.DEMO_ONE,
    "GET /demo/project-info": shapes_usage.DEMO_PROJECT,
    "GET /demo/disclaimer": shapes_usage.DEMO_DISCLAIMER,
    "GET /demo/technical-links": shapes_usage.DEMO_LINKS,
    "GET /demo/statistics": shapes_usage.DEMO_STATISTICS,
    # 2.10
    "GET /metrics/usage": shapes_usage.USAGE,
    "GET /metrics/health": shapes_usage.USAGE_HEALTH,
    "GET /metrics/sessions": shapes_usage.USAGE_SESSIONS,
    "GET /metrics/performance": shapes_usage.PERFORMANCE,
    "POST /metrics/session/start": shapes_usage.SESSION_STARTED,
    "POST /metrics/session/{session_id}/end": shapes_usage.SESSION_ENDED,
    "GET /metrics/cloudwatch/status": shapes_usage.CLOUDWATCH,
    # 13
    "GET /analysis/batch/jobs": shapes.BATCH_JOBS,
    "POST /analysis/batch/upload": shapes.BATCH_FILES,
    "POST /analysis/batch/{batch_id}/analyze": shapes.BATCH,
    "GET /config/subject-statistics": shapes.SUBJECTS_BY_AGE,
}
STATUS = {"POST /drawings/upload": 201, "DELETE /drawings/{drawing_id}": 204}
COUNTS = {
    "/drawings": 8,
    "/analysis": 10,
    "/interpretability": 8,
    "/models": 12,
    "/training/jobs": 5,
    "/training/environments": 1,
    "/training/sagemaker": 1,
    "/training/models": 6,
    "/training/deploy": 1,
    "/config": 11,
    "/backup": 7,
    "/export": 2,
    "/storage": 2,
    "/cleanup": 1,
    "/database": 7,
    "/demo": 7,
    "/metrics/": 8,
}


def test_the_table_has_every_operation_of_those_sections() -> None:
    paths = [operation.partition(" ")[2] for operation in OPERATIONS]
    for prefix, number in COUNTS.items():
        assert sum(path.startswith(prefix) for path in paths) == number
    assert len(paths) == sum(COUNTS.values()) + 7


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_in_the_contracts_shape(tour: Tour, operation: str) -> None:
    for answer in tour.answers[operation]:
        assert answer.status_code == STATUS.get(operation, 200)
        if OPERATIONS[operation] is not None:
            assert not list(mismatches(OPERATIONS[operation], answer.json()))


def test_every_operation_that_is_served_is_asked(tour: Tour) -> None:
    """A new one must be asked too, so that its numbers are looked at.

    What only ever refuses is asked in tests/unit/app/test_not_offered.py.
    """
    schema = tour.api.get("/openapi.json")
    served = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in schema["paths"].items()
        if path.startswith("/api/v1/") and not path.startswith("/api/v1/jobs")
        for method, operation in methods.items()
        if any(code.startswith("2") for code in operation["responses"])
    }
    assert set(tour.answers) == served


def test_the_openapi_says_what_is_answered(tour: Tour) -> None:
    """Each JSON answer has a schema of its own, no object without names."""
    schema = tour.api.get("/openapi.json")
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/v1/"):
                for body in bodies(operation):
                    assert body, f"{method} {path}"
                    assert not body.get("additionalProperties"), f"{method} {path}"


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (int, True),
        (float, "1"),
        (shapes.AGE, 19),
        (shapes.count, -1),
        (shapes.moment, "2026-01-01T00:00:00"),
        ({"a": int}, {}),
        ({"*": int}, {"a": "1"}),
        ([int], [1, "2"]),
        ((int, None), "x"),
        (shapes.NO_NUMBER, 0.0),
    ],
)
def test_another_shape_would_be_seen(shape: Shape, value: object) -> None:
    assert list(mismatches(shape, value))


def bodies(operation: dict[str, Any]) -> list[Any]:
    good = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
    return [
        answer["content"]["application/json"]["schema"]
        for answer in good
        if "application/json" in answer.get("content", {})
    ]
