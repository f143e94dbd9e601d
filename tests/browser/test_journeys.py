"""The whole way in a real browser against a real server: from an empty folder to what is exported.

The way is walked once, on an empty data folder; each test looks at what happened on it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Route,
    sync_playwright,
)
from pypdf import PdfReader

from deepmed.kit import settings as kit_settings
from factories import slow_training
from factories.drawings import line_drawing
from factories.servers import RunningServer, running_server

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
TESTS = Path(__file__).parents[1]
AXE = Path(__file__).with_name("vendor") / "axe.js"
PHONE, DESK, WIDE = 360, 1440, 1920
DRAWINGS = 30
PATIENCE = 60_000
PAGES = {
    "dashboard": "/",
    "gallery": "/drawings",
    "flagged": "/drawings?flagged=yes",
    "upload": "/drawings/upload",
    "drawing": "/drawings/{odd}",
    "for parents": "/drawings/{odd}?reader=parent",
    "delete": "/drawings/{odd}/delete",
    "child": "{child}",
    "batches": "/batches",
    "batch": "{batch}",
    "models": "/models",
    "model": "/models/1",
    "training": "{training}",
    "thresholds": "/thresholds",
    "jobs": "/jobs",
    "job": "/jobs/1",
    "status": "/status",
    "nothing": "/nothing",
}
FOCUSED = "document.activeElement.tagName"
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"
every_page = pytest.mark.parametrize("name", PAGES)


@dataclass
class Journey:
    """What was seen on the way."""

    server: RunningServer
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    """What pages said, by the step."""
    points: list[int] = field(default_factory=list)
    """How many epochs the first curve had, each time it was looked at."""
    places: dict[str, str] = field(default_factory=dict)
    """Parts of addresses that are known once somebody has been there."""

    def watch(self, page: Page) -> None:
        page.set_default_timeout(PATIENCE)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def address(self, name: str) -> str:
        return self.server.address + PAGES[name].format(**self.places)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("journey")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        patch.setenv("DEEPMED_THREADS", "1")
        patch.setenv("DEEPMED_PARENT_TEXTS", "true")
        for name in ("DEEPMED_SETTINGS", "DEEPMED_DATABASE_URL", "DEEPMED_STORAGE_URL"):
            patch.delenv(name, raising=False)
        slow_training.install(folder / "slow", patch)
        home = folder / "home"
        home.mkdir(mode=0o700)
        kit_settings.current.cache_clear()
        with running_server(home) as running:
            yield running
    kit_settings.current.cache_clear()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def journey(
    server: RunningServer,
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    pictures: Path,
) -> Journey:
    """From nothing to a moved threshold, as a person goes it."""
    files = draw(tmp_path_factory.mktemp("drawn"))
    made = Journey(server)
    page = browser.new_page(viewport={"width": DESK, "height": 900})
    made.watch(page)
    try:
        walk(made, page, files, pictures)
    finally:
        page.screenshot(path=pictures / "last.png", full_page=True)
        page.close()
    return made


def walk(made: Journey, page: Page, files: list[Path], pictures: Path) -> None:
    page.goto(made.server.address)
    made.told["first step"] = page.locator("main").inner_text()
    go(page, "Upload drawings")
    upload_many(made, page, files, pictures)
    train(made, page, pictures)
    upload_one(made, page, odd_one(files[0].parent))
    look(made, page, pictures)
    touch_places(made, page)
    read_why(made, page)
    annotate(made, page)
    export(made, page, files[0].parent)
    look_together(made, page, pictures)
    move_threshold(made, page, pictures)


def go(page: Page, link: str) -> None:
    """Follow a link until its page and the page's scripts are there."""
    with page.expect_navigation():
        page.get_by_role("link", name=link).click()


def draw(folder: Path) -> list[Path]:
    paths = []
    for number in range(DRAWINGS):
        path = folder / f"drawing_{number}.png"
        Image.fromarray(line_drawing(number, 6 + number / 10)).save(path)
        paths.append(path)
    return paths


def odd_one(folder: Path) -> Path:
    """A page that is nearly all ink."""
    path = folder / "filled.png"
    page = Image.new("RGB", (64, 64), "white")
    page.paste((20, 60, 20), (3, 3, 60, 58))
    page.save(path)
    return path


