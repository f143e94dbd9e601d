"""The whole way in a real browser against a real server: from an empty folder to what is exported.

The way is walked once, on an empty data folder; each test looks at what happened on it, or visits
the pages that it has filled.
"""

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route

from deepmed.kit import settings as kit_settings
from factories import slow_training
from factories.journey import CHANGED, DRAWINGS, NOTE, READERS, Journey, odd_one, walk
from factories.launching import LEARNING
from factories.servers import RunningServer, running_server
from factories.visiting import AXE, open_page, overflow, serious, settle

TESTS = Path(__file__).parents[1]
PHONE, DESK, WIDE = 360, 1440, 1920
HEIGHT = 900
PAGES = {
    "dashboard": "/",
    "gallery": "/drawings",
    "upload": "/drawings/upload",
    "drawing": "/drawings/{odd}",
    "delete": "/drawings/{odd}/delete",
    "child": "{child}",
    "batches": "/batches",
    "batch": "{batch}",
    "models": "/models",
    "model": "/models/1",
    "training": "{training}",
    "encoders": "/encoders",
    "thresholds": "/thresholds",
    "jobs": "/jobs",
    "job": "/jobs/1",
    "status": "/status",
    "trainings": "/trainings",
    "backups": "/backups",
    "demo": "/demo/",
    "guide": "/guide/encoders",
    "guide with tables": "/guide/wrong",
    "interface": "/docs",
    "nothing": "/nothing",
}
NAMED, KEPT = 60, 300
"""Where the picture with a name on it has the name, and what was drawn."""
FOCUSED = "document.activeElement.tagName"
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("journey")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
        patch.setenv("DEEPMED_THREADS", "1")
        patch.setenv("DEEPMED_PARENT_TEXTS", "true")
        for name in ("DEEPMED_SETTINGS", "DEEPMED_DATABASE_URL", "DEEPMED_STORAGE_URL"):
            patch.delenv(name, raising=False)
        slow_training.install(folder / "slow", patch)
        home = folder / "home"
        home.mkdir(mode=0o700)
        kit_settings.current.cache_clear()
        with running_server(home, load=LEARNING) as running:
            yield running
    kit_settings.current.cache_clear()


@pytest.fixture(scope="module")
def journey(
    server: RunningServer,
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    pictures: Path,
) -> Journey:
    """From nothing to a moved threshold, as a person goes it."""
    made = Journey(server=server, pictures=pictures)
    page = browser.new_page(viewport={"width": DESK, "height": HEIGHT})
    made.watch(page)
    try:
        walk(made, page, tmp_path_factory.mktemp("drawn"))
    finally:
        made.keep(page, "last")
        page.close()
    return made


@pytest.fixture(scope="module")
def opened(journey: Journey, browser: Browser) -> Iterator[Page]:
    """On what the way has left; all that it complains of and asks for is kept."""
    page = browser.new_page()
    journey.watch(page)
    yield page
    page.close()


@pytest.fixture
def page(opened: Page) -> Page:
    """As a new one, but for the files that a browser keeps."""
    opened.unroute_all(behavior="wait")
    opened.goto("about:blank")
    opened.set_viewport_size({"width": DESK, "height": HEIGHT})
    return opened


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-11.1")
def test_an_empty_folder_shows_the_first_step(journey: Journey) -> None:
    assert "Begin with drawings" in journey.told["first step"]


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-3.1")
def test_drawings_are_dropped_onto_the_page_and_need_an_age_each(journey: Journey) -> None:
    assert "needs the child's age" in journey.told["no age"]
    assert f"{DRAWINGS} stored" in journey.told["uploaded"]


