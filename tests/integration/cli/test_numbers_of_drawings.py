"""Each number of a collection, counted again from the raw database and the pictures."""

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factories.answers import GONE, NEWCOMERS, Answers

TRAINABLE = """SELECT age_years, child_id, coalesce(subject, 'unspecified') FROM drawings
               WHERE coalesce(expert_label, 'normal') = 'normal' AND NOT is_blank
               AND duplicate_of IS NULL AND NOT withdrawn"""


def one(answers: Answers, moment: str, query: str, *values: object) -> Any:
    [(found,)] = answers.rows(moment, query, *values)
    return found


@pytest.fixture(scope="module")
def trainable(answers: Answers) -> list[tuple[float, int, str]]:
    return answers.rows("analysed", TRAINABLE)


def test_an_import_counts_what_it_lists(answers: Answers) -> None:
    for name in ("import", "import_again"):
        found, counts = answers[name], dict(answers[name]["counts"])
        assert counts.pop("conflicts") == sum(
            bool(one["conflicts"]) for one in found["already_present"]
        )
        assert counts.pop("without_child_id") == found["without_child_id"]
        assert counts == {part: len(found[part]) for part in counts}
    counts = answers["import"]["counts"]
    assert (counts["stored"], counts["blank"], counts["rejected"]) == (3, 1, 1)
    assert (counts["unknown_files"], counts["without_child_id"]) == (1, 2)
    assert answers["import_again"]["counts"]["already_present"] == 3
    new = one(answers, "before", "SELECT count(*) FROM drawings") - one(
        answers, "analysed", "SELECT count(*) FROM drawings"
    )
    assert counts["stored"] == new


def test_the_version_of_the_dataset(answers: Answers) -> None:
    [(name, newest)] = answers.rows("before", "SELECT name, max(version) FROM datasets")
    assert name == "pictures"
    assert answers["import"]["dataset_version"] == newest == 1


def test_ink_is_what_is_darker_than_the_paper(answers: Answers) -> None:
    before = one(answers, "analysed", "SELECT max(id) FROM drawings")
    brought = "SELECT id, ink_coverage, file_path FROM drawings WHERE id > ? ORDER BY id"
    rows = answers.rows("before", brought, before)
    found = [coverage for _, coverage, _ in rows]
    pages = [np.asarray(Image.open(answers.home / "files" / path)) for *_, path in rows]
    # Black lines on white paper: what is not white is ink, on any scale.
    assert found == pytest.approx([float((page.min(axis=2) < 128).mean()) for page in pages])
    assert found[0] == 0.0 < found[1]


def test_embedding_counts_vectors(answers: Answers) -> None:
    vectors = one(answers, "analysed", "SELECT count(*) FROM drawing_embeddings")
    found = answers["embed"]
    assert found["embedded"] == len(NEWCOMERS)
    assert found["embedded"] + found["already_there"] == vectors


def test_the_list_is_paged(answers: Answers) -> None:
    found = answers["list"]
    total = one(answers, "analysed", "SELECT count(*) FROM drawings")
    assert (found["page"], found["page_size"]) == (2, 30)
    assert found["total_count"] == total
    assert found["total_pages"] == math.ceil(total / 30)
    newest = "SELECT id FROM drawings ORDER BY upload_timestamp DESC, id DESC LIMIT 30 OFFSET 30"
    assert [row["id"] for row in found["drawings"]] == [
        drawing for (drawing,) in answers.rows("analysed", newest)
    ]


def test_ages_are_those_of_the_metadata(answers: Answers) -> None:
    ages = dict(answers.rows("analysed", "SELECT id, age_years FROM drawings"))
    for row in answers["list"]["drawings"]:
        assert row["age_years"] == ages[row["id"]]
    brought = {row["name"]: row["id"] for row in answers["import"]["stored"]}
    stored = dict(answers.rows("before", "SELECT id, age_years FROM drawings"))
    assert (stored[brought["first.png"]], stored[brought["second.png"]]) == (7.25, 7.5)


def test_groups_count_drawings_and_children(
    answers: Answers, trainable: list[tuple[float, int, str]]
) -> None:
    groups = answers["groups"]["groups"]
    for place, group in enumerate(groups):
        low, high, last = group["age_min"], group["age_max"], place == len(groups) - 1
        inside = [row for row in trainable if low <= row[0] < high or (last and row[0] == high)]
        children = len({row[1] for row in inside})
        assert (group["sample_count"], group["children"]) == (len(inside), children)
        assert group["subjects_distribution"] == dict(Counter(row[2] for row in inside))
        assert group["is_sufficient"] == (len(inside) >= group["recommended_min_samples"] == 50)
        half = min(children, max(20, math.ceil(children / 2)))
        assert group["calibration_children"] in {half, max(0, children - 10)}


