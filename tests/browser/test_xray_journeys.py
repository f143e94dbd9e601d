"""X-rays in a real browser against a real server: from a ZIP to a training that is followed live.

The way is walked once; the server leaves the work to the test, so that it happens when it should.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from deepmed.app import open_home
from deepmed.features.xray.tables import FAILED
from deepmed.kit import settings as kit_settings
from factories.api import work_off
from factories.films import zipped
from factories.servers import RunningServer, running_server
from factories.visiting import Watched, open_page, overflow, serious, settle, until
from factories.xray_begun import TWIN, source_files
from factories.xray_rows import federated_row

PHONE, DESK, HEIGHT = 360, 1440, 900
EPOCHS = 3
SETTINGS = {
    "system.img_size": "28, 28",
    "experiment.network": "resnet18",
    "experiment.width": "4",
    "experiment.head": "8",
    "experiment.stem": "3x3",
    "experiment.max_pool": "no",
    "experiment.color_mode": "L",
    "experiment.batch_size": "8",
    "experiment.epochs": str(EPOCHS),
    "experiment.early_stopping_patience": "9",
    "experiment.gradient_sample_interval": "1",
    "experiment.augmentation_strength": "0",
    "evaluation.resamples": "50",
}
PAGES = (
    "/xrays", "{source}", "{run}", "{run}/data", "{run}/results", "/xrays/compare",
    "/xrays/predict", "{run}/again", "{run}/delete", "{shared}/rounds",
)  # fmt: skip
POINTS = "document.querySelector('#curve-{} table').rows.length - 1"


@dataclass
class Journey(Watched):
    """What was seen on the way, by the step, and where."""

    server: RunningServer = field(kw_only=True)
    told: dict[str, str] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def at(self, path: str) -> str:
        return self.server.address + path.format(**self.places)

    def tell(self, page: Page, step: str, place: str = "main") -> None:
        self.told[step] = page.locator(place).inner_text()


@pytest.fixture(scope="module")
def journey(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    folder = tmp_path_factory.mktemp("xrays")
    home = folder / "home"
    home.mkdir(mode=0o700)
    with running_server(home, "--no-worker") as server:
        made = Journey(server=server)
        page = browser.new_page(viewport={"width": DESK, "height": HEIGHT})
        made.watch(page)
        walk(made, page, zipped(folder / "films.zip", source_files()), home)
        page.close()
        yield made


def walk(made: Journey, page: Page, films: Path, home: Path) -> None:
    open_page(page, made.at("/xrays"))
    made.tell(page, "first")
    page.locator("#file").set_input_files(films.with_name("films.zip"))
    page.wait_for_url("**/xrays/sources/*")
    made.places["source"] = page.url.removeprefix(made.server.address)
    page.locator("#look table").wait_for()
    made.tell(page, "found", "#look")
    configure(page)
    page.locator("#train").click()
    page.wait_for_url("**/xrays/runs/*")
    made.places["run"] = page.url.removeprefix(made.server.address)
    page.get_by_text("Waiting for a worker.").wait_for()
    with open_home(kit_settings.load(home=home)) as opened:
        work_off(opened)
        cut_off = federated_row(opened, status=FAILED, reason="It was switched off.", results=None)
    made.places["shared"] = f"/xrays/runs/{cut_off}"
    page.get_by_text("The training has succeeded.").wait_for()
    page.get_by_text("It is done.").wait_for()
    made.tell(page, "done")
    for key in ("loss", "measures", "rates", "gradients", "batches"):
        made.points[key] = page.evaluate(POINTS.format(key))


def configure(page: Page) -> None:
    page.locator("[name=experiment_name]").fill("tiny")
    page.get_by_text("All settings, for experts").click()
    for place, value in SETTINGS.items():
        control = page.locator(f"[name='values.{place}']")
        if control.evaluate("one => one.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)


@pytest.fixture
def page(journey: Journey, browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": DESK, "height": HEIGHT})
    journey.watch(opened)
    yield opened
    opened.close()


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-4.1")
def test_a_zip_is_looked_into_before_it_is_trained_on(journey: Journey) -> None:
    assert "None yet. The first one begins with a ZIP above." in journey.told["first"]
    assert "NORMAL\t9\t9" in journey.told["found"]
    assert "1 row of the table has no image" in journey.told["found"]


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-4.1")
def test_a_training_is_followed_live_to_its_end(journey: Journey) -> None:
    assert "done" in journey.told["done"]
    assert journey.points["loss"] == journey.points["measures"] == EPOCHS
    assert journey.points["gradients"] > EPOCHS
    assert min(journey.points.values()) > 0


@pytest.mark.req("U-4.1")
def test_whoever_comes_back_sees_the_same_points(journey: Journey, page: Page) -> None:
    open_page(page, journey.at("{run}"))
    again = {key: page.evaluate(POINTS.format(key)) for key in journey.points}
    assert again == journey.points
    page.get_by_role("link", name="Results", exact=True).click()
    page.get_by_role("heading", name="Model card").wait_for()


@pytest.mark.req("U-4.1")
def test_two_films_are_judged_by_sight(journey: Journey, page: Page) -> None:
    open_page(page, journey.at("{run}/data"))
    page.get_by_label("These two are").select_option("of two people")
    page.get_by_role("button", name="Keep what I said").click()
    until(page, lambda: page.get_by_text("Of two people: 1.").count(), "what was kept")
    assert page.get_by_label("These two are").input_value() == "different"


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-4.1")
def test_a_threshold_is_moved_by_keyboard_and_its_effect_told(journey: Journey, page: Page) -> None:
    open_page(page, journey.at("{run}/results"))
    page.get_by_role("slider", name="Threshold").focus()
    page.keyboard.press("Home")
    told = page.locator("#effects [role=status]")
    until(page, lambda: told.inner_text().startswith("From 0 on"), "the effect")
    assert "and 0 missed" in told.inner_text()


@pytest.mark.req("U-13.1")
@pytest.mark.req("U-4.1")
def test_an_image_is_asked_about_and_its_map_faded(journey: Journey, page: Page) -> None:
    open_page(page, journey.at("/xrays/predict"))
    page.locator("#file").set_input_files({
        "name": "film.png", "mimeType": "image/png", "buffer": source_files()[TWIN],
    })  # fmt: skip
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("heading", name="film.png").wait_for()
    assert "no clinical meaning is given" in page.locator("#answer").inner_text()
    if page.locator("#opacity").count():
        page.locator("#opacity").fill("30")
        assert page.locator("#layer").get_attribute("style") == "opacity: 0.3;"
    assert serious(page) == []


@pytest.mark.req("U-1.2")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_every_screen_and_axe_finds_nothing_serious(
    journey: Journey, page: Page, pictures: Path, path: str
) -> None:
    open_page(page, journey.at(path))
    wider = {}
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        settle(page)
        page.screenshot(path=pictures / f"xrays_{PAGES.index(path)}_{width}.png", full_page=True)
        wider[width] = overflow(page)
    assert wider == {PHONE: 0, DESK: 0}
    assert serious(page) == []


@pytest.mark.req("U-1.1")
def test_nothing_broke_the_policy_and_nothing_was_asked_of_another_machine(
    journey: Journey,
) -> None:
    """The last test: it looks at every page that was open before."""
    assert journey.complaints == []
    assert journey.outside(journey.server.address) == []
