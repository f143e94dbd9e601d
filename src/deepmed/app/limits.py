"""Limits of requests, from the settings."""

from starlette.types import Scope

from deepmed.kit.http.buckets import Buckets, RateRule
from deepmed.kit.http.marks import route_of
from deepmed.kit.http.middlewares.listeners import ListenerLimits
from deepmed.kit.http.middlewares.size_limits import SizeLimits
from deepmed.kit.settings import Settings
from deepmed.kit.sizes import MIB

UNLIMITED = {"/health", "/health/detailed", "/static"}
FORM_BYTES = MIB
"""What a form holds beside its file."""


def unlimited(scope: Scope) -> bool:
    """Probes, and the scripts and pictures of which a page asks for many at once."""
    return route_of(scope) in UNLIMITED


def size_limits(settings: Settings) -> SizeLimits:
    return SizeLimits(
        settings.max_request_bytes,
        settings.max_json_bytes,
        {
            "/api/v1/drawings/upload": settings.max_file_bytes + FORM_BYTES,
            "/api/v1/drawings/batch/upload": settings.max_upload_bytes,
            "/api/v1/analysis/batch/upload": settings.max_upload_bytes,
            "/api/v1/backup/upload": settings.max_upload_bytes + FORM_BYTES,
            "/experiments": settings.max_upload_bytes + FORM_BYTES,
            "/api/inference/": settings.max_upload_bytes + FORM_BYTES,
            "/api/predict_image": settings.max_upload_bytes + FORM_BYTES,
            "/xrays/predict": settings.max_upload_bytes + FORM_BYTES,
            "/xrays/sources": settings.max_upload_bytes + FORM_BYTES,
        },
        {"/api/reports/": settings.max_request_bytes},  # pictures stand in their JSON
    )


def most_requests(settings: Settings) -> int | None:
    """How many requests may run at a time; None sets no limit, as in local mode."""
    return settings.max_concurrent_requests if settings.limits == "on" else None


def listener_limits(settings: Settings) -> ListenerLimits:
    """In local mode too: what stays open is looked after for as long as it does."""
    return ListenerLimits(settings.max_listeners, settings.max_listeners_per_person)


def buckets(settings: Settings) -> Buckets:
    """Without rules where there is no limit, as in local mode."""
    rules = settings.rate_limits.split(", ") if settings.limits == "on" else []
    pairs = (rule.split(" ") for rule in rules)
    return Buckets({path: RateRule.parse(rate) for path, rate in pairs})
