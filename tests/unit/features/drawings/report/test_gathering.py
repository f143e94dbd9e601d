"""What a report says: rates of new children alone, the rule in force, intervals everywhere."""

import base64
import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.rates import by_use
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.explanation.texts import FIRST_STEPS, FLAGGED_CHIP
from deepmed.features.drawings.report import gathering
from deepmed.features.drawings.report.content import GroupSection, ReportContent
from deepmed.features.drawings.report.figures import GroupFacts, Unseen
from deepmed.features.drawings.report.gathering import ReportGatherer
from deepmed.features.drawings.report.groups import section
from deepmed.features.drawings.report.words import NO_AGES, OVERVIEW_NOTE
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis, Drawing
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError
from deepmed.learning.evaluation import wilson_interval
from deepmed.learning.evaluation.measuring import measured
from deepmed.web.charts import Table
from factories.drawings import Sketch, add_drawings, embed
from factories.reports import NEW_ODD, Reported, add_odd

GROUP = "6 to under 9 years"


def column(table: Table, name: str) -> dict[object, object]:
    """A column of the overview by age group."""
    return {row[0]: row[table.columns.index(name)] for row in table.rows}


def group(content: ReportContent) -> GroupSection:
    return next(one for one in content.groups if one.title == GROUP)


def figure(of: GroupSection, name: str) -> object:
    return next(one.value for one in of.figures if one.name == name)


def of_group(reported: Reported) -> list[AnomalyAnalysis]:
    with reported.bench.database.read() as session:
        model = session.query(AgeGroupModel).filter_by(kind="group", age_min=6.0).one().id
    rows = [row for row in reported.batch.analyses if row.age_group_model_id == model]
    return [row for row in rows if row.normalized_score is not None]


def wilson(flagged: int, n: int) -> tuple[float, float]:
    """By the quadratic whose roots the bounds are."""
    z2 = 1.959963984540054**2
    roots = np.roots([1 + z2 / n, -(2 * flagged / n + z2 / n), (flagged / n) ** 2])
    return float(min(roots)), float(max(roots))


NEW_FIGURE = "Typical drawings of new children flagged"


def marks(reported: Reported) -> dict[int, Drawing]:
    with reported.bench.database.read() as session:
        return {row.id: row for row in session.query(Drawing)}


def typical(drawing: Drawing) -> bool:
    """By hand: what may teach a model may make a rate."""
    return drawing.expert_label in {None, "normal"} and not drawing.withdrawn


def shown(rows: list[AnomalyAnalysis]) -> str:
    """A share of drawings by as many children, as the report prints it."""
    flagged, n = sum(row.is_anomaly for row in rows), len(rows)
    low, high = wilson(flagged, n)
    return (
        f"{flagged} of {n} drawings: {flagged / n:.1%} "
        f"(95% interval {max(low, 0):.1%} to {min(high, 1):.1%}; {n} children)"
    )


@pytest.mark.req("D-26.4")
def test_a_rate_is_read_from_typical_drawings_of_new_children_alone(reported: Reported) -> None:
    drawings = marks(reported)
    new = [row for row in of_group(reported) if row.role == "new"]
    counted = [row for row in new if typical(drawings[row.drawing_id])]
    flagged = sum(row.is_anomaly for row in counted)
    assert NEW_ODD <= flagged < len(counted) < len(new)
    assert figure(group(reported.content), NEW_FIGURE) == shown(counted)
    overview = reported.content.overview
    assert column(overview, "Flagged of new children")[GROUP] == f"{flagged} of {len(counted)}"
    assert (
        f"Of the {len(counted)} typical drawings of new children, {flagged} are."
        in (reported.content.lead[0])
    )


@pytest.mark.req("D-8.2")
def test_labelled_drawings_are_shown_apart_by_their_label(reported: Reported) -> None:
    drawings = marks(reported)
    labelled = [
        row for row in of_group(reported) if drawings[row.drawing_id].expert_label == "concern"
    ]
    assert labelled
    assert figure(group(reported.content), "Drawings labelled concern flagged") == shown(labelled)
    severe = [
        row for row in of_group(reported) if drawings[row.drawing_id].expert_label == "severe"
    ]
    assert figure(group(reported.content), "Drawings labelled severe flagged") == shown(severe)
    both = [*labelled, *severe]
    assert column(reported.content.overview, "Flagged of labelled drawings")[GROUP] == (
        f"{sum(row.is_anomaly for row in both)} of {len(both)}"
    )


