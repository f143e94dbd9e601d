"""Each number that the report prints, counted again from the answers and the models' files."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from factories.answers import Answers
from factories.page import Page, PageTable
from factories.recount import Ranking

LABELLED = ("concern", "severe")
NONE = "–"  # noqa: RUF001 - the dash that the page prints


@pytest.fixture(scope="module")
def page(answers: Answers) -> Page:
    return Page((answers.folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def groups(answers: Answers) -> list[dict[str, Any]]:
    """The models in use, in order of age, as the report lists them."""
    found = [row for row in answers["models"]["models"] if row["is_active"]]
    return sorted((row for row in found if row["kind"] == "group"), key=lambda row: row["age_min"])


def analyses(answers: Answers, model: dict[str, Any]) -> list[dict[str, Any]]:
    rows = answers["analyze"]["analyses"]
    return [row for row in rows if row["age_group_model_id"] == model["id"]]


def printed(value: float | None) -> str:
    return NONE if value is None else f"{value:.4g}"


def with_columns(page: Page, *columns: str) -> Iterator[PageTable]:
    yield from (table for table in page.tables if set(columns) <= set(table.columns))


@pytest.fixture(scope="module")
def labels(answers: Answers) -> dict[int, str]:
    """How a person labelled each drawing; `withdrawn` where it was taken back."""
    query = (
        "SELECT id, CASE WHEN withdrawn THEN 'withdrawn' ELSE coalesce(expert_label, 'normal') END "
        "FROM drawings"
    )
    return dict(answers.rows("analysed", query))


Rows = list[dict[str, Any]]


def of_new_children(rows: Rows, labels: dict[int, str]) -> Rows:
    """Their typical drawings with an answer, from which a rate can be read."""
    new = [row for row in rows if row["role"] == "new" and row["decision"] == "ranked"]
    return [row for row in new if labels[row["drawing_id"]] == "normal"]


def of_labels(rows: Rows, labels: dict[int, str], *names: str) -> Rows:
    answered = [row for row in rows if row["decision"] == "ranked"]
    return [row for row in answered if labels[row["drawing_id"]] in names]


def flagged_of(rows: Rows) -> str:
    return f"{sum(row['is_anomaly'] for row in rows)} of {len(rows)}" if rows else NONE


def bound(answers: Answers, model: dict[str, Any]) -> str:
    """What stands before a level that is only an upper bound."""
    children = [row["child"] for row in answers.package(model["id"], "reference.json")["model"]]
    return "at most " if len(set(children)) < len(children) else ""


def test_the_overview(
    answers: Answers, page: Page, groups: list[dict[str, Any]], labels: dict[int, str]
) -> None:
    [table] = with_columns(page, "Flagged of new children")
    for place, model in enumerate(groups):
        rows, metrics = analyses(answers, model), model["metrics"]
        ranking = Ranking(answers.package(model["id"], "reference.json")["model"])
        attained = ranking.attained(95.0)
        assert attained is not None
        known = [row for row in rows if row["role"] in {"fit", "calibration"}]
        expected = {
            "Drawings analysed": str(len(rows)),
            "Children it learned from": str(metrics["children"]["fit"]),
            "Children to compare with": str(ranking.n),
            "Flagged of 100 typical drawings": f"{bound(answers, model)}{100 * attained:.1f}",
            "Flagged of new children": flagged_of(of_new_children(rows, labels)),
            "Flagged of labelled drawings": flagged_of(
                of_labels(rows, labels, "concern", "severe")
            ),
            "Flagged of training children": flagged_of(of_labels(known, labels, "normal")),
        }
        for column, value in expected.items():
            assert table.column(column)[place] == value, column


def test_the_figures_of_a_group(
    answers: Answers, page: Page, groups: list[dict[str, Any]], labels: dict[int, str]
) -> None:
    for shown, model in zip(page.figures, groups, strict=True):
        metrics, rows = model["metrics"], analyses(answers, model)
        ranking = Ranking(answers.package(model["id"], "reference.json")["model"])
        attained, before = ranking.attained(95.0), bound(answers, model)
        assert shown["Typical drawings flagged, by construction"] == f"{before}{attained:.1%}"
        assert shown["Threshold of the score"] == printed(ranking.threshold(95.0))
        new = flagged_of(of_new_children(rows, labels))
        rate = shown["Typical drawings of new children flagged"]
        assert rate.startswith(f"{new} drawings: "), rate
        for label in LABELLED:
            counted = flagged_of(of_labels(rows, labels, label))
            name = f"Drawings labelled {label} flagged"
            assert shown.get(name, NONE).startswith(counted), name
        spread = f"{int((ranking.n + 1) * 0.05 + 1e-9) / (ranking.n + 1):.1%} (95% interval"
        lies = shown["Where the rate of this one calibration may lie"]
        assert lies.startswith("not known: " if before else spread)
        for name, figure, shape in (
            ("Planted anomalies flagged", metrics["planted"], ".1%"),
            ("AUROC on all planted anomalies", metrics["power"]["all"], ".2f"),
            ("Tells neighbouring ages apart", metrics["age_specificity"], ".2f"),
        ):
            assert shown[name] == in_words(figure, shape), name


def in_words(figure: dict[str, Any], shape: str) -> str:
    if figure["estimate"] is None:
        return f"not measured: {figure['reason']}"
    estimate, low, high = (format(figure[name], shape) for name in ("estimate", "low", "high"))
    children = f"{figure['sample_size']} children"
    return f"{estimate} (95% interval {low} to {high}; {children})"


def test_the_numbers_of_a_flagged_drawing(answers: Answers, page: Page) -> None:
    flagged = sorted(
        (row for row in answers["analyze"]["analyses"] if row["is_anomaly"]),
        key=lambda row: (row["p_value"], row["id"]),
    )
    tables = [table for table in page.tables if "Place of 100 drawings" in table.named()]
    for table, row in zip(tables, flagged, strict=True):
        ranking, shown = row["results"]["ranking"], table.named()
        expected = {
            "Score": row["anomaly_score"],
            "Threshold": ranking["threshold"],
            "Place of 100 drawings": row["normalized_score"],
            "p": row["p_value"],
            "q over the new children here": row["q_value"],
            "How sure the decision is": row["confidence"],
            "p among drawings of this subject": row["results"]["subject_part"]["p_value"],
        }
        assert {name: shown[name] for name in expected} == {
            name: printed(value) for name, value in expected.items()
        }
        assert shown["Children compared with"] == str(ranking["n_children"])


def test_the_other_ages_of_a_flagged_drawing(answers: Answers, page: Page) -> None:
    flagged = sorted(
        (row for row in answers["analyze"]["analyses"] if row["is_anomaly"]),
        key=lambda row: (row["p_value"], row["id"]),
    )
    for table, row in zip(with_columns(page, "Other children"), flagged, strict=True):
        parts = row["results"]["age_part"]["groups"]
        assert table.column("p") == [printed(part["p_value"]) for part in parts]
        assert table.column("Other children") == [str(part["children"]) for part in parts]


def test_the_map_of_a_flagged_drawing(answers: Answers, page: Page) -> None:
    """The drawing that was explained by itself is among the flagged ones."""
    explained = answers["explain"]
    trust, facts = explained["faithfulness"]["scores"], explained["facts"]
    column = "Insertion less deletion (higher is better)"
    scores = sorted((printed(score) for score in trust.values()), key=float)
    assert any(sorted(t.column(column), key=float) == scores for t in with_columns(page, column))
    alike = "Rank correlation (faithful maps lie below 0.5)"
    likeness = printed(explained["faithfulness"]["randomised"])
    assert any(table.column(alike) == [likeness] for table in with_columns(page, alike))
    expected = {
        (
            f"{found['region']['importance_score']:.0%}",
            "none" if found["empty"] else f"{found['ink_coverage']:.0%}",
            ", ".join(map(str, found["region"]["bounding_box"])),
        )
        for found in facts["regions"]
    }
    columns = ("Share of what raises the score", "Ink in its box", "Left, top, right, bottom")
    shown = [
        set(zip(*(table.column(name) for name in columns), strict=True))
        for table in with_columns(page, *columns)
    ]
    assert expected in shown


def test_the_measures_of_a_flagged_drawing(answers: Answers, page: Page) -> None:
    facts = answers["explain"]["facts"]["content"]["facts"]
    expected = [
        [
            name.replace("_", " "),
            printed(fact["value"]),
            fact["unit"],
            str(round(fact["rank"] * fact["compared"])),
            str(fact["compared"]),
        ]
        for name, fact in facts.items()
    ]
    tables = with_columns(page, "Typical drawings with less", "Typical drawings compared", "Value")
    assert expected in [table.rows for table in tables]


def test_drawings_without_an_answer_are_counted_by_reason(answers: Answers, page: Page) -> None:
    """Reasons that differ by a drawing's own age alone stand together, so kinds are counted."""
    [table] = with_columns(page, "Reason", "Which")
    unanswered = [row for row in answers["analyze"]["analyses"] if row["reason"]]
    kinds = Counter(row["decision"] for row in unanswered)
    assert sorted(map(int, table.column("Drawings"))) == sorted(kinds.values())
    named = {int(one) for cell in table.column("Which") for one in cell.split(", ")}
    assert named == {row["drawing_id"] for row in unanswered}


