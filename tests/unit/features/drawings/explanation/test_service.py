"""Explanations of stored analyses: of the score itself, by the model that gave it."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.explanation.case import evenly
from deepmed.features.drawings.explanation.methods import MeasuredOn
from deepmed.features.drawings.explanation.service import (
    KINDS,
    Explanation,
    ExplanationService,
    overlays,
)
from deepmed.features.drawings.explanation.texts import Reader
from deepmed.features.drawings.explanation.trust import Trust
from deepmed.features.drawings.tables import AgeGroupModel, Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, NotFoundError, StorageError
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.evaluation import rank_correlation
from deepmed.learning.saliency.fills import choose_fill
from deepmed.learning.saliency.generator import SaliencyMapGenerator
from deepmed.learning.saliency.maps import SaliencyMap
from deepmed.learning.saliency.randomisation import reinitialised
from deepmed.learning.saliency.score import ScoreFunction
from factories.drawings import Sketch, add_drawings, embed

from .conftest import OfRole

ROLES = ("new", "calibration", "fit")


def stored_map(bench: Workbench, explanation: Explanation) -> dict[str, object]:
    found: dict[str, object] = json.loads(bench.storage.get(explanation.row.saliency_map_path))
    return found


def png_chunks(content: bytes) -> list[str]:
    """The names of a PNG's parts."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    place, names = 8, []
    while place < len(content):
        length = int.from_bytes(content[place : place + 4])
        names.append(content[place + 4 : place + 8].decode())
        place += 12 + length
    return names


@pytest.mark.req("D-17.1")
@pytest.mark.parametrize("role", ROLES)
def test_a_map_explains_the_score_itself_by_the_model_or_twin_that_gave_it(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole, role: str
) -> None:
    row = most_unusual(role)
    found = service.explain_analysis(row)
    case = found.case
    model = case.item.model
    right, wrong = model.model, model.twin
    if role == "fit":
        right, wrong = model.twin, model.model
    assert case.reference is right
    assert row.results["ranked_by"] == ("twin" if role == "fit" else "model")
    # An independent way to the score: the stored vector and age, put to each detector.
    columns = np.append(case.vector.astype(np.float64), case.drawing.age_years)[None, :]
    assert stored_map(trained, found)["score"] == pytest.approx(row.anomaly_score, rel=1e-9)
    assert right.detector.score_samples(columns)[0] == pytest.approx(row.anomaly_score, rel=1e-9)
    assert wrong.detector.score_samples(columns)[0] != pytest.approx(row.anomaly_score, rel=1e-6)


@pytest.mark.req("D-17.1")
def test_a_patch_counts_what_a_typical_one_in_its_place_changes_in_that_score(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole
) -> None:
    row = most_unusual("fit")
    found = service.explain(row.drawing_id, "occlusion")
    stored = stored_map(trained, found)
    assert stored["fill"] == "typical"
    nearest = found.case.nearest()
    assert nearest in found.case.typical_ids
    values = np.array(stored["values"])
    place = np.unravel_index(values.argmax(), values.shape)
    prepared = trained.encoding.encoder.prepare([found.case.image])
    (file,) = files_of(trained, [nearest])
    usual = trained.encoding.encoder.prepare([trained.encoding.picture(file)]).pixels
    side = usual.shape[-1] // len(values)
    pixels = prepared.pixels.clone()
    down, across = (slice(side * at, side * (at + 1)) for at in place)
    pixels[..., down, across] = usual[..., down, across]
    vector = trained.encoding.encoder.encode(prepared.with_pixels(pixels)).double().numpy()
    columns = np.append(vector[0], found.case.drawing.age_years)[None, :]
    without = found.case.reference.detector.score_samples(columns)[0]
    assert values[place] == pytest.approx(row.anomaly_score - without, rel=1e-6)


@pytest.mark.req("V-4.1")
def test_every_map_carries_its_figure_beside_the_controls(
    service: ExplanationService, most_unusual: OfRole
) -> None:
    figure = service.explain_analysis(most_unusual("calibration")).faithfulness
    assert figure["measured_on"] == "map"
    assert {"random", "sobel", "ink_density", figure["method"]} <= set(figure["scores"])
    for name, curves in figure["curves"].items():
        areas = [np.trapezoid(curves[one], dx=1 / 16) for one in ("insertion", "deletion")]
        assert len(curves["insertion"]) == 17
        assert figure["scores"][name] == pytest.approx(areas[0] - areas[1])
    own = figure["scores"][figure["method"]]
    beaten = all(own > figure["scores"][name] for name in ("sobel", "ink_density"))
    assert figure["faithful"] is (beaten and own - figure["scores"]["random"] >= 0.1)


