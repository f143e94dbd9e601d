"""Make the guide's pictures anew: the pages in a browser, on the demo's generated drawings.

    python docs/make_pictures.py                 runs the demo first, in a folder of its own
    python docs/make_pictures.py --home FOLDER   takes a copy of a data folder that the demo filled
    python docs/make_pictures.py --only thresholds dashboard

No drawing of a child is in any of them. Look at each before it is committed.
"""

import argparse
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

from deepmed.features.drawings.samples.files import METADATA, write_samples
from deepmed.features.drawings.samples.maker import make_false_alarm_samples

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "guide" / "pictures"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
SCREEN = ViewportSize(width=1180, height=780)
LONGEST_SECONDS = 600
MOST_BYTES = 150_000
QUALITY = 80
SLOW_BYTES_A_SECOND = 60_000
"""Slow enough to see an upload on its way."""
FULL_GROUP = (6.0, 9.0)
EPOCHS = 40
CHILD = "k17"
OPERATION = "/api/v1/analysis/analyze/{drawing_id}"
WHOLE = "document.readyState === 'complete' && !document.querySelector('.htmx-request')"


@dataclass
class Studio:
    """A browser before a server on demo data."""

    page: Page
    address: str
    samples: Path
    made: dict[str, int] = field(default_factory=dict)

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        wait(lambda: self.page.evaluate(WHOLE), f"{self.page.url} is not whole")

    def ask(self, method: str, path: str, **content: Any) -> Any:
        """The JSON of what the interface for programs answers."""
        content.setdefault("timeout", LONGEST_SECONDS * 1000)
        answer = self.page.request.fetch(f"{self.address}/api/v1{path}", method=method, **content)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.text()}")
        return answer.json() if answer.text() else None

    def ended(self, job: object) -> bool:
        state = self.ask("GET", f"/jobs/{job}")["state"]
        if state in {"failed", "cancelled"}:
            raise RuntimeError(f"job {job} is {state}")
        return bool(state == "succeeded")

    def part(self, name: str, *sections: str) -> None:
        """A picture of the sections of this page, from the first to the last."""
        self.take(name, *(self.page.locator(each).first for each in sections))

    def take(self, name: str, *parts: Locator) -> None:
        """A picture of these parts, or of what the screen shows where none is named."""
        if parts:
            self.page.evaluate("scrollTo(0, 0)")  # boxes are told from the top of what is shown
        boxes = [part.bounding_box() for part in parts]
        frames = [box for box in boxes if box]
        if not frames:
            self._keep(name, self.page.screenshot())
            return
        top, left = min(box["y"] for box in frames), min(box["x"] for box in frames)
        width = max(box["x"] + box["width"] for box in frames) - left
        height = max(box["y"] + box["height"] for box in frames) - top
        self._keep(
            name,
            self.page.screenshot(
                full_page=True,
                clip={"x": left - 8, "y": top - 8, "width": width + 16, "height": height + 16},
            ),
        )

    def _keep(self, name: str, png: bytes) -> None:
        path = FOLDER / f"{name}.webp"
        Image.open(io.BytesIO(png)).convert("RGB").save(path, quality=QUALITY, method=6)
        self.made[path.name] = path.stat().st_size


def wait(look: Callable[[], object], complaint: str) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while not look():
        if time.monotonic() > end:
            raise TimeoutError(complaint)
        time.sleep(0.05)


def dashboard(studio: Studio) -> None:
    page = studio.go("/")
    # Taking pictures keeps the machine busy: an alert of that is no part of the guide.
    page.evaluate("document.querySelector('[aria-labelledby=alerts]')?.remove()")
    studio.take("dashboard")


def upload(studio: Studio) -> None:
    """Three dropped files with their ages, and many on their way."""
    page = studio.go("/drawings/upload")
    files = sorted(studio.samples.glob("*.png"))
    page.locator("#drop").drop({"files": files[:3]})
    for path in files[:3]:
        page.get_by_label(f"Age for {path.name}").fill(path.name.split("_")[1])
        page.get_by_label(f"Subject for {path.name}").fill(path.name.split("_")[2])
    page.get_by_label(f"Child for {files[0].name}").fill(CHILD)
    studio.part("upload", "h1", "#send")
    page = studio.go("/drawings/upload")
    page.locator("#drop").drop({"files": files[3:15]})
    for path in files[3:15]:
        page.get_by_label(f"Age for {path.name}").fill(path.name.split("_")[1])
    with _slow(page):
        page.get_by_role("button", name="Upload", exact=True).click()
        wait(lambda: float(page.locator("#bar").get_attribute("value") or 0) > 40, "no progress")
        studio.part("upload-progress", "#send-row", "#progress")
    page.locator("#result .note").wait_for()
    studio.part("upload-result", "#result")


