"""How the detector was chosen and what layouts bring, counted again from the folds' scores."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepmed.features.drawings.models.items import COMPARED, LAYOUTS
from deepmed.features.drawings.runs.checks import Check, compare
from deepmed.features.drawings.runs.record import Item, Pairs, Record
from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.evaluation.oracle_intervals import (
    FIGURE,
    Figure,
    recompute_auroc_figure,
    recompute_difference_figure,
)

AUTOENCODER = "autoencoder"
VISUAL = "visual"
AGE = "visual+age"
WIDER = {VISUAL: 0, AGE: 1, "visual+subject": 64}
SEEDS = 2**31
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
ROUNDED = 0.000501
"""Three decimals are told."""


def selection(record: Record) -> Iterator[Check]:
    """Every row of the comparison, and whether the rule of the choice was kept (D-15)."""
    stored = record.metrics["selection"]
    yield Check("selection.chosen", stored["chosen"], record.detector)
    if record.forgot(COMPARED):
        return
    items = record.items.get(COMPARED, [])
    yield Check("selection.folds", stored["folds"], _folds(items))
    if not items:
        yield Check("selection rows", len(stored["rows"]), 0)
        return
    seed = record.seed("selection") % SEEDS
    yield Check("selection.seed", stored["seed"], seed)
    yield from compare("selection", stored, _counts(items), _counts(items))
    columns = len(items[0]["scores"])
    yield Check("selection rows", len(stored["rows"]), columns)
    if len(stored["rows"]) == columns:
        places = [_places(items, column) for column in range(columns)]
        for row, own in zip(stored["rows"], places, strict=True):
            yield from _row(row, own, seed)
        yield from _rule(stored, places, seed)


def layouts(record: Record) -> Iterator[Check]:
    """Each layout's AUROC, and by how much it exceeds those that know no subject (D-16)."""
    stored = record.metrics.get("layouts")
    if stored is None or record.forgot(LAYOUTS):
        return
    items = record.items.get(LAYOUTS, [])
    yield Check("layouts", len(stored), len(items[0]["scores"]) if items else 0)
    names = [row["layout"] for row in stored]
    if not items or len(names) != len(items[0]["scores"]) or not {VISUAL, AGE} <= set(names):
        return
    seed = record.seed("layouts") % SEEDS
    rivals = {
        rival: _pairs(_places(items, names.index(layout)))
        for rival, layout in (("visual", VISUAL), ("age", AGE))
    }
    for column, row in enumerate(stored):
        own = _pairs(_places(items, column))
        place = f"layouts.{row['layout']}"
        wide = record.header["dimension"] + WIDER[row["layout"]]
        yield Check(f"{place}.dimension", row["dimension"], wide)
        yield from compare(f"{place}.auroc", row["auroc"], recompute_auroc_figure(*own, seed))
        for rival, pairs in rivals.items():
            difference = recompute_difference_figure(own, pairs, seed)
            name = f"difference_to_{rival}"
            if name not in row:  # an earlier state of the program knew one rival only
                continue
            yield from compare(f"{place}.{name}", row[name], difference)
            beats = difference["low"] is not None and difference["low"] > 0
            yield Check(f"{place}.beats_{rival}", row[f"beats_{rival}"], beats)


def _counts(items: Sequence[Item]) -> dict[str, int]:
    drawings = [item for item in items if item["kind"] is None]
    anomalies = [item for item in items if item["kind"] is not None]
    left_out = sum(item["fold"] < 0 for item in anomalies)
    return {
        "children": len({item["child"] for item in drawings}),
        "drawings": len(drawings),
        "planted": len(anomalies) - left_out,
        "left_out": left_out,
    }


def _folds(items: Sequence[Item]) -> int | None:
    folds = {item["fold"] for item in items if item["kind"] is None}
    return len(folds) or None


Places = list[tuple[Item, float]]
"""Each scored item with its place among the drawings of its fold, in the items' order."""


