"""What the product does, shown on drawings that it was done to."""

from typing import Any

from deepmed.features.drawings import answers
from deepmed.features.drawings.demo import samples, texts
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.schemas.demo import DemoSample

SHOWN = 3
"""Of the flagged ones, and of the others."""


def content(desk: Desk) -> dict[str, Any]:
    with desk.home.database.read() as session:
        found = samples.samples(session, desk.home.owner_id)
    return {
        "project": answers.demo.project(desk),
        "disclaimer": texts.DISCLAIMER,
        "links": texts.LINKS,
        "statistics": samples.statistics(found),
        "cards": _chosen(found),
        "none_yet": samples.NONE_YET,
    }


def _chosen(found: list[DemoSample]) -> list[DemoSample]:
    """Some flagged ones and some that are not, the newest of each."""
    flagged = [one for one in found if one.analysis_result.is_anomaly]
    others = [one for one in found if not one.analysis_result.is_anomaly]
    return [*flagged[:SHOWN], *others[:SHOWN]]
