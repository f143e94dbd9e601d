"""Looking at pages in a browser: what they complain of and ask for, and whether they fit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import ConsoleMessage, Page

AXE = Path(__file__).parents[1] / "browser" / "vendor" / "axe.js"
PATIENCE = 60_000
STEP = 25
READY = """
document.readyState === "complete"
&& !document.querySelector(".htmx-request, [aria-busy=true], .loading-container, #swagger-ui:empty")
&& [...document.images].every((each) => each.complete || each.loading === "lazy")
"""
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true })"
LOOK = "async () => (await axe.run({resultTypes: ['violations'], selectors: false})).violations"
"""All rules on all of the page; nothing more is worked out of what is in order."""
Seen = TypeVar("Seen")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Watched:
    """Everything that pages complained of and asked for."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.set_default_timeout(PATIENCE)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def outside(self, address: str) -> list[str]:
        """What was asked of others than the server at this address."""
        own = (address, address.replace("http", "ws", 1), "blob:", "data:")
        return [url for url in self.requests if not url.startswith(own)]


def until(page: Page, look: Callable[[], Seen], what: str) -> Seen:
    """What a look says, once it says anything; the pages' policy lets no test wait inside them."""
    for _ in range(PATIENCE // STEP):
        if seen := look():
            return seen
        page.wait_for_timeout(STEP)
    raise AssertionError(f"{what} did not come")


def open_page(page: Page, address: str) -> None:
    """Go there and wait until all of it is loaded, pictures further down too."""
    page.goto(address)
    settle(page)
    page.evaluate("for (const each of document.images) each.loading = 'eager'")
    settle(page)


def settle(page: Page) -> None:
    until(page, lambda: page.evaluate(READY), "the whole page")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than what is shown of it."""
    by: int = page.evaluate(WIDER)
    return by


def serious(page: Page) -> list[Any]:
    """What axe calls serious or critical, with all that can be folded out folded out."""
    page.evaluate(UNFOLD)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(LOOK)
    return [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
