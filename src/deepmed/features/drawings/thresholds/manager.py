"""From which percentile a drawing is flagged: versioned, previewed, audited (D-9, D-10)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.models.kinds import row_for
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.membership import MEMBER_REVISION
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis, ThresholdSetting
from deepmed.features.drawings.thresholds import repository
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ModelError, ValidationError
from deepmed.learning.calibration import CalibrationSet, round_score
from deepmed.learning.reference import ReferenceModel, Role, Who

LEAST_PERCENTILE = 50.0
GREATEST_PERCENTILE = 99.9


class ThresholdManagerError(ModelError):
    """A threshold cannot be read or set; nothing was changed."""

    code = "threshold_manager"


class ThresholdCalculationError(ThresholdManagerError):
    """So few children cannot support this percentile; nothing was changed."""

    code = "threshold_calculation"


@dataclass(frozen=True)
class ThresholdConfig:
    """Between which percentiles a person may choose, and which one is in force until then."""

    default: float
    least: float = LEAST_PERCENTILE
    greatest: float = GREATEST_PERCENTILE


@dataclass(frozen=True)
class Rule:
    """What flags: a percentile, or a threshold set by hand. Version 0 is the installation's."""

    version: int
    percentile: float | None
    threshold: float | None

    @property
    def rank_percentile(self) -> float:
        """The percentile that ranks are read at; a rule set by hand has none of its own."""
        return self.percentile if self.percentile is not None else GREATEST_PERCENTILE


