"""Figures of a model counted anew, with no code of the evaluation (V-2)."""

import math
from collections.abc import Mapping, Sequence

Value = float | None
BINS = 15
STEEPEST = 1e4
"""A temperature lies within this and its inverse."""
_HALVINGS = 44


def shares(
    logits: Sequence[float], temperature: float, offsets: Sequence[float] = ()
) -> list[float]:
    """The probability of each class; one logit is that of class 1 against one of 0."""
    added = offsets or [0.0] * len(logits)
    scaled = [one / temperature + more for one, more in zip(logits, added, strict=True)]
    scaled = _all_classes(scaled)
    most = max(scaled)
    parts = [math.exp(one - most) for one in scaled]  # nothing above 1, so nothing overflows
    whole = math.fsum(parts)
    return [part / whole for part in parts]


def temperature(
    labels: Sequence[int], logits: Sequence[Sequence[float]], offsets: Sequence[float] = ()
) -> float | None:
    """At which the labels are most likely beside these offsets; None where none is best."""
    rows = [_all_classes(given) for given in logits]

    def slope(log_steepness: float) -> float:
        """Of the log loss, which falls and then rises as logits count for more."""
        cold = math.exp(-log_steepness)
        return math.fsum(
            sum(share * one for share, one in zip(shares(given, cold, offsets), row, strict=True))
            - row[label]
            for label, given, row in zip(labels, logits, rows, strict=True)
        )

    high = math.log(STEEPEST)
    low = -high
    perfect = all(row[label] >= max(row) for label, row in zip(labels, rows, strict=True))
    if perfect or slope(low) >= 0 or slope(high) <= 0:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return math.exp(-(low + high) / 2)


def youden(labels: Sequence[int], shares: Sequence[float]) -> float | None:
    """The threshold, midway between two probabilities, with most found and fewest false alarms.

    None where none is better than chance.
    """
    ordered = sorted(set(shares))
    ill = sum(labels)
    well = len(labels) - ill
    best, found = 0, None
    for place, cut in enumerate(ordered):
        hits = sum(label for label, share in zip(labels, shares, strict=True) if share >= cut)
        alarms = sum(share >= cut for share in shares) - hits
        gain = hits * well - alarms * ill
        if gain > best:
            below = ordered[place - 1] if place else cut
            best, found = gain, (below + cut) / 2
    return found


def figures(
    labels: Sequence[int], shares: Sequence[float], threshold: float, prevalence: float | None
) -> dict[str, Value]:
    """Every figure by name; None where it is undefined."""
    called = [share >= threshold for share in shares]
    counts = confusion(labels, called)
    hit, quiet = counts["true_positives"], counts["true_negatives"]
    alarm, miss = counts["false_positives"], counts["false_negatives"]
    n = len(labels)
    sensitivity, specificity = _share(hit, hit + miss), _share(quiet, quiet + alarm)
    both = sensitivity is not None and specificity is not None
    return {
        "auroc": auroc(labels, shares),
        "auprc": average_precision(labels, shares),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": _share(hit, hit + alarm),
        "npv": _share(quiet, quiet + miss),
        **_at(prevalence, sensitivity, specificity),
        "accuracy": _share(hit + quiet, n),
        "balanced_accuracy": ((sensitivity or 0) + (specificity or 0)) / 2 if both else None,
        "f1": _share(2 * hit, 2 * hit + alarm + miss),
        "brier": sum((s - y) ** 2 for y, s in zip(labels, shares, strict=True)) / n,
        "ece": calibration_error(labels, shares),
        "prevalence": sum(labels) / n,
    }


def class_figures(
    labels: Sequence[int], rows: Sequence[Sequence[float]]
) -> tuple[dict[str, Value], list[dict[str, Value]], list[list[int]]]:
    """Of several classes: each figure by name, those of each class against the rest, and the table.

    The most probable class is decided for; rows of the table are the truth.
    """
    chosen = [max(range(len(row)), key=row.__getitem__) for row in rows]
    size, n = len(rows[0]), len(labels)
    pairs = list(zip(labels, chosen, strict=True))
    table = [[pairs.count((truth, said)) for said in range(size)] for truth in range(size)]
    each = [
        _one_against_rest(
            [label == number for label in labels],
            [row[number] for row in rows],
            [one == number for one in chosen],
        )
        for number in range(size)
    ]
    right = [label == said for label, said in pairs]
    off = sum(
        (share - (label == number)) ** 2
        for label, row in zip(labels, rows, strict=True)
        for number, share in enumerate(row)
    )
    whole = {
        "accuracy": sum(right) / n,
        "balanced_accuracy": _mean([one["sensitivity"] for one in each]),
        **{f"macro_{name}": _mean([one[name] for one in each]) for name in _AVERAGED},
        "brier": off / n,
        "ece": calibration_error(right, [max(row) for row in rows]),
    }
    return whole, each, table