@pytest.mark.req("D-26.4")
def test_the_chart_of_ranks_holds_typical_drawings_of_new_children_alone(
    reported: Reported,
) -> None:
    drawings = marks(reported)
    expected = sorted(
        row.p_value or 0.0
        for row in of_group(reported)
        if row.role == "new" and typical(drawings[row.drawing_id])
    )
    (chart,) = [one for one in group(reported.content).charts if one.title.startswith("Ranks of")]
    shares = {p: sum(other <= p for other in expected) / len(expected) for p in expected}
    assert {row[0]: row[1] for row in chart.rows} == pytest.approx(shares)
    assert chart.title.startswith(f"Ranks of {len(expected)} typical drawings of new children")


@pytest.mark.req("D-26.4")
def test_rows_of_the_training_are_shown_and_their_rate_is_said_to_be_fixed(
    reported: Reported,
) -> None:
    known = [row for row in of_group(reported) if row.role != "new"]
    flagged = sum(row.is_anomaly for row in known)
    overview = reported.content.overview
    shown = column(overview, "Flagged of training children")[GROUP]
    assert shown == f"{flagged} of {len(known)}"
    assert {row.role for row in known} == {"fit", "calibration"}
    assert reported.content.overview_note == OVERVIEW_NOTE
    assert "fixed by construction" in reported.html
    assert "count typical drawings of new children only" in " ".join(reported.content.method)


@pytest.mark.req("D-26.4")
def test_without_typical_drawings_of_new_children_no_rate_is_given(trained: Workbench) -> None:
    """Those that trained nothing are by new children: labelled ones, and a withdrawn one."""
    content = ReportGatherer(trained).gather()
    assert figure(group(content), NEW_FIGURE) == "none here"
    assert column(content.overview, "Flagged of new children")[GROUP] is None
    assert "None is a typical drawing of a new child" in content.lead[0]
    assert not [one for one in group(content).charts if one.title.startswith("Ranks of")]


@pytest.mark.req("D-26.4")
def test_where_nothing_can_be_flagged_there_is_no_rate(trained: Workbench) -> None:
    """At 99.9 a rank is given, and no flag: zero of so many would be no false-alarm rate."""
    add_drawings(trained, [Sketch(age=7.0 + one / 8, picture=60 + one) for one in range(6)])
    embed(trained)
    service = AnalysisService(trained)
    with trained.database.write() as session:
        service.thresholds.set_rule(session, percentile=99.9)
    content = ReportGatherer(trained).gather()
    assert figure(group(content), NEW_FIGURE) == "none here"
    assert column(content.overview, "Flagged of labelled drawings")[GROUP] is None
    assert not [one for one in group(content).charts if one.title.startswith("Ranks of")]


@pytest.mark.req("D-9.6")
def test_a_level_is_called_a_bound_where_children_made_several_drawings(
    trained: Workbench, reported: Reported
) -> None:
    service = AnalysisService(trained)
    with trained.database.read() as session:
        scene = service.scene(session)
    found = set()
    for item, shown in zip(scene.active, reported.content.groups, strict=True):
        calibration = item.model.model.calibration
        repeated = len(calibration) > calibration.n_children
        found.add(repeated)
        level = str(figure(shown, "Typical drawings flagged, by construction"))
        assert level.startswith("at most ") is repeated
        spread = str(figure(shown, "Where the rate of this one calibration may lie"))
        reason = f"{calibration.n_children} children made {len(calibration)} drawings"
        assert (spread == f"not known: {reason}, so it may be far lower") is repeated
        hundred = column(reported.content.overview, "Flagged of 100 typical drawings")
        assert str(hundred[shown.title]).startswith("at most ") is repeated
        ranks = [one for one in shown.charts if one.title.startswith("Ranks of")]
        assert all(("band" in one.title) is not repeated for one in ranks)
    assert True in found


