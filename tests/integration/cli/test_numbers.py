"""Every number of an answer is defined in docs/numbers.md, and every row there is of a number."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factories.answers import Answers
from factories.attention import attention_answer
from factories.page import Page
from factories.tour import Tour
from number_fields import NumberField, below, definition_of, read_page, undefined

ROOT = Path(__file__).parents[3]
ON_THE_PAGE = {"page", "chart"}
"""Where a row of docs/numbers.md speaks of words that the report prints."""
SHORTHAND = "chart: "
IDENTIFIERS = "Which"
"""The column of the report that names drawings."""


@pytest.fixture(scope="module")
def fields() -> dict[str, NumberField]:
    return read_page()


@pytest.fixture(scope="module")
def everything(
    answers: Answers,
    demo_answer: Any,
    tour: Tour,
    _trained: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Any]:
    """All answers under their commands' names, those of the server, and the committed benchmark."""
    bench = json.loads((ROOT / "bench" / "results" / "drawings.json").read_text(encoding="utf-8"))
    named = [{answers.commands[name]: found} for name, found in answers.found.items()]
    attention = attention_answer(_trained, tmp_path_factory.mktemp("attending"))
    return [
        *named,
        {"demo": demo_answer},
        {"bench": bench},
        *tour.named(),
        {"http": {"interactive": attention}},
    ]


@pytest.mark.req("D-29.1")
def test_every_command_that_answers_is_asked(answers: Answers) -> None:
    """A command that is new must be asked too, so that its numbers are looked at."""
    import click

    from deepmed.cli.entry import command_line

    def walk(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from walk(command, (*path, name))
            elif command and any("--json" in one.opts for one in command.params):
                yield (*path, name)

    asked = set(answers.asked) | {("demo",), ("bench", "drawings")}
    # Going back to an earlier database would delete everything else that is asked here. The other
    # benchmarks measure times and rates alone, each with its unit beside it; what the learned
    # encoder comes to is counted again where its section of the page is tested.
    others = ("api", "embed", "encoder-pretraining", "load", "platform", "xray")
    # `deepmed images` are the very commands of `deepmed xray` that begin from other defaults.
    twins = ("cancel", "delete", "resume", "runs", "show", "train")
    left_out = {
        ("db", "downgrade"),
        *(("bench", name) for name in others),
        *(("images", name) for name in twins),
    }
    assert set(walk(command_line)) - asked == left_out


@pytest.mark.req("D-29.1")
def test_every_number_is_defined(everything: list[Any], fields: dict[str, NumberField]) -> None:
    assert not undefined(everything, fields)


@pytest.mark.req("D-29.1")
def test_every_row_is_of_a_number_that_there_is(
    everything: list[Any], fields: dict[str, NumberField], answers: Answers
) -> None:
    page = (answers.folder / "report.html").read_text(encoding="utf-8")
    paths = {path for answer in everything for path in leaves(answer)}
    used = {definition_of(path, fields) for path in paths}
    unused = {
        field.name
        for field in fields.values()
        if (field.where not in ON_THE_PAGE and field not in used)
        or (field.where in ON_THE_PAGE and field.name.removeprefix(SHORTHAND) not in page)
    }
    assert not unused


@pytest.mark.req("D-29.1")
def test_every_number_of_the_report_is_defined(
    answers: Answers, fields: dict[str, NumberField]
) -> None:
    page = Page((answers.folder / "report.html").read_text(encoding="utf-8"))
    printed = {name for table in page.tables for name in numeric_columns(table)}
    printed |= {name for figures in page.figures for name in figures}
    known = {name.removeprefix(SHORTHAND) for name in fields}
    assert "Children to compare with" in printed
    assert printed - known - {IDENTIFIERS} == set()


@pytest.mark.req("D-29.1")
def test_every_row_says_what_it_means_and_who_counts_again(
    fields: dict[str, NumberField],
) -> None:
    for field in fields.values():
        assert len(field.definition) > 1, field.name
        assert field.null_when, field.name
        assert field.tests, field.name


@pytest.mark.req("V-2.1")
def test_every_figure_has_interval_size_unit_split_and_method_or_a_reason(
    everything: list[Any],
) -> None:
    found = [figure for answer in everything for figure in figures(answer)]
    measured = [figure for figure in found if figure["low"] is not None]
    assert len(measured) > 300
    for figure in measured:
        assert figure["low"] <= figure["high"]
        assert 0 < figure["level"] < 1
        assert figure["sample_size"] > 0
        assert figure["unit"] in {"child", "drawing", "patient"}
        assert figure["method"]
        assert figure["split"]
    for figure in found:
        # An estimate that rests on fewer than five patients has no interval, and says so.
        if figure["estimate"] is None or figure["low"] is None:
            assert figure["reason"]
            assert (figure["low"], figure["high"]) == (None, None)


@pytest.mark.req("V-2.1")
def test_no_rate_stands_without_its_interval(everything: list[Any]) -> None:
    """A point with another name than `estimate` has its interval, or why not, beside it."""
    points = [one for answer in everything for one in dictionaries(answer) if "auroc" in one]
    # Those of an epoch or a round, beside its loss, are watched while it learns, and no result.
    points = [one for one in points if "loss" not in one]
    bare = [one for one in points if not isinstance(one["auroc"], dict)]
    assert bare
    for one in bare:
        assert one["interval"] is not None or one["reason"]
    means = [one for answer in everything for one in dictionaries(answer) if "mean" in one]
    means = [one for one in means if "std" not in one]  # beside it, it describes a known list
    for one in means:
        if isinstance(one["mean"], float):
            assert one["low"] <= one["mean"] <= one["high"]
            assert one["method"]


def dictionaries(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        yield found
    for one in found.values() if isinstance(found, dict) else found:
        if isinstance(one, dict | list):
            yield from dictionaries(one)


def figures(found: Any, split: str | None = None) -> Iterator[dict[str, Any]]:
    """Every figure; where it leaves its split to what stands around it, that split is its own."""
    if isinstance(found, dict):
        if found.get("split") not in {None, "not stated"}:
            split = found["split"]
        if "estimate" in found:
            yield {**found, "split": split}
    for one in found.values() if isinstance(found, dict) else found:
        if isinstance(one, dict | list):
            yield from figures(one, split)


def leaves(found: Any, path: str = "") -> Iterator[str]:
    """Where anything stands in an answer, null included; lists have no place in a path."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from leaves(value, below(path, name))
    elif isinstance(found, list):
        yield path
        for value in found:
            yield from leaves(value, path)
    else:
        yield path


def numeric_columns(table: Any) -> Iterator[str]:
    """The columns in which numbers stand; of a table of names and values, those names."""
    if table.columns == ["What", "Figure"]:
        yield from (row[0] for row in table.rows if is_number(row[1]))
        return
    for name in table.columns:
        if any(is_number(cell) for cell in table.column(name)):
            yield name


def is_number(text: str) -> bool:
    try:
        float(text.removesuffix("%"))
    except ValueError:
        return False
    return True