_AVERAGED = ("auroc", "auprc", "sensitivity", "specificity", "ppv", "f1")


def _one_against_rest(
    labels: Sequence[bool], shares: Sequence[float], called: Sequence[bool]
) -> dict[str, Value]:
    counts = confusion(labels, called)
    hit, quiet = counts["true_positives"], counts["true_negatives"]
    alarm, miss = counts["false_positives"], counts["false_negatives"]
    return {
        "auroc": auroc(labels, shares),
        "auprc": average_precision(labels, shares),
        "sensitivity": _share(hit, hit + miss),
        "specificity": _share(quiet, quiet + alarm),
        "ppv": _share(hit, hit + alarm),
        "npv": _share(quiet, quiet + miss),
        "f1": _share(2 * hit, 2 * hit + alarm + miss),
    }


def _mean(values: Sequence[Value]) -> Value:
    """None where one of them is undefined."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def confusion(labels: Sequence[int], called: Sequence[bool]) -> Mapping[str, int]:
    pairs = [(bool(label), call) for label, call in zip(labels, called, strict=True)]
    return {
        "true_positives": pairs.count((True, True)),
        "true_negatives": pairs.count((False, False)),
        "false_positives": pairs.count((False, True)),
        "false_negatives": pairs.count((True, False)),
    }


def auroc(labels: Sequence[int], shares: Sequence[float]) -> Value:
    """By the sum of ranks, ties sharing their mean."""
    ranks = _ranks(shares)
    ill = sum(labels)
    well = len(labels) - ill
    if not (ill and well):
        return None
    total = math.fsum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (total - ill * (ill + 1) / 2) / (ill * well)


def average_precision(labels: Sequence[int], shares: Sequence[float]) -> Value:
    """Precision where each ill image is found, on average; equal probabilities come together."""
    ill = sum(labels)
    if not ill:
        return None
    gained, hits, seen = 0.0, 0, 0
    for _, group in _groups(labels, shares):
        hits, seen = hits + sum(group), seen + len(group)
        gained += sum(group) * hits / seen
    return gained / ill


def calibration_error(labels: Sequence[int], shares: Sequence[float]) -> float:
    """Over bins of equal width: what was stated less what came, weighted by images."""
    gaps = [0.0] * BINS
    edges = [number / BINS for number in range(BINS)]
    for label, share in zip(labels, shares, strict=True):
        place = max(number for number, edge in enumerate(edges) if share >= edge)
        gaps[place] += share - label
    return sum(abs(gap) for gap in gaps) / len(labels)


def _groups(labels: Sequence[int], shares: Sequence[float]) -> list[tuple[float, list[int]]]:
    together: dict[float, list[int]] = {}
    for label, share in zip(labels, shares, strict=True):
        together.setdefault(share, []).append(label)
    return sorted(together.items(), reverse=True)


def _ranks(values: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {}
    for rank, value in enumerate(sorted(values), 1):
        places.setdefault(value, []).append(rank)
    return [sum(places[value]) / len(places[value]) for value in values]


def _at(prevalence: float | None, sensitivity: Value, specificity: Value) -> dict[str, Value]:
    ppv = npv = None
    if prevalence is not None and sensitivity is not None and specificity is not None:
        found, alarms = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
        left, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
        ppv = found / (found + alarms) if found + alarms else None
        npv = left / (left + missed) if left + missed else None
    return {"ppv_at_prevalence": ppv, "npv_at_prevalence": npv}


def _all_classes(logits: Sequence[float]) -> list[float]:
    return [0.0, *logits] if len(logits) == 1 else list(logits)


def _share(part: int, whole: int) -> Value:
    return part / whole if whole else None
