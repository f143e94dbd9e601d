"""The parts of the benchmark: each takes what was prepared and returns its figures."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from deepmed.features.drawings.bench.ages import age_rows, real_task, sample_task
from deepmed.features.drawings.bench.altered import CONTROL
from deepmed.features.drawings.bench.copies import COPIES, repeats
from deepmed.features.drawings.bench.detection import compare
from deepmed.features.drawings.bench.encoders import NOT_HERE
from deepmed.features.drawings.bench.entrants import Floats, entrants, plain_entrants
from deepmed.features.drawings.bench.exactness import exactness
from deepmed.features.drawings.bench.faithfulness import choose_without_fold, faithfulness
from deepmed.features.drawings.bench.false_alarms import Question, false_alarms, finds_something
from deepmed.features.drawings.bench.layouts import layout_rows
from deepmed.features.drawings.bench.material import FOLDS, Material, category_material
from deepmed.features.drawings.bench.neighbours import nearest_rows
from deepmed.features.drawings.bench.prepared import Prepared, Real
from deepmed.features.drawings.bench.sizes import make_crowds, size_row
from deepmed.features.drawings.bench.speed import SLOW, scans, speed
from deepmed.learning.detectors import detector_names
from deepmed.learning.detectors.reference_features import REFERENCE_FEATURES
from deepmed.learning.encoders import Encoder
from deepmed.learning.reference import Rows, join
from deepmed.learning.reference.evaluation import PlantedRows

Figures = dict[str, Any]

QUICK_TO_FIT = frozenset({"knn", "mahalanobis", "pca"})
"""Detectors that are put through all random splits; others through fewer."""
POOL = "all ages"
FEW = 100
"""Children a group above which fitting takes longer and chance matters less."""


class NotRunError(Exception):
    """A part cannot run; the message says why."""


def speed_part(prepared: Prepared) -> Figures:
    """Milliseconds an image of every encoder that is here, on sample drawings and as scans."""
    rows: list[Figures] = []
    images = prepared.samples.further.images
    large = scans(images)
    for one in prepared.candidates:
        prepared.step(one.name)
        if one.encoder is None:
            rows.append({"name": one.name, "reason": NOT_HERE})
            continue
        timed = speed(one.encoder, images, prepared.effort.timing_repeats)
        timed += speed(one.encoder, large, prepared.effort.timing_repeats)
        prepared.milliseconds[one.name] = timed[0]["batched_ms"]["best"]
        rows += [{"name": one.name, "reason": None, **row} for row in timed]
    return {"pictures": "sample drawings, as they are and enlarged to scans", "rows": rows}


def exactness_part(prepared: Prepared) -> Figures:
    return exactness(prepared.effort.simulations, prepared.seed, prepared.step)


def detection_part(prepared: Prepared) -> Figures:
    """AUROC by kind: every encoder by every detector, beside plain features and baselines."""
    report: Figures = {"samples": _compared(prepared, prepared.sample_material)}
    if prepared.real is None:
        report["real"] = {"reason": NO_REAL}
        return report
    report["real"] = _compared(prepared, prepared.real.material)
    default = report["real"]["default"]
    if default is not None:
        prepared.default_detector = default["chosen"]
    return report


def category_part(prepared: Prepared) -> Figures:
    """Each subject's drawings against those of the others."""
    real = _real(prepared)
    report: Figures = {}
    for subject in sorted(set(real.drawings.subjects)):
        material = category_material(real.drawings, real.material.pictures, subject, prepared.seed)
        report[subject] = _compared(prepared, material)
    return report


def false_alarms_part(prepared: Prepared) -> Figures:
    """Rates over random splits, with one drawing a child and with copies, and power beside."""
    real, effort = _real(prepared), prepared.effort
    key = prepared.encoder.identity.key
    rows = []
    for question, detectors in _questions(prepared, real):
        for detector in detectors:
            splits = effort.splits if detector in QUICK_TO_FIT else effort.slow_splits
            name = f"{question.group}, {detector}{' with copies' if question.repeated else ''}"
            step = _numbered(prepared, name)
            rows.append(
                false_alarms(question, detector, key, splits=splits, seed=prepared.seed, step=step)
            )
    for row in rows:
        if "power" in row:
            row["finds_something"] = finds_something(row["power"], CONTROL)
    return {"encoder": key, "copies_a_child": COPIES, "rows": rows}


def age_part(prepared: Prepared) -> Figures:
    """Neighbouring groups' drawings against the own group's, by every built-in encoder."""
    rows = [row for encoder in prepared.built_in for row in _age_rows(prepared, encoder)]
    return {"real": NO_REAL if prepared.real is None else None, "rows": rows}


