from typing import Any

import pytest

from deepmed.app.bench.platform import draining, kinds
from deepmed.core.home import Home
from deepmed.core.jobs import repository


def test_each_job_is_counted_once(opened: Home) -> None:
    figure = draining.drain(opened.settings, claimers=3, jobs=12)
    assert figure.condition == ("each job exactly once", True)
    assert figure.passed


def test_a_job_that_was_worked_off_twice_is_noticed(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = draining._submit

    def with_a_stray_event(ledger: Any, jobs: int) -> list[int]:
        ids = submit(ledger, jobs)
        with ledger.database.write_concurrently() as session:
            repository.append(session, ids[1], kinds.WORKED, {})
        return ids

    monkeypatch.setattr(draining, "_submit", with_a_stray_event)
    assert draining.drain(opened.settings, claimers=1, jobs=3).passed is False
