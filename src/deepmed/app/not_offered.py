"""Operations of the original that are another program's work here (contract 2.12 to 2.15).

Each answers 501 with where to look or what to set instead, and stands so in the description of the
interface. None of them does anything, so none pretends to.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from fastapi import APIRouter
from pydantic import BaseModel

from deepmed.kit.errors import NotOfferedError

PROBLEM = "application/problem+json"


class ProblemDetails(BaseModel):
    """What RFC 9457 calls a problem."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    error_id: str


@dataclass(frozen=True)
class NotOffered:
    """Operations, a line each, that are answered in the same words."""

    tag: str
    operations: str
    instead: str

    def each(self) -> list[tuple[str, str]]:
        """Method and path of every operation."""
        lines = [line.split() for line in self.operations.strip().splitlines()]
        return [(method, path) for method, path in lines]


ACCOUNT = NotOffered(
    "security",
    """
    GET  /api/v1/security/status
    POST /api/v1/security/validate/iam-role
    POST /api/v1/security/validate/s3-bucket
    POST /api/v1/security/validate/security-groups
    POST /api/v1/security/validate/vpc
    GET  /api/v1/security/validate/encryption-in-transit
    POST /api/v1/security/audit/comprehensive
    GET  /api/v1/security/compliance/report
    """,
    "DeepMed does not inspect an account with a cloud provider; nothing was checked. Amazon's IAM "
    "Access Analyzer and Security Hub do that. What DeepMed itself uses of an account is set by "
    "DEEPMED_STORAGE_URL and DEEPMED_SAGEMAKER_ROLE_ARN; how this server protects itself is told "
    "by GET /auth/status and GET /health/detailed.",
)
PRICES = NotOffered(
    "cost-optimization",
    """
    GET  /api/v1/cost-optimization/estimate
    GET  /api/v1/cost-optimization/optimization
    GET  /api/v1/cost-optimization/compliance
    GET  /api/v1/cost-optimization/config
    """,
    "DeepMed knows no prices, so it estimates none. AWS Budgets and Cost Explorer know what an "
    "account spends; what this installation stores is told by GET /api/v1/storage/info. The "
    "longest training in SageMaker is set by DEEPMED_SAGEMAKER_MAX_SECONDS, its disk by "
    "DEEPMED_SAGEMAKER_VOLUME_GB.",
)
SPENDING = NotOffered(
    "cost-optimization",
    """
    POST /api/v1/cost-optimization/apply-s3-lifecycle/{bucket_name}
    POST /api/v1/cost-optimization/setup-monitoring
    """,
    "DeepMed changes no rule of a bucket and no alarm of an account; nothing was changed. Set them "
    "with the provider's own console or command line. How long backups are kept is decided by "
    "`deepmed backup`, and alarms of this server by POST /api/v1/alerts/thresholds.",
)
PAGES = NotOffered(
    "documentation",
    """
    GET  /api/v1/documentation/status
    GET  /api/v1/documentation/metrics
    GET  /api/v1/documentation/categories
    GET  /api/v1/documentation/files
    GET  /api/v1/documentation/preview/{category}
    POST /api/v1/documentation/search
    GET  /api/v1/documentation/search/suggestions
    GET  /api/v1/documentation/search/statistics
    GET  /api/v1/documentation/navigation/sitemap
    GET  /api/v1/documentation/navigation/cross-references
    GET  /api/v1/documentation/navigation/{document_id:path}
    """,
    "The documentation is not served as data. The guide is at /guide, to be read and searched in a "
    "browser; the description of every address is at /docs and /api/v1/openapi.json.",
)
BUILDING = NotOffered(
    "documentation",
    """
    POST   /api/v1/documentation/generate
    POST   /api/v1/documentation/generate/sync
    DELETE /api/v1/documentation/cache
    GET    /api/v1/documentation/validation
    POST   /api/v1/documentation/validate
    POST   /api/v1/documentation/batch/generate
    POST   /api/v1/documentation/batch/validate
    GET    /api/v1/documentation/schedule
    POST   /api/v1/documentation/schedule
    POST   /api/v1/documentation/search/index
    POST   /api/v1/documentation/navigation/rebuild
    """,
    "The documentation is written from the source and not by the server; nothing was written. In a "
    "checkout `make docs` writes its generated pages anew and `make lint-docs` checks them.",
)
SIGNING_IN = NotOffered(
    "auth",
    """
    POST /auth/login
    POST /auth/api/login
    """,
    "Nobody signs in here: this server serves only the person who started it, whom the operating "
    "system names, so no password is read and no token is given. Accounts for several people come "
    "with a later version.",
)
TABLE = (ACCOUNT, PRICES, SPENDING, PAGES, BUILDING, SIGNING_IN)


@cache
def router() -> APIRouter:
    made = APIRouter()
    for group in TABLE:
        for method, path in group.each():
            made.add_api_route(
                path,
                _refusal(group.instead),
                methods=[method],
                tags=[group.tag],
                name=_name(method, path),
                summary="Not offered",
                description=group.instead,
                status_code=501,
                response_model=None,
                responses=_described(path),
                openapi_extra=_places(path),
            )
    return made


def _refusal(instead: str) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise NotOfferedError(instead)

    return refuse


def _described(path: str) -> dict[int | str, dict[str, Any]]:
    """The body: a problem, and on the paths of `/auth` the contract's with the same `detail`."""
    kind = "application/json" if path.startswith("/auth/") else PROBLEM
    schema = ProblemDetails.model_json_schema()
    if kind != PROBLEM:
        schema = {"type": "object", "properties": {"detail": {"type": "string"}}}
    return {501: {"description": "Not offered", "content": {kind: {"schema": schema}}}}


def _places(path: str) -> dict[str, Any]:
    """The parts of a path that may be anything, which no function's arguments name."""
    names = re.findall(r"\{(\w+)(?::\w+)?\}", path)
    places = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    return {"parameters": places} if places else {}


def _name(method: str, path: str) -> str:
    return "_".join([method.lower(), *re.findall(r"\w+", path)])
