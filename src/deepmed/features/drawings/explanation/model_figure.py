"""How faithful a model's maps are, on drawings that it never learned from (D-17).

Where an encoder needs more than 20 ms an image, the curves of every single map would keep people
waiting. The model's figure is measured once instead, and named as the model's wherever it stands.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.explanation.case import Case, CaseLoader
from deepmed.features.drawings.explanation.trust import MARGINS, randomised
from deepmed.features.drawings.models.figure_keys import figure_key
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError
from deepmed.learning.errors import InsufficientDataError, SaliencyGenerationError
from deepmed.learning.evaluation import mean_interval
from deepmed.learning.reference import Reference
from deepmed.learning.saliency.faithfulness import measure_faithfulness
from deepmed.learning.saliency.fills import choose_fill
from deepmed.learning.saliency.generator import SaliencyMapGenerator, find_method
from deepmed.learning.saliency.randomisation import RandomisationCheck
from deepmed.learning.saliency.report import FaithfulnessReport, MeasuredDrawing

MOST_DRAWINGS = 30
SPLIT = "calibration drawings, which the model was not fitted on: one a child, the most unusual"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Place:
    """Where the figure of a model's maps by one method is kept, and for which revision."""

    key: str
    revision: int
    method: str


class ModelFaithfulness:
    """Measures models once, and remembers the figures beside the maps."""

    def __init__(self, bench: Workbench, cases: CaseLoader) -> None:
        self.bench = bench
        self.cases = cases

    def measure(
        self, model_id: int, method: str, progress: Progress | None = None
    ) -> dict[str, Any]:
        """The figure over up to 30 held-out drawings; a stopped call goes on where it was.

        Raises:
            NotFoundError: no such model.
            ConflictError: the model is not active, so it explains nothing.
            SaliencyGenerationError: there is no such method.
        """
        find_method(method)
        item = self._active(model_id)
        place = self._place(item.row, method)
        chosen = held_out(item.model.model)
        drawings = self._kept(place).get("drawings", {})
        todo = [row for row in self._analyses(chosen) if str(row.drawing_id) not in drawings]
        for row in todo:
            drawings[str(row.drawing_id)] = self._measured(row, item, method)
            self._keep(place, {"drawings": drawings})
            if progress:
                progress(len(drawings), len(chosen))
        figure = summary(list(drawings.values()), method, self.bench.settings.seed)
        self._keep(place, {"drawings": drawings, "summary": figure})
        return figure

    def find(self, case: Case, method: str) -> dict[str, Any]:
        """The stored figure of the model that scored a case, or how to have one."""
        summarised: dict[str, Any] | None = self._kept(self._place(case.item.row, method)).get(
            "summary"
        )
        return summarised or {
            "faithful": None,
            "reason": "The encoder takes over 20 ms an image here, so no single map is measured. "
            f"`deepmed drawings faithfulness {case.item.row.id} --method {method}` measures the "
            "model's maps once, and "
            f"`deepmed drawings explain {case.drawing.id} --measure` this very map.",
        }

    def _analyses(self, drawings: Sequence[int]) -> list[AnomalyAnalysis]:
        return self.cases.analyses.analyze(drawings).analyses if drawings else []

    def _measured(self, row: AnomalyAnalysis, item: ActiveModel, method: str) -> dict[str, Any]:
        if row.age_group_model_id != item.row.id:
            return {"refused": "Its age was changed, so another model scores it now."}
        try:
            return self._figures(self.cases.of(row), method)
        except (ConflictError, SaliencyGenerationError) as error:
            return {"refused": str(error)}

    def _figures(self, case: Case, method: str) -> dict[str, Any]:
        """One drawing's curves, and how alike its map stays when the detector knows nothing."""
        generator = SaliencyMapGenerator(self.cases.score_function(case))
        prepared = self.cases.prepared(case.image)
        page = generator.function.at(prepared)
        fill = choose_fill(page, case.ranking, self.cases.typical(case))
        made = generator.generate_saliency_map(prepared, method, fill)
        found = measure_faithfulness(page, case.ranking, [made], fill, seed=generator.seed)
        return {
            "child": case.drawing.child_id,
            "p": found.p,
            "fill": found.fill,
            "scores": found.scores,
            "randomised": randomised(generator, prepared, made, fill),
        }

    def _active(self, model_id: int) -> ActiveModel:
        with self.bench.database.read() as session:
            self.cases.analyses.models.get(session, model_id)
            scene = self.cases.analyses.scene(session)
        for item in scene.active:
            if item.row.id == model_id:
                return item
        raise ConflictError(
            f"Model {model_id} explains no drawing: it is not active, or it is the model over all "
            "groups. Nothing was measured."
        )

    def _place(self, row: AgeGroupModel, method: str) -> Place:
        with self.bench.database.read() as session:
            info = self.cases.analyses.models.get_model_info(session, row)
        return Place(figure_key(info["artifact"]), info["artifact_revision"], method)

    def _file(self, place: Place) -> dict[str, Any]:
        """What is stored; nothing where children were deleted since (the revision tells)."""
        if self.bench.storage.exists(place.key):
            stored: dict[str, Any] = json.loads(self.bench.storage.get(place.key))
            if stored["revision"] == place.revision:
                return stored
        return {"revision": place.revision, "methods": {}}

    def _kept(self, place: Place) -> dict[str, Any]:
        kept: dict[str, Any] = self._file(place)["methods"].get(place.method, {})
        return kept

    def _keep(self, place: Place, figure: dict[str, Any]) -> None:
        stored = self._file(place)
        stored["methods"][place.method] = figure
        self.bench.storage.put(place.key, json.dumps(stored).encode())


