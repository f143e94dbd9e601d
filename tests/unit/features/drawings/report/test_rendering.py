"""One HTML file that needs nothing, runs nothing, and shows every text as text."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from deepmed.features.drawings.explanation.texts import FORBIDDEN_WORDS
from deepmed.features.drawings.report import words
from deepmed.features.drawings.report.rendering import cell, write
from deepmed.kit.errors import StorageError
from factories.reports import HOSTILE, TITLE, Reported

FORBIDDEN = re.compile(rf"\b({'|'.join(FORBIDDEN_WORDS)})", re.IGNORECASE)
DISCLAIMERS = (
    "It is no diagnosis and no test of a child.",
    "It is no diagnosis and says nothing about a child.",
)
"""What the page denies, it has to name."""
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "div", "h1", "h2", "h3", "p"),
    *("nav", "a", "main", "section", "article", "figure", "img", "figcaption", "span", "ul", "li"),
    *("svg", "text", "line", "rect", "circle", "polyline", "table", "thead", "tbody", "tr", "th"),
    *("td", "details", "summary", "dl", "dt", "dd", "small", "footer"),
}


class Page(HTMLParser):
    """What a browser would make of the page: tags, attributes and the texts between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="session")
def page(reported: Reported) -> Page:
    return Page(reported.html)


@pytest.mark.req("S-27.1")
def test_names_subjects_and_titles_are_shown_and_never_run(page: Page, reported: Reported) -> None:
    assert page.tags == TAGS - ({"polyline"} - page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert reported.html.count("<script") == 0
    shown = " ".join(page.texts)
    assert TITLE in shown
    assert f"{HOSTILE}.png" in shown
    assert HOSTILE[:100] in shown
    assert any(HOSTILE[:100] in value for value in page.values("alt"))


@pytest.mark.req("S-27.1")
def test_no_attribute_ends_before_its_quote(page: Page) -> None:
    known = {
        *("lang", "charset", "name", "content", "http-equiv", "class", "id", "href", "src", "alt"),
        *("loading", "aria-label", "scope", "tabindex", "viewbox", "role", "xmlns", "font-size"),
        *("fill", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "stroke"),
        *("stroke-width", "stroke-dasharray", "text-anchor", "points", "fill-opacity", "data-name"),
    }
    assert {name for _, name, _ in page.attributes} <= known


def test_the_page_loads_nothing_and_says_so_to_the_browser(page: Page) -> None:
    sources = page.values("src")
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(link.startswith("#") for link in page.values("href"))
    assert {link[1:] for link in page.values("href")} <= set(page.values("id"))
    (policy,) = [value for value in page.values("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src" not in policy
    assert "url(" not in policy


@pytest.mark.req("D-30.1")
def test_pictures_in_the_page_carry_pixels_alone(page: Page) -> None:
    for source in page.values("src"):
        content = base64.b64decode(source.partition(",")[2])
        place, names = 8, set()
        while place < len(content):
            length = int.from_bytes(content[place : place + 4])
            names.add(content[place + 4 : place + 8])
            place += 12 + length
        assert names <= {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


@pytest.mark.req("D-28.1")
def test_no_word_of_the_page_is_forbidden(page: Page) -> None:
    said = " ".join([*page.texts, *page.values("alt"), *page.values("aria-label")])
    # A label that a person gave is named as it was given.
    said = said.replace("labelled severe", "")
    for disclaimer in DISCLAIMERS:
        assert disclaimer in said
        said = said.replace(disclaimer, "")
    assert not FORBIDDEN.findall(said)


@pytest.mark.req("D-28.1")
def test_no_fixed_word_of_the_report_is_forbidden() -> None:
    fixed = str({name: value for name, value in vars(words).items() if name.isupper()})
    for disclaimer in DISCLAIMERS:
        fixed = fixed.replace(disclaimer, "")
    assert "screening aid" in fixed
    assert not FORBIDDEN.findall(fixed)


def test_each_chart_has_its_data_beside_it(reported: Reported) -> None:
    charts = re.findall(r"</svg>(?:</div>)?(.{0,60})", reported.html)
    assert len(charts) == len(re.findall("<svg", reported.html)) > 10
    assert all(after.startswith("<details><summary>Data of this chart") for after in charts)


def test_the_colours_of_words_stand_out_from_what_is_behind_them(reported: Reported) -> None:
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", reported.html))
    pairs = [
        *((ink, behind) for ink in ("ink", "quiet") for behind in ("paper", "wash")),
        *(("calm", behind) for behind in ("paper", "wash")),
        ("accent", "accent-wash"),
        ("ink", "calm-wash"),
    ]
    for ink, behind in pairs:
        assert contrast(colours[ink], colours[behind]) >= 4.5, (ink, behind)
    marks = set(re.findall(r'fill="(#\w{6})"', reported.html))
    assert min(contrast(mark, "#ffffff") for mark in marks) >= 3


def contrast(first: str, second: str) -> float:
    """The contrast ratio of the Web Content Accessibility Guidelines, 1 to 21."""
    low, high = sorted(luminance(colour) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_file_is_written_whole(reported: Reported, tmp_path: Path) -> None:
    path = write(reported.content, tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8") == reported.html
    with pytest.raises(StorageError, match="cannot be written"):
        write(reported.content, tmp_path / "new")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (True, "yes"), (False, "no"), (0.123456, "0.1235"), (3, "3"), ("a", "a")],  # noqa: RUF001 - a dash for "none"
)
def test_a_cell_is_written_for_people(value: object, shown: str) -> None:
    assert cell(value) == shown
