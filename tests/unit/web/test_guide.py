"""The guide as pages: all of it is there, leads only where something is, and runs nothing."""

import re
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from deepmed.core.home import Home
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings
from deepmed.web import guide
from factories import servers

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guide"
PAGES = sorted(path.stem for path in GUIDE.glob("*.md"))


@pytest.fixture
def opened(settings: Settings, database: Database, owner_id: int) -> Home:
    return Home(settings, database, owner_id)


@pytest.mark.parametrize("name", [*PAGES, *guide.BESIDE])
def test_each_page_has_its_title_and_links_only_to_what_is_there(name: str) -> None:
    shown = guide.document(name)
    assert shown
    assert shown.title
    addresses = re.findall(r'(?:href|src)="(/[^"#]*)', shown.html)
    there = {guide.ROOT, *(f"{guide.ROOT}/{each}" for each in guide.documents())}
    there |= {f"{guide.PICTURES}/{each}" for each in guide.pictures()}
    assert set(addresses) <= there
    assert "](" not in re.sub(r"<(pre|code)>.*?</\1>", "", shown.html, flags=re.DOTALL)


def test_commands_can_be_scrolled_by_keyboard_and_run_nothing() -> None:
    shown = guide.document("thresholds")
    assert shown
    assert '<pre tabindex="0"><code>deepmed drawings threshold ' in shown.html


def test_markup_in_a_page_is_shown_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "harm.md"
    page.write_text("# Harm\n<script>run()</script> and [this](javascript:run())\n")
    monkeypatch.setattr(guide, "documents", lambda: {"harm": page})
    shown = guide.document.__wrapped__("harm")
    assert shown
    assert "<script" not in shown.html
    assert "href" not in shown.html


def test_a_link_leads_to_a_page_its_part_or_nowhere() -> None:
    here = GUIDE / "train.md"
    assert guide.address("README.md", here) == "/guide"
    assert guide.address("report.md#a-flagged-drawing", here) == "/guide/report#a-flagged-drawing"
    assert guide.address("../numbers.md", here) == "/guide/numbers"
    assert guide.address("../../pyproject.toml", here) is None


@pytest.mark.parametrize("path", ["/guide", "/guide/thresholds", "/guide/numbers"])
def test_the_server_shows_it(opened: Home, path: str) -> None:
    page = servers.client(opened).get(path)
    assert page.status_code == 200
    assert '<article class="panel guide">' in page.text


@pytest.mark.parametrize(
    "path", ["/guide/nothing", "/guide/..%2Findex", "/guide/pictures/..%2Ftrain.md"]
)
def test_only_pages_and_pictures_of_the_guide_can_be_asked_for(opened: Home, path: str) -> None:
    assert servers.client(opened).get(path).status_code == 404


def test_a_wheel_has_every_page_and_picture() -> None:
    packed = {
        Path(each.distribution_path) for each in WheelBuilder(str(ROOT)).recurse_included_files()
    }
    inside = Path("deepmed/web/documents")
    files = [path for path in GUIDE.rglob("*") if path.is_file()]
    expected = {inside / path.relative_to(ROOT / "docs") for path in files}
    assert expected <= packed
    assert {inside / f"{name}.md" for name in guide.BESIDE} <= packed
    assert Path("deepmed/web/guide.py") in packed