@pytest.mark.req("D-17.2")
@pytest.mark.req("D-26.2")
@pytest.mark.parametrize("role", ROLES)
def test_curves_end_at_the_drawings_own_rank(
    service: ExplanationService, most_unusual: OfRole, role: str
) -> None:
    row = most_unusual(role)
    figure = service.explain_analysis(row).faithfulness
    for curves in figure["curves"].values():
        assert curves["insertion"][-1] == curves["deletion"][0] == pytest.approx(1 - row.p_value)
        assert curves["insertion"][0] == curves["deletion"][-1] == 1 - figure["fill_p"]
    assert figure["fill_p"] > 0.2


@pytest.mark.req("V-4.1")
@pytest.mark.parametrize(
    ("own", "random", "sobel", "ink", "explains", "faithful"),
    [
        (0.5, 0.3, 0.4, 0.4, True, True),
        (0.5, 0.45, 0.4, 0.4, True, False),
        (0.5, 0.3, 0.5, 0.4, True, False),
        (0.5, 0.3, 0.4, 0.6, True, False),
        (0.5, 0.3, 0.4, 0.4, False, False),
    ],
)
def test_a_map_is_faithful_where_it_beats_chance_edges_and_ink(
    own: float,
    random: float,
    sobel: float,
    ink: float,
    explains: bool,  # noqa: FBT001 - a column of the table
    faithful: bool,  # noqa: FBT001 - likewise
) -> None:
    class Found:
        scores = {"mine": own, "random": random, "sobel": sobel, "ink_density": ink}  # noqa: RUF012 - a stand-in

    made = SaliencyMap(np.eye(2), "mine", 1.0, "edges", "paper", (0, 0, 1, 1), explains)
    assert Trust(made, Found, None, randomised=0.2).faithful is faithful
    # Nor is a map that the detector's knowledge hardly changes, or that could not be looked at.
    assert not Trust(made, Found, None, randomised=0.5).faithful
    assert not Trust(made, Found, None, randomised=None).faithful
    assert Trust(made, None, "no fill").faithful is None


@pytest.mark.req("D-17.5")
def test_each_map_says_how_alike_it_stays_when_the_detector_knows_nothing(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole
) -> None:
    found = service.explain_analysis(most_unusual("calibration"))
    case, fill = found.case, found.faithfulness["fill"]
    prepared = service.cases.prepared(case.image)
    noise = reinitialised(case.reference.detector, seed=0)
    function = ScoreFunction(trained.encoding.encoder, noise, case.further_columns)
    page = service.cases.score_function(case).at(prepared)
    chosen = choose_fill(page, case.ranking, service.cases.typical(case))
    assert chosen.name == fill
    after = SaliencyMapGenerator(function).generate_saliency_map(prepared, found.row.method, chosen)
    before = np.array(stored_map(trained, found)["values"])
    again = spearmanr(before.ravel(), after.values.ravel()).statistic
    assert found.faithfulness["randomised"] == pytest.approx(again)


@pytest.mark.req("D-17.5")
@pytest.mark.req("V-4.1")
def test_maps_change_when_the_detector_knows_nothing(
    trained: Workbench, service: ExplanationService
) -> None:
    rows = AnalysisService(trained).analyze().analyses
    rows = sorted((row for row in rows if row.p_value), key=lambda row: (row.p_value, row.id))[:6]
    correlations = []
    for row in rows:
        case = service.cases.of(row)
        prepared = service.cases.prepared(case.image)
        noise = reinitialised(case.reference.detector, seed=1)
        function = ScoreFunction(trained.encoding.encoder, noise, case.further_columns)
        before, after = (
            SaliencyMapGenerator(one).generate_saliency_map(prepared, "occlusion")
            for one in (service.cases.score_function(case), function)
        )
        correlations.append(rank_correlation(before.values.ravel(), after.values.ravel()))
    assert np.mean(correlations) < 0.5


@pytest.mark.req("D-18.1")
def test_four_overlays_are_written_with_their_data(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole, tmp_path: Path
) -> None:
    found = service.explain_analysis(most_unusual("calibration"))
    written = [Path(path) for path in found.write(tmp_path / "maps", trained.storage)]
    height, width = found.case.image.shape[:2]
    pictures = {path.stem.partition("occlusion_")[2]: path for path in written[:4]}
    assert tuple(pictures) == KINDS
    seen = set()
    for kind, path in pictures.items():
        with Image.open(path) as picture:
            wide = picture.size[0] > 2 * width if kind == "side_by_side" else picture.width == width
            assert wide
            assert picture.height == height
            seen.add(picture.tobytes())
    assert len(seen) == 4
    data = json.loads(written[4].read_text())
    assert data["map"] == stored_map(trained, found)
    assert data["importance_regions"] == json.loads(json.dumps(found.regions))
    assert len(data["map"]["values"]) == 8


