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
    # Health and monitoring
    "GET /api/v1/health": ANYONE,
    "GET /api/v1/health/detailed": VIEWER,
    "GET /api/v1/health/component/{component_name}": VIEWER,
    "GET /api/v1/metrics": VIEWER,
    "GET /api/v1/metrics/history": VIEWER,
    "GET /api/v1/alerts": VIEWER,
    "POST /api/v1/alerts/thresholds": ADMINISTRATOR,
    "GET /api/v1/status": VIEWER,
}