def test_a_histogram_holds_every_comparison_score(
    answers: Answers, page: Page, groups: list[dict[str, Any]]
) -> None:
    tables = list(with_columns(page, "from", "to", "drawings"))
    for table, model in zip(tables, groups, strict=True):
        scores = [row["score"] for row in answers.package(model["id"], "reference.json")["model"]]
        bars = [row for row in table.rows if re.fullmatch(r"\d+", row[2])]
        assert sum(int(row[2]) for row in bars) == len(scores)
        assert bars[0][0] == printed(min(scores))
        assert bars[-1][1] == printed(max(scores))


def test_a_strip_holds_the_other_childrens_scores(answers: Answers, page: Page) -> None:
    flagged = sorted(
        (row for row in answers["analyze"]["analyses"] if row["is_anomaly"]),
        key=lambda row: (row["p_value"], row["id"]),
    )
    children = dict(answers.rows("analysed", "SELECT id, child_id FROM drawings"))
    for table, row in zip(with_columns(page, "whose", "score"), flagged, strict=True):
        header = answers.package(row["age_group_model_id"], "reference.json")
        child = children[row["drawing_id"]]
        half = "twin" if child in header["fit_children"] else "model"
        scores = sorted(one["score"] for one in header[half] if one["child"] != child)
        shown = [cells[1] for cells in table.rows if cells[0] == "another child"]
        assert shown == [printed(score) for score in scores]
        assert table.named()["this drawing"] == printed(row["anomaly_score"])


