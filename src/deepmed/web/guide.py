"""The guide as pages: the Markdown of `docs/guide` and what it leads to, rendered here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

if TYPE_CHECKING:
    from markdown_it.token import Token

ROOT = "/guide"
PICTURES = f"{ROOT}/pictures"
START = "README"
BESIDE = ("numbers", "benchmarks", "not-kept")
"""Pages beside the guide's own that it refers to."""
PLACES = (Path(__file__).with_name("documents"), Path(__file__).parents[3] / "docs")
"""In an installed wheel, and in a checkout."""
SCROLLED = '<div class="scroll" tabindex="0" role="region" aria-label="Table">'


@dataclass(frozen=True)
class Document:
    """A page of the guide as HTML; nothing of its text was taken as HTML before."""

    name: str
    title: str
    html: str


@cache
def folder() -> Path | None:
    """Where the documentation lies; None where neither a wheel nor a checkout has it."""
    return next((place for place in PLACES if (place / "guide").is_dir()), None)


@cache
def documents() -> dict[str, Path]:
    """Every page by its name in an address; a name that is not here leads nowhere."""
    place = folder()
    if place is None:
        return {}
    paths = [*sorted((place / "guide").glob("*.md")), *(place / f"{name}.md" for name in BESIDE)]
    return {path.stem: path for path in paths if path.is_file()}


@cache
def pictures() -> dict[str, Path]:
    place = folder()
    found = (place / "guide" / "pictures").glob("*.*") if place else ()
    return {path.name: path for path in found}


@cache
def document(name: str) -> Document | None:
    """A page by its name."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - the server starts without it

    path = documents().get(name)
    if path is None:
        return None
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("fence", _block)
    reader.add_render_rule("table_open", lambda *_: f"{SCROLLED}<table>")
    reader.add_render_rule("table_close", lambda *_: "</table></div>")
    tokens = reader.parse(path.read_text(encoding="utf-8"))
    for token in _all(tokens):
        _lead(token, path)
    title = _name_headings(tokens)
    return Document(name, title, reader.renderer.render(tokens, reader.options, {}))


def _block(_renderer: object, tokens: "Sequence[Token]", place: int, *_rest: object) -> str:
    """Commands may be wider than a screen: whoever has no mouse reaches them to scroll."""
    return f'<pre tabindex="0"><code>{escape(tokens[place].content)}</code></pre>\n'


def _all(tokens: "list[Token]") -> "Iterator[Token]":
    for token in tokens:
        yield token
        yield from token.children or ()


def _lead(token: "Token", path: Path) -> None:
    """Addresses of files become addresses of this server; what it does not serve is mere text."""
    if token.type == "image":
        token.attrSet("src", f"{PICTURES}/{Path(str(token.attrGet('src'))).name}")
        token.attrSet("loading", "lazy")
    elif token.type == "link_open":
        target = address(str(token.attrGet("href")), path)
        token.attrs = {"href": target} if target else {}


def address(link: str, path: Path) -> str | None:
    """Where a link that stands in a file leads; None where the server has nothing there."""
    if "://" in link or link.startswith("#"):
        return link
    relative, part = urldefrag(link)
    target = (path.parent / relative).resolve()
    names = {place.resolve(): name for name, place in documents().items()}
    if target not in names:
        return None
    page = ROOT if names[target] == START else f"{ROOT}/{names[target]}"
    return f"{page}#{part}" if part else page


def _name_headings(tokens: "list[Token]") -> str:
    """Give each heading a name to lead to; returns the first."""
    title = ""
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", re.sub(r"\W+", "-", text.content.lower()).strip("-"))
            title = title or text.content
    return title
