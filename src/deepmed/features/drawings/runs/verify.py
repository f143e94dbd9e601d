"""Count a training report again from its stored items, by an independent route (V-2)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from deepmed.features.drawings.models.eligibility import find
from deepmed.features.drawings.models.fitting import ITEMS_FILE
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import seeds
from deepmed.learning.evaluation.oracle import recompute_auroc, recompute_decision
from deepmed.learning.reference import from_files
from deepmed.learning.reference.files import HEADER

TOLERANCE = 1e-9
RESCORED = 20

Item = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One figure, as it is stored and as it comes out again."""

    figure: str
    stored: float | None
    recomputed: float | None

    @property
    def agrees(self) -> bool:
        if self.stored is None or self.recomputed is None:
            return self.stored is self.recomputed
        return abs(self.stored - self.recomputed) <= TOLERANCE * max(1.0, abs(self.stored))

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agrees": self.agrees}


def recompute(files: Mapping[str, bytes], metrics: Mapping[str, Any]) -> list[Check]:
    """Every figure of a training report that its stored items decide."""
    header = json.loads(files[HEADER])
    items = json.loads(files[ITEMS_FILE])
    calibration = [(row["child"], row["score"]) for row in header["model"]]
    return [
        *_calibration(calibration, metrics),
        *_items(calibration, items),
        *_power(items, metrics),
        *_planted(calibration, items, metrics),
        *_specificity(header, items, metrics),
    ]


def rescore(
    bench: Workbench, session: Session, files: Mapping[str, bytes], seed: int
) -> list[Check]:
    """Load the model from its files and score random items again from their stored vectors.

    Items whose drawing was deleted meanwhile are passed over.
    """
    model = from_files(files)
    own = json.loads(files[ITEMS_FILE])["own"]
    order = seeds.generator(seed, "rescore").permutation(len(own))[:RESCORED]
    stored = {own[index]["drawing"]: own[index]["score"] for index in order.tolist()}
    rows = find(session, bench.embeddings, model.encoder).rows
    rows = rows.take(np.isin(rows.drawings, sorted(stored)))
    if not len(rows):
        return []
    again = model.score(rows, model.encoder).tolist()
    return [
        Check(f"score of drawing {drawing}", stored[drawing], score)
        for drawing, score in zip(rows.drawings.tolist(), again, strict=True)
    ]


def _calibration(calibration: list[tuple[int, float]], metrics: Mapping[str, Any]) -> list[Check]:
    if not calibration:
        return []
    highest = max(score for _, score in calibration)
    again = recompute_decision(calibration, highest, metrics["percentile"])
    return [
        Check("threshold", metrics["threshold"], again["threshold"]),
        Check("attained_level", metrics["attained_level"], again["attained_level"]),
        Check("calibration children", metrics["children"]["calibration"], again["n_children"]),
    ]


def _items(calibration: list[tuple[int, float]], items: Mapping[str, list[Item]]) -> list[Check]:
    """The calibration scores stand in the item list just as in the ranking."""
    logged = sorted(item["score"] for item in items["own"] if item["role"] == "calibration")
    ranked = sorted(score for _, score in calibration)
    if len(logged) != len(ranked):
        return [Check("calibration drawings", len(ranked), len(logged))]
    pairs = zip(ranked, logged, strict=True)
    return [Check("calibration score", ranked_one, one) for ranked_one, one in pairs]


def _power(items: Mapping[str, list[Item]], metrics: Mapping[str, Any]) -> Iterator[Check]:
    negative = [item["score"] for item in items["own"] if item["role"] == "calibration"]
    for kind, figure in metrics.get("power", {}).items():
        positive = [item["score"] for item in items["planted"] if kind in {"all", item["kind"]}]
        if figure["estimate"] is not None:
            yield Check(f"AUROC {kind}", figure["estimate"], _auroc(negative, positive))


def _planted(
    calibration: list[tuple[int, float]],
    items: Mapping[str, list[Item]],
    metrics: Mapping[str, Any],
) -> Iterator[Check]:
    figure = metrics.get("planted")
    if not figure or figure["estimate"] is None:
        return
    flags: dict[int, list[bool]] = {}
    for item in items["planted"]:
        again = recompute_decision(calibration, item["score"], metrics["percentile"], item["child"])
        flags.setdefault(item["child"], []).append(again["is_anomaly"])
    share = float(np.mean([np.mean(own) for own in flags.values()])) if flags else None
    yield Check("share of planted drawings flagged", figure["estimate"], share)


def _specificity(
    header: Mapping[str, Any], items: Mapping[str, list[Item]], metrics: Mapping[str, Any]
) -> Iterator[Check]:
    figure = metrics.get("age_specificity")
    if not figure or figure["estimate"] is None:
        return
    # At the neutral age, where the age is a column; the group's held-out children calibrate.
    negative = [row.get("neutral", row["score"]) for row in header["model"]]
    positive = [item["score"] for item in items["neighbours"] if item["role"] != "fit"]
    yield Check("age specificity", figure["estimate"], _auroc(negative, positive))


def _auroc(negative: list[float], positive: list[float]) -> float | None:
    """Null where items are missing, which then does not agree with any figure."""
    return recompute_auroc(negative, positive) if negative and positive else None
