"""The whole flow on sample data, from pictures to a report."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.demo.datasets import LICENCE, PLANTED_DATASET, TYPICAL_DATASET
from deepmed.features.drawings.demo.figures import Strangers, group_figures, unseen
from deepmed.features.drawings.importing import DrawingImporter
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.ranges import DEFAULT_PLAN, parse_groups
from deepmed.features.drawings.models.stored_figures import completed
from deepmed.features.drawings.models.training import GroupTraining
from deepmed.features.drawings.report.figures import Unseen
from deepmed.features.drawings.report.gathering import ReportGatherer
from deepmed.features.drawings.report.rendering import write
from deepmed.features.drawings.samples.files import METADATA, create_sample_drawings, write_folder
from deepmed.features.drawings.samples.maker import make_false_alarm_samples
from deepmed.features.drawings.samples.planted import (
    PlantedDrawing,
    make_planted,
    write_planted,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError

Stage = Callable[[str], None]


@dataclass
class DemoResult:
    """What the demo did and measured."""

    groups: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    flagged: int = 0
    report: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "groups": self.groups,
            "seconds": self.seconds,
            "flagged": self.flagged,
            "report": self.report,
        }


class Demo:
    """Samples, import, training, analysis, explanation and report, each stage timed.

    Args:
        bench: an empty home, or one that an earlier demo filled.
        folder: where sample pictures and the report are written.
        stage: told the name of each stage as it begins.
    """

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
        seed = self.bench.settings.seed
        typical, apart = self.folder / "typical", self.folder / "unseen"
        self._refuse_foreign()
        with self._stage("make samples"):
            create_sample_drawings(typical, seed)
            planted = make_planted(seed)
            write_planted(self.folder / "planted", planted)
            write_folder(
                apart, {one.filename: one.image for one in planted}, METADATA, map(_row, planted)
            )
        with self._stage("import"):
            self._import(typical, TYPICAL_DATASET)
        with self._stage("embed"):
            self.bench.pipeline.process_batch()
        with self._stage("train"):
            GroupTraining(self.bench, GroupTrainingConfig(seed=seed)).train(
                parse_groups(DEFAULT_PLAN)
            )
        with self._stage("analyse"):
            self._import(apart, PLANTED_DATASET)
            self.bench.pipeline.process_batch()
            batch = AnalysisService(self.bench).analyze()
            self.result.flagged = sum(row.is_anomaly for row in batch.analyses)
        with self._stage("measure on unseen drawings"):
            further = self._measure(planted, seed)
        with self._stage("explain and report"):
            gatherer = ReportGatherer(self.bench)
            content = gatherer.gather("DeepMed demo: sample drawings", unseen=further)
            self.result.report = str(write(content, self.folder / "report.html").resolve())
        return self.result

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        self.stage(name)
        start = time.perf_counter()
        yield
        self.result.seconds[name] = round(time.perf_counter() - start, 2)

    def _import(self, folder: Path, dataset: str) -> None:
        bench = self.bench
        importer = DrawingImporter(bench.database, bench.storage, bench.settings, bench.owner_id)
        importer.import_source(folder, dataset_name=dataset, licence_note=LICENCE)

    def _refuse_foreign(self) -> None:
        """Sample drawings must never mix with a person's own."""
        catalogue = DrawingCatalogue(self.bench.database, self.bench.storage, self.bench.owner_id)
        own = {path.name for path in self.folder.glob("**/*.png")}
        foreign = [one.id for one in catalogue.iterate() if one.original_name not in own]
        if foreign:
            raise ConflictError(
                f"The data folder {self.bench.settings.home} holds {len(foreign)} drawings that "
                "are not the demo's. Nothing was changed. Set DEEPMED_HOME to an empty folder for "
                "the demo, so that sample drawings never mix with your own."
            )

    def _measure(self, made: Sequence[PlantedDrawing], seed: int) -> dict[int, Unseen]:
        """Add each group's figures to the result; what further typical drawings came to."""
        service = AnalysisService(self.bench)
        percentile = self.bench.settings.threshold_percentile
        encoder = self.bench.encoding.encoder
        typical = Strangers.of(
            [(one.image, one.age_years, one.subject) for one in make_false_alarm_samples(seed)],
            encoder,
        )
        planted = Strangers.of(
            [(one.image, one.age_years, one.subject) for one in made], encoder, len(typical.rows)
        )
        kinds = [one.kind.value for one in made]
        with self.bench.database.read() as session:
            scene = service.scene(session)
            infos = {
                item.row.id: service.models.get_model_info(session, item.row)
                for item in scene.active
            }
        for item in scene.active:
            metrics = completed(infos[item.row.id]["metrics"])
            figures = group_figures(
                item, typical.rows, planted.rows, kinds, percentile=percentile, seed=seed
            )
            self.result.groups.append(
                figures
                | {
                    "detector": item.row.model_type,
                    "children": metrics["children"],
                    "percentile": percentile,
                    "attained_level": item.model.model.calibration.attained_level(percentile),
                    "age_specificity": metrics["age_specificity"],
                    "run": infos[item.row.id]["artifact"],
                }
            )
        return {item.row.id: unseen(item, typical.rows, percentile) for item in scene.active}


def _row(one: PlantedDrawing) -> dict[str, object]:
    """Labelled, so that a planted anomaly never trains anything, and is its own child's."""
    return {
        "filename": one.filename,
        "age_years": one.age_years,
        "subject": one.subject,
        "expert_label": "concern",
        "prompt": f"planted by a program: {one.kind.value.replace('_', ' ')}",
        "child_id": one.filename.removesuffix(".png"),
    }
