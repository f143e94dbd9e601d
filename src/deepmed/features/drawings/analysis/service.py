"""Analyses of stored drawings: computed once for the same inputs, kept with their history."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.outcome import ActiveModel, Outcome
from deepmed.features.drawings.analysis.outlook import outlook
from deepmed.features.drawings.analysis.parts import Pool
from deepmed.features.drawings.analysis.rates import Use, by_use, use_of
from deepmed.features.drawings.analysis.scoring import Scene, analyse, batch_q_values
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnalysisBatch,
    AnomalyAnalysis,
    Drawing,
)
from deepmed.features.drawings.thresholds.manager import ThresholdManager
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock, ids
from deepmed.kit.database import AnyRow
from deepmed.kit.errors import DeepMedError, NotFoundError
from deepmed.learning.errors import LearningError

CHUNK = 256
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class BatchAnalysis:
    """The analyses of one call, in order of drawing."""

    uid: str
    analyses: list[AnomalyAnalysis]
    q_values: dict[str, Any]
    outlook: dict[str, Any]
    """What the batch could select at best, known before it was scored."""
    computed: int
    """How many were computed now; the others were stored already."""


class BatchAnalysisTracker:
    """Keeps the state of a batch in the database, so that it outlives the process."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def create_batch(self, total: int) -> str:
        uid = ids.new_uid()
        with self.bench.database.write() as session:
            repository.add_batch(
                session,
                AnalysisBatch(
                    uid=uid,
                    owner_id=self.bench.owner_id,
                    status="processing",
                    total=total,
                    errors=[],
                    q_values={},
                ),
            )
        return uid

    def update_batch(self, session: Session, uid: str, completed: int) -> None:
        self.get_batch(session, uid).completed = completed

    def finish(self, session: Session, uid: str, q_values: dict[str, Any]) -> None:
        row = self.get_batch(session, uid)
        row.status, row.q_values, row.completed_at = "completed", q_values, clock.now()

    @contextmanager
    def batch(self, total: int) -> Iterator[str]:
        """A new batch; where the block fails, it is kept with the reason of the failure."""
        uid = self.create_batch(total)
        try:
            yield uid
        except (DeepMedError, LearningError) as error:
            with self.bench.database.write() as session:
                row = self.get_batch(session, uid)
                row.status, row.completed_at = "failed", clock.now()
                row.failed, row.errors = row.total - row.completed, [str(error)]
            raise

    def get_batch(self, session: Session, uid: str) -> AnalysisBatch:
        row = repository.batch(session, self.bench.owner_id, uid)
        if row is None:
            raise NotFoundError(f"There is no batch {uid}.")
        return row


