"""cohort, and what analyze says before it looks."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.features.drawings.analysis.service import AnalysisService, BatchAnalysis
from factories import encoder

pytestmark = pytest.mark.req("D-10.5")


@pytest.fixture(autouse=True)
def _environment(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPMED_ENCODER", encoder.NAME)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["drawings", *arguments]) == 0
    return capsys.readouterr()


def test_the_newest_batch_is_put_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drawings", "cohort"]) == 1
    assert "No batch of several drawings" in capsys.readouterr().err
    batch = json.loads(said(capsys, "analyze", "--all", "--json")[0])
    said(capsys, "analyze", "1")  # one drawing is no search
    found = json.loads(said(capsys, "cohort", "--json")[0])
    assert found["batch_id"] == batch["batch"]
    q_values = {row["drawing_id"]: row["q_value"] for row in batch["analyses"]}
    for child in found["children"]:
        assert {q_values[drawing] for drawing in child["drawing_ids"]} == {child["q_value"]}
    new = {drawing for drawing, q in q_values.items() if q is not None}
    assert {one for child in found["children"] for one in child["drawing_ids"]} == new
    assert f"{len(found['children'])} new children" in said(capsys, "cohort")[0]
    assert main(["drawings", "cohort", "0" * 32]) == 1


def test_that_nobody_can_be_selected_is_said_before_anything_is_scored(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(capsys, "threshold", "--percentile", "99.9", "--save")
    before: list[str] = []
    really = AnalysisService._analyze

    def score(service: AnalysisService, *given: Any) -> BatchAnalysis:
        before.append(capsys.readouterr().err)
        return really(service, *given)

    monkeypatch.setattr(AnalysisService, "_analyze", score)
    _, after = said(capsys, "analyze", "--all")
    assert "no drawing could stay selected" in before[0]
    assert "no drawing could stay selected" not in after
