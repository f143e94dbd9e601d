"""Where an encoder is slow, a map is trusted by its model's figure, and says so (D-17)."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.explanation import model_figure, trust
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.explanation.model_figure import held_out, summary
from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.explanation.texts import Reader
from deepmed.features.drawings.models.figure_keys import figure_key
from deepmed.features.drawings.tables import AgeGroupModel, ModelMember
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.detectors import Detector
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.reference import Reference

from .conftest import OfRole


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """Six held-out drawings instead of thirty."""
    monkeypatch.setattr(model_figure, "MOST_DRAWINGS", 6)
    return 6


def group(bench: Workbench) -> int:
    """The id of the model for 6 to under 9."""
    with bench.database.read() as session:
        rows = session.query(AgeGroupModel).filter_by(kind="group", age_min=6.0)
        return rows.one().id


def uid(bench: Workbench, model: int) -> str:
    service = ExplanationService(bench).cases.analyses.models
    with bench.database.read() as session:
        return str(service.get_model_info(session, service.get(session, model))["artifact"])


def stored(bench: Workbench, model: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bench.storage.get(figure_key(uid(bench, model))))
    return found


def never(*_: object, **__: object) -> None:
    raise AssertionError("the curves of a single map were computed")


@pytest.mark.req("D-17.3")
def test_a_slow_encoder_computes_no_curves_of_a_single_map(
    slow: Workbench, most_unusual: OfRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "measure_faithfulness", never)
    row = most_unusual("calibration")
    found = ExplanationService(slow).explain_analysis(row)
    assert found.faithfulness["measured_on"] == "model"
    assert found.faithfulness["curves"] == {}
    assert found.faithfulness["faithful"] is None
    assert f"deepmed drawings faithfulness {row.age_group_model_id}" in found.faithfulness["reason"]
    assert "was not measured" in " ".join(found.text(Reader.EDUCATOR, slow.settings))


@pytest.mark.req("D-17.3")
def test_a_quick_encoder_measures_each_map(
    service: ExplanationService, most_unusual: OfRole
) -> None:
    found = service.explain_analysis(most_unusual("calibration"))
    assert found.faithfulness["measured_on"] == "map"
    assert found.faithfulness["curves"]


@pytest.mark.req("D-17.3")
def test_with_a_slow_encoder_a_map_shows_the_figure_of_its_model(
    slow: Workbench, most_unusual: OfRole, few: int
) -> None:
    service, model = ExplanationService(slow), group(slow)
    before = service.explain_analysis(most_unusual("new"))
    figure = service.measure_model(model)
    after = ExplanationService(slow).explain_analysis(most_unusual("new"))
    assert before.row.id == after.row.id
    assert before.faithfulness["faithful"] is None
    assert after.faithfulness["measured_on"] == "model"
    assert after.faithfulness["drawings"] == figure["drawings"] == few
    assert after.faithfulness["scores"] == figure["scores"]
    assert after.faithfulness["faithful"] is figure["faithful"]
    assert "Maps by this model were found" in " ".join(after.text(Reader.EDUCATOR, slow.settings))


@pytest.mark.req("D-17.3")
def test_the_figure_rests_on_drawings_that_the_model_was_not_fitted_on(
    trained: Workbench, service: ExplanationService, few: int
) -> None:
    model = group(trained)
    figure = service.measure_model(model)
    drawings = stored(trained, model)["methods"][DEFAULT_METHOD]["drawings"]
    with trained.database.read() as session:
        parts = {
            row.part
            for row in session.query(ModelMember).filter(
                ModelMember.model_id == model, ModelMember.drawing_id.in_(map(int, drawings))
            )
        }
    assert parts == {"calibration"}
    assert len(drawings) == few
    # Counted again from what is stored of each drawing.
    for name, estimate in figure["scores"].items():
        again = np.mean([one["scores"][name] for one in drawings.values()])
        assert estimate == pytest.approx(again)
    own = next(row for row in figure["rows"] if row["order"] == DEFAULT_METHOD)
    assert own["low"] <= own["estimate"] <= own["high"]
    assert (own["unit"], own["sample_size"], own["n_items"]) == ("child", few, few)
    assert "not fitted on" in own["split"]


@pytest.mark.req("D-17.3")
def test_a_stopped_measurement_goes_on_where_it_was(
    trained: Workbench, service: ExplanationService, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = group(trained)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.measure_model(model, progress=stop)
    kept = stored(trained, model)["methods"][DEFAULT_METHOD]
    assert len(kept["drawings"]) == 2
    assert "summary" not in kept
    seen: list[tuple[int, int]] = []
    whole = service.measure_model(model, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(number, few) for number in range(3, few + 1)]
    monkeypatch.setattr(model_figure, "measure_faithfulness", never)
    assert service.measure_model(model) == whole


def test_each_method_has_a_figure_of_its_own(
    trained: Workbench, service: ExplanationService, few: int
) -> None:
    model = group(trained)
    service.measure_model(model, "occlusion")
    service.measure_model(model)
    methods = stored(trained, model)["methods"]
    assert set(methods) == {"occlusion", DEFAULT_METHOD}
    assert "occlusion" in methods["occlusion"]["summary"]["scores"]


@pytest.mark.req("D-30.2")
def test_a_figure_of_a_former_revision_is_not_used(
    slow: Workbench, most_unusual: OfRole, few: int
) -> None:
    service, model = ExplanationService(slow), group(slow)
    service.measure_model(model)
    key = figure_key(uid(slow, model))
    slow.storage.put(key, json.dumps({**stored(slow, model), "revision": 0}).encode())
    assert service.explain_analysis(most_unusual("new")).faithfulness["faithful"] is None


def test_drawings_that_cannot_be_measured_are_counted(
    trained: Workbench, service: ExplanationService, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise SaliencyGenerationError("No fill is usual.")

    monkeypatch.setattr(model_figure, "measure_faithfulness", refuse)
    figure = service.measure_model(group(trained))
    assert (figure["drawings"], figure["refused"], figure["faithful"]) == (0, few, None)
    assert figure["reason"] == "No fill is usual."


def test_what_cannot_be_measured_is_refused(
    trained: Workbench, service: ExplanationService, few: int
) -> None:
    model = group(trained)
    with pytest.raises(NotFoundError, match="no model 999"):
        service.measure_model(999)
    with pytest.raises(SaliencyGenerationError, match="no map by the method 'guess'"):
        service.measure_model(model, "guess")
    with trained.database.write() as session:
        row = session.get_one(AgeGroupModel, model)
        row.is_active, row.active_key = False, None
    with pytest.raises(ConflictError, match="not active"):
        service.measure_model(model)


def test_the_most_unusual_drawing_of_each_child_is_held_out(few: int) -> None:
    scores = [5.0, 9.0, 1.0, 7.0, 7.0, 3.0, 2.0, 4.0]
    children = [1, 1, 2, 3, 4, 5, 6, 7]

    def refused() -> Detector:
        raise AssertionError("no detector is asked")

    reference = Reference(refused, CalibrationSet(scores, children), np.arange(10, 18))
    assert held_out(reference) == [11, 13, 14, 17, 15, 16]


def measured(child: int, own: float, **controls: float) -> dict[str, Any]:
    scores = {"occlusion": own, "random": 0.0, "sobel": 0.1, "ink_density": 0.1} | controls
    return {"child": child, "p": 0.1, "fill": "paper", "scores": scores, "randomised": 0.2}


@pytest.mark.req("D-17.3")
@pytest.mark.parametrize(
    ("own", "random", "faithful"), [(0.4, 0.0, True), (0.4, 0.35, False), (0.05, 0.0, False)]
)
def test_a_models_maps_are_faithful_where_they_beat_the_controls_beyond_chance(
    own: float,
    random: float,
    faithful: bool,  # noqa: FBT001 - a column of the table
) -> None:
    drawings = [measured(child, own, random=random) for child in range(8)]
    assert summary(drawings, "occlusion", seed=0)["faithful"] is faithful
    scattered = [measured(child, own + (-1) ** child, random=random) for child in range(8)]
    assert summary(scattered, "occlusion", seed=0)["faithful"] is False


@pytest.mark.req("D-17.5")
@pytest.mark.parametrize(
    ("alike", "faithful"), [([0.49], True), ([0.51], False), ([0.9, 0.0], False), ([None], False)]
)
def test_a_models_maps_that_stay_without_its_knowledge_are_not_faithful(
    alike: list[float | None],
    faithful: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Neither are they where it could be chance that the mean lies under one half."""
    drawings = [
        measured(child, 0.4) | {"randomised": alike[child % len(alike)]} for child in range(8)
    ]
    figure = summary(drawings, "occlusion", seed=0)
    assert figure["faithful"] is faithful
    again = [1.0 if one is None else one for one in alike]
    assert figure["randomised"]["estimate"] == pytest.approx(np.mean(again))


def test_too_few_children_give_no_figure() -> None:
    figure = summary([measured(child, 0.5) for child in range(4)], "occlusion", seed=0)
    assert figure["faithful"] is None
    assert figure["reason"]
    assert figure["rows"] == []


def test_a_drawing_whose_age_was_changed_is_left_out(
    trained: Workbench, service: ExplanationService, few: int
) -> None:
    model = group(trained)
    item = service.figures._active(model)
    row = service.cases.analyses.analyze(held_out(item.model.model)[:1]).analyses[0]
    other = replace(item, row=AgeGroupModel(id=999))
    assert "another model" in service.figures._measured(row, other, "occlusion")["refused"]