@pytest.mark.req("D-18.1")
def test_the_overlays_show_where_the_map_is() -> None:
    page = np.full((56, 56, 3), 255, np.uint8)
    values = np.zeros((4, 4))
    values[0, 3] = 1.0
    made = SaliencyMap(values, "occlusion", 1.0, "edges", "paper", (0, 0, 56, 56))
    for kind, content in overlays(page, made).items():
        pixels = np.asarray(Image.open(io.BytesIO(content)))[:, -56:]
        changed = np.argwhere((pixels != 255).any(axis=2))
        assert len(changed), kind
        assert changed[:, 0].max() < 32, kind
        assert changed[:, 1].min() > 24, kind


@pytest.mark.req("D-18.1")
@pytest.mark.parametrize("role", ROLES)
def test_the_numbers_of_a_text_are_those_measured_of_the_drawing(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole, role: str
) -> None:
    row = most_unusual(role)
    found = service.explain_analysis(row)
    text = " ".join(found.text(Reader.RESEARCHER, trained.settings))
    assert f"about {int(row.normalized_score)} of 100 drawings {row.results['among']}" in text
    ink = (found.case.image < 255).any(axis=2).mean()
    assert f"cover {100 * ink:.1f}% of the page" in text
    typical = [
        (trained.encoding.picture(file) < 255).any(axis=2).mean()
        for file in files_of(trained, evenly(found.case.typical_ids, 60))
    ]
    below = sum(one < ink for one in typical)
    assert f"more than in {below} of {len(typical)} typical drawings" in text
    for one in found.neighbours:
        assert f"{one.drawing_id} (similarity {one.similarity_score:.2f})" in text
    for region in found.regions:
        assert region["spatial_location"] in text
    total = np.maximum(np.array(stored_map(trained, found)["values"]), 0).sum()
    for region in found.regions:
        share = sum(
            max(stored_map(trained, found)["values"][r][c], 0) for r, c in region["patches"]
        )
        assert region["importance_score"] == pytest.approx(share / total)


def files_of(bench: Workbench, drawings: list[int]) -> list[str]:
    with bench.database.read() as session:
        return [session.get_one(Drawing, one).file_path for one in drawings]


@pytest.mark.req("D-18.1")
def test_typical_drawings_are_taken_from_all_of_the_group() -> None:
    ids = list(range(100, 400))
    chosen = evenly(ids, 60)
    assert len(chosen) == 60
    assert (chosen[0], chosen[-1]) == (100, 395)
    assert evenly(ids[:7], 60) == ids[:7]
    assert evenly([], 60) == []


@pytest.mark.req("D-23.3")
def test_two_different_drawings_never_share_a_map(
    trained: Workbench, service: ExplanationService
) -> None:
    (first,) = add_drawings(trained, [Sketch(age=7.0, picture=3)])
    copies = [Sketch(age=age, picture=3, duplicate_of=first) for age in (7.0, 7.5)]
    twins = [first, *add_drawings(trained, copies)]
    embed(trained)
    found = [service.explain(one) for one in twins]
    other = service.explain(twins[0], "occlusion")
    assert found[0].case.drawing.pixel_hash == found[1].case.drawing.pixel_hash
    files = [
        path
        for one in (*found, other)
        for path in (one.row.saliency_map_path, one.row.overlay_image_path)
    ]
    assert len(set(files)) == 8
    assert all(trained.storage.exists(path) for path in files)


def test_an_analysis_is_explained_once_a_method(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole
) -> None:
    drawing = most_unusual("new").drawing_id
    first = service.explain(drawing)
    again = ExplanationService(trained).explain(drawing)
    other = service.explain(drawing, "occlusion")
    assert again.row.id == first.row.id
    assert other.row.id != first.row.id
    assert json.dumps(again.to_dict()) == json.dumps(first.to_dict())