@contextmanager
def _slow(page: Page) -> Iterator[None]:
    wire = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    wire.send("Network.enable")
    wire.send(
        "Network.emulateNetworkConditions", limits | {"uploadThroughput": SLOW_BYTES_A_SECOND}
    )
    yield
    wire.send("Network.emulateNetworkConditions", limits | {"uploadThroughput": -1})


def one_child(studio: Studio) -> None:
    """The same child at several ages."""
    files = sorted(studio.samples.glob("*.png"), key=lambda path: float(path.name.split("_")[1]))
    for path in files[15 :: len(files) // 4][:4]:
        _, age, subject = path.stem.split("_")[:3]
        sent = {"name": path.name, "mimeType": "image/png", "buffer": path.read_bytes()}
        form = {"file": sent, "age_years": age, "subject": subject, "child_id": CHILD}
        drawing = studio.ask("POST", "/drawings/upload", multipart=form)["id"]
        studio.ask("POST", f"/analysis/analyze/{drawing}")
    child = studio.ask("GET", f"/drawings/?child_id={CHILD}")["drawings"][0]["id"]
    page = studio.go(f"/drawings/{child}")
    page.get_by_role("link", name="All drawings of this child").click()
    studio.settle()
    studio.part("child", "h1", "section[aria-labelledby=drawings]")


def batches(studio: Studio) -> None:
    page = studio.go("/batches")
    studio.part("batch-before", "h1", "section[aria-labelledby=before]")
    page.get_by_role("button", name="Analyse all drawings").click()
    page.locator("main .chip", has_text="done").wait_for()
    studio.go("/batches")
    page.locator("main td a").first.click()
    page.locator("main table").last.wait_for()
    studio.settle()
    studio.part("batch-cohort", "h1", "section[aria-labelledby=cohort] figure")


def gallery(studio: Studio) -> None:
    studio.go("/drawings?flagged=yes")
    studio.take("gallery")


def drawing(studio: Studio) -> None:
    """A flagged drawing: where, neighbours, why for three readers, a note."""
    page = studio.go("/drawings?flagged=yes&label=normal")
    page.locator("a.tile").first.click()
    page.locator("#explanation h3").wait_for()
    page.locator("#compared h3").first.wait_for()
    studio.settle()
    page.locator("#place-1 summary").click()
    studio.part("drawing", ".heading", ".first-look")
    studio.part("drawing-compare", "section[aria-labelledby=compare]")
    studio.part("drawing-ages", "section[aria-labelledby=ages]")
    for reader in ("educator", "researcher", "parent"):
        studio.go(f"{page.url.partition('?')[0].removeprefix(studio.address)}?reader={reader}")
        studio.part(f"why-{reader}", "section[aria-labelledby=why]")
    _note(studio)
    studio.part("drawing-export", "section[aria-labelledby=export]")


def _note(studio: Studio) -> None:
    page = studio.page
    for text in ("Drawn with the left hand.", "Drawn with the left hand, says the teacher."):
        if page.locator("article.noted").count():
            page.locator("article.noted summary", has_text="Change it").click()
            page.locator("article.noted textarea").fill(text)
            page.get_by_role("button", name="Keep the change").click()
        else:
            page.get_by_label("Note", exact=True).fill(text)
            page.get_by_role("button", name="Keep this note").click()
        page.locator("article.noted > p", has_text=text).wait_for()
        studio.settle()
    page.locator("article.noted summary", has_text="History").click()
    studio.part("drawing-notes", "section[aria-labelledby=notes]")


def models(studio: Studio) -> None:
    studio.go("/models")
    studio.part("models", "h1", ".grid-2 > section:nth-of-type(2)")
    studio.part("models-train", "#train")
    low, high = FULL_GROUP
    wish = {"age_min": low, "age_max": high, "model_type": "autoencoder", "candidate": True}
    wish["min_samples"] = 10
    job = studio.ask("POST", "/models/train", data=wish)["job_id"]
    page = studio.go(f"/models/training/{job}")
    page.locator("figure polyline").first.wait_for()
    studio.take("training")
    wait(lambda: studio.ask("GET", f"/models/training/{job}/status")["status"] == "completed", job)
    studio.go("/models/1")
    studio.take("model")


def thresholds(studio: Studio) -> None:
    page = studio.go("/thresholds")
    page.locator("#slider").focus()
    for _ in range(2):
        page.keyboard.press("PageDown")
    asked = page.locator("#percentile").input_value()
    page.locator("#effects [role=status] strong", has_text=asked).wait_for()
    studio.settle()
    studio.take("thresholds")


def encoders(studio: Studio) -> None:
    job = studio.ask("POST", "/encoders/compare", data={})["job_id"]
    wait(lambda: studio.ended(job), "the comparison of encoders does not end")
    studio.go("/encoders")
    studio.part("encoders", "section[aria-labelledby=outcome]")
    studio.part("encoders-task", "section:has(figure.chart)")


def trainings(studio: Studio) -> None:
    """A training on a folder, and its outcome."""
    wish = {"job_name": "samples", "environment": "local", "dataset_folder": "samples"}
    wish |= {"metadata_file": METADATA}
    studio.ask("POST", "/training/jobs", data=wish | {"epochs": EPOCHS})
    page = studio.go("/trainings")
    studio.part("trainings", "h1", "section[aria-labelledby=begin] .fields >> nth=1")
    page.locator("tbody a").first.click()
    page.locator("dl.figures").first.wait_for()
    studio.settle()
    studio.take("training-outcome")


def backups(studio: Studio) -> None:
    studio.ask("POST", "/backup/full")
    studio.go("/backups")
    studio.take("backups")


def reports(studio: Studio) -> None:
    page = studio.go("/reports")
    with page.expect_navigation():
        page.get_by_role("button", name="Write a report").click()
    page.locator("main .chip", has_text="done").wait_for()
    studio.go("/reports")
    studio.part("reports", "h1", "section[aria-labelledby=data]")


def jobs(studio: Studio) -> None:
    studio.go("/jobs")
    studio.take("jobs")


def programs(studio: Studio) -> None:
    page = studio.go("/docs")
    operation = page.locator(f"[data-path='{OPERATION}']")
    page.mouse.move(SCREEN["width"] / 2, SCREEN["height"] / 2)
    while not operation.count():  # Swagger UI has only that in the page which is near what is shown
        page.mouse.wheel(0, 500)
        page.wait_for_timeout(200)
    operation.click()
    page.locator(".opblock.is-open").wait_for()
    page.evaluate("document.querySelector('.opblock.is-open').scrollIntoView()")
    page.wait_for_timeout(1000)
    studio.take("docs")


SCENES = (
    upload,
    models,
    one_child,
    batches,
    gallery,
    drawing,
    thresholds,
    encoders,
    trainings,
    backups,
    reports,
    jobs,
    programs,
    dashboard,
)


def make(home: Path, scenes: Sequence[Callable[[Studio], None]]) -> dict[str, int]:
    """Every picture with its bytes."""
    samples = home.parent / "samples"
    write_samples(samples, make_false_alarm_samples(seed=5, per_group=20))
    FOLDER.mkdir(exist_ok=True)
    with served(home) as address, sync_playwright() as player:
        path = next(filter(None, map(shutil.which, CHROMIUM)))
        browser: Browser = player.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport=SCREEN, locale="en-GB", timezone_id="UTC")
        page.set_default_timeout(LONGEST_SECONDS * 1000)
        studio = Studio(page, address, samples)
        for scene in scenes:
            scene(studio)
        browser.close()
    return studio.made


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The real server on this data folder."""
    port, push = (_free_port() for _ in range(2))
    command = [sys.executable, "-m", "deepmed.cli", "serve"]
    environment = os.environ | {"DEEPMED_HOME": str(home), "DEEPMED_PARENT_TEXTS": "true"}
    environment["DEEPMED_DATASETS_DIR"] = str(home.parent)
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [*command, "--port", str(port), "--ws-port", str(push)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(lambda: _listens(port), "the server does not answer")
        yield f"http://localhost:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def demo_home(given: Path | None) -> Iterator[Path]:
    """A copy of a data folder of the demo, or one in which it runs now."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        if given:
            shutil.copytree(given, home)
        else:
            environment = os.environ | {"DEEPMED_HOME": str(home)}
            command = [sys.executable, "-m", "deepmed.cli", "demo"]
            subprocess.run(command, env=environment, check=True)  # noqa: S603 - likewise
        yield home


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path)
    parser.add_argument("--only", nargs="*", choices=[scene.__name__ for scene in SCENES])
    wanted = parser.parse_args()
    scenes = [each for each in SCENES if not wanted.only or each.__name__ in wanted.only]
    with demo_home(wanted.home) as home:
        made = make(home, scenes)
    for name, size in sorted(made.items()):
        sys.stdout.write(f"{size:8,} bytes  {name}{'  TOO LARGE' * (size > MOST_BYTES)}\n")


if __name__ == "__main__":
    main()
