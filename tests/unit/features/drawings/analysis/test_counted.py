"""What the database counts is what looking at every drawing comes to."""

import pytest

from deepmed.features.drawings.analysis.repository import drawing_ids
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.models import overview as overviews
from deepmed.features.drawings.thresholds.manager import ThresholdManager
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.reference import Layout
from factories.drawings import Sketch, add_drawings, by_children, embed, sketches
from factories.homes import QUICK, train

AWARE = QUICK.model_copy(update={"layout": Layout.SUBJECT})


def newcomers(bench: Workbench) -> None:
    """Drawings by new children with and without a subject, and copies of others' drawings."""
    drawn = [
        *by_children(sketches(6, 7.2, subject="house"), each=2),
        *sketches(3, 8.0, subject="something else"),
        Sketch(age=6.5, child="no subject", subject=None),
        Sketch(age=15.0, child="too old"),
        Sketch(age=7.0, child="blank", blank=True),
        Sketch(age=7.5, child="a copy of a member", duplicate_of=50),
    ]
    add_drawings(bench, drawn)
    embed(bench)
    add_drawings(bench, [Sketch(age=7.4, child="not embedded")])


@pytest.mark.req("D-10.5", "D-25.1")
def test_the_outlook_on_all_drawings_is_that_on_each_of_them(trained: Workbench) -> None:
    newcomers(trained)
    for _ in range(2):
        service = AnalysisService(trained)
        with trained.database.read() as session:
            everything = sorted(drawing_ids(session, trained.owner_id, None))
        found = service.outlook()
        assert found == service.outlook(everything)
        assert found["n_children"] >= 7
        train(trained, "6-9", AWARE)  # the second time drawings of a subject are another model's


@pytest.mark.req("D-9.8", "D-25.1")
@pytest.mark.parametrize(
    "rule", [{"percentile": 60.0}, {"percentile": 95.0}, {"threshold": 0.2, "model_id": 2}]
)
def test_a_preview_counts_what_ranking_every_drawing_anew_comes_to(
    trained: Workbench, monkeypatch: pytest.MonkeyPatch, rule: dict[str, float]
) -> None:
    service = AnalysisService(trained)
    service.analyze()
    with trained.database.read() as session:
        counted = service.thresholds.preview(session, **rule)
        monkeypatch.setattr(ThresholdManager, "_stands", lambda *_: False)
        assert service.thresholds.preview(session, **rule) == counted
    assert all(effect["then"]["analysed_drawings"] > 40 for effect in counted)


@pytest.mark.req("D-11.1", "D-25.1")
@pytest.mark.parametrize("sizes", [(60, 30), (60, 24), (45, 9), (24, 24), (12, 60)])
def test_a_plan_is_judged_as_by_its_drawings(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    young, old = sizes
    drawn = [*by_children(sketches(young, 4.5, spread=1.0), each=2), *sketches(old, 7.5)]
    add_drawings(bench, [*drawn, *sketches(3, 6.5, subject=None), Sketch(age=7.0, withdrawn=True)])
    with bench.database.read() as session:
        counted = overviews.overview(bench, session, "3-6,6-9")
        monkeypatch.setattr(overviews, "certain_calibration", lambda groups: [None] * len(groups))
        assert overviews.overview(bench, session, "3-6,6-9") == counted
