"""At which percentile the figures of a model were counted, and what of them is counted again."""

import pytest

from deepmed.cli.entry import main
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.models.forgetting import complete
from deepmed.features.drawings.models.repository import members
from deepmed.features.drawings.workbench import Workbench

from .conftest import Ask


@pytest.mark.req("D-9.6")
def test_the_attained_level_stands_beside_the_percentile_of_the_training(
    ask: Ask, trained: Workbench
) -> None:
    assert ask("threshold", "--percentile", 90, "--save").code == 0
    shown = ask("models").out
    models = ask("models", "--json").json["models"]
    assert {model["metrics"]["percentile"] for model in models} == {95.0}
    for model in models:
        assert f"{model['metrics']['attained_level']:.4g} at 95 " in shown


@pytest.mark.req("D-22.4")
def test_the_card_says_at_which_percentile_planted_drawings_were_counted(
    ask: Ask, trained: Workbench
) -> None:
    for model in ask("models", "--json").json["models"]:
        card = trained.registry.package(model["artifact"]).manifest.card
        assert card["measured_at"] == {
            name: model["metrics"][name] for name in ("percentile", "attained_level")
        }
        told = any("at the percentile 95 of the training" in limit for limit in card["limits"])
        assert told is (model["kind"] == "group")


@pytest.mark.req("V-2.2", "D-30.2")
def test_verify_says_which_figures_rest_on_deleted_drawings(
    ask: Ask, trained: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ask("models", "--json").json["models"][0]
    with trained.database.read() as session:
        rows = members(session, model["id"])
        drawing = next(row.drawing_id for row in rows if row.part == "fit")
    assert main(["verify", model["artifact"]]) == 0
    assert "deleted" not in capsys.readouterr().out
    DrawingCatalogue(trained.database, trained.storage, trained.owner_id).delete_drawing(drawing)
    complete(trained)
    assert main(["verify", model["artifact"]]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "were deleted or given to another child" in said
    assert "compared" in said
