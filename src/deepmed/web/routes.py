"""The shell's own addresses: static files, and the interface's description."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from deepmed.kit.errors import ConfigurationError
from deepmed.web.shell import page

STATIC = Path(__file__).with_name("static")
ASSETS_READY = STATIC / "vendor" / "htmx.js"

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every address of the interface, shown from this machine alone."""
    return page(request, "deepmed.web", "docs.html", {})


def static_files() -> StaticFiles:
    """Our own styles and scripts, and those that the lock names.

    Raises:
        ConfigurationError: the latter were not fetched.
    """
    if not ASSETS_READY.exists():
        raise ConfigurationError(
            "The pages' scripts and styles are not there. Run `make assets` in the repository "
            "once; an installed wheel has them."
        )
    return StaticFiles(directory=STATIC)
