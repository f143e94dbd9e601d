"""The shell's own addresses: static files, and the interface's description."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from deepmed.web.shell import page

STATIC = Path(__file__).with_name("static")
ASSETS_READY = STATIC / "vendor" / "htmx.js"

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every address of the interface, shown from this machine alone."""
    return page(request, "deepmed.web", "docs.html", {})


def static_files() -> StaticFiles:
    """Our own styles and scripts, and those that the lock names."""
    return StaticFiles(directory=STATIC)


def missing_assets() -> str | None:
    """What to do where the scripts and styles of others were not fetched; None where they were."""
    if ASSETS_READY.exists():
        return None
    return (
        "The pages' scripts and styles are not there, so pages look bare. Run `make assets` in "
        "the repository once; an installed wheel has them."
    )
