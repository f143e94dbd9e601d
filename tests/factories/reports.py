"""A report on the trained data folder, with new children and names that mean harm."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.analysis.service import AnalysisService, BatchAnalysis
from deepmed.features.drawings.report.content import ReportContent
from deepmed.features.drawings.report.gathering import ReportGatherer
from deepmed.features.drawings.report.rendering import render
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.pictures import encode_png, pixel_hash
from factories.drawings import Sketch, add_drawings, embed
from factories.homes import open_bench

TITLE = """Class 3b <script>alert("1")</script> & 'friends'"""
HOSTILE = """<script>alert('x')</script>"><img src=x onerror=alert(1)> & it's"""
CHILD = "<script>child</script>"
NEW_USUAL, NEW_ODD = 6, 2
_REPORTED = pytest.StashKey["Reported"]()


@dataclass(frozen=True)
class Reported:
    """One report, and what it was made from."""

    bench: Workbench
    batch: BatchAnalysis
    content: ReportContent
    html: str


def add_odd(bench: Workbench, count: int, age: float) -> list[int]:
    """Drawings of new children whose page is filled: no model has met the like."""
    ids = add_drawings(bench, [Sketch(age=age)] * count)
    with bench.database.write() as session:
        for number, drawing in enumerate(ids):
            page = np.full((64, 64, 3), 255, dtype=np.uint8)
            page[2 + number : 62, 2:62] = 0
            key = f"drawings/odd{number}.png"
            bench.storage.put(key, encode_png(page))
            row = session.get_one(Drawing, drawing)
            row.file_path, row.pixel_hash = key, pixel_hash(page)
    return ids


@pytest.fixture(scope="session")
def reported(
    request: pytest.FixtureRequest, _trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reported]:
    """The report, made once a run of the tests."""
    stash = request.config.stash
    if _REPORTED not in stash:
        home = tmp_path_factory.mktemp("reported") / "home"
        shutil.copytree(_trained, home)
        stash[_REPORTED] = _make(open_bench(home))
    yield stash[_REPORTED]
    stash[_REPORTED].bench.database.close()


def _make(bench: Workbench) -> Reported:
    add_drawings(bench, [Sketch(age=7.0 + one / 8, picture=one) for one in range(NEW_USUAL)])
    add_drawings(bench, [Sketch(age=7.9, child=CHILD, picture=9), Sketch(age=17.5, picture=10)])
    add_odd(bench, NEW_ODD, age=8.0)
    embed(bench)
    with bench.database.write() as session:
        for drawing in session.query(Drawing):
            drawing.original_name = f"{HOSTILE}.png"
            drawing.subject = HOSTILE[:100]
    batch = AnalysisService(bench).analyze()
    content = ReportGatherer(bench).gather(TITLE)
    return Reported(bench, batch, content, render(content))
