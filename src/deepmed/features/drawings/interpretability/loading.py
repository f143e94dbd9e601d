"""The explanation of an analysis: made now, or as it was kept when its model is in use no more."""

from dataclasses import dataclass

from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.comparison import SimilarDrawing
from deepmed.features.drawings.explanation import repository
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.explanation.stored import StoredExplanation, facts_of
from deepmed.features.drawings.explanation.texts import Facts
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis, Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.errors import LearningError


@dataclass(frozen=True)
class Known:
    """All that is known of an answer."""

    analysis: AnomalyAnalysis
    drawing: Drawing
    model: AgeGroupModel | None
    explanation: StoredExplanation | None
    reason: str | None
    """Why there is no explanation."""

    @property
    def facts(self) -> Facts:
        """The measured facts; without an explanation, those of the answer alone."""
        if self.explanation is not None:
            return self.explanation.facts()
        return facts_of(self.analysis, level_is_a_bound=True)


@dataclass(frozen=True)
class ExplanationLoader:
    """Finds analyses of one owner and what explains them."""

    explanations: ExplanationService

    @property
    def bench(self) -> Workbench:
        return self.explanations.bench

    def analysis(self, analysis_id: int) -> AnomalyAnalysis:
        """Raises NotFoundError."""
        with self.bench.database.read() as session:
            row = analyses.analysis(session, self.bench.owner_id, analysis_id)
        if row is None:
            raise NotFoundError(f"There is no analysis {analysis_id}.")
        return row

    def model(self, row: AnomalyAnalysis) -> AgeGroupModel | None:
        """The model that gave the answer; None where no model did."""
        if row.age_group_model_id is None:
            return None
        with self.bench.database.read() as session:
            return session.get(AgeGroupModel, row.age_group_model_id)

    def drawing(self, row: AnomalyAnalysis) -> Drawing:
        """Raises NotFoundError where somebody has just deleted it."""
        with self.bench.database.read() as session:
            found = analyses.drawings(session, self.bench.owner_id, [row.drawing_id])
        if not found:
            raise NotFoundError(f"Drawing {row.drawing_id} was deleted meanwhile.")
        return found[0]

    def known(self, analysis_id: int) -> Known:
        """An analysis with its explanation, or with the reason why there is none.

        Raises:
            NotFoundError: no such analysis.
        """
        row = self.analysis(analysis_id)
        try:
            return Known(row, self.drawing(row), self.model(row), self.load(analysis_id), None)
        except NotFoundError as error:
            return Known(row, self.drawing(row), self.model(row), None, error.message)

    def load(self, analysis_id: int) -> StoredExplanation:
        """The explanation of an analysis, made where there is none yet.

        Raises:
            NotFoundError: no such analysis; or it has no explanation and can have none, such as
                for want of a score.
        """
        row = self.analysis(analysis_id)
        try:
            return self.explanations.explain_analysis(row)
        except (ConflictError, NotFoundError, LearningError) as error:
            kept = self._kept(row)
            if kept is None:
                raise NotFoundError(
                    f"Analysis {analysis_id} has no explanation. {error}"
                ) from error
            return kept

    def _kept(self, row: AnomalyAnalysis) -> StoredExplanation | None:
        with self.bench.database.read() as session:
            stored = repository.stored(session, row.id, DEFAULT_METHOD)
            found = analyses.drawings(session, self.bench.owner_id, [row.drawing_id])
        if stored is None or not found:
            return None
        return StoredExplanation(
            row=stored,
            analysis=row,
            drawing=found[0],
            image=self.bench.encoding.picture(found[0].file_path),
            neighbours=self._neighbours(row.drawing_id),
            faithfulness=stored.faithfulness,
            level_is_a_bound=True,  # nobody can tell any more, and "at most" holds in any case
        )

    def _neighbours(self, drawing_id: int) -> list[SimilarDrawing]:
        try:
            with self.bench.database.read() as session:
                return self.explanations.comparisons.find_similar_normal_examples(
                    session, drawing_id
                )
        except NotFoundError:  # the present encoder has not seen it
            return []
