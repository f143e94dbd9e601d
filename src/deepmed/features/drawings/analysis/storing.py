"""Outcomes become rows: each inputs' answer once, and one answer a drawing the newest."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.outcome import Outcome
from deepmed.features.drawings.tables import AnomalyAnalysis


def store(
    session: Session, owner_id: int, sequence: int, outcomes: Sequence[Outcome]
) -> tuple[list[AnomalyAnalysis], int]:
    """Keep the answers of a call, and make them the newest unless a later call was faster.

    Args:
        session: a write transaction.
        owner_id: whose they are.
        sequence: the call's place in the order in which calls began.
        outcomes: answers; those whose drawing was deleted meanwhile are passed over.

    Returns:
        The rows of the others in their order, and how many of these are new.
    """
    there = repository.lock_drawings(session, [outcome.drawing_id for outcome in outcomes])
    kept = [outcome for outcome in outcomes if outcome.drawing_id in there]
    late = repository.answered_since(session, sorted(there), sequence)
    mine = [outcome for outcome in kept if outcome.drawing_id not in late]
    known = repository.by_inputs(
        session, owner_id, [(outcome.drawing_id, outcome.inputs_hash) for outcome in kept]
    )
    repository.supersede(session, [outcome.drawing_id for outcome in mine])
    repository.make_current(
        session,
        [known[outcome.inputs_hash].id for outcome in mine if outcome.inputs_hash in known],
        sequence,
    )
    fresh = [
        _row(outcome, owner_id, sequence, current=outcome.drawing_id not in late)
        for outcome in kept
        if outcome.inputs_hash not in known
    ]
    session.add_all(fresh)
    session.flush()
    known |= {row.inputs_hash: row for row in fresh}
    return [known[outcome.inputs_hash] for outcome in kept], len(fresh)


def _row(outcome: Outcome, owner_id: int, sequence: int, *, current: bool) -> AnomalyAnalysis:
    ranking = outcome.ranking
    return AnomalyAnalysis(
        owner_id=owner_id,
        drawing_id=outcome.drawing_id,
        age_group_model_id=outcome.model_id,
        inputs_hash=outcome.inputs_hash,
        current_of=outcome.drawing_id if current else None,
        sequence=sequence,
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
