"""The report in a real browser: it runs nothing, asks for nothing, and fits the screen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from factories.reports import Reported
from factories.visiting import Watched

PHONE, DESK, PAPER = 360, 1440, 794


@dataclass
class Visit(Watched):
    """An open page, with all that it complained of and asked for."""

    page: Page = field(kw_only=True)

    def open(self, path: Path) -> None:
        self.page.goto(path.as_uri(), wait_until="load")

    def unfold(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    def overflow(self, selector: str = "html") -> int:
        """By how many pixels the widest such element is wider than what is shown of it."""
        widest: int = self.page.locator(selector).evaluate_all(
            "all => Math.max(...all.map(one => one.scrollWidth - one.clientWidth))"
        )
        return widest


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Visit]:
    page = browser.new_page()
    made = Visit(page=page)
    made.watch(page)
    yield made
    page.close()


@pytest.fixture
def visit(opened: Visit, width: int) -> Visit:
    """As a new one."""
    opened.page.goto("about:blank")
    opened.page.emulate_media(media="screen")
    opened.page.set_viewport_size({"width": width, "height": 900})
    opened.complaints.clear()
    opened.requests.clear()
    return opened


@pytest.fixture(scope="module")
def file(reported: Reported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "report.html"
    path.write_text(reported.html, encoding="utf-8")
    return path


both = pytest.mark.parametrize("width", [PHONE, DESK])
desk = pytest.mark.parametrize("width", [DESK])


@pytest.mark.req("S-27.1")
@both
def test_the_report_complains_of_nothing_and_asks_for_nothing(visit: Visit, file: Path) -> None:
    visit.open(file)
    visit.unfold()
    visit.page.locator("footer").scroll_into_view_if_needed()
    assert visit.complaints == []
    outside = [url for url in visit.requests if not url.startswith("data:image/png;base64,")]
    assert outside == [file.as_uri()]


@both
def test_the_report_fits_the_width_of_the_screen(visit: Visit, file: Path) -> None:
    visit.open(file)
    assert visit.overflow() == 0
    visit.unfold()
    assert visit.overflow() == 0
    assert visit.overflow("p, li, h1, h2, h3, figcaption, dd, dt, summary") <= 0


@pytest.mark.parametrize("width", [PAPER])
def test_the_report_fits_a_sheet_of_paper(visit: Visit, file: Path) -> None:
    visit.page.emulate_media(media="print")
    visit.open(file)
    assert visit.overflow() == 0
    assert visit.overflow(".panel > .scroll") == 0
    assert not visit.page.locator("nav").is_visible()
    assert visit.page.locator(".on-paper").is_visible()


@pytest.mark.req("S-27.1")
@desk
def test_what_a_name_tries_to_run_is_read_as_text(
    visit: Visit, file: Path, reported: Reported
) -> None:
    visit.open(file)
    assert visit.page.title() == reported.content.title
    assert visit.page.locator("h1").inner_text() == reported.content.title
    assert visit.page.locator("script").count() == 0
    titles = visit.page.locator("article h3").all_inner_texts()
    assert len(titles) == len(reported.content.flagged)
    for title, card in zip(titles, reported.content.flagged, strict=True):
        assert card.title in title
        assert card.chip in title


@pytest.mark.req("S-27.1")
@desk
@pytest.mark.parametrize(
    "harm",
    [
        "<script>document.title = 'run'</script>",
        "<img src='https://example.invalid/a.png'>",
        "<link rel='stylesheet' href='https://example.invalid/a.css'>",
    ],
)
def test_even_if_a_text_were_not_escaped_the_browser_would_refuse_it(
    visit: Visit, file: Path, reported: Reported, harm: str
) -> None:
    spoiled = file.with_name("spoiled.html")
    spoiled.write_text(reported.html.replace("</main>", f"{harm}</main>"), encoding="utf-8")
    visit.open(spoiled)
    assert visit.page.title() == reported.content.title
    assert any("Content Security Policy" in text for text in visit.complaints)


@both
def test_links_lead_to_their_sections_and_data_can_be_unfolded(visit: Visit, file: Path) -> None:
    visit.open(file)
    for link in visit.page.locator("nav a").all():
        target = (link.get_attribute("href") or "").removeprefix("#")
        link.click()
        top = visit.page.locator(f"#{target}").evaluate("one => one.getBoundingClientRect().top")
        at_end = visit.page.evaluate(
            "window.innerHeight + window.scrollY >= document.body.scrollHeight - 2"
        )
        assert at_end or abs(top) < 5
    figure = visit.page.locator("#groups ~ section figure").first
    assert not figure.locator("table").is_visible()
    figure.locator("summary").click()
    assert figure.locator("table").is_visible()


@both
def test_every_picture_is_shown(visit: Visit, file: Path, reported: Reported) -> None:
    visit.open(file)
    pictures = visit.page.locator("img")
    assert pictures.count() > len(reported.content.gallery)
    for number in (0, 1, pictures.count() - 1):
        one = pictures.nth(number)
        one.scroll_into_view_if_needed()
        assert one.evaluate("async one => { await one.decode(); return one.naturalWidth }") > 0
        assert one.get_attribute("alt")
