"""The typical drawings that are most like a drawing."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from deepmed.features.drawings import comparison
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.comparison import ComparisonService
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError
from factories.drawings import Sketch, add_drawings, add_vectors, by_children, embed, sketches
from factories.homes import stranger, train


def service(bench: Workbench) -> ComparisonService:
    return ComparisonService(bench, AnalysisService(bench))


def neighbours(bench: Workbench, drawing: int, count: int = 3) -> list[int]:
    with bench.database.read() as session:
        found = service(bench).find_similar_normal_examples(session, drawing, count)
    return [one.drawing_id for one in found]


@pytest.mark.req("D-19.1")
def test_the_nearest_typical_drawings_of_the_age_come_first(trained: Workbench) -> None:
    """Counted again by cosine similarity over every typical drawing of the group."""
    (drawing,) = add_drawings(trained, [Sketch(age=7.2, picture=77)])
    embed(trained)
    key = trained.encoding.identity.key
    with trained.database.read() as session:
        found = service(trained).find_similar_normal_examples(session, drawing, 5)
        typical = [
            one.id
            for one in session.scalars(select(Drawing).order_by(Drawing.id))
            if 6 <= one.age_years < 9
            and one.expert_label in {None, "normal"}
            and not (one.is_blank or one.withdrawn or one.id == drawing)
        ]
        matrix, ids = trained.embeddings.retrieve_matrix(session, typical, key)
        vector = trained.embeddings.retrieve_embedding(session, drawing, key)
    cosines = matrix @ vector / np.linalg.norm(matrix, axis=1) / np.linalg.norm(vector)
    order = np.lexsort((ids, -cosines.round(6)))[:5]
    assert [one.similarity_score for one in found] == pytest.approx(cosines[order], abs=1e-5)
    assert {one.drawing_id for one in found[:2]} <= set(ids.tolist())
    assert all(6 <= one.age_years < 9 for one in found)


@pytest.mark.req("D-19.1")
def test_where_the_nearest_are_not_typical_the_typical_ones_are_searched(
    trained: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (drawing,) = add_drawings(trained, [Sketch(age=7.2, picture=77)])
    embed(trained)
    expected, asked = neighbours(trained, drawing, 30), list[int]()

    def nearest(*given: Any) -> Any:
        asked.append(len(given))
        return search(*given)

    search = trained.embeddings.nearest
    monkeypatch.setattr(trained.embeddings, "nearest", nearest)
    monkeypatch.setattr(comparison, "FIRST_ASKED", (-29,))
    assert neighbours(trained, drawing, 30) == expected
    assert asked == [4, 5], "all, then the typical ones"


@pytest.mark.req("D-19.1")
def test_drawings_of_the_same_child_are_no_comparison(bench: Workbench) -> None:
    ids = add_drawings(bench, [*by_children(sketches(12), each=3), *sketches(30)])
    add_vectors(bench, ids, np.tile(np.eye(64, dtype=np.float32)[:6], (7, 1))[: len(ids)])
    train(bench, [AgeRange(6, 9)])
    assert not set(neighbours(bench, ids[0], 40)) & set(ids[:3])
    assert len(neighbours(bench, ids[0], 50)) == 39


@pytest.mark.req("D-19.1")
@pytest.mark.parametrize(
    "change",
    [{"expert_label": "concern"}, {"withdrawn": True}, {"is_blank": True}, {"age_years": 10.0}],
)
def test_what_is_not_typical_of_the_age_is_no_comparison(
    trained: Workbench, change: dict[str, object]
) -> None:
    (drawing,) = add_drawings(trained, [Sketch(age=7.2, picture=77)])
    embed(trained)
    first = neighbours(trained, drawing, 1)[0]
    with trained.database.write() as session:
        session.execute(update(Drawing).where(Drawing.id == first).values(**change))
    assert first not in neighbours(trained, drawing, 50)


@pytest.mark.req("D-19.1")
def test_a_flagged_drawing_is_no_comparison(trained: Workbench) -> None:
    AnalysisService(trained).analyze()
    with trained.database.read() as session:
        flagged = set(
            session.scalars(
                select(AnomalyAnalysis.drawing_id).where(AnomalyAnalysis.is_anomaly.is_(True))
            )
        )
    (drawing,) = add_drawings(trained, [Sketch(age=7.2, picture=77)])
    embed(trained)
    assert flagged
    assert not flagged & set(neighbours(trained, drawing, 50))


@pytest.mark.req("D-19.1")
def test_a_neighbour_comes_with_its_own_place(trained: Workbench) -> None:
    rows = {row.drawing_id: row for row in AnalysisService(trained).analyze().analyses}
    with trained.database.read() as session:
        found = service(trained).find_similar_normal_examples(session, 60)
    assert len(found) == 3
    for one in found:
        assert one.anomaly_score == rows[one.drawing_id].anomaly_score
        assert one.normalized_score == rows[one.drawing_id].normalized_score
        assert -1 <= one.similarity_score <= 1


@pytest.mark.req("D-9.7", "D-19.1")
def test_a_group_that_cannot_flag_still_has_neighbours(bench: Workbench) -> None:
    ids = add_drawings(bench, sketches(21))
    embed(bench)
    train(bench, [AgeRange(6, 9)])
    assert len(neighbours(bench, ids[0])) == 3


@pytest.mark.req("D-19.1")
def test_no_model_no_comparison_and_no_vector_says_what_to_do(trained: Workbench) -> None:
    old, fresh = add_drawings(trained, [Sketch(age=14.0), Sketch(age=7.0)])
    assert neighbours(trained, old) == []
    with pytest.raises(NotFoundError, match="deepmed drawings embed"):
        neighbours(trained, fresh)


@pytest.mark.req("D-19.1")
def test_group_statistics_count_drawings_children_and_subjects(trained: Workbench) -> None:
    with trained.database.read() as session:
        found = service(trained).get_comparison_statistics(session, AgeRange(6, 9))
        empty = service(trained).get_comparison_statistics(session, AgeRange(15, 16))
    # 42 alone, 6 by three children, and the one labelled normal.
    assert found["typical_drawings"] == 49
    assert found["typical_children"] == 46
    assert found["subjects"] == 2
    assert found["mean_age"] == pytest.approx(7.5, abs=0.2)
    assert (empty["typical_drawings"], empty["mean_age"]) == (0, None)


@pytest.mark.req("S-3.1")
def test_another_owners_drawing_is_not_found(trained: Workbench) -> None:
    with pytest.raises(NotFoundError, match="no drawing 1"):
        neighbours(stranger(trained), 1)