def test_ranks_of_new_children_stand_in_steps(
    answers: Answers, page: Page, groups: list[dict[str, Any]], labels: dict[int, str]
) -> None:
    shown = list(with_columns(page, "p", "share with p or less"))
    expected = [
        sorted(row["p_value"] for row in of_new_children(analyses(answers, model), labels))
        for model in groups
    ]
    enough = [values for values in expected if len(values) >= 5]
    assert enough
    for table, values in zip(shown, enough, strict=True):
        assert table.column("p") == [printed(value) for value in values]
        shares = [printed((place + 1) / len(values)) for place in range(len(values))]
        assert table.column("share with p or less") == shares


def test_figures_stand_under_their_charts(page: Page, groups: list[dict[str, Any]]) -> None:
    shown = list(with_columns(page, "estimate", "low", "high", "children"))
    powers = [table for table in shown if "scribble over the page" in table.named()]
    for table, model in zip(powers, groups, strict=True):
        figures = list(model["metrics"]["power"].values())
        expected = [
            [printed(figure.get(name)) for name in ("estimate", "low", "high")]
            for figure in figures
        ]
        assert [row[1:4] for row in table.rows] == expected
        assert table.column("children") == [
            str(figure["sample_size"]) if figure["estimate"] is not None else NONE
            for figure in figures
        ]


def test_contamination_is_told(page: Page, groups: list[dict[str, Any]]) -> None:
    tables = with_columns(page, "Hidden anomalies asked for", "Planted ones flagged", "Without")
    for table, model in zip(tables, groups, strict=True):
        rows = model["metrics"]["contamination"]
        for place, row in enumerate(rows):
            assert table.column("Planted ones flagged")[place] == in_words(row["flagged"], ".1%")
            clean = in_words(row["flagged_without_contamination"], ".1%")
            assert table.column("Without")[place] == clean
            assert table.column("Hidden anomalies asked for")[place] == f"{row['rate']:.0%}"
            replaced = f"{row['replaced_drawings']} ({row['attained_rate']:.1%})"
            assert table.column("Drawings replaced")[place] == replaced
