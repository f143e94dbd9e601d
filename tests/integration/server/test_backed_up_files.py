"""What a data folder in full use has in its store is in its backup, or is meant not to be."""

import pytest

from deepmed.core.backups.comparing import differences, state_of
from deepmed.core.backups.owned_files import named_keys
from deepmed.core.backups.service import BackupService
from factories.api import Api
from factories.tour import Tour

MADE_AGAIN = ("data-exports/",)
"""What can be made again at any time, and holds everything of somebody's."""


@pytest.mark.req("D-21.1")
def test_no_file_of_the_tour_is_forgotten(tour: Tour) -> None:
    home = tour.api.home
    with home.database.read() as session:
        named = set(named_keys(session, home.storage))
    stored = {one.key for one in home.storage.list_files()}
    assert {key for key in stored - named if not key.startswith(MADE_AGAIN)} == set()
    assert named - stored == set()
    assert {key.partition("/")[0] for key in named} >= {"uploads", "artifacts"}


@pytest.mark.req("D-21.1", "O-7.1")
def test_a_trained_data_folder_comes_back_and_answers_the_same(api: Api) -> None:
    first = api.json("POST", "/analysis/analyze/1")
    before = state_of(api.home)
    service = BackupService.of(api.home)
    made = service.create_full_backup()
    api.json("POST", "/config/reset", params={"confirm": True})
    api.ask("DELETE", "/drawings/1")
    service.restore(made.file.path)
    assert differences(before, state_of(api.home, before)) == []
    again = Api.of(api.home)
    assert again.json("POST", "/analysis/analyze/1")["analysis"] == first["analysis"]
    assert again.bench.registry.list()
    assert all(again.bench.registry.verify(row.uid).ok for row in again.bench.registry.list())
