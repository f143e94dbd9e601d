"""Models whose stored figures lack some: an earlier state knew fewer, others were not measured."""

from collections.abc import Callable
from copy import deepcopy
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.report.gathering import ReportGatherer
from deepmed.features.drawings.report.rendering import render
from deepmed.features.drawings.runs.verify import recompute
from deepmed.features.drawings.tables import AgeGroupModel
from factories.api import Api

SIZES = ("percentile", "children", "drawings", "twin_children", "supported", "highest_percentile")
Metrics = dict[str, Any]


def earlier(metrics: Metrics) -> Metrics:
    """Before layouts were compared with the vector with the age too."""
    found = deepcopy(metrics)
    for row in found.get("layouts", []):
        del row["difference_to_age"], row["beats_age"]
    return found


def from_a_folder(metrics: Metrics) -> Metrics:
    """As a training on a folder leaves them: sizes alone."""
    return {name: metrics[name] for name in (*SIZES, "threshold", "attained_level")}


def store(api: Api, change: Callable[[Metrics], Metrics]) -> list[int]:
    with api.home.database.write() as session:
        for artifact in session.scalars(select(Artifact)):
            artifact.metrics = change(artifact.metrics)
        models = list(session.scalars(select(AgeGroupModel)))
        for model in models:
            apart = model.parameters["tells_ages_apart"] if change is earlier else None
            model.parameters = {**model.parameters, "tells_ages_apart": apart}
        return [model.id for model in models]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (earlier, "Beside the vector with the age it was not measured."),
        (from_a_folder, "not measured: this was not asked when the model was trained"),
    ],
)
def test_pages_and_report_say_what_was_not_measured(
    api: Api, change: Callable[[Metrics], Metrics], said: str
) -> None:
    models = store(api, change)
    assert len(models) == 4
    assert api.client.get("/models").status_code == 200
    assert api.client.get("/api/v1/models/age-groups").status_code == 200
    pages = [unescape(api.client.get(f"/models/{model}").text) for model in models]
    assert sum(said in page for page in pages) >= 3
    assert said in unescape(render(ReportGatherer(api.bench).gather()))


@pytest.mark.req("V-2.2")
def test_figures_that_were_not_kept_are_not_held_against_a_run(api: Api) -> None:
    store(api, earlier)
    with api.home.database.read() as session:
        uids = list(session.scalars(select(Artifact.uid)))
    for uid in uids:
        package = api.home.registry.package(uid)
        recipe = package.manifest.lineage["recipe"]
        checks = recompute(package.files, earlier(package.manifest.metrics), recipe)
        assert all(check.agrees for check in checks)
