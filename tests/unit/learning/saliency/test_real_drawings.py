"""The gate on real children's drawings with the default encoder (D-17)."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from deepmed.learning.calibration import CalibrationSet, split_children
from deepmed.learning.detectors import make_detector
from deepmed.learning.encoders import HogPyramidEncoder
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency import (
    FaithfulnessReport,
    MeasuredDrawing,
    RandomisationCheck,
    SaliencyMap,
    SaliencyMapGenerator,
    ScoreFunction,
    check_randomisation,
    choose_method,
    explain_and_measure,
    gate,
    nearest_typical,
    ranking_of,
    reinitialised,
)

from .conftest import Picture, Values

METHOD = "integrated_gradients"  # all methods are compared in the benchmark
CHECKED = 8


@dataclass
class Measured:
    """Figures of all drawings, and of some the maps before and after re-initialising."""

    drawings: list[MeasuredDrawing] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    maps: list[tuple[SaliencyMap, SaliencyMap, str]] = field(default_factory=list)


@dataclass
class Group:
    """Drawings of one age group."""

    images: list[Picture]
    children: list[str]
    vectors: Values


def read_group(path: Path, encoder: HogPyramidEncoder) -> Group:
    images, children = [], []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if match := re.search(r"age[678]_(.+)\.png$", name):
                with Pillow.open(io.BytesIO(archive.read(name))) as picture:
                    paper = Pillow.new("RGBA", picture.size, "white")
                    paper.alpha_composite(picture.convert("RGBA"))
                images.append(np.asarray(paper.convert("RGB")))
                children.append(match[1])
    return Group(images, children, encoder.embed(images).astype(np.float64))


def halves(children: list[str]) -> Iterator[tuple[list[int], list[int]]]:
    """Rows to fit on and rows to hold out: the model's, then its twin's."""
    split = split_children(children, [1] * len(children), seed=0)
    parts = [
        [row for row, child in enumerate(children) if child in set(part)]
        for part in (split.fit, split.calibration)
    ]
    yield parts[0], parts[1]
    yield parts[1], parts[0]


def measure_half(
    group: Group, encoder: HogPyramidEncoder, fit: list[int], held: list[int], into: Measured
) -> None:
    detector = make_detector("knn", seed=0).fit(group.vectors[fit])
    scores = detector.score_samples(group.vectors[held])
    calibration = CalibrationSet(scores, [group.children[row] for row in held])
    generator = SaliencyMapGenerator(ScoreFunction(encoder, detector))
    blank = SaliencyMapGenerator(ScoreFunction(encoder, reinitialised(detector, seed=1)))
    for row, score in zip(held, scores, strict=True):
        child = group.children[row]
        if calibration.p_value(score, without=child) > 0.2:
            continue
        nearest = fit[nearest_typical(group.vectors[row], group.vectors[fit])]
        prepared, typical = (encoder.prepare([group.images[at]]) for at in (row, nearest))
        ranking = ranking_of(calibration, child)
        try:
            made, found = explain_and_measure(
                generator, prepared, ranking, [METHOD], typical=typical
            )
        except SaliencyGenerationError as error:
            into.refused.append(str(error))
            continue
        into.drawings.append(MeasuredDrawing.of(child, found))
        if len(into.maps) < CHECKED:
            into.maps.append((made[0], blank.generate_saliency_map(prepared, METHOD), child))


@pytest.fixture(scope="module")
def measured(real_drawings_zip: Path) -> Measured:
    """Children aged 6 to 8, each ranked by a detector that was not fitted on it."""
    torch.set_num_threads(1)
    encoder, found = HogPyramidEncoder(device="cpu"), Measured()
    group = read_group(real_drawings_zip, encoder)
    for fit, held in halves(group.children):
        measure_half(group, encoder, fit, held, found)
    return found


@pytest.fixture(scope="module")
def check(measured: Measured) -> RandomisationCheck:
    before, after, children = zip(*measured.maps, strict=True)
    return check_randomisation(before, after, children)


@pytest.mark.req("D-17.4")
def test_the_gate_is_passed(measured: Measured, check: RandomisationCheck) -> None:
    report, checks = FaithfulnessReport(measured.drawings, measured.refused), {METHOD: check}
    result = gate(report, checks)
    assert result.children >= 30, measured.refused
    assert result.faithful == (METHOD,)
    assert choose_method(report, checks) == METHOD


@pytest.mark.req("D-17.5")
def test_maps_are_others_when_the_detector_is_re_initialised(check: RandomisationCheck) -> None:
    assert check.passed, check