def _places(items: Sequence[Item], column: int) -> Places:
    """The share of the fold's drawings that score less, those that score the same half."""
    rivals: dict[int, list[float]] = {}
    for item in items:
        if item["kind"] is None:
            rivals.setdefault(item["fold"], []).append(item["scores"][column])
    found = []
    for item in items:
        if item["fold"] >= 0:
            score, fold = item["scores"][column], rivals[item["fold"]]
            less = sum(rival < score for rival in fold)
            same = sum(rival == score for rival in fold)
            found.append((item, (less + same / 2) / len(fold)))
    return found


def _pairs(places: Places, kind: str | None = None) -> tuple[Pairs, Pairs]:
    """(child, place) of drawings and of planted ones, of one kind or of all."""
    negative = [(item["child"], place) for item, place in places if item["kind"] is None]
    positive = [
        (item["child"], place)
        for item, place in places
        if item["kind"] is not None and kind in {None, item["kind"]}
    ]
    return negative, positive


def _row(row: Mapping[str, Any], places: Places, seed: int) -> Iterator[Check]:
    place = f"selection.rows.{row['name']}"
    yield from _figure(f"{place}.overall", row["overall"], _pairs(places), seed)
    planted = [item["kind"] for item, _ in places if item["kind"] is not None]
    for kind in dict.fromkeys([*row["by_kind"], *planted]):
        stored = row["by_kind"].get(kind)
        own = _pairs(places, kind)
        yield from _figure(f"{place}.by_kind.{kind}", stored, own, seed)


def _figure(
    place: str, stored: Mapping[str, Any] | None, pairs: tuple[Pairs, Pairs], seed: int
) -> Iterator[Check]:
    stored = stored or {"auroc": None, "planted": None, "interval": None}
    negative, positive = pairs
    again = {"auroc": _auroc(pairs), "planted": len(positive)}
    yield from compare(place, stored, again, again)
    interval = recompute_auroc_figure(negative, positive, seed)
    yield from compare(f"{place}.interval", stored["interval"], interval)


def _auroc(pairs: tuple[Pairs, Pairs]) -> float | None:
    negative, positive = ([score for _, score in rows] for rows in pairs)
    return recompute_auroc(negative, positive) if negative and positive else None


def _rule(stored: Mapping[str, Any], places: Sequence[Places], seed: int) -> Iterator[Check]:
    """The best simple detector, unless the autoencoder wins beyond the interval."""
    detectors = {
        row["name"]: _pairs(own)
        for row, own in zip(stored["rows"], places, strict=True)
        if row["role"] == "detector"
    }
    simple = [name for name in detectors if name != AUTOENCODER]
    best = max(simple, key=lambda name: _auroc(detectors[name]) or 0.0, default=AUTOENCODER)
    lead: Figure = dict.fromkeys(FIGURE)
    if simple and AUTOENCODER in detectors:
        lead = recompute_difference_figure(detectors[AUTOENCODER], detectors[best], seed)
    yield from compare("selection.lead", stored["lead"], lead)
    wins = lead["low"] is not None and lead["low"] > 0
    yield Check("selection rule", stored["chosen"], AUTOENCODER if wins else best)
    if NUMBER.search(stored["reason"]):
        yield from _told(stored["reason"], _auroc(detectors[best]) or 0.0, lead)


def _told(reason: str, auroc: float, lead: Figure) -> Iterator[Check]:
    """The numbers that the reason says, rounded for people."""
    figures = [auroc]
    if lead["estimate"] is not None:
        figures += [lead["estimate"], 100 * lead["level"], lead["low"], lead["high"]]
    told = [float(number) for number in NUMBER.findall(reason)]
    yield Check("selection.reason numbers", len(told), len(figures))
    for number, figure in zip(told, figures, strict=False):
        rounded = abs(number - figure) <= ROUNDED
        yield Check("selection.reason", number, number if rounded else figure)