def test_planted_shares_are_said_to_be_at_the_percentile_of_the_training(
    trained: Workbench,
) -> None:
    service = AnalysisService(trained)
    before = group(ReportGatherer(trained).gather())
    with trained.database.write() as session:
        service.thresholds.set_rule(session, percentile=80.0)
    after = group(ReportGatherer(trained).gather())
    name = "Planted anomalies flagged"
    (meaning,) = [one.meaning for one in after.figures if one.name == name]
    assert "at the training's percentile 95" in meaning
    assert figure(after, name) == figure(before, name)
    assert any("Another rule is in force now" in note for note in after.notes)
    assert not any("Another rule is in force now" in note for note in before.notes)
    assert [title for title, _ in after.data] == [
        "What hidden anomalies among the training drawings would do, at the training's "
        "percentile 95"
    ]


def test_no_name_of_the_code_is_read_in_the_report(reported: Reported) -> None:
    texts = re.sub(r"<style>.*?</style>|<[^>]*>", " ", reported.html, flags=re.DOTALL)
    for name in ("knn", "pca", "isolation_forest", "jitter_1", "not_supported", "sobel_energy"):
        assert not re.search(rf"\b{name}\b", texts), name
    assert "Detector: nearest neighbours. This detector was asked for by name." in texts


def test_drawings_that_are_not_stored_have_their_figure_and_their_ranks(
    trained: Workbench,
) -> None:
    service = AnalysisService(trained)
    with trained.database.read() as session:
        item = service.scene(session).active[1]
    share = measured(lambda: wilson_interval(1, 40, unit="child"))
    ranks = [(one + 1) / 40 for one in range(40)]
    shown = ReportGatherer(trained).gather(unseen={item.row.id: Unseen(1, share, 95.0, ranks)})
    low, high = wilson(1, 40)
    assert figure(group(shown), "Further typical drawings flagged") == (
        f"1 of 40 drawings: 2.5% (95% interval {low:.1%} to {high:.1%}; 40 children)"
    )
    (chart,) = [one for one in group(shown).charts if one.title.startswith("Ranks of 40")]
    assert [row[0] for row in chart.rows] == ranks
    others = [one for one in shown.groups if one.title != GROUP]
    assert not [one for each in others for one in each.figures if one.name.startswith("Further")]


@pytest.mark.req("V-2.1")
def test_every_figure_of_a_group_names_its_interval_and_its_children(reported: Reported) -> None:
    interval = re.compile(r"\(95% interval \S+ to \S+; [1-9]\d* children\)$")
    names = (
        "Where the rate of this one calibration may lie",
        NEW_FIGURE,
        "Planted anomalies flagged",
        "AUROC on all planted anomalies",
        "Tells neighbouring ages apart",
    )
    for one in reported.content.groups:
        for name in names:
            value = str(figure(one, name))
            stated = interval.search(value) or value.startswith(
                ("not measured: ", "not known: ", "none")
            )
            assert stated, (one.title, name, value)
    assert interval.search(str(figure(group(reported.content), names[2])))


@pytest.mark.req("D-28.1")
def test_each_flagged_drawing_has_its_card_with_chip_frequency_and_first_steps(
    reported: Reported,
) -> None:
    flagged = [row for row in reported.batch.analyses if row.is_anomaly]
    cards = reported.content.flagged
    assert len(cards) == len(flagged) > NEW_ODD
    frequencies = {
        f"{row.results['natural_frequency']['of_100_typical_drawings']:.3g} of 100 typical "
        f"drawings are flagged; this group has {row.results['ranking']['n_children']} children to "
        "compare with."
        for row in flagged
    }
    for card in cards:
        assert card.chip == FLAGGED_CHIP
        assert card.first_steps == FIRST_STEPS
        assert frequencies & {
            one.removeprefix("At most about ").removeprefix("About ") for one in card.sentences
        }
        assert FIRST_STEPS not in card.sentences
    assert reported.html.count(f'<span class="chip">{FLAGGED_CHIP}</span>') == len(cards)


