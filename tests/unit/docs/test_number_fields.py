import ast
from pathlib import Path

import pytest

from number_fields import (
    NumberField,
    NumbersPageError,
    definition_of,
    numeric_paths,
    read_page,
    undefined,
)

ROOT = Path(__file__).parents[3]
HEAD = "# Numbers\n\n| field | where | definition | null when | test |\n|---|---|---|---|---|\n"
ROW = "| `p_value` | analysis | the share | no model | `tests/x.py::test_p` |\n"


def page(folder: Path, *rows: str) -> dict[str, NumberField]:
    path = folder / "numbers.md"
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return read_page(path)


def test_a_row_defines_a_field_and_names_its_test(tmp_path: Path) -> None:
    assert page(tmp_path, ROW)["p_value"] == NumberField(
        "p_value", "analysis", "the share", "no model", ("tests/x.py::test_p",)
    )


def test_one_row_may_define_several_fields(tmp_path: Path) -> None:
    fields = page(tmp_path, "| `low`, `high` | figures | bounds | too few | `a`, `b` |\n")
    assert list(fields) == ["low", "high"]
    assert fields["high"].tests == ("a", "b")


@pytest.mark.parametrize(
    ("rows", "message"),
    [((ROW, ROW), "p_value is defined twice"), (("| `p` | analysis |\n",), "2 cells instead of 5")],
)
def test_a_page_that_cannot_be_trusted_is_refused(
    tmp_path: Path, rows: tuple[str, ...], message: str
) -> None:
    with pytest.raises(NumbersPageError, match=message):
        page(tmp_path, *rows)


@pytest.mark.parametrize(
    ("name", "path", "covered"),
    [
        ("p_value", "p_value", True),
        ("p_value", "ranking.p_value", True),
        ("ranking.p_value", "ranking.p_value", True),
        ("ranking.p_value", "p_value", False),
        ("p_value", "my_p_value", False),
        ("by_role.*.flagged", "statistics.by_role.new.flagged", True),
        ("by_role.*.flagged", "by_role.flagged", False),
    ],
)
def test_a_row_covers_a_path_by_its_end(name: str, path: str, covered: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert NumberField(name, "", "", "", ()).covers(path) is covered


def test_numbers_are_found_at_any_depth_but_not_names_of_objects() -> None:
    answer = {
        "id": 3,
        "drawing_id": 4,
        "original_ids": [1, 2],
        "drawings": [{"id": 7}],
        "is_anomaly": True,
        "p_value": 0.05,
        "reason": None,
        "groups": [{"children": 19}, {"children": 20, "name": "6-9"}],
    }
    assert set(numeric_paths(answer)) == {"p_value", "groups.children"}


def test_a_star_stands_for_a_key_with_dots_too(tmp_path: Path) -> None:
    answer = {"samples": {"by_group": {"3.0-6.0": 4}, "by_subject": {"house": 2}}}
    row = "| `by_group.*` | demo | samples | never | `a` |\n"
    fields = page(tmp_path, row)
    assert undefined([answer], fields) == {"samples.by_subject.house"}
    (found,) = numeric_paths({"by_group": {"3.0-6.0": 4}})
    assert definition_of(found, fields) is fields["by_group.*"]


def test_of_several_rows_the_longest_name_defines_a_number(tmp_path: Path) -> None:
    fields = page(
        tmp_path,
        "| `level` | figures | of an interval | never | `a` |\n",
        "| `outlook.level` | analysis | of the batch | never | `a` |\n",
    )
    longest = definition_of("analyze.outlook.level", fields)
    assert longest is not None
    assert longest.definition == "of the batch"
    assert definition_of("percent", fields) is None


def test_a_number_without_definition_is_named_with_its_path(tmp_path: Path) -> None:
    fields = page(tmp_path, ROW)
    assert undefined([{"ranking": {"p_value": 0.1, "risk": 0.7}}], fields) == {"ranking.risk"}


def test_the_page_names_only_tests_that_exist() -> None:
    named = {test for field in read_page().values() for test in field.tests}
    missing = {test for test in named if not _exists(test)}
    assert not missing


def _exists(test: str) -> bool:
    path, _, name = test.partition("::")
    if not (ROOT / path).is_file():
        return False
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return name.rpartition("::")[2] in functions
