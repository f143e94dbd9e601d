"""The very same picture under another name is no drawing of a new child."""

import pytest

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.explanation.case import CaseLoader
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.tables import AnomalyAnalysis, ModelMember
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import Sketch, add_drawings, add_vectors

AGE = 7.5


def member(bench: Workbench, part: str, twin_part: str) -> ModelMember:
    service = AnalysisService(bench)
    with bench.database.read() as session:
        model = next(row for row in service.models.active(session) if row.age_min == 6)
        found = repository.members(session, model.id)
    return next(row for row in found if (row.part, row.twin_part) == (part, twin_part))


def copied(bench: Workbench, original: int, child: str = "another name") -> int:
    """Handed in again; with the original's vector, as an encoder would give it."""
    (copy,) = add_drawings(bench, [Sketch(age=AGE, child=child, duplicate_of=original)])
    encoder = bench.encoding.identity.key
    with bench.database.read() as session:
        vector = bench.embeddings.retrieve_embedding(session, original, encoder)
    add_vectors(bench, [copy], vector[None, :])
    return copy


def analysed(bench: Workbench, drawing: int) -> AnomalyAnalysis:
    return AnalysisService(bench).analyze([drawing]).analyses[0]


@pytest.mark.req("D-26.1", "D-26.3")
def test_a_copy_of_a_fit_drawing_is_ranked_by_the_twin(trained: Workbench) -> None:
    row = member(trained, "fit", "calibration")
    found, original = analysed(trained, copied(trained, row.drawing_id)), row.drawing_id
    assert (found.role, found.results["ranked_by"]) == ("fit", "twin")
    assert found.results["ranking"]["own_child_left_out"]
    there = analysed(trained, original)
    assert found.results["ranking"]["n_children"] == there.results["ranking"]["n_children"]
    assert found.results["age_part"]["groups"][1]["p_value"] is None


@pytest.mark.req("D-26.2")
def test_a_copy_of_a_calibration_drawing_is_ranked_among_the_others(trained: Workbench) -> None:
    row = member(trained, "calibration", "fit")
    found = analysed(trained, copied(trained, row.drawing_id))
    assert found.role == "calibration"
    assert found.results["ranking"]["own_child_left_out"]
    with trained.database.read() as session:
        scene = AnalysisService(trained).scene(session)
    n = scene.active[1].model.model.calibration.n_children
    assert found.results["ranking"]["n_children"] == n - 1


@pytest.mark.req("D-26.2")
def test_both_names_are_left_out_where_both_calibrate(trained: Workbench) -> None:
    first, second = (member(trained, "calibration", "fit"), _other_calibrator(trained))
    copy = copied(trained, first.drawing_id, child="a calibrator")
    DrawingCatalogue(trained.database, trained.storage, trained.owner_id).edit(
        second.drawing_id, {"child_id": "a calibrator"}
    )
    with trained.database.read() as session:
        scene = AnalysisService(trained).scene(session)
    n = scene.active[1].model.model.calibration.n_children
    assert analysed(trained, copy).results["ranking"]["n_children"] == n - 2


@pytest.mark.req("D-26.3")
def test_no_twin_ranks_a_copy_whose_other_name_fitted_it(trained: Workbench) -> None:
    copy = copied(trained, member(trained, "fit", "calibration").drawing_id, child="of the twin")
    DrawingCatalogue(trained.database, trained.storage, trained.owner_id).edit(
        member(trained, "calibration", "fit").drawing_id, {"child_id": "of the twin"}
    )
    assert analysed(trained, copy).decision == "in_sample"


def test_a_copy_of_a_new_childs_drawing_is_new(trained: Workbench) -> None:
    (new,) = add_drawings(trained, [Sketch(age=AGE)])
    trained.pipeline.process_batch()
    assert analysed(trained, copied(trained, new)).role == "new"


@pytest.mark.req("D-26.1")
def test_the_answer_changes_when_the_copy_comes_and_when_it_goes(trained: Workbench) -> None:
    (new,) = add_drawings(trained, [Sketch(age=AGE, child="first name")])
    trained.pipeline.process_batch()
    before = analysed(trained, new)
    copy = copied(trained, new)
    calibrator = member(trained, "calibration", "fit").drawing_id
    catalogue = DrawingCatalogue(trained.database, trained.storage, trained.owner_id)
    catalogue.edit(calibrator, {"child_id": "another name"})
    assert (before.role, analysed(trained, new).role) == ("new", "calibration")
    catalogue.delete_drawing(copy)
    assert analysed(trained, new).role == "new"


def test_explanation_and_preview_rank_a_copy_as_the_analysis_did(trained: Workbench) -> None:
    copy = copied(trained, member(trained, "fit", "calibration").drawing_id)
    found = analysed(trained, copy)
    case = CaseLoader(trained).load(copy)
    assert case.twin
    (p_value,) = case.ranking([found.anomaly_score])
    assert p_value == pytest.approx(found.p_value)
    service = AnalysisService(trained)
    with trained.database.read() as session:
        (effect,) = service.thresholds.preview(
            session, threshold=1e-9, model_id=found.age_group_model_id
        )
    # The model itself would flag every score at that threshold, and it is not asked.
    assert (effect["then"]["analysed_drawings"], effect["then"]["flagged_drawings"]) == (1, 0)


def test_the_outlook_counts_no_copy_of_a_training_drawing(trained: Workbench) -> None:
    copy = copied(trained, member(trained, "fit", "calibration").drawing_id)
    assert AnalysisService(trained).analyze([copy]).outlook["n_children"] == 0


def _other_calibrator(bench: Workbench) -> ModelMember:
    first = member(bench, "calibration", "fit")
    with bench.database.read() as session:
        found = repository.members(session, first.model_id)
    return [one for one in found if (one.part, one.twin_part) == ("calibration", "fit")][1]