@pytest.mark.req("D-19.1")
def test_beside_a_flagged_drawing_stand_typical_ones_of_its_age_by_other_children(
    reported: Reported,
) -> None:
    with reported.bench.database.read() as session:
        drawings = {row.id: row for row in session.query(Drawing)}
    flagged = {row.drawing_id for row in reported.batch.analyses if row.is_anomaly}
    for card in reported.content.flagged:
        own = int(re.findall(r"\d+", card.title)[0])
        for neighbour in card.neighbours:
            there = int(neighbour.lines[0].split()[0])
            assert there not in flagged
            assert drawings[there].expert_label in {None, "normal"}
            assert drawings[there].child_id != drawings[own].child_id
            assert int(drawings[there].age_years / 3) == int(drawings[own].age_years / 3)
            assert re.fullmatch(r"similarity 0\.\d\d|similarity 1\.00", neighbour.lines[1])
        assert len(card.neighbours) == 3


@pytest.mark.req("D-10.5")
def test_a_flag_shows_its_q_where_the_child_is_new(reported: Reported) -> None:
    shown = {}
    for card in reported.content.flagged:
        (numbers,) = [table for name, table in card.data if name == "Numbers of this answer"]
        rows = {str(row[0]): row[1] for row in numbers.rows}
        own = int(re.findall(r"\d+", card.title)[0])
        shown[own] = rows["q over the new children here"]
    for row in reported.batch.analyses:
        if row.is_anomaly:
            assert shown[row.drawing_id] == reported.batch.q_values[str(row.drawing_id)]
            assert (shown[row.drawing_id] is None) is (row.role != "new")


@pytest.mark.req("D-27.2")
@pytest.mark.parametrize("apart", [True, False])
def test_ages_are_compared_only_where_the_models_tell_them_apart(
    trained: Workbench,
    apart: bool,  # noqa: FBT001 - a column of the table
) -> None:
    with trained.database.write() as session:
        for row in session.query(AgeGroupModel):
            row.parameters = {**row.parameters, "tells_ages_apart": apart}
    content = ReportGatherer(trained).gather()
    for one in content.groups:
        assert (NO_AGES in one.notes) is not apart
    assert content.flagged
    for card in content.flagged:
        ages = dict(card.data)["Other ages"]
        assert len(ages.rows) == (3 if apart else 1)
        assert ("do not tell" in str(ages.rows[0][0])) is not apart
        assert (" drawings of this age" in card.sentences[0]) is apart
        assert (" drawings of this group" in card.sentences[0]) is not apart


