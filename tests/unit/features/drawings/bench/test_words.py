from typing import Any

import pytest

from deepmed.features.drawings.bench.words import sentences


def figure(estimate: float | None) -> dict[str, Any]:
    return {"estimate": estimate, "low": 0.1, "high": 0.9}


def row(name: str, role: str, scribble: float, tiny: float) -> dict[str, Any]:
    kinds = {"all": 0.8, "scribble": scribble, "tiny_mark": tiny, "redrawn": 0.7}
    return {"name": name, "role": role, "figures": {k: figure(v) for k, v in kinds.items()}}


def result(**parts: Any) -> dict[str, Any]:
    checks = [
        {"check": "one", "passed": True, "statement": ""},
        {"check": "two", "passed": False, "statement": ""},
        {"check": "three", "passed": None, "statement": ""},
    ]
    return {"checks": checks, "parts": {name: {"skipped": None, **p} for name, p in parts.items()}}


def said(**parts: Any) -> list[str]:
    return list(sentences(result(**parts)))


@pytest.mark.req("D-24.2")
def test_what_did_not_pass_is_said_first() -> None:
    assert said() == ["1 of 2 checks passed; not passed: two."]


@pytest.mark.req("D-24.2")
def test_kinds_that_plain_features_find_as_well_are_named() -> None:
    rows = [row("pca", "detector", 0.8, 0.9), row("ink and box", "reference row", 0.8, 0.5)]
    default = {"chosen": "pca", "best_simple": "pca", "lead": figure(-0.02)}
    found = said(
        detection={"real": {"rows": rows, "default": default}, "samples": {"reason": "none"}}
    )
    assert found[1:] == [
        "On real drawings pca is the best simple detector; the autoencoder's AUROC less its own is "
        "-0.02 [.10,.90], so pca is the default.",
        "On real drawings plain features find these kinds at least as well as pca: scribble.",
    ]


def test_flags_of_drawings_with_nothing_unusual_in_them_are_said() -> None:
    rows = [
        {"level": 0.05, "power": {"redrawn": figure(0.09)}},
        {"level": 0.05, "power": {"redrawn": figure(0.2)}},
        {"level": 0.05},
    ]
    assert "9% to 20% are flagged" in said(false_alarms={"rows": rows})[1]


@pytest.mark.req("D-27.1")
def test_how_many_models_tell_ages_apart_is_counted() -> None:
    rows = [
        {"material": "samples", "layout": "visual", "tells_ages_apart": telling}
        for telling in (True, False, False)
    ]
    assert said(age_specificity={"rows": rows})[1].startswith(
        "On sample drawings 1 of 3 models (visual) tell"
    )


@pytest.mark.req("D-17.4")
@pytest.mark.parametrize(
    ("gate", "randomised", "expected"),
    [
        ({"passed": False, "faithful": [], "reason": "None does."}, True, "not called faithful"),
        ({"passed": True, "faithful": ["occlusion"]}, True, "and change when"),
        ({"passed": True, "faithful": ["occlusion"]}, False, "occlusion hardly change when"),
    ],
)
def test_the_gate_is_put_into_words(
    gate: dict[str, Any],
    randomised: bool,  # noqa: FBT001 - a column of the table above
    expected: str,
) -> None:
    part = {
        "detector": "pca",
        "all_drawings": True,
        "gate": {"children": 40, **gate},
        "randomisation": {"occlusion": {"passed": randomised}},
    }
    assert expected in said(faithfulness=part)[1]
    assert len(said(faithfulness={**part, "all_drawings": False})) == 1
