"""The model card: what it is for, whom it knows, what it cannot say."""

from typing import Any

from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.learning.reference import GroupPlan, ReferenceModel


def write(
    group: AgeRange | None, plan: GroupPlan, model: ReferenceModel, metrics: dict[str, Any]
) -> dict[str, Any]:
    """Facts of the card; `group` is None for the pooled model."""
    population = f"drawings of {group.words}" if group else "drawings of all groups together"
    return {
        "title": f"Typical {population}",
        "intended_use": (
            "Shows how unusual a drawing is among typical drawings, as a prompt for a person to "
            "look. It is no diagnosis and no test of a child."
        ),
        "population": population,
        "children": metrics["children"],
        "drawings": metrics["drawings"],
        "ages_of_drawings": _ages(plan),
        "encoder": model.encoder,
        "detector": model.model.detector.name,
        "measured_at": {name: metrics[name] for name in ("percentile", "attained_level")},
        "limits": _limits(metrics),
    }


def _ages(plan: GroupPlan) -> dict[str, float | None]:
    ages = plan.model.fit.ages.tolist() + plan.model.calibration.ages.tolist()
    return {"least": min(ages, default=None), "greatest": max(ages, default=None)}


def _limits(metrics: dict[str, Any]) -> list[str]:
    limits = [
        "Typical means typical of the drawings given for training, and of nothing else.",
        "Some typical drawings are flagged by construction: a flag alone says nothing of a child.",
    ]
    if not metrics["supported"]:
        limits.append("Too few children calibrate this model to flag at its percentile.")
    if "planted" in metrics:
        limits.append(
            "Shares of planted drawings flagged were counted at the percentile "
            f"{metrics['percentile']:g} of the training, whatever rule is set later."
        )
    if metrics.get("tells_ages_apart") is False:
        limits.append("The model does not tell the ages of neighbouring groups apart.")
    if metrics["children"]["borrowed"]:
        limits.append("Drawings of other groups helped to fit this model.")
    return limits
