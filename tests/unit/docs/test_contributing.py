"""The command that CONTRIBUTING.md names for a migration finds its steps."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from deepmed.kit.database import migration

ROOT = Path(__file__).parents[3]


def test_alembic_finds_the_steps_from_the_projects_own_file() -> None:
    steps = ScriptDirectory.from_config(Config(toml_file=str(ROOT / "pyproject.toml")))
    assert steps.get_current_head() == migration.revisions()[-1]


def test_the_page_names_the_next_number() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    following = f"{int(migration.revisions()[-1]) + 1:04d}"
    assert "alembic revision --autogenerate" in page
    assert f"--rev-id {following}" in page
