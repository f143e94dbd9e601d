"""Which detector is the default for a group: planted anomalies decide, by child (D-15)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from deepmed.kit import seeds
from deepmed.learning.autoencoder import TrainingConfig
from deepmed.learning.calibration.children import Children, child_list
from deepmed.learning.detectors.base import Detector
from deepmed.learning.detectors.folds import Folds, PlantedItem, Ranks
from deepmed.learning.detectors.reference_features import ReferenceRow
from deepmed.learning.detectors.registry import detector_class, make_detector
from deepmed.learning.detectors.report import Figure, SelectionReport, SelectionRow
from deepmed.learning.detectors.standardization import FloatArray
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import Interval, auroc, auroc_interval, paired_difference_interval
from deepmed.learning.known_detectors import detector_names

__all__ = ["PlantedItem", "SelectionReport", "detector_for", "select_detector"]

AUTOENCODER = "autoencoder"
# What scores the plain features: the simplest detector, the same for all of them.
REFERENCE_DETECTOR = "knn"
SPLIT = "children held out of the fitting part, fold by fold"


@dataclass(frozen=True)
class _Entrant:
    """Somebody who is compared: how to make its detector, and on what features it works."""

    role: Literal["detector", "reference"]
    make: Callable[[int], Detector]
    drawings: FloatArray
    planted: FloatArray


def select_detector(
    embeddings: npt.ArrayLike,
    children: Children,
    planted: Sequence[PlantedItem],
    candidates: Sequence[str] | None = None,
    seed: int = 0,
    *,
    folds: int = 5,
    references: Mapping[str, ReferenceRow] | None = None,
    autoencoder: TrainingConfig | None = None,
    progress: Callable[[int, int], None] | None = None,
    slots: int = 0,
) -> SelectionReport:
    """Compare detectors on planted anomalies inside the fitting part and choose the default.

    The children are dealt into folds. In each fold every candidate is fitted on the drawings of
    the other folds' children, and scores the fold's own drawings (negatives) and the anomalies
    planted into them (positives); the AUROC is taken over places within the fold. The default is
    the best simple detector, unless the autoencoder's AUROC exceeds its by more than the
    child-bootstrap interval of the paired difference. Calibration children must not be among the
    rows: nothing but these rows is looked at.

    Args:
        embeddings: Drawings of the fitting part, shape (n, D).
        children: The child of each row.
        planted: Anomalies planted into these drawings.
        candidates: Names of detectors; all that are installed when None.
        seed: Seed of the folds, the detectors and the bootstrap.
        folds: Number of folds; with fewer children, one a child.
        references: Plain features of the same drawings and anomalies, in the same order; each
            becomes a row that is reported and never chosen.
        autoencoder: Training of the autoencoder in the folds; the defaults when None.
        progress: Told (fits done, fits in all).
        slots: So many columns of the embeddings, the last ones, are the slots of one category.

    Returns:
        The choice with its reason, and every row's AUROC, overall and by kind.

    Raises:
        InsufficientDataError: Fewer than two children, or no anomaly that can be scored.
        UnknownDetectorError: A candidate is not installed.
        ValueError: Lengths differ, or there is no candidate.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(30, 4))
        >>> far = [PlantedItem(rows[i] + 9, i, "far") for i in range(30)]
        >>> report = select_detector(rows, range(30), far, ["knn", "pca"])
        >>> report.rows["knn"].by_kind["far"].auroc
        1.0
    """
    matrix, ids = np.asarray(embeddings, dtype=np.float64), child_list(children)
    names = _names(candidates)
    _check_sizes(matrix, len(ids), planted, references or {})
    if set(names) & set(references or {}):
        raise ValueError("A row of plain features has the name of a detector.")
    dealt = Folds.deal(ids, planted, folds, seed)
    entrants = _entrants(
        names, matrix, planted, references or {}, seed=seed, autoencoder=autoencoder
    )
    done = _counter(len(entrants) * dealt.count, progress)
    ranks = {
        name: dealt.rank(
            entrant.make,
            entrant.drawings,
            entrant.planted,
            done,
            slots=slots if entrant.role == "detector" else 0,
        )
        for name, entrant in entrants.items()
    }
    rows = {
        name: _row(name, entrants[name].role, found, dealt, seed) for name, found in ranks.items()
    }
    chosen, reason, lead = _choose({name: rows[name] for name in names}, ranks, dealt, seed)
    return SelectionReport(
        chosen=chosen,
        reason=reason,
        lead=lead,
        rows=rows,
        folds=dealt.count,
        children=len(set(ids)),
        drawings=len(ids),
        planted=len(dealt.scorable),
        left_out=len(planted) - len(dealt.scorable),
        autoencoder=(autoencoder or TrainingConfig()).model_dump(mode="json"),
        seed=seed,
        dealt=dealt,
        ranks=ranks,
    )


def detector_for(model_type: str | None, report: SelectionReport) -> str:
    """The detector that a training gets: the one asked for by name, else the chosen default.

    Args:
        model_type: A detector's name, as in the interface's ``model_type``; None leaves the
            choice to the report.
        report: What the planted anomalies decided.

    Raises:
        UnknownDetectorError: No detector has that name.
    """
    return report.chosen if model_type is None else detector_class(model_type).name


def _names(candidates: Sequence[str] | None) -> list[str]:
    names = list(dict.fromkeys(detector_names() if candidates is None else candidates))
    if not names:
        raise ValueError("There is no candidate to choose from.")
    return [detector_class(name).name for name in names]


def _check_sizes(
    matrix: FloatArray,
    drawings: int,
    planted: Sequence[PlantedItem],
    references: Mapping[str, ReferenceRow],
) -> None:
    if matrix.ndim != 2 or len(matrix) != drawings:
        raise ValueError(f"{drawings} children were given for embeddings of shape {matrix.shape}.")
    named = [
        row for item in planted for row in (item.source_row, item.donor_row) if row is not None
    ]
    if not all(0 <= row < drawings for row in named):
        raise ValueError("A planted anomaly names a drawing that is not among the rows.")
    for name, row in references.items():
        if (len(row.originals), len(row.planted)) != (drawings, len(planted)):
            raise ValueError(f"The plain features {name!r} are not of these drawings.")


def _entrants(
    names: Sequence[str],
    matrix: FloatArray,
    planted: Sequence[PlantedItem],
    references: Mapping[str, ReferenceRow],
    *,
    seed: int,
    autoencoder: TrainingConfig | None,
) -> dict[str, _Entrant]:
    points = np.array([item.embedding for item in planted], dtype=np.float64)
    entrants = {
        name: _Entrant("detector", _maker(name, seed, autoencoder), matrix, points)
        for name in names
    }
    for name, row in references.items():
        make = _maker(REFERENCE_DETECTOR, seed, None)
        entrants[name] = _Entrant("reference", make, row.originals, row.planted)
    return entrants


def _maker(name: str, seed: int, autoencoder: TrainingConfig | None) -> Callable[[int], Detector]:
    parameters = {"config": autoencoder} if name == AUTOENCODER else {}
    return lambda fold: make_detector(
        name, seed=seeds.derive(seed, "selection", name, fold), **parameters
    )


def _counter(total: int, progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return step


def _row(
    name: str, role: Literal["detector", "reference"], ranks: Ranks, folds: Folds, seed: int
) -> SelectionRow:
    kinds = np.array([item.kind for item in folds.scorable])
    return SelectionRow(
        name=name,
        role=role,
        overall=_figure(ranks, np.ones(len(kinds), dtype=bool), folds, seed),
        by_kind={
            str(kind): _figure(ranks, kinds == kind, folds, seed) for kind in dict.fromkeys(kinds)
        },
    )


def _figure(ranks: Ranks, of_kind: npt.NDArray[np.bool_], folds: Folds, seed: int) -> Figure:
    positive = ranks.positive[of_kind]
    pairs = zip(folds.planted_children, of_kind, strict=True)
    owners = [child for child, taken in pairs if taken]
    interval: Interval | None
    try:
        interval = auroc_interval(
            ranks.negative, positive, folds.children, owners, seed, split=SPLIT
        )
    except InsufficientDataError:
        interval = None  # too few children to resample
    return Figure(auroc(ranks.negative, positive), interval, len(positive))


def _choose(
    rows: Mapping[str, SelectionRow], ranks: Mapping[str, Ranks], folds: Folds, seed: int
) -> tuple[str, str, Interval | None]:
    """The default, the reason in words, and the autoencoder's lead where there is one."""
    simple = [name for name in rows if name != AUTOENCODER]
    if not simple:
        return AUTOENCODER, "No other detector was compared with the autoencoder.", None
    best = max(simple, key=lambda name: rows[name].overall.auroc)
    first = (
        f"{best} has the highest AUROC of the simple detectors on planted anomalies "
        f"({rows[best].overall.auroc:.3f})"
    )
    if AUTOENCODER not in rows:
        return best, f"{first}.", None
    try:
        lead = _lead(ranks[AUTOENCODER], ranks[best], folds, seed)
    except InsufficientDataError:
        return best, f"{first}; too few children to say whether the autoencoder does better.", None
    return _with_lead(best, first, lead)


def _lead(autoencoder: Ranks, rival: Ranks, folds: Folds, seed: int) -> Interval:
    return paired_difference_interval(
        (autoencoder.negative, autoencoder.positive),
        (rival.negative, rival.positive),
        folds.children,
        folds.planted_children,
        seed,
        split=SPLIT,
    )


def _with_lead(best: str, first: str, lead: Interval) -> tuple[str, str, Interval]:
    figure = (
        f"{lead.estimate:+.3f} AUROC, {lead.level:.0%} interval {lead.low:+.3f} to {lead.high:+.3f}"
    )
    if lead.wholly_above(0.0):
        return AUTOENCODER, f"{first}, but the autoencoder exceeds it: {figure}.", lead
    return best, f"{first}, and the autoencoder does not exceed it: {figure}.", lead
