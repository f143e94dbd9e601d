"""The pages of all slices: their routes, their places in the navigation, and errors as pages."""

from collections.abc import Iterator
from http import HTTPStatus

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from deepmed.core.backups import pages as backups
from deepmed.core.health import pages as health
from deepmed.core.jobs import pages as jobs
from deepmed.features.drawings.pages import routes as drawings
from deepmed.features.drawings.routes import demo
from deepmed.features.xray.pages import routes as xray
from deepmed.kit.http.problems import Problem
from deepmed.kit.settings import demo_home
from deepmed.web.shell import Entry, page

DEMO = (
    "These are the demo's samples. Your own drawings have a data folder of their own: "
    "`deepmed serve --own` shows it."
)
TITLES = {
    HTTPStatus.FORBIDDEN: "This is not open to you",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This address is not complete",
}


def routers() -> Iterator[APIRouter]:
    yield drawings.router
    yield demo.router  # the contract has it here and below /api/v1
    yield xray.router
    yield jobs.router
    yield health.router
    yield backups.router


def install(app: FastAPI) -> None:
    """What the shell and the root ask for."""
    app.state.navigation = (
        Entry("Dashboard", "/"),
        *drawings.NAVIGATION,
        *xray.NAVIGATION,
        *jobs.NAVIGATION,
        *backups.NAVIGATION,
        *health.NAVIGATION,
    )
    app.state.dashboard = drawings.dashboard
    app.state.banner = DEMO if app.state.home.settings.home == demo_home() else None
    app.state.job_pages = {**drawings.JOB_PAGES, **xray.JOB_PAGES, **backups.JOB_PAGES}
    app.state.problems.page = show


def show(request: Request, problem: Problem) -> Response:
    """An error as a person reads it."""
    title = "This could not be done"
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        title = "Something went wrong here"
    shown = {
        "title": TITLES.get(HTTPStatus(problem.status), title),
        "message": problem.message,
        "error_id": problem.error_id,
    }
    return page(request, "deepmed.web", "message.html", shown, problem.status)
