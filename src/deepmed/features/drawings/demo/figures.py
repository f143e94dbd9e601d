"""What the demo measures on drawings that no training saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.report.figures import Unseen
from deepmed.features.drawings.subjects import subject_index
from deepmed.kit import seeds
from deepmed.learning.calibration import Decision
from deepmed.learning.encoders import Encoder
from deepmed.learning.evaluation import (
    auroc_interval,
    observed_false_alarm_spread,
    wilson_interval,
)
from deepmed.learning.evaluation.measuring import measured
from deepmed.learning.reference import Rows

STRANGER = -1_000_000
"""Ids of children who are in no home: none of them can be a stored child."""


@dataclass(frozen=True)
class Strangers:
    """Drawings by children whom nobody has met, one each, embedded and not stored."""

    rows: Rows

    @classmethod
    def of(
        cls,
        drawings: Sequence[tuple[NDArray[np.uint8], float, str | None]],
        encoder: Encoder,
        met: int = 0,
    ) -> Self:
        """Picture, age and subject of each drawing, by others than the first `met` strangers."""
        images, ages, subjects = zip(*drawings, strict=True)
        ids = STRANGER - met - np.arange(len(drawings), dtype=np.int64)
        return cls(
            Rows(
                ids,
                ids,
                np.array(ages, dtype=np.float64),
                np.array([subject_index(subject) for subject in subjects], dtype=np.int64),
                encoder.embed(images),
            )
        )


def group_figures(
    item: ActiveModel,
    typical: Rows,
    planted: Rows,
    kinds: Sequence[str],
    *,
    percentile: float,
    seed: int,
) -> dict[str, Any]:
    """False alarms, power and AUROC of one model on drawings of its ages.

    Args:
        item: the active model.
        typical: further typical drawings, one a child.
        planted: planted anomalies, one a child.
        kinds: kind of each planted anomaly.
        percentile: the percentile to flag above.
        seed: seed of the bootstrap.
    """
    inside = np.array([item.ages.holds(age) for age in typical.ages], dtype=bool)
    own = np.array([item.ages.holds(age) for age in planted.ages], dtype=bool)
    typical, planted = typical.take(inside), planted.take(own)
    kinds = [kind for kind, mine in zip(kinds, own, strict=True) if mine]
    model = item.model
    typical_scores = model.score(typical, model.encoder)
    planted_scores = model.score(planted, model.encoder)
    alarms = _flags(item, typical, typical_scores, percentile)
    found = _flags(item, planted, planted_scores, percentile)
    n = model.model.calibration.n_children
    return {
        "age_group": item.ages.label,
        "typical_drawings": len(typical),
        "false_alarms": sum(alarms),
        "false_alarm_rate": _typical_share(sum(alarms), len(alarms)),
        "false_alarm_spread": measured(
            lambda: observed_false_alarm_spread(n, len(alarms), percentile=percentile)
        ),
        "planted_drawings": len(planted),
        "planted_flagged": sum(found),
        "planted_share": measured(
            lambda: wilson_interval(sum(found), len(found), unit="child", split="planted")
        ),
        "flagged_by_kind": {
            kind: [
                sum(f for f, k in zip(found, kinds, strict=True) if k == kind),
                kinds.count(kind),
            ]
            for kind in dict.fromkeys(kinds)
        },
        "auroc": measured(
            lambda: auroc_interval(
                typical_scores,
                planted_scores,
                typical.children,
                planted.children,
                seed=seeds.derive(seed, "demo", item.ages.label),
                split="further typical and planted drawings",
            )
        ),
    }


def unseen(item: ActiveModel, typical: Rows, percentile: float) -> Unseen:
    """What further typical drawings of the model's ages came to, for the report.

    Args:
        item: the active model.
        typical: further typical drawings, one a child.
        percentile: the percentile to flag above.
    """
    own = typical.take(np.array([item.ages.holds(age) for age in typical.ages], dtype=bool))
    answers = _decisions(item, own, item.model.score(own, item.model.encoder), percentile)
    flagged = sum(answer.is_anomaly for answer in answers)
    return Unseen(
        flagged=flagged,
        share=_typical_share(flagged, len(answers)),
        percentile=percentile,
        p_values=[answer.p_value for answer in answers if answer.p_value is not None],
    )


def _typical_share(flagged: int, of: int) -> dict[str, Any]:
    return measured(
        lambda: wilson_interval(flagged, of, unit="child", split="further typical drawings")
    )


def _decisions(
    item: ActiveModel, rows: Rows, scores: NDArray[np.float64], percentile: float
) -> list[Decision]:
    return [
        item.model.decide(score, child, percentile)
        for score, child in zip(scores.tolist(), rows.children.tolist(), strict=True)
    ]


def _flags(
    item: ActiveModel, rows: Rows, scores: NDArray[np.float64], percentile: float
) -> list[bool]:
    return [answer.is_anomaly for answer in _decisions(item, rows, scores, percentile)]