@pytest.mark.req("D-30.1")
def test_stored_and_exported_pictures_carry_pixels_alone(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole, tmp_path: Path
) -> None:
    found = service.explain_analysis(most_unusual("new"))
    written = [Path(path) for path in found.write(tmp_path, trained.storage)]
    kept = [found.case.drawing.file_path, found.row.overlay_image_path]
    pictures = [path.read_bytes() for path in written if path.suffix == ".png"]
    pictures += [trained.storage.get(path) for path in kept]
    assert len(pictures) == 6
    for content in pictures:
        assert set(png_chunks(content)) <= {"IHDR", "IDAT", "IEND", "sRGB"}
    assert "original_name" not in (tmp_path / f"{written[4].name}").read_text()


@pytest.mark.req("D-27.2")
@pytest.mark.parametrize("apart", [True, False])
def test_texts_speak_of_the_age_only_where_the_model_tells_ages_apart(
    trained: Workbench,
    apart: bool,  # noqa: FBT001 - a column of the table
) -> None:
    with trained.database.write() as session:
        for row in session.query(AgeGroupModel):
            row.parameters = {**row.parameters, "tells_ages_apart": apart}
    rows = AnalysisService(trained).analyze().analyses
    row = next(row for row in rows if row.role == "new" and row.p_value is not None)
    text = " ".join(
        ExplanationService(trained).explain_analysis(row).text(Reader.EDUCATOR, trained.settings)
    )
    part = row.results["age_part"]
    if apart:
        assert "drawings of this age" in text
        assert part["statement"] is None
        assert len(part["groups"]) == 3
    else:
        assert "drawings of this group" in text
        assert "of this age" not in text
        assert "do not tell" in part["statement"]
        assert part["groups"] == []


@pytest.mark.req("D-28.1")
@pytest.mark.parametrize("role", ROLES)
def test_a_flag_tells_the_frequency_of_its_own_comparison(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole, role: str
) -> None:
    row = most_unusual(role)
    found = service.explain_analysis(row)
    facts = replace(found.facts(), is_anomaly=True)
    calibration = found.case.reference.calibration
    own = found.case.drawing.child_id
    others = {child for child in calibration.children if child != own}
    n = len(others)
    assert facts.children == n
    # Without ties and with one drawing a child: floor(0.05 (n + 1)) / (n + 1).
    assert facts.flagged_of_100 == pytest.approx(100 * int(0.05 * (n + 1)) / (n + 1), abs=0.8)


def test_what_has_no_score_is_not_explained(
    trained: Workbench, service: ExplanationService
) -> None:
    blank, old, fresh = add_drawings(
        trained,
        [Sketch(age=7.0, blank=True, picture=1), Sketch(age=15.0, picture=2), Sketch(age=7.0)],
    )
    for drawing, reason in ((blank, "nearly blank"), (old, "age of 15"), (fresh, "no embedding")):
        with pytest.raises(ConflictError, match=rf"Drawing {drawing} has no score.*{reason}"):
            service.explain(drawing)
    with pytest.raises(NotFoundError, match="no drawing 99999"):
        service.explain(99999)
    with pytest.raises(SaliencyGenerationError, match="no map by the method 'guess'"):
        service.explain(1, "guess")


def test_an_analysis_of_a_model_out_of_use_is_not_explained(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole
) -> None:
    row = most_unusual("new")
    with trained.database.write() as session:
        model = session.get_one(AgeGroupModel, row.age_group_model_id)
        model.is_active, model.active_key = False, None
    with pytest.raises(ConflictError, match=f"deepmed drawings analyze {row.drawing_id}"):
        service.explain_analysis(row)


def test_a_map_that_nothing_usual_can_measure_is_made_with_paper_and_says_so(
    trained: Workbench,
    service: ExplanationService,
    most_unusual: OfRole,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise SaliencyGenerationError("Whatever replaces its patches is unusual itself.")

    monkeypatch.setattr("deepmed.features.drawings.explanation.trust.choose_fill", refuse)
    found = service.explain_analysis(most_unusual("new"))
    assert found.faithfulness["faithful"] is None
    assert found.faithfulness["reason"] == "Whatever replaces its patches is unusual itself."
    assert stored_map(trained, found)["fill"] == "paper"
    assert "was not measured" in " ".join(found.text(Reader.EDUCATOR, trained.settings))


def test_overlays_that_cannot_be_written_are_refused_in_words(
    trained: Workbench, service: ExplanationService, most_unusual: OfRole, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    found = service.explain_analysis(most_unusual("new"))
    with pytest.raises(StorageError, match="cannot be written"):
        found.write(tmp_path / "taken", trained.storage)


def test_names_of_overlays_hold_no_more_than_the_drawings_number() -> None:
    assert re.fullmatch(r"[a-z_]+", "".join(KINDS))
    assert MeasuredOn.MAP == "map"
