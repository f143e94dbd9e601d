"""The demo: samples that are computed here, and what they are not (contract 2.9)."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from deepmed.features.drawings import answers
from deepmed.features.drawings.demo import texts
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.pages import content
from deepmed.features.drawings.schemas.demo import (
    DisclaimerAnswer,
    LinksAnswer,
    ProjectAnswer,
    SampleAnswer,
    SamplesAnswer,
    StatisticsAnswer,
)
from deepmed.features.drawings.schemas.fields import ObjectId
from deepmed.web.shell import page

PACKAGE = "deepmed.features.drawings"

router = APIRouter(prefix="/demo", tags=["demo"])


@router.get("/", response_class=HTMLResponse)
def demo(request: Request, desk: CallersDesk) -> HTMLResponse:
    """A page that shows what the product does, with drawings that it was done to."""
    return page(request, PACKAGE, "demo.html", content.demo.content(desk))


@router.get("/samples")
def list_samples(desk: CallersDesk) -> SamplesAnswer:
    """The newest analysed drawings: the demo's own where it brought any."""
    return SamplesAnswer(message="The samples.", data=answers.demo.listed(desk))


@router.get("/samples/{sample_id}")
def get_sample(desk: CallersDesk, sample_id: ObjectId) -> SampleAnswer:
    """One of them with its explanation."""
    return SampleAnswer(message="The sample.", data=answers.demo.one(desk, sample_id))


@router.get("/project-info")
def project_information(desk: CallersDesk) -> ProjectAnswer:
    return ProjectAnswer(message="What this is.", data=answers.demo.project(desk))


@router.get("/disclaimer")
def disclaimer() -> DisclaimerAnswer:
    return DisclaimerAnswer(message="What this is not.", data=texts.DISCLAIMER)


@router.get("/technical-links")
def technical_links() -> LinksAnswer:
    """Addresses of this server; nothing here leads elsewhere."""
    return LinksAnswer(message="Where more is told.", data=texts.LINKS)


@router.get("/statistics")
def statistics(desk: CallersDesk) -> StatisticsAnswer:
    """Counts over the samples."""
    return StatisticsAnswer(message="Of the samples.", data=answers.demo.statistics(desk))
