"""The whole way in a browser, as a person goes it: from an empty folder to what is exported."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page
from pypdf import PdfReader

from factories import slow_training
from factories.drawings import line_drawing
from factories.servers import RunningServer
from factories.visiting import Watched, open_page, settle, until

DRAWINGS = 30
READERS = ("Researcher", "Clinician", "Parent", "Educator")
POINTS = "document.querySelector('figure polyline').points.length"
NOTE, CHANGED = "Nearly all of it is ink.", "Nearly all of it is green ink."


@dataclass
class Journey(Watched):
    """What was seen on the way.

    Attributes:
        told: what pages said, by the step.
        points: how many epochs the first curve had, each time it was looked at.
        places: parts of addresses that are known once somebody has been there.
        answer: of the flagged drawing, as the interface for programs gives it.
        words: why it has that answer, sentence by sentence, for each reader.
    """

    server: RunningServer = field(kw_only=True)
    pictures: Path = field(kw_only=True)
    told: dict[str, str] = field(default_factory=dict)
    points: list[int] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)

    def at(self, path: str) -> str:
        return self.server.address + path.format(**self.places)

    def keep(self, page: Page, name: str) -> None:
        page.screenshot(path=self.pictures / f"{name}.jpg", full_page=True)

    def tell(self, page: Page, step: str, place: str = "main") -> None:
        self.told[step] = page.locator(place).inner_text()


def walk(made: Journey, page: Page, folder: Path) -> None:
    files = draw(folder)
    page.goto(made.server.address)
    made.tell(page, "first step")
    go(page, "Upload drawings")
    upload_many(made, page, files)
    train(made, page)
    upload_one(made, page, odd_one(folder))
    look(made, page)
    touch_places(made, page)
    read_why(made, page)
    annotate(made, page)
    export(made, page, folder)
    take_back(made, page)
    look_together(made, page)
    move_threshold(made, page)


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


def upload_many(made: Journey, page: Page, files: list[Path]) -> None:
    """Dropped onto the page from the desktop; first without an age."""
    page.locator("#drop").drop({"files": files})
    page.get_by_role("button", name="Upload", exact=True).click()
    made.tell(page, "no age", "#complaint")
    for number, path in enumerate(files[:3]):
        page.get_by_label(f"Age for {path.name}").fill(f"{6 + number / 10:g}")
    page.get_by_label("Age for all").fill("7.5")
    page.get_by_role("button", name="Fill in where empty").click()
    made.keep(page, "upload_filled")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.locator("#result .note").wait_for()
    made.tell(page, "uploaded", "#result")


def train(made: Journey, page: Page) -> None:
    go(page, "To the models")
    page.get_by_label("Age from").fill("6")
    page.get_by_label("to under").fill("9")
    page.get_by_label("Detector").select_option("autoencoder")
    page.get_by_role("button", name="Train this group").click()
    follow(made, page)
    analyse_all(page, "Analyse all drawings with it")
    made.tell(page, "job")


def analyse_all(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()
    page.locator("main .chip", has_text="done").wait_for()


def follow(made: Journey, page: Page) -> None:
    """Epochs arrive while one looks, and none is lost by coming back."""
    page.locator("figure polyline").first.wait_for()
    made.places["training"] = page.url.removeprefix(made.server.address)
    first = points(page)
    until(page, lambda: points(page) > first, "another epoch")
    made.points += [first, points(page)]
    made.keep(page, "training_live")
    page.reload()
    made.points.append(points(page))
    slow_training.let_go(made.server.log.parent / "home")
    page.get_by_role("button", name="Analyse all drawings with it").wait_for()
    made.points.append(points(page))
    made.tell(page, "trained")


def points(page: Page) -> int:
    shown: int = page.evaluate(POINTS)
    return shown


def upload_one(made: Journey, page: Page, path: Path) -> None:
    """Chosen in the dialogue of the browser."""
    page.goto(made.at("/drawings/upload"))
    page.locator("#files").set_input_files(path)
    page.get_by_label("Age in years").fill("7")
    page.get_by_label("Subject").fill("house")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="Look at it").click()
    page.get_by_role("button", name="Analyse").wait_for()
    made.places["odd"] = page.url.rpartition("/")[2]
    page.get_by_role("button", name="Analyse").click()
    page.get_by_role("button", name="Analyse again").wait_for()


def look(made: Journey, page: Page) -> None:
    page.goto(made.at("/drawings?flagged=yes"))
    page.locator(f"a.tile[href='/drawings/{made.places['odd']}']").click()
    page.locator("#explanation h3").wait_for()
    page.locator("#compared h3").first.wait_for()
    made.tell(page, "flagged")
    made.tell(page, "name", "h1")
    made.keep(page, "drawing_flagged")
    _, answers = made.server.get(f"/api/v1/analysis/drawing/{made.places['odd']}")
    made.answer = answers["analyses"][0]


def touch_places(made: Journey, page: Page) -> None:
    """A frame by hand, then the place after it by keyboard."""
    page.locator("[data-region=place-1] rect").click()
    made.tell(page, "touched", "#place-1[open]")
    page.locator("#place-1 summary").focus()
    page.keyboard.press("Enter")
    page.locator("#place-1:not([open])").wait_for()
    page.keyboard.press("Enter")
    page.locator("[data-region=place-1].chosen").wait_for()
    page.locator("#opacity").fill("30")
    made.told["covered"] = page.locator("#layer").get_attribute("style") or ""


def read_why(made: Journey, page: Page) -> None:
    for reader in READERS:
        go(page, reader)
        page.locator("#explanation [aria-current]", has_text=reader).wait_for()
        made.tell(page, reader, "#explanation")
        said = page.locator("#explanation > ul").first
        made.words[reader] = said.locator("li").all_inner_texts()
    made.places["child"] = (
        page.get_by_role("link", name="All drawings of this child").get_attribute("href") or ""
    )


def annotate(made: Journey, page: Page) -> None:
    page.get_by_label("Note", exact=True).fill(NOTE)
    page.get_by_label("Kind").first.select_option("observation")
    page.get_by_role("button", name="Keep this note").click()
    note = page.locator("article.noted")
    note.locator("summary", has_text="Change it").click()
    note.locator("textarea").fill(CHANGED)
    note.get_by_role("button", name="Keep the change").click()
    page.locator("article.noted > p", has_text="green").wait_for()
    note.locator("summary", has_text="History").click()
    made.tell(page, "note", "article.noted")


def export(made: Journey, page: Page, folder: Path) -> None:
    """The file for the reader whom the page is written for."""
    for reader in ("Researcher", "Educator"):
        go(page, reader)
        settle(page)
        with page.expect_download() as coming:
            page.get_by_role("button", name="PDF").click()
        path = folder / f"{reader}-{coming.value.suggested_filename}"
        coming.value.save_as(path)
        text = " ".join(each.extract_text() for each in PdfReader(path).pages)
        made.told[f"file for {reader}"] = " ".join(text.split())


def take_back(made: Journey, page: Page) -> None:
    page.locator("article.noted summary", has_text="Take it back").click()
    page.get_by_role("button", name="Take this note back").click()
    page.locator("#messages .note").wait_for()
    page.locator("summary", has_text="Taken back (1)").click()
    page.locator("details details summary", has_text="History").click()
    made.tell(page, "taken back", "section[aria-labelledby=notes]")


def look_together(made: Journey, page: Page) -> None:
    page.goto(made.at("/batches"))
    page.locator(".outlook").wait_for()
    made.tell(page, "outlook")
    analyse_all(page, "Analyse all drawings")
    page.goto(made.at("/batches"))
    with page.expect_navigation():
        page.locator("main td a").first.click()
    made.places["batch"] = page.url.removeprefix(made.server.address)
    page.locator("main table").last.wait_for()
    made.tell(page, "cohort")
    made.keep(page, "cohort")


def move_threshold(made: Journey, page: Page) -> None:
    open_page(page, made.at("/thresholds"))
    page.locator("#slider").focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    asked = page.locator("#percentile").input_value()
    page.locator("#effects [role=status] strong", has_text=asked).wait_for()
    made.told["asked"] = asked
    made.tell(page, "preview", "#effects")
    made.told["before saving"] = percentile(made.server)
    made.keep(page, "threshold_preview")
    page.get_by_role("button", name="Save for all models").click()
    page.locator("#messages .note").wait_for()
    made.tell(page, "saved")
    made.told["after saving"] = percentile(made.server)


def percentile(server: RunningServer) -> str:
    return str(server.get("/api/v1/config/")[1]["threshold_percentile"])
