"""Who may fit and calibrate, who may not, and why."""

import pytest
from sqlalchemy import select

from deepmed.features.drawings.models.eligibility import REASONS, Eligible, find
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.repository import members, trainable
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import Sketch, add_drawings, embed

LEFT_OUT = {
    "concern": Sketch(label="concern"),
    "severe": Sketch(label="severe"),
    "blank": Sketch(blank=True),
    "withdrawn": Sketch(withdrawn=True),
}


def eligible(bench: Workbench) -> Eligible:
    with bench.database.read() as session:
        return find(session, bench.embeddings, bench.encoding.identity.key)


@pytest.mark.req("D-8.2")
def test_drawings_labelled_normal_and_unlabelled_ones_may_train(bench: Workbench) -> None:
    ids = add_drawings(bench, [Sketch(), Sketch(label="normal")])
    embed(bench)
    found = eligible(bench)
    assert found.rows.drawings.tolist() == ids
    assert found.left_out == []


@pytest.mark.req("D-8.2")
@pytest.mark.parametrize("reason", LEFT_OUT)
def test_a_drawing_is_left_out_with_its_reason(bench: Workbench, reason: str) -> None:
    kept, out = add_drawings(bench, [Sketch(), LEFT_OUT[reason]])
    embed(bench)
    found = eligible(bench)
    assert found.rows.drawings.tolist() == [kept]
    assert [(item["drawing_id"], item["reason"]) for item in found.left_out] == [(out, reason)]


@pytest.mark.req("D-8.2")
def test_a_duplicate_is_left_out_and_its_original_stays(bench: Workbench) -> None:
    (first,) = add_drawings(bench, [Sketch()])
    (copy,) = add_drawings(bench, [Sketch(duplicate_of=first)])
    embed(bench)
    found = eligible(bench)
    assert found.rows.drawings.tolist() == [first]
    assert [(item["drawing_id"], item["reason"]) for item in found.left_out] == [
        (copy, "duplicate")
    ]


@pytest.mark.req("D-8.2")
def test_a_drawing_without_a_vector_is_left_out_and_says_what_to_do(bench: Workbench) -> None:
    (drawing,) = add_drawings(bench, [Sketch()])
    (row,) = eligible(bench).left_out_of(AgeRange(6, 9))
    assert row["reason"] == "not_embedded"
    assert "deepmed drawings embed" in row["meaning"]
    assert row["drawing_ids"] == [drawing]


@pytest.mark.req("D-8.2")
def test_the_report_counts_who_was_left_out_by_reason_and_group(bench: Workbench) -> None:
    young = add_drawings(bench, [Sketch(age=4.0, label="severe"), Sketch(age=4.5, label="severe")])
    add_drawings(bench, [Sketch(age=7.0, withdrawn=True)])
    embed(bench)
    assert eligible(bench).left_out_of(AgeRange(3, 6)) == [
        {"reason": "severe", "meaning": REASONS["severe"], "count": 2, "drawing_ids": young}
    ]


@pytest.mark.req("D-8.2")
def test_labelled_drawings_are_the_evaluation_set(bench: Workbench) -> None:
    wanted = [Sketch(label="concern"), Sketch(label="severe"), Sketch(label="normal"), Sketch()]
    concern, severe, *_ = add_drawings(bench, wanted)
    assert eligible(bench).labelled == {concern: "concern", severe: "severe"}


@pytest.mark.req("D-8.2")
def test_no_left_out_drawing_fits_or_calibrates_any_model_or_twin(trained: Workbench) -> None:
    with trained.database.read() as session:
        outside = {
            drawing.id
            for drawing in session.scalars(select(Drawing))
            if drawing.expert_label in {"concern", "severe"}
            or drawing.is_blank
            or drawing.withdrawn
        }
        used = {
            member.drawing_id
            for row in ModelManager(trained).list_models(session)
            for member in members(session, row["id"])
        }
    assert len(outside) == 4
    assert used
    assert not used & outside


@pytest.mark.req("D-8.2")
def test_a_trained_models_report_lists_who_was_left_out(trained: Workbench) -> None:
    with trained.database.read() as session:
        models = ModelManager(trained).list_models(session)
    left_out = {model["age_group"]: model["metrics"].get("left_out") for model in models}
    reasons = {row["reason"]: row["count"] for row in left_out["6.0-9.0"]}
    assert reasons == {"concern": 1, "severe": 1, "blank": 1, "withdrawn": 1}
    assert left_out["3.0-6.0"] == []


def test_what_may_train_does_not_depend_on_vectors(bench: Workbench) -> None:
    wanted = [Sketch(), Sketch(label="normal"), *LEFT_OUT.values()]
    ids = add_drawings(bench, wanted)
    add_drawings(bench, [Sketch(duplicate_of=ids[0])])
    with bench.database.read() as session:
        assert [row.id for row in trainable(session, bench.owner_id)] == ids[:2]


@pytest.mark.req("S-3.1")
def test_another_owners_drawings_do_not_train(bench: Workbench, other_owner_id: int) -> None:
    add_drawings(bench, [Sketch()])
    embed(bench)
    stranger = Workbench(
        bench.settings, bench.database, bench.storage, bench.registry, other_owner_id
    )
    assert len(eligible(stranger).rows) == 0
    with bench.database.read() as session:
        assert not trainable(session, other_owner_id)
