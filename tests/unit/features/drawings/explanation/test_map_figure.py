"""The figure of a single map where the encoder is slow: measured when somebody asks (D-17)."""

import pytest

from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.explanation import service as explaining
from deepmed.features.drawings.explanation import trust
from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError

from .conftest import OfRole


@pytest.mark.req("D-17.3")
def test_a_single_map_is_measured_when_it_is_asked_for_and_that_is_kept(
    slow: Workbench, most_unusual: OfRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = most_unusual("new")
    before = ExplanationService(slow).explain_analysis(row)
    asked = ExplanationService(slow).measure_map(row)
    assert (before.faithfulness["measured_on"], asked.faithfulness["measured_on"]) == (
        "model",
        "map",
    )
    assert before.row.id == asked.row.id
    monkeypatch.setattr(explaining, "measure", None)
    again = ExplanationService(slow).measure_map(row)
    shown = ExplanationService(slow).explain_analysis(row)
    assert again.faithfulness == shown.faithfulness == asked.faithfulness


@pytest.mark.req("D-17.3")
def test_it_is_the_figure_that_a_quick_encoder_has_at_once(
    slow: Workbench, most_unusual: OfRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = most_unusual("new")
    slowly = ExplanationService(slow).measure_map(row).faithfulness
    assert slowly["curves"]
    monkeypatch.setattr(trust, "is_slow", lambda _: False)
    service = ExplanationService(slow)
    at_once = trust.measure(service.cases, service.cases.of(row), slowly["method"]).to_dict()
    assert at_once == slowly


def test_a_drawing_that_is_deleted_meanwhile_is_told(
    slow: Workbench, most_unusual: OfRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, service = most_unusual("new"), ExplanationService(slow)
    service.explain_analysis(row)
    real = explaining.measure

    def deleted(*given: object, **named: object) -> object:
        made = real(*given, **named)  # type: ignore[arg-type]  # passed on as they came
        catalogue = DrawingCatalogue(slow.database, slow.storage, slow.owner_id)
        catalogue.delete_drawing(row.drawing_id)
        return made

    monkeypatch.setattr(explaining, "measure", deleted)
    with pytest.raises(NotFoundError, match="deleted while its map was measured"):
        service.measure_map(row)
