"""The least role of every route, in one place (S-2).

The server does not start with a route that is not here, nor with a line that has no route.
`docs/routes.md` is generated from it.
"""

from deepmed.kit.http.caller import Role
from deepmed.kit.http.routing import ANYONE

VIEWER, ANNOTATOR, ANALYST, OPERATOR, ADMINISTRATOR = Role

ROLES: dict[str, Role | None] = {
    # The server itself
    "GET /": VIEWER,
    "GET /health": ANYONE,
    "GET /health/detailed": OPERATOR,
    "GET /metrics": OPERATOR,
    "GET /monitoring/logs": OPERATOR,
    "GET /monitoring/alerts": OPERATOR,
    "GET /api/v1/openapi.json": VIEWER,
    # Jobs
    "GET /api/v1/jobs": VIEWER,
    "GET /api/v1/jobs/{job_id}": VIEWER,
    "POST /api/v1/jobs/{job_id}/cancel": ANALYST,
    "POST /api/v1/jobs/{job_id}/retry": ANALYST,
    "GET /api/v1/jobs/{job_id}/events": VIEWER,
    "WEBSOCKET /api/v1/ws": VIEWER,
    # Health and monitoring
    "GET /api/v1/health": ANYONE,
    "GET /api/v1/health/detailed": VIEWER,
    "GET /api/v1/health/component/{component_name}": VIEWER,
    "GET /api/v1/metrics": VIEWER,
    "GET /api/v1/metrics/history": VIEWER,
    "GET /api/v1/alerts": VIEWER,
    "POST /api/v1/alerts/thresholds": ADMINISTRATOR,
    "GET /api/v1/status": VIEWER,
    # Pages of the shell
    "GET /docs": VIEWER,
    "MOUNT /static": ANYONE,
    "GET /status": VIEWER,
    "GET /status/storage": VIEWER,
    # Pages of drawings
    "GET /drawings": VIEWER,
    "POST /drawings/analyze": ANALYST,
    "GET /drawings/upload": ANNOTATOR,
    "GET /drawings/{drawing_id}": VIEWER,
    "GET /drawings/{drawing_id}/why": VIEWER,
    "GET /drawings/{drawing_id}/delete": ANALYST,
    "GET /models": VIEWER,
    "GET /models/{model_id}": VIEWER,
    "GET /models/training/{uid}": VIEWER,
    "GET /models/training/{uid}/part": VIEWER,
    "GET /models/training/{uid}/losses.{form}": VIEWER,
    "GET /thresholds": VIEWER,
    "GET /thresholds/preview": VIEWER,
    # Pages of jobs
    "GET /jobs": VIEWER,
    "GET /jobs/part": VIEWER,
    "GET /jobs/running": VIEWER,
    "GET /jobs/{job_id}": VIEWER,
    "GET /jobs/{job_id}/part": VIEWER,
    # Drawings
    "POST /api/v1/drawings/upload": ANNOTATOR,
    "GET /api/v1/drawings/upload/progress/{upload_id}": ANNOTATOR,
    "POST /api/v1/drawings/batch/upload": ANNOTATOR,
    "GET /api/v1/drawings/stats": VIEWER,
    "GET /api/v1/drawings/": VIEWER,
    "GET /api/v1/drawings/{drawing_id}": VIEWER,
    "PATCH /api/v1/drawings/{drawing_id}": ANNOTATOR,
    "DELETE /api/v1/drawings/{drawing_id}": ANALYST,
    "GET /api/v1/drawings/{drawing_id}/file": VIEWER,
    "GET /api/v1/drawings/{drawing_id}/thumbnail": VIEWER,
    "GET /api/v1/drawings/{drawing_id}/neighbours": VIEWER,
    # Analyses
    "GET /api/v1/analysis/stats": VIEWER,
    "POST /api/v1/analysis/analyze/{drawing_id}": ANALYST,
    "POST /api/v1/analysis/batch": ANALYST,
    "GET /api/v1/analysis/batch/{batch_id}/progress": VIEWER,
    "GET /api/v1/analysis/drawing/{drawing_id}": VIEWER,
    "POST /api/v1/analysis/embeddings/{drawing_id}": ANALYST,
    "GET /api/v1/analysis/{analysis_id}": VIEWER,
    "GET /api/v1/analysis/{analysis_id}/overlay.png": VIEWER,
    "GET /api/v1/analysis/{analysis_id}/saliency.png": VIEWER,
    "GET /api/v1/analysis/{analysis_id}/saliency.json": VIEWER,
    # Explanations
    "GET /api/v1/interpretability/examples": VIEWER,
    "GET /api/v1/interpretability/examples/{age_group}": VIEWER,
    "GET /api/v1/interpretability/exports/{export_id}": VIEWER,
    "GET /api/v1/interpretability/{analysis_id}/interactive": VIEWER,
    "GET /api/v1/interpretability/{analysis_id}/simplified": VIEWER,
    "GET /api/v1/interpretability/{analysis_id}/confidence": VIEWER,
    "GET /api/v1/interpretability/{analysis_id}/attribution": VIEWER,
    "POST /api/v1/interpretability/{analysis_id}/export": ANALYST,
    "POST /api/v1/interpretability/{analysis_id}/annotate": ANNOTATOR,
    "GET /api/v1/interpretability/{analysis_id}/annotations": VIEWER,
    "GET /api/v1/interpretability/{analysis_id}/annotations/{annotation_id}": VIEWER,
    "PUT /api/v1/interpretability/{analysis_id}/annotations/{annotation_id}": ANNOTATOR,
    "DELETE /api/v1/interpretability/{analysis_id}/annotations/{annotation_id}": ANNOTATOR,
    # Models
    "GET /api/v1/models/age-groups": VIEWER,
    "POST /api/v1/models/train": ANALYST,
    "GET /api/v1/models/training/{job_id}/status": VIEWER,
    "PUT /api/v1/models/{model_id}/threshold": OPERATOR,
    "GET /api/v1/models/status": VIEWER,
    "POST /api/v1/models/auto-create": ANALYST,
    "GET /api/v1/models/creation/{job_id}/status": VIEWER,
    "DELETE /api/v1/models/{model_id}": OPERATOR,
    "GET /api/v1/models/data-sufficiency/analyze": VIEWER,
    "GET /api/v1/models/data-sufficiency/age-group/{age_min}/{age_max}": VIEWER,
    "POST /api/v1/models/data-sufficiency/merge-age-groups": OPERATOR,
    "GET /api/v1/models/data-sufficiency/warnings": VIEWER,
    # Configuration
    "GET /api/v1/config/": VIEWER,
    "PUT /api/v1/config/": OPERATOR,
    "GET /api/v1/config/threshold/preview": VIEWER,
    "PUT /api/v1/config/threshold": OPERATOR,
    "PUT /api/v1/config/age-grouping": OPERATOR,
    "GET /api/v1/config/health": VIEWER,
    "GET /api/v1/config/stats": VIEWER,
    "GET /api/v1/config/subjects": VIEWER,
    "GET /api/v1/config/subjects/statistics": VIEWER,
    "GET /api/v1/config/models/subject-aware": VIEWER,
    "POST /api/v1/config/reset": OPERATOR,
}