def upload_many(made: Journey, page: Page, files: list[Path], pictures: Path) -> None:
    page.locator("#files").set_input_files(files)
    page.get_by_role("button", name="Upload", exact=True).click()
    made.told["no age"] = page.locator("#complaint").inner_text()
    for number, path in enumerate(files[:3]):
        page.get_by_label(f"Age for {path.name}").fill(f"{6 + number / 10:g}")
    page.get_by_label("Age for all").fill("7.5")
    page.get_by_role("button", name="Fill in where empty").click()
    page.screenshot(path=pictures / "upload_filled.png", full_page=True)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.locator("#result .note").wait_for()
    made.told["uploaded"] = page.locator("#result").inner_text()


def train(made: Journey, page: Page, pictures: Path) -> None:
    go(page, "To the models")
    page.get_by_label("Age from").fill("6")
    page.get_by_label("to under").fill("9")
    page.get_by_label("Detector").select_option("autoencoder")
    page.get_by_role("button", name="Train this group").click()
    page.locator("figure polyline").first.wait_for()
    made.places["training"] = page.url.removeprefix(made.server.address)
    made.points.append(points(page))
    made.points.append(more_points(page, made.points[0]))
    page.screenshot(path=pictures / "training_live.png", full_page=True)
    page.reload()
    made.points.append(points(page))
    slow_training.let_go(made.server.log.parent / "home")
    page.get_by_role("button", name="Analyse all drawings with it").wait_for()
    made.points.append(points(page))
    made.told["trained"] = page.locator("main").inner_text()
    page.get_by_role("button", name="Analyse all drawings with it").click()
    page.locator("main .chip", has_text="done").wait_for()
    made.told["job"] = page.locator("main").inner_text()


def points(page: Page) -> int:
    shown: int = page.evaluate("document.querySelector('figure polyline').points.length")
    return shown


def more_points(page: Page, before: int) -> int:
    """Looked at again and again: the page's policy lets no test wait inside it."""
    for _ in range(PATIENCE // 100):
        if (now := points(page)) > before:
            return now
        page.wait_for_timeout(100)
    raise AssertionError("no epoch came live")


def upload_one(made: Journey, page: Page, path: Path) -> None:
    page.goto(made.address("upload"))
    page.locator("#files").set_input_files(path)
    page.get_by_label("Age in years").fill("7")
    page.get_by_label("Subject").fill("house")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="Look at it").click()
    page.get_by_role("button", name="Analyse").wait_for()
    made.places["odd"] = page.url.rpartition("/")[2]
    page.get_by_role("button", name="Analyse").click()
    page.get_by_role("button", name="Analyse again").wait_for()


def look(made: Journey, page: Page, pictures: Path) -> None:
    page.goto(made.address("flagged"))
    page.locator(f"a.tile[href='/drawings/{made.places['odd']}']").click()
    page.locator("#explanation h3").wait_for()
    page.locator("#compared h3").first.wait_for()
    made.told["flagged"] = page.locator("main").inner_text()
    page.screenshot(path=pictures / "drawing_flagged.png", full_page=True)


def touch_places(made: Journey, page: Page) -> None:
    """A frame by hand, then the place after it by keyboard."""
    page.locator("[data-region=place-1] rect").click()
    made.told["touched"] = page.locator("#place-1[open]").inner_text()
    page.locator("#place-1 summary").focus()
    page.keyboard.press("Enter")
    page.locator("#place-1:not([open])").wait_for()
    page.keyboard.press("Enter")
    page.locator("[data-region=place-1].chosen").wait_for()
    page.locator("#opacity").fill("30")
    made.told["covered"] = page.locator("#layer").get_attribute("style") or ""


def read_why(made: Journey, page: Page) -> None:
    for reader in ("Researcher", "Parent", "Educator"):
        go(page, reader)
        page.locator("#explanation [aria-current]", has_text=reader).wait_for()
        made.told[reader] = page.locator("#explanation").inner_text()
        made.places[reader] = page.url
    made.places["child"] = (
        page.get_by_role("link", name="All drawings of this child").get_attribute("href") or ""
    )


