import json
from pathlib import Path

import pytest

from deepmed.cli.entry import main
from deepmed.kit.database import migration, open_database


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = main([*arguments, "--json"])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, answer


@pytest.mark.req("P-4.1")
def test_upgrade_check_and_downgrade(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = migration.revisions()[-1]
    code, answer = ask(capsys, "db", "check")
    assert (code, answer["revision"]) == (1, None)
    assert ask(capsys, "db", "upgrade") == (0, {"before": None, "after": head})
    assert ask(capsys, "db", "upgrade") == (0, {"before": head, "after": head})
    assert ask(capsys, "db", "check") == (0, {"revision": head, "differences": []})
    code, answer = ask(capsys, "db", "downgrade", "0001")
    assert (code, answer["code"]) == (1, "validation")
    assert ask(capsys, "db", "downgrade", "0001", "--yes") == (
        0,
        {"before": head, "after": "0001"},
    )
    assert ask(capsys, "db", "downgrade", "base", "--yes")[1]["after"] is None


def test_people_read_sentences(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["upgrade"], ["upgrade"], ["check"], ["downgrade", "base", "--yes"]):
        assert main(["db", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = migration.revisions()[-1]
    assert lines == [
        f"The database is at step {head}.",
        f"The database is at step {head}, as before.",
        f"The database is at step {head} and has the tables that this program needs.",
        "The database is at step none.",
    ]


@pytest.mark.req("P-4.1")
def test_check_fails_on_drift(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["db", "upgrade"])
    database = open_database(f"sqlite:///{home}/deepmed.db")
    with database.write() as session:
        session.connection().exec_driver_sql("DROP TABLE dataset_items")
    database.close()
    assert main(["db", "check"]) == 1
    assert "dataset_items" in capsys.readouterr().out


def test_an_unknown_step_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "upgrade", "7777"]) == 1
    assert "7777" in capsys.readouterr().err
    assert "unforeseen" not in capsys.readouterr().err
