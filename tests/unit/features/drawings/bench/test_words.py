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
        {"material": "samples", "encoder": "x", "layout": "visual", "tells_ages_apart": telling}
        for telling in (True, False, False)
    ]
    assert said(age_specificity={"rows": rows})[1].startswith(
        "On sample drawings 1 of 3 models (x, visual) tell"
    )


@pytest.mark.req("D-17.4")
@pytest.mark.parametrize(
    ("gate", "randomised", "expected"),
    [
        ({"passed": False, "faithful": [], "reason": "None does."}, True, "not called faithful"),
        ({"passed": True, "faithful": ["occlusion"]}, True, "and change when"),
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


@pytest.mark.req("D-17.5")
def test_methods_that_fail_the_randomisation_are_named() -> None:
    checks = {"occlusion": {"passed": True}, "gradient_magnitude": {"passed": False}}
    part = {
        "detector": "pca",
        "all_drawings": True,
        "gate": {"children": 40, "passed": True, "faithful": ["occlusion"]},
        "randomisation": checks,
    }
    found = said(faithfulness=part)
    assert found[2].startswith("Maps by gradient_magnitude are not called faithful")


def test_the_control_is_said_against_its_like_and_against_untouched_drawings() -> None:
    control = figure(0.51) | {"against_untouched": figure(0.43)}
    rows = [
        {"name": "pca", "role": "detector", "figures": {"all": figure(0.8), "redrawn": control}}
    ]
    default = {"chosen": "pca", "best_simple": "pca", "lead": figure(-0.02)}
    found = said(
        detection={"real": {"rows": rows, "default": default}, "samples": {"reason": "none"}}
    )
    assert "an AUROC of 0.51 [.10,.90], and from untouched ones with 0.43" in found[2]