def annotate(made: Journey, page: Page) -> None:
    page.get_by_label("Note", exact=True).fill("Nearly all of it is ink.")
    page.get_by_label("Kind").first.select_option("observation")
    page.get_by_role("button", name="Keep this note").click()
    note = page.locator("article.noted")
    note.locator("summary", has_text="Change it").click()
    note.locator("textarea").fill("Nearly all of it is green ink.")
    note.get_by_role("button", name="Keep the change").click()
    page.locator("article.noted > p", has_text="green").wait_for()
    note.locator("summary", has_text="History").click()
    made.told["note"] = note.inner_text()


def export(made: Journey, page: Page, folder: Path) -> None:
    with page.expect_download() as coming:
        page.get_by_role("button", name="PDF").click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    made.told["file"] = "\n".join(each.extract_text() for each in PdfReader(path).pages)


def look_together(made: Journey, page: Page, pictures: Path) -> None:
    page.goto(made.address("batches"))
    page.locator(".outlook").wait_for()
    made.told["outlook"] = page.locator("main").inner_text()
    page.get_by_role("button", name="Analyse all drawings").click()
    page.locator("main .chip", has_text="done").wait_for()
    page.goto(made.address("batches"))
    with page.expect_navigation():
        page.locator("main td a").first.click()
    made.places["batch"] = page.url.removeprefix(made.server.address)
    page.locator("main table").last.wait_for()
    made.told["cohort"] = page.locator("main").inner_text()
    page.screenshot(path=pictures / "cohort.png", full_page=True)


def move_threshold(made: Journey, page: Page, pictures: Path) -> None:
    page.goto(made.address("thresholds"))
    page.locator("#slider").focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    asked = page.locator("#percentile").input_value()
    page.locator("#effects [role=status] strong", has_text=asked).wait_for()
    made.told["asked"] = asked
    made.told["preview"] = page.locator("#effects").inner_text()
    made.told["before saving"] = str(made.server.get("/api/v1/config/")[1]["threshold_percentile"])
    page.screenshot(path=pictures / "threshold_preview.png", full_page=True)
    page.get_by_role("button", name="Save for all models").click()
    page.locator("#messages .note").wait_for()
    made.told["saved"] = page.locator("main").inner_text()
    made.told["after saving"] = str(made.server.get("/api/v1/config/")[1]["threshold_percentile"])


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-11.1")
def test_an_empty_folder_shows_the_first_step(journey: Journey) -> None:
    assert "Begin with drawings" in journey.told["first step"]


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-3.1")
def test_drawings_are_uploaded_with_an_age_each(journey: Journey) -> None:
    assert "needs the child's age" in journey.told["no age"]
    assert f"{DRAWINGS} stored" in journey.told["uploaded"]


