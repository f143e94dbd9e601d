"""What workers do by the clock is found in the slices."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from deepmed.app.chores import chores
from deepmed.core.home import Home
from deepmed.features.drawings.tables import ExplanationExport
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings


@pytest.mark.req("D-20.1")
def test_every_worker_deletes_what_has_expired(
    settings: Settings, database: Database, owner_id: int, other_owner_id: int
) -> None:
    home = Home(settings, database, owner_id)
    add = _exports(home, [owner_id, other_owner_id])
    for chore in chores({}):
        chore(home)
    with database.read() as session:
        left = list(session.scalars(select(ExplanationExport.file_path)))
        number = session.scalar(select(func.count(ExplanationExport.id)))
    assert left == [add[0]]
    assert number == 1
    assert [file.key for file in home.storage.list_files("exports")] == left


def _exports(home: Home, owners: list[int]) -> list[str]:
    """One that is kept, and one of each owner that is not."""
    from deepmed.features.drawings.tables import AnomalyAnalysis, Child, Drawing

    keys = []
    with home.database.write() as session:
        for number, (owner, hours) in enumerate([(owners[0], 1), (owners[0], -1), (owners[1], 0)]):
            child = Child(owner_id=owner, code=None)
            drawing = Drawing(
                owner_id=owner,
                child=child,
                filename="a.png",
                original_name="a.png",
                file_path=f"uploads/drawings/{number}.png",
                source_hash=f"{number}" * 64,
                pixel_hash=f"{number}" * 64,
                width=1,
                height=1,
                age_years=7.0,
                age_precision="years",
                ink_coverage=0.1,
            )
            session.add(drawing)
            session.flush()
            analysis = AnomalyAnalysis(
                owner_id=owner,
                drawing_id=drawing.id,
                inputs_hash="x",
                decision="blank",
                results={},
            )
            session.add(analysis)
            session.flush()
            key = f"exports/{number}.csv"
            home.storage.put(key, b"x")
            keys.append(key)
            session.add(
                ExplanationExport(
                    uid=str(number) * 32,
                    owner_id=owner,
                    analysis_id=analysis.id,
                    format="csv",
                    file_path=key,
                    file_size=1,
                    expires_at=clock.now() + timedelta(hours=hours),
                )
            )
    return keys