class AnalysisService:
    """Analyses drawings under the active models and the rules in force."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.models = ModelManager(bench)
        self.thresholds = ThresholdManager(bench, self.models)
        self.tracker = BatchAnalysisTracker(bench)

    def analyze(
        self, drawing_ids: Sequence[int] | None = None, progress: Progress | None = None
    ) -> BatchAnalysis:
        """Analyse these drawings, or all; each chunk is committed on its own.

        Raises:
            NotFoundError: an id names no drawing of the owner, or one that was deleted meanwhile.
            EncoderMismatchError: an active model takes vectors of another encoder than the present.
        """
        with self.bench.database.read() as session:
            drawings = repository.drawings(session, self.bench.owner_id, drawing_ids)
            scene = self.scene(session)
            percentile = self.thresholds.get_current_percentile(session)
        self._refuse_unknown(drawing_ids, drawings)
        scene.refuse_foreign_models()
        if percentile is None:  # each model has a threshold set by hand
            percentile = self.bench.settings.threshold_percentile
        prospect = outlook(scene, drawings, percentile)
        with self.tracker.batch(len(drawings)) as uid:
            found = self._analyze(uid, scene, drawings, prospect, progress)
        if drawing_ids is not None:
            _refuse_gone(drawing_ids, found)
        return found

    def refuse_foreign_models(self) -> None:
        """As `analyze` does, for a caller who would embed drawings in vain before it.

        Raises:
            EncoderMismatchError: an active model takes vectors of another encoder than the present.
        """
        with self.bench.database.read() as session:
            scene = self.scene(session)
        scene.refuse_foreign_models()

    def _analyze(
        self,
        uid: str,
        scene: Scene,
        drawings: Sequence[Drawing],
        prospect: dict[str, Any],
        progress: Progress | None,
    ) -> BatchAnalysis:
        outcomes: list[Outcome] = []
        rows: list[AnomalyAnalysis] = []
        computed = 0
        for start in range(0, len(drawings), CHUNK):
            chunk = drawings[start : start + CHUNK]
            with self.bench.database.read() as session:
                self._load_vectors(session, scene, chunk)
            made = analyse(scene, chunk)
            with self.bench.database.write() as session:
                made = self._still_there(session, made)
                stored, fresh = self._store(session, made)
                self.tracker.update_batch(session, uid, start + len(chunk))
            outcomes += made
            rows += stored
            computed += fresh
            if progress:
                progress(start + len(chunk), len(drawings))
        q_values = batch_q_values(outcomes, {drawing.id: drawing.child_id for drawing in drawings})
        with self.bench.database.write() as session:
            self.tracker.finish(session, uid, q_values)
        return BatchAnalysis(uid, rows, q_values, prospect, computed)

    def scene(self, session: Session) -> Scene:
        """Models, rules and the pooled model, as they stand now."""
        active = [
            ActiveModel(row, range_of(row), self.models.load_model(session, row))
            for row in self.models.active(session)
        ]
        pooled = self.models.pooled(session)
        return Scene(
            active=active,
            rules={item.row.id: self.thresholds.rule(session, item.row.id) for item in active},
            pool=None if pooled is None else self._pool(session, pooled),
            encoder=self.bench.encoding.identity.key,
            recipes={item.row.id: self._version(session, item.row) for item in active},
        )

    def first_drawing(self) -> int | None:
        """The lowest id of a drawing; None where there is none."""
        with self.bench.database.read() as session:
            return repository.first_drawing(session, self.bench.owner_id)

    def history(
        self, session: Session, drawing_id: int, limit: int = 10
    ) -> tuple[list[AnomalyAnalysis], int]:
        return repository.history(session, self.bench.owner_id, drawing_id, limit)

    def statistics(self, session: Session) -> dict[str, Any]:
        """Counts over the newest analysis of each drawing.

        The flag rate counts typical drawings of new children only: rows of calibration children
        and those that the twin ranks have their rate by construction, and what a person labelled
        is counted by its label.
        """
        drawings, analyses = repository.totals(session, self.bench.owner_id)
        counted = repository.counts(session, self.bench.owner_id)
        bins: Counter[int] = Counter()
        for age, number in repository.ages(session, self.bench.owner_id).items():
            bins[int(age)] += number
        decisions: Counter[str] = Counter()
        for row in counted:
            decisions[row.decision] += row.number
        labelled = [row for row in counted if use_of(row, row) is Use.LABELLED]
        labels = sorted({row.expert_label for row in labelled})
        return {
            "total_drawings": drawings,
            "total_analyses": analyses,
            "anomaly_count": _flags(counted)["flagged"],
            "decisions": dict(decisions),
            "by_role": {
                role or "none": _flags([row for row in counted if row.role == role])
                for role in dict.fromkeys(row.role for row in counted)
            },
            "new_children": _flags([row for row in counted if use_of(row, row) is Use.NEW]),
            "labelled": {
                label: _flags([row for row in labelled if row.expert_label == label])
                for label in labels
            },
            "age_distribution": [
                {"age_group": f"{age}-{age + 1}", "count": bins[age]} for age in sorted(bins)
            ],
        }

    def uses(
        self, session: Session, rows: Sequence[AnomalyAnalysis]
    ) -> dict[Use, list[AnomalyAnalysis]]:
        """Analyses by what their flags may be counted for."""
        return by_use(rows, repository.marks(session, [row.drawing_id for row in rows]))

    def _pool(self, session: Session, row: AgeGroupModel) -> Pool:
        return Pool(
            self.models.load_model(session, row),
            self._version(session, row),
            repository.subjects_of_members(session, row.id),
        )

    def _version(self, session: Session, row: AgeGroupModel) -> str:
        info = self.models.get_model_info(session, row)
        return f"{row.recipe_hash}/{info['artifact_revision']}"

    def _load_vectors(self, session: Session, scene: Scene, drawings: Sequence[Drawing]) -> None:
        matrix, found = self.bench.embeddings.retrieve_matrix(
            session, [drawing.id for drawing in drawings], scene.encoder
        )
        scene.vectors = dict(zip(found.tolist(), matrix, strict=True))

    def _store(
        self, session: Session, outcomes: Sequence[Outcome]
    ) -> tuple[list[AnomalyAnalysis], int]:
        keys = [outcome.inputs_hash for outcome in outcomes]
        known = repository.by_inputs(session, self.bench.owner_id, keys)
        fresh = 0
        for outcome in outcomes:
            if outcome.inputs_hash not in known:
                row = _row(outcome, self.bench.owner_id)
                session.add(row)
                known[outcome.inputs_hash] = row
                fresh += 1
        session.flush()
        return [known[key] for key in keys], fresh

    def _still_there(self, session: Session, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Those whose drawing nobody deleted while they were computed."""
        there = repository.still_there(session, [outcome.drawing_id for outcome in outcomes])
        return [outcome for outcome in outcomes if outcome.drawing_id in there]

    def _refuse_unknown(self, asked: Sequence[int] | None, drawings: Sequence[Drawing]) -> None:
        unknown = sorted(set(asked or ()) - {drawing.id for drawing in drawings})
        if unknown:
            raise NotFoundError(
                f"There is no drawing {', '.join(map(str, unknown))}. Nothing was analysed. "
                "`deepmed drawings list` shows the drawings.",
                unknown=unknown,
            )


def _flags(counted: Sequence[AnyRow]) -> dict[str, int]:
    return {
        "analysed": sum(row.number for row in counted),
        "flagged": sum(row.number for row in counted if row.is_anomaly),
    }


def _refuse_gone(asked: Sequence[int], found: BatchAnalysis) -> None:
    gone = sorted(set(asked) - {row.drawing_id for row in found.analyses})
    if gone:
        raise NotFoundError(
            f"Somebody deleted drawing {', '.join(map(str, gone))} while it was analysed. The "
            "answers for the other drawings are kept.",
            unknown=gone,
        )


def _row(outcome: Outcome, owner_id: int) -> AnomalyAnalysis:
    ranking = outcome.ranking
    return AnomalyAnalysis(
        owner_id=owner_id,
        drawing_id=outcome.drawing_id,
        age_group_model_id=outcome.model_id,
        inputs_hash=outcome.inputs_hash,
        decision=outcome.decision,
        reason=outcome.reason,
        role=outcome.role.value if outcome.role else None,
        anomaly_score=ranking.score if ranking else None,
        p_value=ranking.p_value if ranking else None,
        normalized_score=ranking.normalized_score if ranking else None,
        is_anomaly=outcome.is_anomaly,
        confidence=ranking.confidence if ranking else None,
        results=outcome.results,
    )
