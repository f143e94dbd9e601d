"""Reports as people fetch them, and the job's page that leads there."""

from types import SimpleNamespace

import pytest

from deepmed.features.drawings.report import rendering
from deepmed.features.drawings.report.gathering import ReportGatherer
from factories.api import Api

BROWSER = {"accept": "text/html"}


@pytest.mark.req("U-3.1")
@pytest.mark.req("U-7.2")
def test_a_report_is_written_by_the_page_and_fetched_as_a_file(
    empty: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = SimpleNamespace(flagged=[], gallery=[])
    monkeypatch.setattr(ReportGatherer, "gather", lambda *_: written)
    monkeypatch.setattr(rendering, "render", lambda _: "a whole page")
    job = empty.client.post("/reports", json={"title": "Mine"}).json()["job_id"]
    uid = empty.get(f"/jobs/{job}")["uid"]
    assert empty.client.get(f"/reports/{uid}").status_code == 404  # it is not done
    empty.work_off()
    assert 'href="/reports"' in empty.client.get(f"/jobs/{job}", headers=BROWSER).text
    assert f'href="/reports/{uid}"' in empty.client.get("/reports", headers=BROWSER).text
    file = empty.client.get(f"/reports/{uid}")
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.text == "a whole page"
    assert empty.stranger().client.get(f"/reports/{uid}").status_code == 404
    (stored,) = empty.home.storage.list_files("reports")
    empty.home.storage.delete(stored.key)
    assert empty.client.get(f"/reports/{uid}", headers=BROWSER).status_code == 404