class ThresholdManager:
    """Reads, previews and changes the rule of one owner's models."""

    def __init__(
        self, bench: Workbench, models: ModelManager, config: ThresholdConfig | None = None
    ) -> None:
        self.bench = bench
        self.models = models
        self.config = config or ThresholdConfig(bench.settings.threshold_percentile)

    def rule(self, session: Session, model_id: int | None = None) -> Rule:
        """The rule in force for a model; for all models without one of their own when None."""
        return self._of(repository.newest_for(session, self.bench.owner_id, model_id))

    def _of(self, row: ThresholdSetting | None) -> Rule:
        if row is None:
            return Rule(0, self.config.default, None)
        return Rule(row.id, row.percentile, row.threshold)

    def rules(self, session: Session, model_ids: Iterable[int]) -> dict[int, Rule]:
        """The rule in force for each of these models, as `rule` finds it."""
        newest = repository.newest_for_each(session, self.bench.owner_id, model_ids)
        return {model_id: self._of(row) for model_id, row in newest.items()}

    def get_current_percentile(self, session: Session) -> float | None:
        return self.rule(session).percentile

    def preview(
        self,
        session: Session,
        percentile: float | None = None,
        threshold: float | None = None,
        model_id: int | None = None,
    ) -> list[dict[str, Any]]:
        """What a new rule would do to each model and to the drawings analysed so far.

        Nothing is changed. Stored scores are read again; nothing is computed anew.

        Raises:
            ValidationError: the percentile is out of range, or a threshold names no model.
            NotFoundError: there is no such model.
        """
        new = self._asked(session, percentile, threshold, model_id)
        return [
            self._effect(session, row, new)
            for row in self.models.active(session)
            if model_id in {None, row.id}
        ]

    def _asked(
        self,
        session: Session,
        percentile: float | None,
        threshold: float | None,
        model_id: int | None,
    ) -> Rule:
        """The rule in these words, of a model that there is."""
        new = _checked(self.config, percentile, threshold, model_id)
        if model_id is not None:
            self.models.get(session, model_id)
        return new

    def set_rule(
        self,
        session: Session,
        percentile: float | None = None,
        threshold: float | None = None,
        model_id: int | None = None,
    ) -> Rule:
        """Put a new version of the rule into force; the old ones stay readable.

        Raises:
            ValidationError: the percentile is out of range, or a threshold names no model.
            NotFoundError: there is no such model.
        """
        new = self._asked(session, percentile, threshold, model_id)
        old = self.rule(session, model_id)
        row = repository.add(
            session,
            ThresholdSetting(
                owner_id=self.bench.owner_id,
                model_id=model_id,
                percentile=new.percentile,
                threshold=new.threshold,
            ),
        )
        audit.record(
            session,
            self.bench.owner_id,
            "threshold.change",
            "threshold_setting",
            row.id,
            model_id=model_id,
            before={"percentile": old.percentile, "threshold": old.threshold},
            after={"percentile": new.percentile, "threshold": new.threshold},
        )
        return Rule(row.id, row.percentile, row.threshold)

    def set_current_percentile(self, session: Session, percentile: float) -> Rule:
        """Put a percentile into force for all models."""
        return self.set_rule(session, percentile=percentile)

    def update_model_threshold(
        self,
        session: Session,
        model_id: int,
        threshold: float | None = None,
        percentile: float | None = None,
    ) -> Rule:
        """Give one model a rule of its own."""
        return self.set_rule(session, percentile, threshold, model_id)

    def calculate_model_threshold(
        self, session: Session, model_id: int, percentile: float
    ) -> float | None:
        """The score above which a model would flag; None where its children do not support it."""
        model = self.models.load_model(session, self.models.get(session, model_id))
        try:
            return self.calculate_percentile_threshold(model.model.calibration, percentile)
        except ThresholdCalculationError:
            return None

    @staticmethod
    def calculate_percentile_threshold(calibration: CalibrationSet, percentile: float) -> float:
        """The score above which a new child's drawing is flagged.

        Raises:
            ThresholdCalculationError: so few children do not support the percentile; says which
                one they do.
        """
        threshold = calibration.threshold(percentile)
        if threshold is None:
            raise ThresholdCalculationError(
                f"{calibration.n_children} children do not support the percentile {percentile:g}; "
                f"the highest that they support is {calibration.highest_percentile(ranked=False)}."
            )
        return threshold

    def recalculate_all_thresholds(self, session: Session) -> dict[int, float | None]:
        """Each active model's threshold under the rule in force, from its calibration scores."""
        facts = {row.id: self.statistics(session, row) for row in self.models.active(session)}
        return {model_id: fact["threshold"] for model_id, fact in facts.items()}

    def get_threshold_for_age(
        self, session: Session, age: float, subject: str | None = None
    ) -> float | None:
        """The threshold that a drawing of this age meets; None where no model covers it."""
        row = row_for(self.models.active(session), age, subject)
        return None if row is None else self.statistics(session, row)["threshold"]

    def is_anomaly(self, session: Session, score: float, model_id: int, child: int) -> bool:
        """Whether a score of a child's drawing is flagged under the model's rule."""
        model = self.models.load_model(session, self.models.get(session, model_id))
        rule = self.rule(session, model_id)
        return model.decide(score, child, rule.rank_percentile, rule.threshold).is_anomaly

    def get_threshold_statistics(self, session: Session) -> list[dict[str, Any]]:
        """The rule in force for each active model, with what its children support."""
        return [
            {"model_id": row.id, **self.statistics(session, row)}
            for row in self.models.active(session)
        ]

    def clear_threshold_cache(self) -> None:
        """Thresholds are read from loaded models, which are forgotten here."""
        self.models.clear_model_cache()

    def history(self, session: Session) -> list[dict[str, Any]]:
        return [
            {
                "version": row.id,
                "model_id": row.model_id,
                "percentile": row.percentile,
                "threshold": row.threshold,
                "created_timestamp": row.created_timestamp.isoformat(),
            }
            for row in repository.history(session, self.bench.owner_id)
        ]

    def statistics(self, session: Session, row: AgeGroupModel) -> dict[str, Any]:
        """The threshold of a model under the rule in force, with what its children support."""
        return self._facts(self.models.load_model(session, row), self.rule(session, row.id))

    def _effect(self, session: Session, row: AgeGroupModel, new: Rule) -> dict[str, Any]:
        model = self.models.load_model(session, row)
        old = self.rule(session, row.id)
        counted = self._counted if self._stands(session, row) else self._decided
        now, then = counted(session, row, [old, new])
        return {
            "model_id": row.id,
            "age_group": AgeRange(row.age_min, row.age_max, row.upper_closed).label,
            "now": self._facts(model, old) | now,
            "then": self._facts(model, new) | then,
        }

    def _stands(self, session: Session, row: AgeGroupModel) -> bool:
        """Whether whom it compares with is as it was trained, so that stored ranks hold."""
        trained = row.parameters.get(MEMBER_REVISION)
        return self.models.version(session, row) == f"{row.recipe_hash}/1/{trained}"

    def _counted(
        self, session: Session, row: AgeGroupModel, rules: Sequence[Rule]
    ) -> list[dict[str, int]]:
        """What each rule does to the newest answers, counted by their stored ranks."""
        total, flagged = analyses.count_ranked(
            session, self.bench.owner_id, row.id, [_flags(rule) for rule in rules]
        )
        return [_told(total, number) for number in flagged]

    def _decided(
        self, session: Session, row: AgeGroupModel, rules: Sequence[Rule]
    ) -> list[dict[str, int]]:
        """The same where children were taken out of the comparison: each score is ranked anew."""
        model = self.models.load_model(session, row)
        scored = analyses.newest_scores(session, self.bench.owner_id, row.id)
        return [_flagged(model, scored, rule) for rule in rules]

    @staticmethod
    def _facts(model: ReferenceModel, rule: Rule) -> dict[str, Any]:
        calibration = model.model.calibration
        if rule.percentile is None:
            return {"percentile": None, "threshold": rule.threshold, "supported": True}
        return {
            "percentile": rule.percentile,
            "threshold": calibration.threshold(rule.percentile),
            "supported": calibration.supports(rule.percentile, ranked=False),
            "attained_level": calibration.attained_level(rule.percentile),
            "highest_percentile": calibration.highest_percentile(ranked=False),
        }


