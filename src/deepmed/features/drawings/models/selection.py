"""Which detector a group gets: anomalies planted into its own fitting drawings decide (D-15)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.items import COMPARED, LAYOUTS, FoldLog
from deepmed.features.drawings.models.layout_words import beats
from deepmed.features.drawings.models.planted import PlantedDrawings, PlantedMaker
from deepmed.features.drawings.words import name_in_words
from deepmed.kit import seeds
from deepmed.learning.detectors import make_detector
from deepmed.learning.detectors.folds import Folds, PlantedItem, Ranks
from deepmed.learning.detectors.reference_features import reference_rows
from deepmed.learning.detectors.report import SelectionReport
from deepmed.learning.detectors.selection import AUTOENCODER, SPLIT, select_detector
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import auroc_interval, paired_difference_interval
from deepmed.learning.evaluation.measuring import measured
from deepmed.learning.reference import Layout, Rows

FALLBACK = "knn"
FOLDS = 5
ASKED = "This detector was asked for by name."


@dataclass(frozen=True)
class Comparison:
    """Drawings of the fitting part, and anomalies planted into them, to compare detectors on."""

    rows: Rows
    planted: PlantedDrawings
    images: list[NDArray[np.uint8]]

    @classmethod
    def of(
        cls, fit: Rows, planted: PlantedDrawings, maker: PlantedMaker, limit: int
    ) -> "Comparison":
        """The sources of the planted ones, and as many other fitting drawings as the limit lets."""
        others = fit.take(~np.isin(fit.drawings, planted.originals.drawings))
        order = seeds.generator(maker.seed, "comparison").permutation(len(others))
        room = max(0, limit - len(planted.originals))
        chosen = np.sort(
            np.concatenate([planted.originals.drawings, others.drawings[order[:room]]])
        )
        rows = fit.take(np.isin(fit.drawings, chosen))
        return cls(rows, planted, [maker.picture(drawing) for drawing in rows.drawings.tolist()])

    def items(self, layout: Layout) -> list[PlantedItem]:
        place = {drawing: row for row, drawing in enumerate(self.rows.drawings.tolist())}
        columns = self.planted.planted.rows.columns(layout)
        sources = self.planted.planted.rows.drawings.tolist()
        return [
            PlantedItem(columns[index], place[source], kind)
            for index, (source, kind) in enumerate(
                zip(sources, self.planted.planted.kinds, strict=True)
            )
        ]


def choose(
    comparison: Comparison,
    candidates: Sequence[str],
    config: GroupTrainingConfig,
    log: FoldLog | None = None,
) -> dict[str, Any]:
    """The chosen detector, the reason, and a row a detector and a plain feature.

    Where the fitting part is too small to compare, the nearest-neighbour detector is taken, or
    the one that was asked for.

    Args:
        comparison: what detectors are compared on.
        candidates: names of the detectors.
        config: settings of the training.
        log: keeps the scores of each fold.
    """
    seed = seeds.derive(config.seed, "selection") % 2**31
    try:
        report = select_detector(
            comparison.rows.columns(config.layout),
            comparison.rows.children,
            comparison.items(config.layout),
            candidates,
            seed,
            folds=FOLDS,
            references=reference_rows(comparison.images, comparison.planted.images, seed),
            slots=config.layout.slots,
        )
    except InsufficientDataError as error:
        chosen = candidates[0] if len(candidates) == 1 else FALLBACK
        return {"chosen": chosen, "reason": f"Not compared: {error}", "rows": [], "folds": None}
    if log is not None:
        log.add(COMPARED, comparison.rows, comparison.planted.planted, report.dealt, report.ranks)
    return report.to_dict() | {
        "reason": ASKED if len(candidates) == 1 else reason_of(report),
    }


def reason_of(report: SelectionReport) -> str:
    """Why this detector, in words that people know."""
    simple = [
        row for row in report.rows.values() if row.role == "detector" and row.name != AUTOENCODER
    ]
    if not simple:
        return "No other detector was compared with the autoencoder."
    # Of equals the first one, as the choice itself does.
    best = max(simple, key=lambda row: row.overall.auroc)
    first = (
        f"Of the simple detectors, {name_in_words(best.name)} found planted anomalies best "
        f"(AUROC {best.overall.auroc:.3f})"
    )
    if AUTOENCODER not in report.rows:
        return f"{first}."
    lead = report.lead
    if lead is None:
        return f"{first}; too few children to say whether the autoencoder does better."
    verdict = (
        ", but the autoencoder exceeds it"
        if report.chosen == AUTOENCODER
        else ", and the autoencoder does not exceed it beyond chance"
    )
    return (
        f"{first}{verdict}: {lead.estimate:+.3f} AUROC, {lead.level:.0%} interval "
        f"{lead.low:+.3f} to {lead.high:+.3f}."
    )


def compare_layouts(
    comparison: Comparison,
    detector: str,
    config: GroupTrainingConfig,
    log: FoldLog | None = None,
) -> list[dict[str, Any]]:
    """Whether age or subject columns help this detector, beside the vector alone (D-16).

    Each layout has its AUROC on the planted anomalies and the paired differences to the vector
    alone and to the vector with the age, all with child-bootstrap intervals; `beats_visual` and
    `beats_age` only where the difference's interval lies above zero.
    """
    seed = seeds.derive(config.seed, "layouts") % 2**31
    children = comparison.rows.children.tolist()
    try:
        folds = Folds.deal(children, comparison.items(Layout.VISUAL), FOLDS, seed)
        ranks = {
            layout: folds.rank(
                lambda fold: make_detector(detector, seed=(seed + fold) % 2**31),
                comparison.rows.columns(layout),
                comparison.planted.planted.rows.columns(layout),
                slots=layout.slots,
            )
            for layout in Layout
        }
    except InsufficientDataError:  # a thin fitting part leaves too little beside a fold
        return []
    if log is not None:
        named = {layout.value: found for layout, found in ranks.items()}
        log.add(LAYOUTS, comparison.rows, comparison.planted.planted, folds, named)
    return [
        {
            "layout": layout.value,
            "dimension": comparison.rows.columns(layout).shape[1],
            **_beside(found, ranks, folds, seed),
        }
        for layout, found in ranks.items()
    ]


def _beside(found: Ranks, ranks: Mapping[Layout, Ranks], folds: Folds, seed: int) -> dict[str, Any]:
    """A layout's AUROC, and by how much it exceeds that of the two that know no subject."""
    own = measured(
        lambda: auroc_interval(
            found.negative,
            found.positive,
            folds.children,
            folds.planted_children,
            seed,
            split=SPLIT,
        )
    )
    to_visual = _difference(found, ranks[Layout.VISUAL], folds, seed)
    to_age = _difference(found, ranks[Layout.AGE], folds, seed)
    return {
        "auroc": own,
        "difference_to_visual": to_visual,
        "beats_visual": beats(to_visual),
        "difference_to_age": to_age,
        "beats_age": beats(to_age),
    }


def _difference(found: Ranks, rival: Ranks, folds: Folds, seed: int) -> dict[str, Any]:
    return measured(
        lambda: paired_difference_interval(
            (found.negative, found.positive),
            (rival.negative, rival.positive),
            folds.children,
            folds.planted_children,
            seed,
            split=SPLIT,
        )
    )
