"""All trainings, newest first."""

from typing import Any

from deepmed.features.xray.runs.service import XrayRuns, described

SHOWN = 50


def listed(runs: XrayRuns) -> dict[str, Any]:
    return {"runs": [described(line) for line in runs.page(limit=SHOWN)]}