def _flags(rule: Rule) -> ColumnElement[bool]:
    """The condition under which a rule flags a stored answer."""
    if rule.threshold is None:
        return AnomalyAnalysis.normalized_score >= rule.percentile
    # A threshold set by hand is on the model's scale, and the twin scored whom it was fitted on.
    above = AnomalyAnalysis.anomaly_score > round_score(rule.threshold)
    return and_(above, AnomalyAnalysis.role != Role.FIT.value)


def _flagged(
    model: ReferenceModel, scored: Sequence[tuple[float, Who]], rule: Rule
) -> dict[str, int]:
    decisions = [
        model.decide(score, whose, rule.rank_percentile, rule.threshold) for score, whose in scored
    ]
    return _told(len(decisions), sum(decision.is_anomaly for decision in decisions))


def _told(analysed: int, flagged: int) -> dict[str, int]:
    return {"analysed_drawings": analysed, "flagged_drawings": flagged}


def _checked(
    config: ThresholdConfig,
    percentile: float | None,
    threshold: float | None,
    model_id: int | None,
) -> Rule:
    if (percentile is None) == (threshold is None):
        raise ValidationError("Give either a percentile or a threshold. Nothing was changed.")
    if percentile is not None and not config.least <= percentile <= config.greatest:
        raise ValidationError(
            f"The percentile {percentile:g} is not between {config.least:g} and "
            f"{config.greatest:g}. Nothing was changed."
        )
    if threshold is not None and (not 0 < threshold < math.inf or model_id is None):
        raise ValidationError(
            "A threshold set by hand is positive and belongs to one model, because scores of "
            "different models are not on one scale. Nothing was changed. Name it with --model."
        )
    return Rule(0, percentile, threshold)
