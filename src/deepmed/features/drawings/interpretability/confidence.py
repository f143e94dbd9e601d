"""How far an answer and its map can be relied on, each number measured or left out (D-29)."""

from deepmed.features.drawings.explanation.texts import Facts
from deepmed.features.drawings.interpretability.loading import Known
from deepmed.features.drawings.interpretability.wording import why_no_confidence
from deepmed.features.drawings.models.sufficiency import MINIMUM, RECOMMENDED
from deepmed.features.drawings.report.maps import caption
from deepmed.features.drawings.schemas.interpretability import (
    ConfidenceMetricsResponse,
    TechnicalDetails,
    as_reasons,
)
from deepmed.features.drawings.tables import AnomalyAnalysis

NO_CERTAINTY = (
    "The model ranks the drawing and gives no probability. How settled the decision is with so "
    "many children stands in overall_confidence."
)
NO_QUALITY = (
    "There is no single measure of the training drawings' quality; the model's report lists who "
    "took part and who was left out."
)


def metrics(known: Known) -> ConfidenceMetricsResponse:
    row, reliability = known.analysis, _reliability(known)
    return ConfidenceMetricsResponse(
        overall_confidence=row.confidence,
        explanation_reliability=reliability,
        data_sufficiency=_sufficiency(known),
        warnings=notes(known),
        technical_details=_details(known),
        reasons=as_reasons(
            {
                "overall_confidence": why_no_confidence(row),
                "explanation_reliability": None if reliability is not None else _unmeasured(known),
                "model_certainty": NO_CERTAINTY,
                "training_data_quality": NO_QUALITY,
                "score_extremity": None if row.p_value is not None else row.reason,
            }
        ),
    )


def notes(known: Known) -> list[str]:
    """What to keep in mind when reading the answer."""
    facts, found = known.facts, []
    if facts.decision in {"not_supported", "in_sample"} or facts.normalized_score is None:
        found.append(facts.reason or "There is no decision.")
    found += _of_the_decision(facts)
    if known.explanation is None:
        found.append(known.reason or "There is no map.")
    elif facts.map_is_faithful is not True:
        found.append(caption(known.explanation))
    return found


def _of_the_decision(facts: Facts) -> list[str]:
    found = []
    if facts.undecided:
        found.append("The decision is undecided at this number of comparison children.")
    if facts.borderline:
        found.append("The score lies so close to the threshold that another machine could differ.")
    if facts.role not in {None, "new"}:
        found.append(
            "The child took part in training, so how many such drawings are flagged is fixed by "
            "construction."
        )
    return found


def _reliability(known: Known) -> float | None:
    """The map's own faithfulness, 0 where it is worse than no order at all."""
    if known.explanation is None:
        return None
    figure = known.explanation.faithfulness
    score = (figure.get("scores") or {}).get(known.explanation.row.method)
    return None if score is None else min(1.0, max(0.0, float(score)))


def _unmeasured(known: Known) -> str:
    if known.explanation is None:
        return known.reason or "There is no map."
    reason: str | None = known.explanation.faithfulness.get("reason")
    return reason or "The map's faithfulness was not measured."


def _sufficiency(known: Known) -> str:
    if known.model is None or known.model.sample_count < MINIMUM:
        return "Insufficient"
    if known.analysis.decision == "not_supported":
        return "Insufficient"
    return "Sufficient" if known.model.sample_count >= RECOMMENDED else "Limited"


def _details(known: Known) -> TechnicalDetails:
    row: AnomalyAnalysis = known.analysis
    encoder = row.results.get("encoder")
    ranking = row.results.get("ranking") or {}
    return TechnicalDetails(
        base_model_confidence=row.confidence,
        score_extremity=None if row.p_value is None else 1 - row.p_value,
        age_group_sample_count=known.model.sample_count if known.model else None,
        analysis_method=row.results.get("model_type"),
        vision_model=encoder.partition("@")[0] if encoder else None,
        comparison_children=ranking.get("n_children"),
        saliency_method=known.explanation.row.method if known.explanation else None,
    )