@pytest.mark.req("U-3.1")
def test_files_chosen_before_the_script_is_there_are_not_lost(
    journey: Journey, browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_page()
    journey.watch(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/static/upload.js", hold)
    page.goto(journey.address("upload"), wait_until="commit")
    page.locator("#files").set_input_files(odd_one(tmp_path))
    assert page.locator("#send").is_hidden()
    held[0].continue_()
    page.get_by_role("button", name="Upload", exact=True).wait_for()
    page.close()


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-3.1")
def test_a_training_is_followed_live_and_loses_no_point_when_the_page_comes_back(
    journey: Journey,
) -> None:
    first, later, again, last = journey.points
    assert 0 < first < later <= again <= last
    assert "is in use" in journey.told["trained"]


@pytest.mark.req("U-13.1")
def test_a_flagged_drawing_says_what_the_flag_means(journey: Journey) -> None:
    told = journey.told["flagged"]
    assert "unusual in this group" in told
    assert "of 100 typical drawings are flagged" in told
    assert "What to do first" in told


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-3.1")
def test_places_are_opened_by_hand_and_by_keyboard(journey: Journey) -> None:
    assert "of what raises the score lies here" in journey.told["touched"]
    assert journey.told["covered"] == "opacity: 0.3;"


@pytest.mark.req("U-13.1")
@pytest.mark.req("D-18.1")
def test_why_is_read_by_three_and_the_address_keeps_for_whom(journey: Journey) -> None:
    assert "Rule: percentile" in journey.told["Researcher"]
    assert "Rule: percentile" not in journey.told["Educator"]
    assert "collected drawings of other children" in journey.told["Parent"]
    for reader in ("Researcher", "Parent", "Educator"):
        assert f"?reader={reader.lower()}" in journey.places[reader]


@pytest.mark.req("U-13.1")
@pytest.mark.req("D-20.1")
def test_a_note_is_written_and_changed_and_keeps_its_history(journey: Journey) -> None:
    assert "green ink" in journey.told["note"]
    assert "created. observation to the whole drawing" in journey.told["note"]
    assert "Nearly all of it is ink." in journey.told["note"]


@pytest.mark.req("U-13.1")
@pytest.mark.req("D-20.1")
def test_the_exported_file_holds_the_drawings_place_and_the_note(journey: Journey) -> None:
    place = re.findall(r"more unusual than (\d+ of 100)", journey.told["flagged"])[0]
    told = " ".join(journey.told["file"].split())
    assert f"Drawing {journey.places['odd']}," in told
    assert f"More unusual than: {place} drawings" in told
    assert "Nearly all of it is green ink." in told


@pytest.mark.req("U-13.1")
@pytest.mark.req("D-10.5")
def test_a_batch_says_before_and_after_who_can_be_selected(journey: Journey) -> None:
    assert "1 new children" in journey.told["outlook"]
    assert "of 1 children selected" in journey.told["cohort"]


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-3.1")
def test_a_threshold_is_previewed_before_it_is_saved(journey: Journey) -> None:
    asked = journey.told["asked"]
    assert float(asked) < 95
    assert f"At the percentile {asked}" in journey.told["preview"]
    assert journey.told["before saving"] == "95.0"
    assert float(journey.told["after saving"]) == float(asked)
    assert f"In force: {asked}" in journey.told["saved"]


@pytest.mark.req("U-1.1")
@pytest.mark.req("U-13.1")
def test_nothing_breaks_the_policy_and_nothing_is_asked_of_another_machine(
    journey: Journey,
) -> None:
    assert journey.complaints == []
    own = (journey.server.address, journey.server.address.replace("http", "ws"), "blob:", "data:")
    assert [url for url in journey.requests if not url.startswith(own)] == []


@pytest.mark.req("U-1.2")
@every_page
def test_axe_finds_nothing_serious(
    journey: Journey, browser: Browser, pictures: Path, name: str
) -> None:
    context = browser.new_context(bypass_csp=True, viewport={"width": PHONE, "height": 800})
    try:
        assert serious(context, journey.address(name)) == []
    finally:
        context.close()


def serious(context: BrowserContext, address: str) -> list[Any]:
    """What axe calls serious or critical; its script is in no page, so the policy is put aside."""
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.mark.req("U-1.2")
@pytest.mark.parametrize("width", [PHONE, DESK, WIDE])
def test_pages_fit_the_screen(
    journey: Journey, browser: Browser, pictures: Path, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    journey.watch(page)
    wide = {}
    for name in PAGES:
        page.goto(journey.address(name), wait_until="networkidle")
        page.screenshot(path=pictures / f"{name}_{width}.png", full_page=True)
        wide[name] = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    page.close()
    assert {name: by for name, by in wide.items() if by} == {}


@pytest.mark.req("U-1.2")
def test_everything_is_reached_by_keyboard_and_seen_there(
    journey: Journey, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": DESK, "height": 900})
    page.goto(journey.address("dashboard"), wait_until="networkidle")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    reached, unseen = set(), set()
    while page.evaluate(FOCUSED) != "BODY":
        reached.add(page.evaluate("document.activeElement.getAttribute('href')"))
        if page.evaluate(OUTLINE) == "none":
            unseen.add(page.evaluate("document.activeElement.outerHTML"))
        page.keyboard.press("Tab")
    assert unseen == set()
    links = page.locator("main a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    page.close()
    hidden = {link for link in links if link and link.startswith("data:")}  # in a closed details
    assert set(links) - reached == hidden


def test_the_axe_that_looks_is_the_one_of_the_lock() -> None:
    assert AXE.exists(), "run `make assets`"
    assert AXE.stat().st_size > 100_000