def _age_rows(prepared: Prepared, encoder: Encoder) -> Iterator[Figures]:
    sets = prepared.samples
    view = partial(prepared.sample_material.pictures.view, encoder.identity.key, encoder.embed)
    known = len(sets.typical)
    tasks = [
        sample_task(
            sets,
            _with(sets.typical.rows, view(range(known))),
            _with(sets.further.rows, view(range(known, known + len(sets.further)))),
        )
    ]
    if prepared.real is not None:
        real = prepared.real
        tasks.insert(0, real_task(real.drawings, real.vectors(encoder)))
    key = encoder.identity.key
    for task in tasks:
        yield from age_rows(task, detector_names(), key, prepared.seed, prepared.step)


def layouts_part(prepared: Prepared) -> Figures:
    """832 columns against 769 and 768, by every built-in encoder and detector."""
    materials = [prepared.sample_material]
    if prepared.real is not None:
        materials.insert(0, prepared.real.material)
    seed, resamples = prepared.seed, prepared.effort.resamples
    rows = [
        row
        for material in materials
        for encoder in prepared.built_in
        for row in layout_rows(material, encoder, seed, resamples, prepared.step)
    ]
    return {"real": NO_REAL if prepared.real is None else None, "rows": rows}


def sizes_part(prepared: Prepared) -> Figures:
    """Groups of few and of many children, by every built-in encoder and detector."""
    sizes, sets = prepared.effort.crowd_sizes, prepared.samples
    encoders = {one.identity.key: one for one in prepared.built_in}
    crowds = make_crowds(prepared.seed, max(sizes), prepared.built_in, prepared.step)
    rows = []
    for crowd in crowds:
        encoder = encoders[crowd.encoder]
        typical, planted = _strangers(prepared, encoder, crowd.measured)
        for children in sizes:
            for detector in detector_names():
                prepared.step(f"{encoder.identity.name}, {children} children, {detector}")
                many = children > FEW
                row = size_row(
                    crowd,
                    typical,
                    planted,
                    detector,
                    children=children,
                    repeats=max(1, prepared.effort.crowd_repeats // (3 if many else 1)),
                    seed=prepared.seed,
                )
                rows.append({"encoder": encoder.identity.name, **row})
    return {"group": crowds[0].measured, "origin": sets.further.origin, "rows": rows}


def _strangers(prepared: Prepared, encoder: Encoder, group: str) -> tuple[Rows, PlantedRows]:
    """Further typical drawings of a group, and what was planted into others; nobody fits them."""
    material, sets = prepared.sample_material, prepared.samples
    start, key = len(sets.typical), encoder.identity.key
    vectors = material.pictures.view(key, encoder.embed, range(start, start + len(sets.further)))
    mine = np.array(sets.further.labels) == group
    ages = next(one for one in sets.further.groups if one.label == group)
    seen = _with(material.rows, material.seen(key, encoder.embed))
    places = [
        place
        for place in material.unusual.tolist()
        if ages.holds(seen.ages[place]) and material.kinds[place] != CONTROL
    ]
    kinds = tuple(material.kinds[place] for place in places)
    planted = PlantedRows(seen.take(np.array(places, dtype=np.int64)), kinds)
    return _with(sets.further.rows, vectors).take(mine), planted


def neighbours_part(prepared: Prepared) -> Figures:
    """What the nearest drawing of another child tells, by every encoder and plain feature."""
    real = _real(prepared)
    drawings, pictures = real.drawings, real.material.pictures
    everyone = range(len(drawings))
    views: dict[str, Floats] = {}
    for one in prepared.candidates:
        if one.encoder is not None:
            prepared.step(one.name)
            views[one.name] = real.vectors(one.encoder).vectors.astype(np.float64)
    for name, features in REFERENCE_FEATURES.items():
        prepared.step(name)
        look = partial(features, seed=prepared.seed)
        views[name] = pictures.view(name, look, everyone).astype(np.float64)
    truths = {"subject": drawings.subjects, "age": drawings.rows.ages.tolist()}
    return {"rows": list(nearest_rows(views, drawings.rows.children, truths, prepared.seed))}


def faithfulness_part(prepared: Prepared) -> Figures:
    """Curves, gate and randomisation of the default encoder and the detectors chosen with it."""
    real, effort, seed = _real(prepared), prepared.effort, prepared.seed
    detectors = {}
    for fold in range(FOLDS if effort.maps is None else 1):
        prepared.step(f"choosing without fold {fold + 1}")
        detectors[fold] = choose_without_fold(
            real.material, prepared.encoder, fold, seed, effort.resamples
        )
    return faithfulness(
        real.drawings,
        real.vectors(prepared.encoder),
        prepared.encoder,
        detectors,
        most=effort.maps,
        seed=seed,
        step=prepared.step,
    )


NO_REAL = "The real drawings are not here. Name their ZIP with --data or in DEEPMED_BENCH_DRAWINGS."
PARTS: dict[str, Callable[[Prepared], Figures]] = {
    "speed": speed_part,
    "exactness": exactness_part,
    "detection": detection_part,
    "another_category": category_part,
    "false_alarms": false_alarms_part,
    "age_specificity": age_part,
    "layouts": layouts_part,
    "sizes": sizes_part,
    "neighbours": neighbours_part,
    "faithfulness": faithfulness_part,
}
"""In the order in which they run: later ones use what earlier ones found."""


def _real(prepared: Prepared) -> Real:
    if prepared.real is None:
        raise NotRunError(NO_REAL)
    return prepared.real


def _compared(prepared: Prepared, material: Material) -> Figures:
    """One comparison an encoder, merged: the first one's choice is the default's."""
    effort, seed = prepared.effort, prepared.seed
    merged: Figures = {}
    for one in prepared.candidates:
        if one.encoder is None:
            continue
        slow = prepared.milliseconds.get(one.name, 0.0) > SLOW
        used = material.thinned(effort.planted_per_kind_slow) if slow else material
        rows = entrants(used, one.encoder)
        if not merged:
            rows = chain(rows, plain_entrants(used, seed))
        report = compare(used, rows, seed, effort.resamples, _named(prepared, material, one.name))
        for row in report["rows"]:
            row["encoder"] = one.name if row["role"] != "reference row" else None
        items = {one.name: report.pop("items")}
        defaults = {one.name: report["default"]}
        if merged:
            merged["rows"] += report["rows"]
            merged["items"] |= items
            merged["defaults"] |= defaults
        else:
            merged = {**report, "items": items, "defaults": defaults}
    merged["not_available"] = {
        one.name: NOT_HERE for one in prepared.candidates if one.encoder is None
    }
    return merged


def _questions(prepared: Prepared, real: Real) -> Iterator[tuple[Question, list[str]]]:
    """All drawings in one pool, with and without copies, and each age group with what is planted.

    The pool has the most children, so there the rule is at its sharpest; the groups are what a
    training makes.
    """
    encoder, drawings, material = prepared.encoder, real.drawings, real.material
    own = real.vectors(encoder)
    vectors = material.seen(encoder.identity.key, encoder.embed).astype(np.float32)
    altered = material.rows.with_vectors(vectors)
    nothing = PlantedRows(own.take(np.zeros(0, dtype=np.int64)), ())
    simple = [name for name in detector_names() if name in QUICK_TO_FIT]
    yield Question(POOL, own, nothing), simple
    prepared.step("copies")
    chosen = prepared.default_detector if prepared.default_detector in simple else simple[0]
    yield Question(POOL, _copies(prepared, own, drawings.images), nothing, repeated=True), [chosen]
    labels = np.array(drawings.labels)
    for group in drawings.groups:
        places = [place for place in material.unusual.tolist() if group.holds(altered.ages[place])]
        planted = PlantedRows(
            altered.take(np.array(places, dtype=np.int64)),
            tuple(material.kinds[place] for place in places),
        )
        mine = own.take(labels == group.label)
        yield Question(group.label, mine, planted), detector_names()


def _copies(prepared: Prepared, own: Rows, images: Any) -> Rows:
    """The drawings and three copies of each, as if each child had drawn four times."""
    made = repeats(images, prepared.seed)
    flat = [copy for copies in made for copy in copies]
    vectors = prepared.encoder.embed(flat)
    again = own.take(np.repeat(np.arange(len(own)), COPIES)).with_vectors(vectors)
    return join([own, again])


def _with(rows: Rows, vectors: Any) -> Rows:
    return rows.with_vectors(vectors.astype(np.float32))


def _named(prepared: Prepared, material: Material, encoder: str) -> Callable[[str], None]:
    return lambda name: prepared.step(f"{material.name}, {encoder}, {name}")


def _numbered(prepared: Prepared, name: str) -> Callable[[], None]:
    """A step after each split that says how far the row has come."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        prepared.step(f"{name}, split {done}")

    return step
