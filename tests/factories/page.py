"""What stands on a page of HTML: its tables and its named figures, as a reader sees them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class PageTable:
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        return [row[self.columns.index(name)] for row in self.rows]

    def named(self) -> dict[str, str]:
        """Second cells by the first ones."""
        return {row[0]: row[1] for row in self.rows}


class Page(HTMLParser):
    """Tables in their order, and for each definition list its names with their values."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[PageTable] = []
        self.figures: list[dict[str, str]] = []
        self._cell: list[str] | None = None
        self._term = ""
        self.feed(text)

    def handle_starttag(
        self,
        tag: str,
        attrs: list[tuple[str, str | None]],  # noqa: ARG002 - HTMLParser's signature
    ) -> None:
        if tag == "table":
            self.tables.append(PageTable())
        elif tag == "dl":
            self.figures.append({})
        elif tag == "tr" and self.tables:
            self.tables[-1].rows.append([])
        elif tag in {"th", "td", "dt", "dd"}:
            self._cell = []
        elif tag == "small" and self._cell is not None:
            self._close_term()  # what it means stands below the name

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self.tables[-1].rows.clear()
        elif tag == "dt":
            self._close_term()
        elif tag in {"th", "td", "dd"} and self._cell is not None:
            self._keep(tag, "".join(self._cell).strip())
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _keep(self, tag: str, text: str) -> None:
        if tag == "th":
            self.tables[-1].columns.append(text)
        elif tag == "td":
            self.tables[-1].rows[-1].append(text)
        else:
            self.figures[-1][self._term] = text

    def _close_term(self) -> None:
        if self._cell is not None:
            self._term = "".join(self._cell).strip()
            self._cell = None
