"""The whole flow on sample data, from pictures to a report (issue: `make demo`)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.catalogue import Catalogue
from deepmed.features.drawings.demo.figures import (
    TestDrawing,
    as_test,
    group_figures,
    strangers,
)
from deepmed.features.drawings.importing import DrawingImporter
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.ranges import DEFAULT_PLAN, parse_groups
from deepmed.features.drawings.models.training import GroupTraining
from deepmed.features.drawings.report.gathering import ReportGatherer
from deepmed.features.drawings.report.rendering import write
from deepmed.features.drawings.samples.files import create_sample_drawings
from deepmed.features.drawings.samples.maker import make_false_alarm_samples
from deepmed.features.drawings.samples.planted import create_planted_drawings, make_planted
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError

Stage = Callable[[str], None]
DATASET = "demo"


@dataclass
class DemoResult:
    """What the demo did and measured."""

    groups: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    report: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"groups": self.groups, "seconds": self.seconds, "report": self.report}


class Demo:
    """Samples, import, training, analysis, explanation and report, each stage timed."""

    def __init__(self, bench: Workbench, folder: Path, stage: Stage) -> None:
        self.bench = bench
        self.folder = folder
        self.stage = stage
        self.result = DemoResult()

    def run(self) -> DemoResult:
        """Run everything; a demo that was stopped goes on where it was.

        Raises:
            ConflictError: the home holds drawings that are not the demo's.
        """
        self._refuse_foreign()
