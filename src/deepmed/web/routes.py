"""The shell's own addresses: static files, and the interface's description."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles

from deepmed.kit.errors import NotFoundError
from deepmed.web import guide
from deepmed.web.shell import page

STATIC = Path(__file__).with_name("static")
ASSETS_READY = STATIC / "vendor" / "htmx.js"

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every address of the interface, shown from this machine alone."""
    return page(request, "deepmed.web", "docs.html", {})


@router.get(guide.ROOT)
def guide_start(request: Request) -> HTMLResponse:
    return guide_page(request, guide.START)


@router.get(f"{guide.ROOT}/{{name}}")
def guide_page(request: Request, name: str) -> HTMLResponse:
    """A page of the guide by the name of its file."""
    found = guide.document(name)
    if found is None:
        raise NotFoundError(f"The guide has no page {name}.")
    shown = {"document": found, "start": guide.START}
    return page(request, "deepmed.web", "guide.html", shown)


@router.get(f"{guide.PICTURES}/{{name}}")
def guide_picture(name: str) -> FileResponse:
    found = guide.pictures().get(name)
    if found is None:
        raise NotFoundError(f"The guide has no picture {name}.")
    return FileResponse(found)


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