@pytest.mark.req("U-3.1")
def test_files_chosen_before_the_script_is_there_are_not_lost(
    journey: Journey, page: Page, tmp_path: Path
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/static/upload.js", hold)
    page.goto(journey.at("/drawings/upload"), wait_until="commit")
    page.locator("#files").set_input_files(odd_one(tmp_path))
    assert page.locator("#send").is_hidden()
    held[0].continue_()
    page.get_by_role("button", name="Upload", exact=True).wait_for()


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
def test_why_is_read_by_each_reader_and_the_address_keeps_for_whom(journey: Journey) -> None:
    assert "Rule: percentile" in journey.told["Researcher"]
    assert "Rule: percentile" not in journey.told["Educator"]
    assert all(journey.words[reader] for reader in READERS)
    assert "collected drawings of other children" in journey.told["Parent"]


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-3.1")
def test_a_note_is_written_changed_and_keeps_its_history(journey: Journey) -> None:
    assert CHANGED in journey.told["note"]
    assert "created. observation to the whole drawing" in journey.told["note"]
    assert NOTE in journey.told["note"]


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-3.1")
def test_a_note_is_taken_back_and_stays_readable_apart(journey: Journey) -> None:
    before, after = journey.told["taken back"].split("Taken back (1)")
    assert "Nobody has noted anything yet." in before
    assert all(text in after for text in (NOTE, CHANGED, "deleted"))


@pytest.mark.req("U-13.1")
@pytest.mark.req("D-20.1")
@pytest.mark.parametrize("reader", ["Researcher", "Educator"])
def test_the_exported_file_says_what_the_page_and_the_interface_say(
    journey: Journey, reader: str
) -> None:
    told = journey.told[f"file for {reader}"]
    place = re.findall(r"more unusual than (\d+ of 100)", journey.told["flagged"])[0]
    assert told.startswith(journey.told["name"])
    score, p = journey.answer["anomaly_score"], journey.answer["p_value"]
    assert f"Score: {score:.4g} p: {p:.4g}" in told
    assert f"More unusual than: {place} drawings" in told
    assert CHANGED in told
    assert journey.words[reader]
    assert [said for said in journey.words[reader] if " ".join(said.split()) not in told] == []


@pytest.mark.req("U-13.1")
@pytest.mark.req("D-20.1")
def test_the_exported_file_speaks_to_the_reader_of_the_page(journey: Journey) -> None:
    only = set(journey.words["Researcher"]) - set(journey.words["Educator"])
    assert only
    assert not any(said in journey.told["file for Educator"] for said in only)


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


@pytest.mark.req("U-1.2")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_every_screen_and_axe_finds_nothing_serious(
    journey: Journey, page: Page, pictures: Path, name: str
) -> None:
    page.set_viewport_size({"width": PHONE, "height": HEIGHT})
    open_page(page, journey.at(PAGES[name]))
    wider = {}
    for width in (WIDE, DESK, PHONE):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        settle(page)
        journey.keep(page, f"{name}_{width}")
        wider[width] = overflow(page)
    assert wider == {WIDE: 0, DESK: 0, PHONE: 0}
    assert serious(page) == []


@pytest.mark.req("U-1.2")
def test_everything_is_reached_by_keyboard_and_seen_there(journey: Journey, page: Page) -> None:
    open_page(page, journey.at("/"))
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
    hidden = {link for link in links if link and link.startswith("data:")}  # in a closed details
    assert set(links) - reached == hidden


@pytest.mark.req("D-30.1")
def test_a_name_is_painted_over_before_the_picture_leaves_the_browser(
    journey: Journey, page: Page, tmp_path: Path
) -> None:
    drawn = Image.new("RGB", (400, 400), "white")
    for corner in (NAMED, KEPT):
        drawn.paste("black", (corner - 10, corner - 10, corner + 10, corner + 10))
    drawn.save(tmp_path / "named.png")
    page.goto(journey.at("/drawings/upload"))
    assert "Cover names first." in page.locator("main .note").first.inner_text()
    page.locator("#files").set_input_files(tmp_path / "named.png")
    page.get_by_text("Cover something with the brush").click()
    page.get_by_label("Size of the brush").fill("60")
    box = page.locator("#page").bounding_box()
    assert box
    place = NAMED * box["width"] / 400
    page.locator("#page").click(position={"x": place, "y": place})
    assert page.locator("#covered").inner_text() == "1 stroke covers the picture."
    page.get_by_label("Age in years").fill("7")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="Look at it").click()
    page.get_by_role("button", name="Analyse").wait_for()
    file = journey.at(f"/api/v1/drawings/{page.url.rpartition('/')[2]}/file")
    grey = Image.open(BytesIO(page.request.get(file).body())).convert("L")
    assert grey.getpixel((NAMED, NAMED)) == 255
    assert grey.getpixel((KEPT, KEPT)) == 0


@pytest.mark.req("U-1.1")
@pytest.mark.req("U-13.1")
def test_nothing_broke_the_policy_and_nothing_was_asked_of_another_machine(
    journey: Journey,
) -> None:
    """The last test: it looks at every page that was open before."""
    nowhere = [text for text in journey.complaints if "404" in text]
    assert len(nowhere) <= 1, "the page that is not there may say so"
    assert [text for text in journey.complaints if text not in nowhere] == []
    assert journey.outside(journey.server.address) == []


def test_the_axe_that_looks_is_the_one_of_the_lock() -> None:
    assert AXE.exists(), "run `make assets`"
    assert AXE.stat().st_size > 100_000
