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
    "GET /api/v1/openapi.json": VIEWER,
}
