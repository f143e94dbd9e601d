"""No score, confidence or importance is typed into the code: rules of thumb have no place there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src" / "deepmed"
JUDGING = re.compile(r"confidence|importance|reliab|threshold|risk|severity|probab|attribution")
KNOWN = {
    ("kit/settings.py", "threshold_percentile"),  # the installation's own rule, which people set
    ("learning/planting/ink.py", "ink_threshold"),  # how dark a pixel must be to be ink
    ("learning/saliency/overlays.py", "threshold"),  # where a picture's outline is drawn
    ("learning/detectors/forest.py", "threshold"),  # of a node of a tree
    ("learning/imaging/enhancement.py", "threshold"),  # which edges a filter leaves alone
    ("learning/imaging/transforms.py", "flip_probability"),  # how often a training image is turned
    ("features/drawings/schemas/analysis.py", "confidence"),  # bounds of what may come
    ("features/drawings/schemas/analysis.py", "importance"),  # likewise
    ("features/drawings/schemas/analysis.py", "importance_score"),  # likewise
    ("features/drawings/schemas/config.py", "threshold_percentile"),  # likewise
    ("features/drawings/schemas/demo.py", "confidence"),  # likewise
    ("features/drawings/schemas/demo.py", "importance"),  # likewise
    ("features/drawings/schemas/interpretability.py", "base_model_confidence"),  # likewise
    ("features/drawings/schemas/interpretability.py", "explanation_reliability"),  # likewise
    ("features/drawings/schemas/interpretability.py", "importance_score"),  # likewise
    ("features/drawings/schemas/interpretability.py", "overall_confidence"),  # likewise
    ("features/drawings/schemas/models.py", "threshold"),  # likewise
    ("features/drawings/schemas/subjects.py", "noattribution"),  # a list that holds nothing
}
REGIONS = {0.8, 0.6, 0.5, 0.4, 0.45, 0.3, 0.2, 0.25, 0.28}
"""Importances of fixed places, as earlier designs had them."""
STEPS = {0.1, 0.3, 0.6, 0.95}
"""Confidences by the distance to the threshold, likewise."""
TYPED = (ast.Dict, ast.List, ast.Tuple, ast.Set, ast.If, ast.Match)


def named_values(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Everything that a name is given: assignments, keywords, defaults, entries."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((ast.unparse(target), value) for target in targets)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield ast.unparse(target), value
            case ast.keyword(arg=str(name), value=value):
                yield name, value
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                yield from ((ast.unparse(key), value) for key, value in pairs if key)
            case ast.arguments():
                yield from defaults(node)


def defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    places = [*arguments.posonlyargs, *arguments.args]
    given = places[len(places) - len(arguments.defaults) :]
    yield from ((one.arg, value) for one, value in zip(given, arguments.defaults, strict=True))
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    yield from ((one.arg, value) for one, value in pairs if value)


def numbers(tree: ast.AST) -> list[float]:
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) in {int, float}
    ]


def typed(source: str) -> set[str]:
    """Names of judging values that a number was typed for."""
    return {
        name.lower().strip("'")
        for name, value in named_values(ast.parse(source))
        if JUDGING.search(name.lower()) and numbers(value)
    }


def rules(source: str) -> list[int]:
    """Lines where most of the fixed importances, or all fixed confidences, stand together."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, TYPED)
        and (len(REGIONS & set(numbers(node))) >= 5 or set(numbers(node)) >= STEPS)
    ]


@pytest.mark.req("D-29.1")
def test_no_score_confidence_or_importance_is_typed() -> None:
    found = {
        (path.relative_to(SOURCE).as_posix(), name)
        for path in SOURCE.rglob("*.py")
        for name in typed(path.read_text(encoding="utf-8"))
    }
    assert found == KNOWN


@pytest.mark.req("D-29.1")
def test_no_table_of_fixed_importances_or_confidences_is_kept() -> None:
    found = {
        path.name: lines
        for path in SOURCE.rglob("*.py")
        if "samples" not in path.parts  # there numbers are the shapes of drawn figures
        and (lines := rules(path.read_text(encoding="utf-8")))
    }
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "confidence = 0.95 if d > 0.1 else 0.6",
        "Region(importance_score=0.8)",
        "{'threshold': 0.95}",
        "def f(x, *, risk=0.3): ...",
    ],
)
def test_a_typed_number_would_be_found(source: str) -> None:
    assert typed(source)


@pytest.mark.parametrize(
    "source",
    [
        "PLACES = {'centre': 0.8, 'upper': 0.6, 'lower': 0.5, 'left': 0.4, 'right': 0.45}",
        "if d < 0.01:\n    c = 0.1\nelif d < 0.05:\n    c = 0.3\nelif d < 0.1:\n    c = 0.6\n"
        "else:\n    c = min(0.95, 0.5 + d)",
    ],
)
def test_a_rule_would_be_found(source: str) -> None:
    assert rules(source)
