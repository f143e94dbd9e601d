"""Analyses of stored drawings: computed once for the same inputs, kept with their history."""

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository, subject_counts
from deepmed.features.drawings.analysis.cohort import Cohort, cohort
from deepmed.features.drawings.analysis.outcome import ActiveModel, Outcome
from deepmed.features.drawings.analysis.outlook import outlook, outlook_of_all
from deepmed.features.drawings.analysis.parts import Pool
from deepmed.features.drawings.analysis.rates import Use, by_use, use_of
from deepmed.features.drawings.analysis.scoring import (
    Scene,
    analyse,
    batch_q_values,
    inputs_of,
    refuse_foreign,
)
from deepmed.features.drawings.analysis.storing import store
from deepmed.features.drawings.analysis.tracker import BatchAnalysisTracker
from deepmed.features.drawings.embeddings import repository as embeddings
from deepmed.features.drawings.models.kinds import OF_AGES, POOLED
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.models.repository import children_of_copies
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnalysisBatch,
    AnomalyAnalysis,
    Drawing,
)
from deepmed.features.drawings.thresholds.manager import ThresholdManager
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError

CHUNK = 256
Progress = Callable[[int, int], None]
Told = Callable[[dict[str, Any]], None]


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


class AnalysisService:
    """Analyses drawings under the active models and the rules in force."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.models = ModelManager(bench)
        self.thresholds = ThresholdManager(bench, self.models)
        self.tracker = BatchAnalysisTracker(bench)

    def analyze(
        self,
        drawing_ids: Sequence[int] | None = None,
        progress: Progress | None = None,
        batch: str | None = None,
        foretold: Told | None = None,
    ) -> BatchAnalysis:
        """Analyse these drawings, or all; each chunk is committed on its own.

        Args:
            drawing_ids: the drawings; all when None.
            progress: told (done, total).
            batch: uid of a batch that waits for this call; a new one when None.
            foretold: told the outlook, before anything is scored.

        Raises:
            NotFoundError: an id names no drawing of the owner, or one that was deleted meanwhile.
            EncoderMismatchError: an active model takes vectors of another encoder than the present.
        """
        total = 0 if batch else self._number(drawing_ids)
        with self.tracker.running(batch, total) as begun:
            # Everything is read after the batch took its place: a later one knows no less.
            with self.bench.database.read() as session:
                drawings = repository.drawings(session, self.bench.owner_id, drawing_ids)
                scene = self.scene(session, [drawing.id for drawing in drawings])
                prospect = self._prospect(session, scene, drawings)
            _refuse_unknown(drawing_ids, {drawing.id for drawing in drawings})
            scene.refuse_foreign_models()
            if foretold:
                foretold(prospect)
            found = self._analyze(begun, scene, drawings, prospect, progress)
        if drawing_ids is not None:
            _refuse_gone(drawing_ids, found)
        return found

    def answer(self, drawing_id: int, embed: Callable[[], object] | None = None) -> AnomalyAnalysis:
        """The newest answer for a drawing; computed only where it does not stand any more.

        Args:
            drawing_id: of a drawing of the owner.
            embed: asked to embed the drawing where it has no vector and can have one.

        Raises:
            NotFoundError: there is no such drawing.
            EncoderMismatchError: an active model takes vectors of another encoder than the present.
        """
        with self.bench.database.read() as session:
            drawings = repository.drawings(session, self.bench.owner_id, [drawing_id])
            _refuse_unknown([drawing_id], {drawing.id for drawing in drawings})
            scene = self.scene(session, [drawing_id])
            self._load_vectors(session, scene, drawings)
            current = repository.current(session, drawing_id)
        if embed is not None and drawing_id not in scene.vectors and not drawings[0].is_blank:
            embed()
            return self.answer(drawing_id)
        if current is not None and current.inputs_hash == inputs_of(scene, drawings[0]):
            return current
        return self.analyze([drawing_id]).analyses[0]

    def outlook(self, drawing_ids: Sequence[int] | None = None) -> dict[str, Any]:
        """What a batch of these drawings, or of all, could select at best; nothing is analysed.

        Raises:
            NotFoundError: an id does not exist.
        """
        with self.bench.database.read() as session:
            if drawing_ids is None:
                return self._outlook_of_all(session)
            drawings = repository.drawings(session, self.bench.owner_id, drawing_ids)
            _refuse_unknown(drawing_ids, {drawing.id for drawing in drawings})
            scene = self.scene(session, [drawing.id for drawing in drawings])
            return self._prospect(session, scene, drawings)

    def _outlook_of_all(self, session: Session) -> dict[str, Any]:
        copied = repository.copied(session, self.bench.owner_id)
        scene = self.scene(session, [drawing.id for drawing in copied])
        percentile = self._percentile(session)
        return outlook_of_all(session, self.bench.owner_id, scene, copied, percentile)

    def cohort(self, uid: str) -> Cohort:
        """The new children of a batch, with one p and one q each.

        Raises:
            NotFoundError: there is no such batch.
        """
        with self.bench.database.read() as session:
            batch = self.tracker.get_batch(session, uid)
            return cohort(session, batch, self._percentile(session))

    def _number(self, drawing_ids: Sequence[int] | None) -> int:
        """How many drawings these are; what cannot be analysed at all is refused before a batch."""
        with self.bench.database.read() as session:
            known = repository.drawing_ids(session, self.bench.owner_id, drawing_ids)
        _refuse_unknown(drawing_ids, known)
        self.refuse_foreign_models()
        return len(known)

    def _percentile(self, session: Session) -> float:
        percentile = self.thresholds.get_current_percentile(session)
        if percentile is None:  # each model has a threshold set by hand
            return self.bench.settings.threshold_percentile
        return percentile

    def _prospect(
        self, session: Session, scene: Scene, drawings: Sequence[Drawing]
    ) -> dict[str, Any]:
        percentile = self._percentile(session)
        embedded = embeddings.present(session, scene.encoder, [one.id for one in drawings])
        return outlook(scene, drawings, percentile, embedded)

    def refuse_foreign_models(self) -> None:
        """As `analyze` does, for a caller who would embed drawings in vain before it.

        Raises:
            EncoderMismatchError: an active model takes vectors of another encoder than the present.
        """
        with self.bench.database.read() as session:
            rows = self.models.active(session)
        refuse_foreign(rows, self.bench.encoding.identity.key)

    def _analyze(
        self,
        batch: AnalysisBatch,
        scene: Scene,
        drawings: Sequence[Drawing],
        prospect: dict[str, Any],
        progress: Progress | None,
    ) -> BatchAnalysis:
        outcomes: list[Outcome] = []
        rows: list[AnomalyAnalysis] = []
        computed = 0
        q_values: dict[str, Any] = {}
        children = {drawing.id: drawing.child_id for drawing in drawings}
        for start in range(0, max(len(drawings), 1), CHUNK):
            chunk = drawings[start : start + CHUNK]
            with self.bench.database.read() as session:
                self._load_vectors(session, scene, chunk)
            made = analyse(scene, chunk)
            with self.bench.database.write() as session:
                stored, fresh = store(session, self.bench.owner_id, batch.id, made)
                self.tracker.add_result(session, batch.uid, len(chunk))
                kept = {row.drawing_id for row in stored}
                outcomes += [outcome for outcome in made if outcome.drawing_id in kept]
                if start + CHUNK >= len(drawings):
                    q_values = batch_q_values(outcomes, children)
                    self.tracker.finish(session, batch.uid, q_values)
            rows += stored
            computed += fresh
            if progress:
                progress(start + len(chunk), len(drawings))
        return BatchAnalysis(batch.uid, rows, q_values, prospect, computed)

    def scene(self, session: Session, drawings: Sequence[int] = ()) -> Scene:
        """Models, rules and the pooled model, as they stand now.

        Args:
            session: of the database.
            drawings: ids of those that will be put before the models.
        """
        in_use = self.models.in_use(session)
        active = [
            ActiveModel(row, range_of(row), self.models.load_model(session, row))
            for row in in_use
            if row.kind in OF_AGES
        ]
        pooled = next((row for row in in_use if row.kind == POOLED), None)
        return Scene(
            active=active,
            rules=self.thresholds.rules(session, [item.row.id for item in active]),
            pool=None if pooled is None else self._pool(session, pooled),
            encoder=self.bench.encoding.identity.key,
            recipes={item.row.id: self.models.version(session, item.row) for item in active},
            copies=children_of_copies(session, self.bench.owner_id, drawings),
        )

    def first_drawing(self) -> int | None:
        """The lowest id of a drawing; None where there is none."""
        with self.bench.database.read() as session:
            return repository.first_drawing(session, self.bench.owner_id)

    def history(
        self, session: Session, drawing_id: int, limit: int = 10
    ) -> tuple[list[AnomalyAnalysis], int]:
        return repository.history(session, self.bench.owner_id, drawing_id, limit)

    def statistics(self, session: Session, subject: str | None = None) -> dict[str, Any]:
        """Counts over the newest analysis of each drawing, or of each one of a subject.

        The flag rate counts typical drawings of new children only: rows of calibration children
        and those that the twin ranks have their rate by construction, and what a person labelled
        is counted by its label.
        """
        (drawings, analyses), counted, ages = _counted(session, self.bench.owner_id, subject)
        bins: Counter[int] = Counter()
        for age, number in ages.items():
            bins[int(age)] += number
        decisions: Counter[str] = Counter()
        for row in counted:
            decisions[row.decision] += row.number
        labelled = [row for row in counted if use_of(row, row) is Use.LABELLED]
        labels = sorted({row.expert_label for row in labelled if row.expert_label})
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
            self.models.version(session, row),
            repository.subjects_of_members(session, row.id),
        )

    def _load_vectors(self, session: Session, scene: Scene, drawings: Sequence[Drawing]) -> None:
        matrix, found = self.bench.embeddings.retrieve_matrix(
            session, [drawing.id for drawing in drawings], scene.encoder
        )
        scene.vectors = dict(zip(found.tolist(), matrix, strict=True))


def _counted(
    session: Session, owner_id: int, subject: str | None
) -> tuple[tuple[int, int], list[repository.Counted], dict[float, int]]:
    """Drawings and analyses, newest answers, and ages: of all drawings or of a subject's."""
    if subject is None:
        return (
            repository.totals(session, owner_id),
            repository.counts(session, owner_id),
            repository.ages(session, owner_id),
        )
    return (
        subject_counts.totals(session, owner_id, subject),
        subject_counts.counts(session, owner_id, subject),
        subject_counts.ages(session, owner_id, subject),
    )


def _flags(counted: Sequence[repository.Counted]) -> dict[str, int]:
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


def _refuse_unknown(asked: Sequence[int] | None, known: AbstractSet[int]) -> None:
    unknown = sorted(set(asked or ()) - known)
    if unknown:
        raise NotFoundError(
            f"There is no drawing {', '.join(map(str, unknown))}. Nothing was analysed. "
            "`deepmed drawings list` shows the drawings.",
            unknown=unknown,
        )
