"""Putting trained models into use: whatever they overlap goes out of it at the same moment."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.kinds import OF_AGES, POOLED
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.models.recipe import same_model
from deepmed.features.drawings.tables import AgeGroupModel, ThresholdSetting
from deepmed.features.drawings.thresholds import repository as thresholds


def put_into_use(session: Session, owner_id: int, rows: Sequence[AgeGroupModel]) -> list[str]:
    """Activate the models, and deactivate those of the same kind that they overlap.

    A rule that a person set for a model goes over to the one that takes its place.

    Returns:
        What a person should know: rules that could not go over.
    """
    notes: list[str] = []
    for kind in (*OF_AGES, POOLED):
        new = [row for row in rows if row.kind == kind]
        old = [
            model
            for model in repository.active_models(session, owner_id, kind)
            if model.id not in {row.id for row in new}
            and any(kind == POOLED or range_of(model).overlaps(range_of(row)) for row in new)
        ]
        repository.deactivate(session, [model.id for model in old])
        notes += [note for model in old if (note := _hand_over(session, owner_id, model, new))]
    for row in rows:
        repository.activate(session, row.id, f"{row.kind} {range_of(row).label}")
        audit.record(
            session,
            owner_id,
            "model.activate",
            "age_group_model",
            row.id,
            age_group=range_of(row).label,
            kind=row.kind,
        )
    return notes


def _hand_over(
    session: Session, owner_id: int, old: AgeGroupModel, new: Sequence[AgeGroupModel]
) -> str | None:
    """Give the old model's own rule to its heir; why not, where there is one and it cannot be."""
    rule = thresholds.newest_for(session, owner_id, old.id)
    if rule is None or rule.model_id != old.id:  # it was flagged as all models are
        return None
    heir = next((row for row in new if _bounds(row) == _bounds(old)), None)
    if heir is None or (rule.percentile is None and not _same_scale(session, old, heir)):
        ages = range_of(old).words
        audit.record(session, owner_id, "threshold.end", "threshold_setting", rule.id, ages=ages)
        return _ended(ages, rule)
    present = thresholds.newest_for(session, owner_id, heir.id)
    if present is None or present.model_id != heir.id or present.id < rule.id:
        percentile, threshold = rule.percentile, rule.threshold
        setting = ThresholdSetting(
            owner_id=owner_id, model_id=heir.id, percentile=percentile, threshold=threshold
        )
        thresholds.add(session, setting)
        audit.record(
            session,
            owner_id,
            "threshold.hand_over",
            "threshold_setting",
            setting.id,
            model_id=heir.id,
            former_model_id=old.id,
            after={"percentile": percentile, "threshold": threshold},
        )
    return None


def _same_scale(session: Session, old: AgeGroupModel, heir: AgeGroupModel) -> bool:
    """A threshold set by hand is a raw score, and says something to the very same model alone."""
    recipes = [session.get_one(Artifact, row.artifact_id).lineage["recipe"] for row in (old, heir)]
    return same_model(*recipes)


def _bounds(row: AgeGroupModel) -> tuple[float, float]:
    return row.age_min, row.age_max


def _ended(ages: str, rule: ThresholdSetting) -> str:
    what = (
        f"The percentile {rule.percentile:g} that was set for {ages} alone"
        if rule.percentile is not None
        else f"The threshold {rule.threshold:g} that was set by hand for {ages}"
    )
    why = (
        "no new model has these ages"
        if rule.percentile is not None
        else "scores of the new model are on another scale"
    )
    return f"{what} is not in force any more: {why}. The rule for all models holds; set another."