def test_a_report_follows_the_rule_and_the_models_in_force(
    trained: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_CARDS", 1)
    add_odd(trained, 1, age=7.0)
    embed(trained)
    service = AnalysisService(trained)
    service.analyze()
    with trained.database.write() as session:
        service.thresholds.set_rule(session, percentile=80.0)
    content = ReportGatherer(trained).gather()
    rows = AnalysisService(trained).analyze().analyses
    flagged = sum(row.is_anomaly for row in rows)
    assert flagged > 20
    assert f" of {flagged} flagged drawings" in (content.flagged_note or "")
    assert all(row.results["rule_version"] for row in rows if row.results)
    n = group(content)
    level = next(one for one in n.figures if one.name.startswith("Typical drawings flagged"))
    assert "percentile 80" in level.meaning
    assert column(content.overview, "Flagged of 100 typical drawings")[GROUP] == (
        str(level.value).removesuffix("%")
    )


def test_a_threshold_set_by_hand_is_the_one_that_is_shown(
    trained: Workbench,
) -> None:
    service = AnalysisService(trained)
    with trained.database.write() as session:
        scene = service.scene(session)
        item = scene.active[1]
        highest = float(item.model.model.calibration.scores.max())
        service.thresholds.set_rule(session, threshold=highest, model_id=item.row.id)
    shown = group(ReportGatherer(trained).gather())
    n = item.model.model.calibration.n_children
    assert figure(shown, "Threshold of the score") == pytest.approx(highest)
    assert figure(shown, "Typical drawings flagged, by construction") == f"{1 / (n + 1):.1%}"
    assert figure(shown, "Where the rate of this one calibration may lie") is None


def test_there_is_nothing_to_report_without_drawings_or_models(bench: Workbench) -> None:
    with pytest.raises(ConflictError, match="deepmed drawings import"):
        ReportGatherer(bench).gather()
    add_drawings(bench, [Sketch()])
    with pytest.raises(ConflictError, match="deepmed drawings train"):
        ReportGatherer(bench).gather()


def test_the_gallery_shows_every_drawing_once_by_age(reported: Reported) -> None:
    gallery = reported.content.gallery
    assert len(gallery) == len(reported.batch.analyses)
    ids = [int(item.lines[0].split()[0]) for item in gallery]
    assert len(set(ids)) == len(ids)
    ages = [float(re.findall(r"([\d.]+) years", item.lines[0])[0]) for item in gallery]
    assert ages == sorted(ages)
    by_id, drawings = {row.drawing_id: row for row in reported.batch.analyses}, marks(reported)
    for item, drawing in zip(gallery, ids, strict=True):
        row = by_id[drawing]
        label = drawings[drawing].expert_label
        assert (f"labelled {label}" in item.lines) is (label in {"concern", "severe"})
        assert item.flagged is row.is_anomaly
        assert item.answered is (row.normalized_score is not None)
        if row.normalized_score is not None:
            place = f"{math.floor(row.normalized_score)} of 100"
            assert item.lines[2] == f"{place}, flagged" if row.is_anomaly else place
    picture = Image.open(io.BytesIO(base64.b64decode(gallery[0].picture.partition(",")[2])))
    assert max(picture.size) <= 132


def test_what_has_no_answer_is_named_with_its_reason(reported: Reported) -> None:
    rows = {str(row[1]): row for row in reported.content.unanswered.rows}
    reasons = [row for row in reported.batch.analyses if row.reason]
    assert sum(int(str(row[0])) for row in rows.values()) == len(reasons) >= 2
    (blank,) = [row for reason, row in rows.items() if "blank" in reason]
    (old,) = [row for reason, row in rows.items() if "No model covers these ages" in reason]
    for row, decision in ((blank, "blank"), (old, "no_model")):
        ids = {one.drawing_id for one in reasons if one.decision == decision}
        assert {int(one) for one in str(row[2]).split(", ")} == ids


@pytest.mark.req("D-2.1")
def test_drawings_without_a_childs_name_are_said_to_count_apart(reported: Reported) -> None:
    with reported.bench.database.read() as session:
        unnamed = sum(row.child.code is None for row in session.query(Drawing))
    assert f"{unnamed} drawings came without a child's name" in " ".join(reported.content.lead)


def test_many_flags_are_cut_and_said_to_be(
    trained: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_CARDS", 2)
    monkeypatch.setattr(gathering, "MOST_THUMBNAILS", 10)
    seen: list[tuple[int, int]] = []
    content = ReportGatherer(trained).gather(progress=lambda done, of: seen.append((done, of)))
    assert len(content.flagged) == 2
    assert re.match(r"The 2 most unusual of \d+ flagged drawings", content.flagged_note or "")
    assert seen == [(1, 2), (2, 2)]
    assert len(content.gallery) == 10
    assert "The first 10 of" in (content.gallery_note or "")


def thin(trained: Workbench, keep: int) -> tuple[ActiveModel, dict[str, object]]:
    """The model of 6 to under 9 with its calibration cut down to a few drawings."""
    service = AnalysisService(trained)
    with trained.database.read() as session:
        item = service.scene(session).active[1]
        metrics = service.models.get_model_info(session, item.row)["metrics"]
    half = item.model.model
    calibration = type(half.calibration)(
        half.calibration.scores[:keep], half.calibration.children[:keep]
    )
    few = replace(
        half, calibration=calibration, calibration_drawings=half.calibration_drawings[:keep]
    )
    return replace(item, model=replace(item.model, model=few)), metrics


@pytest.mark.req("D-9.7")
@pytest.mark.parametrize(
    ("keep", "words"), [(10, "cannot support the percentile 95"), (0, "Nobody calibrates")]
)
def test_a_group_with_too_few_children_says_that_nothing_is_flagged(
    trained: Workbench, keep: int, words: str
) -> None:
    item, metrics = thin(trained, keep)
    shown = section(GroupFacts(item, metrics, Rule(0, 95.0, None), by_use([], {}), {}))
    assert any(words in note and "nothing is flagged" in note for note in shown.notes)
    assert figure(shown, "Typical drawings flagged, by construction") is None
    assert figure(shown, "Threshold of the score") is None
    spread = str(figure(shown, "Where the rate of this one calibration may lie"))
    assert spread.startswith("not measured: ")