def test_the_ages_at_hand(answers: Answers, trainable: list[tuple[float, int, str]]) -> None:
    found, ages = answers["groups"]["distribution"], [row[0] for row in trainable]
    assert found["total_drawings"] == len(trainable)
    assert found["total_children"] == len({row[1] for row in trainable})
    assert found["age_range"] == [min(ages), max(ages)]
    assert found["mean_age"] == pytest.approx(sum(ages) / len(ages))
    for year in found["years"]:
        inside = [row for row in trainable if int(row[0]) == year["age_start"]]
        assert year["age_end"] == year["age_start"] + 1
        assert year["drawings"] == len(inside)
        assert year["children"] == len({row[1] for row in inside})
    assert sum(year["drawings"] for year in found["years"]) == len(trainable)


def test_neighbours_are_counted_together(answers: Answers) -> None:
    counts = {row["age_group"]: row["sample_count"] for row in answers["groups"]["groups"]}
    merges = answers["groups"]["merging_suggestions"]
    assert merges
    for merge in merges:
        assert merge["combined_sample_count"] == sum(
            counts[group] for group in merge["original_groups"]
        )


def test_coverage_is_of_the_models_in_use(answers: Answers) -> None:
    query = """SELECT age_min, age_max FROM age_group_models
               WHERE is_active AND kind = 'group' ORDER BY age_min"""
    ranges = [list(row) for row in answers.rows("analysed", query)]
    found = answers["groups"]["coverage"]
    assert found["total_models"] == len(ranges)
    assert found["age_ranges"] == ranges
    assert found["total_coverage"] == [ranges[0][0], ranges[-1][1]]
    assert found["coverage_gaps"] == [
        [one[1], other[0]] for one, other in pairwise(ranges) if one[1] < other[0]
    ]


def test_similarity_is_the_cosine_of_the_stored_vectors(answers: Answers) -> None:
    query = "SELECT drawing_id, embedding_vector FROM drawing_embeddings"
    vectors: dict[int, NDArray[np.float64]] = {
        drawing: np.frombuffer(data, "<f4").astype(np.float64)
        for drawing, data in answers.rows("analysed", query)
    }
    own = vectors[answers["compare"]["drawing_id"]]
    analyses = {row["drawing_id"]: row for row in answers["analyze"]["analyses"]}
    found = answers["compare"]["comparison_examples"]
    assert found
    for row in found:
        other = vectors[row["drawing_id"]]
        cosine = own @ other / np.linalg.norm(own) / np.linalg.norm(other)
        assert row["similarity_score"] == pytest.approx(cosine, abs=1e-6)
        for name in ("anomaly_score", "normalized_score"):
            assert row[name] == analyses[row["drawing_id"]][name]


def test_the_report_counts_what_it_shows(answers: Answers) -> None:
    found, rows = answers["report"], answers["analyze"]["analyses"]
    assert found["flagged"] == sum(row["is_anomaly"] for row in rows)
    assert found["drawings"] == len(rows)
    assert found["groups"] == answers["status"]["active_models"]


def test_a_deletion_counts_what_went(answers: Answers) -> None:
    code = "SELECT id FROM drawing_children WHERE code = ?"
    child = one(answers, "before", code, GONE)
    own = answers.rows("before", "SELECT id FROM drawings WHERE child_id = ?", child)
    found = answers["delete"]
    assert found["drawings"] == [drawing for (drawing,) in own]
    assert found["children"] == len(answers.rows("before", code, GONE)) == 1
    assert not answers.rows("after", code, GONE)
    for name, table in (
        ("embeddings", "drawing_embeddings"),
        ("analyses", "anomaly_analyses"),
        ("explanations", "interpretability_results"),
        ("annotations", "drawing_annotations"),
        ("model_members", "age_group_model_members"),
        ("dataset_items", "dataset_items"),
    ):
        count = f"SELECT count(*) FROM {table}"  # noqa: S608 - names of this table
        assert found[name] == one(answers, "before", count) - one(answers, "after", count), name
    files = one(
        answers,
        "before",
        """SELECT count(DISTINCT file_path) FROM drawings d WHERE child_id = ? AND NOT EXISTS
           (SELECT 1 FROM drawings o WHERE o.file_path = d.file_path AND o.child_id <> ?)""",
        child,
        child,
    )
    assert found["files"] == files


def test_models_of_a_deleted_child_are_named(answers: Answers) -> None:
    query = "SELECT DISTINCT model_id FROM age_group_model_members WHERE drawing_id IN (?, ?)"
    used = {model for (model,) in answers.rows("before", query, *answers["delete"]["drawings"])}
    assert set(answers["delete"]["models_to_retrain"]) == used
    assert used <= set(answers["delete"]["revised_models"])
    assert answers["delete"]["damaged_models"] == []
