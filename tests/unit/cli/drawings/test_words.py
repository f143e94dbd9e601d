"""What the commands say of drawings, and what the cards of models say: no forbidden word."""

import json
import re

import pytest

from deepmed.features.drawings.explanation.texts import FORBIDDEN_WORDS
from deepmed.features.drawings.tables import AgeGroupModel, Child, Drawing
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import Sketch, add_drawings, embed

from .conftest import Ask

FORBIDDEN = re.compile(rf"\b({'|'.join(FORBIDDEN_WORDS)})", re.IGNORECASE)
DISCLAIMER = "It is no diagnosis and no test of a child."
LABEL = "labelled severe: kept for evaluation"
"""The reason for which a drawing was left out names the label that a person gave."""


@pytest.mark.req("D-28.1")
@pytest.mark.req("D-26.4")
def test_what_the_commands_say_holds_no_forbidden_word(ask: Ask, flagged: int) -> None:
    said = [
        ask("analyze", "--all"),
        ask("explain", flagged),
        ask("explain", flagged, "--reader", "researcher"),
        ask("compare", flagged),
        ask("models"),
        ask("groups"),
        ask("threshold", "--percentile", 99),
        ask("status"),
    ]
    assert not [answer.err for answer in said if answer.code]
    assert "fixed by construction" in said[0].out
    assert "typical drawings are flagged" in said[1].out
    for answer in said:
        assert not FORBIDDEN.findall(answer.out), answer.out


@pytest.mark.req("D-28.1")
def test_no_card_of_a_model_holds_a_forbidden_word(ask: Ask, trained: Workbench) -> None:
    models = ask("models", "--json").json["models"]
    assert len(models) == 4
    for model in models:
        card = json.dumps(trained.registry.package(model["artifact"]).manifest.card)
        assert DISCLAIMER in card
        assert not FORBIDDEN.findall(card.replace(DISCLAIMER, ""))


@pytest.mark.req("D-26.4")
def test_a_rate_is_told_of_typical_drawings_of_new_children_alone(
    ask: Ask, trained: Workbench
) -> None:
    """The labelled and the withdrawn ones are by new children too, and make no rate."""
    before = ask("analyze", "--all").out
    assert "No typical drawing is by a child who is new to the models" in before
    assert "Of 2 drawings that were labelled other than normal" in before
    add_drawings(trained, [Sketch(age=7.0), Sketch(age=8.0)])
    embed(trained)
    after = ask("analyze", "--all").out
    assert "Of 2 typical drawings by new children" in after
    assert "Of 2 drawings that were labelled other than normal" in after


def test_tables_name_detectors_as_people_do(ask: Ask, trained: Workbench) -> None:
    with trained.database.read() as session:
        assert {model.model_type for model in session.query(AgeGroupModel)} == {"knn"}
    shown = " ".join(ask("models").out.split())
    assert "nearest" in shown
    assert "knn" not in shown


@pytest.mark.req("D-11.1")
def test_the_rate_of_a_group_is_a_bound_where_children_made_several_drawings(
    ask: Ask, trained: Workbench
) -> None:
    """By how much fewer would be flagged is not known, so no spread is shown."""
    assert re.search(r"at most \d\.\d% ", ask("groups", "--groups", "6-9").out)
    with trained.database.write() as session:
        for drawing in session.query(Drawing):
            child = Child(owner_id=trained.owner_id)
            session.add(child)
            session.flush()
            drawing.child_id = child.id
    assert re.search(r" \d\.\d% \(0\.\d% to \d+\.\d%\)", ask("groups", "--groups", "6-9").out)
