from deepmed.features.drawings.bench.design_notes import NOTES, SOURCE, beside


def test_each_stated_figure_names_its_source_and_what_differs() -> None:
    rows = beside({})
    assert len(rows) == len(NOTES)
    assert all(row["source"] == SOURCE and row["differs"] and row["stated"] for row in rows)
    assert all(row["measured"] is None for row in rows)


def test_our_figure_is_read_from_the_run() -> None:
    parts = {
        "neighbours": {
            "rows": [
                {"name": "hog-pyramid", "tells": "age", "estimate": 0.25},
                {"name": "hog-pyramid", "tells": "subject", "estimate": 0.7},
            ]
        },
        "speed": {"rows": [{"name": "hog-pyramid", "threads": 1, "batched_ms": {"best": 2.5}}]},
    }
    found = {row["what"]: row["measured"] for row in beside(parts)}
    assert found["1-NN tells the category"] == 0.7
    assert found["1-NN tells the age"] == 0.25
    assert found["default encoder, ms an image"] == 2.5
