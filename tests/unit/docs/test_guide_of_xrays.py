"""What the guide to X-rays has to say, whatever else is written in it."""

import re
from pathlib import Path

import pytest

from deepmed.learning.classification import TrainingSettings

PAGE = Path(__file__).parents[3] / "docs" / "guide" / "xrays.md"


@pytest.mark.req("X-8.2")
def test_it_says_what_is_monitored_and_why_recall_alone_misleads() -> None:
    said = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))
    assert f"The best epoch is chosen by `{TrainingSettings().monitor}`" in said
    reason = said.partition("not well by `val_recall` alone")[2].partition(".")[0]
    assert "a network that calls every image ill finds all who are" in reason