def held_out(reference: Reference) -> list[int]:
    """Up to 30 calibration drawings: one a child, from the most unusual child down.

    Maps are asked for where a drawing is unusual, so that is where they are measured.
    """
    calibration = reference.calibration
    scored = sorted(
        zip(
            calibration.scores.tolist(),
            calibration.children,
            reference.calibration_drawings.tolist(),
            strict=True,
        ),
        key=lambda row: (-row[0], row[2]),
    )
    first: dict[object, int] = {}
    for _, child, drawing in scored:
        first.setdefault(child, drawing)
    return list(first.values())[:MOST_DRAWINGS]


def summary(drawings: Sequence[dict[str, Any]], method: str, seed: int) -> dict[str, Any]:
    """The figure of a method over measured drawings, beside the controls."""
    measured = [
        MeasuredDrawing(one["child"], one["p"], one["fill"], one["scores"])
        for one in drawings
        if "refused" not in one
    ]
    refused = [one["refused"] for one in drawings if "refused" in one]
    report = FaithfulnessReport(measured, refused, SPLIT, seed)
    sizes = {"drawings": len(measured), "children": report.children, "refused": len(refused)}
    none: dict[str, Any] = {"faithful": None, "randomised": None, "scores": {}, "rows": [], **sizes}
    if not measured:
        return {**none, "reason": refused[0] if refused else "Nobody calibrates this model."}
    try:
        own, rows = report.row(method), report.rows()
    except InsufficientDataError as error:
        return {**none, "reason": str(error)}
    check = changed(drawings, seed)
    return {
        "faithful": check.passed and own.beats(MARGINS) and find_method(method).explains_score,
        "randomised": check.mean.to_dict() if check.mean else None,
        "reason": None,
        "scores": {row.method: row.score.estimate for row in rows},
        "rows": [{"order": row.method, **row.score.to_dict()} for row in rows],
        **sizes,
    }


def changed(drawings: Sequence[dict[str, Any]], seed: int) -> RandomisationCheck:
    """Whether the maps of these drawings change when the detector knows nothing.

    A map without a correlation, because it is constant, counts as one that stays as it is.
    """
    kept = [one for one in drawings if "refused" not in one]
    correlations = [1.0 if one["randomised"] is None else one["randomised"] for one in kept]
    children = [one["child"] for one in kept]
    mean = mean_interval(correlations, children, seed, split=SPLIT)
    return RandomisationCheck(tuple(correlations), mean)
