"""A drawing that is given to another child moves in the models' files too."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deepmed.cli.entry import main
from factories import encoder


def test_edit_of_a_child_revises_the_figures_of_the_models(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPMED_ENCODER", encoder.NAME)

    def revisions() -> list[int]:
        with closing(sqlite3.connect(trained_home / "deepmed.db")) as database:
            return [each for (each,) in database.execute("SELECT revision FROM artifacts")]

    with closing(sqlite3.connect(trained_home / "deepmed.db")) as database:
        query = "SELECT min(drawing_id) FROM age_group_model_members WHERE part = 'calibration'"
        drawing = str(database.execute(query).fetchone()[0])
    before = revisions()
    assert main(["drawings", "edit", drawing, "--prompt", "a house"]) == 0
    assert revisions() == before
    assert main(["drawings", "edit", drawing, "--child", "another"]) == 0
    assert sum(revisions()) > sum(before)
