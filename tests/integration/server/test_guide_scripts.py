"""The guide's three scripts against the application in this process."""

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from deepmed.cli.guide import scripts
from deepmed.cli.guide.client import GuideClient, GuideError
from factories.api import Api, picture

NOBODY = "http://localhost:1"


def client(api: Api) -> GuideClient:
    inside: Any = Api.of(api.home).client  # speaks as httpx does; a script closes its own
    return GuideClient("http://localhost:8000", inside)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Four of the guide's drawings and what is known of them."""
    folder = tmp_path / "samples"
    assert scripts.create([str(folder)]) == 0
    table = folder / "metadata.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:5]), encoding="utf-8")
    return folder


@dataclass
class Waiting:
    """What happens while a script waits."""

    then: Callable[[], object]
    seconds: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.then()


@pytest.fixture
def waiting(api: Api, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """The scripts train one group, and jobs are worked off while they wait."""
    made = Waiting(api.work_off)
    monkeypatch.setattr(scripts, "GROUPS", ((13.0, 14.0, "Youth"),))
    clock = SimpleNamespace(sleep=made.sleep, monotonic=time.monotonic)
    monkeypatch.setattr(scripts, "time", clock)
    return made


@pytest.mark.req("D-3.5")
def test_the_samples_are_95_with_their_metadata(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sample_drawings"
    assert scripts.create([str(folder), "--seed", "1"]) == 0
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(list(folder.glob("*.png"))) == 95
    assert capsys.readouterr().out == f"95 drawings written to {folder}/\n"
    (folder / "planted.csv").touch()
    assert scripts.create([str(folder)]) == 1
    assert "Choose another folder" in capsys.readouterr().err


def test_uploading_twice_stores_once(
    empty: Api, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for expected in ("4 drawings uploaded, 0 were", "0 drawings uploaded, 4 were"):
        assert scripts.upload([str(samples)], client(empty)) == 0
        assert expected in capsys.readouterr().out
    stored = empty.get("/drawings/")["drawings"]
    assert len(stored) == 4
    assert {each["expert_label"] for each in stored} == {"normal"}
    assert all(each["child_id"] for each in stored)


def test_an_upload_that_is_refused_says_why_and_keeps_what_was_before(
    empty: Api, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (samples / "metadata.csv").open(encoding="utf-8", newline="") as file:
        third = list(csv.DictReader(file))[2]["filename"]
    (samples / third).write_bytes(b"no picture")
    assert scripts.upload([str(samples)], client(empty)) == 1
    told = capsys.readouterr()
    assert "was refused (400): The picture was not stored" in told.err
    assert empty.get("/drawings/")["total_count"] == 2


def test_without_samples_or_without_a_server(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scripts.upload([str(tmp_path / "nowhere")]) == 1
    assert "Run `python create_sample_drawings.py` first" in capsys.readouterr().err
    for script, arguments in ((scripts.upload, [str(samples)]), (scripts.train, [])):
        assert script([*arguments, "--server", NOBODY]) == 1
        assert "Start it with `deepmed serve`" in capsys.readouterr().err


@pytest.mark.req("D-3.4")
def test_training_embeds_trains_reports_and_tests_one_drawing(
    api: Api, waiting: Waiting, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        api.upload(picture(number, 13.5), age_years=f"13.{number}")
    assert scripts.train([], client(api)) == 0
    out = capsys.readouterr().out
    assert "161 drawings\n160 drawings are embedded\nYouth: training ages 13-14" in out
    assert '"total_models": 4' in out
    assert "ages 13-14, 12 drawings" in out
    assert '"age_group": "3.0-6.0"' in out
    assert waiting.seconds == [scripts.POLL_SECONDS]


def test_a_group_that_is_not_trained_fails_the_script(
    api: Api, waiting: Waiting, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scripts.train(["--skip-embeddings", "--models-only"], client(api)) == 1
    told = capsys.readouterr()
    assert "Youth: POST /api/v1/models/train was refused (400): 0 drawings" in told.err
    assert "are embedded" not in told.out
    assert "age_group" not in told.out
    assert waiting.seconds == []


def test_a_training_that_fails_later_fails_the_script(
    api: Api, waiting: Waiting, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(10):
        api.upload(picture(number, 13.5), age_years="13.5")

    def spoil() -> None:
        for each in api.get("/drawings/", params={"age_min": 13, "page_size": 50})["drawings"]:
            api.json("PATCH", f"/drawings/{each['id']}", json={"withdrawn": True})
        api.work_off()

    waiting.then = spoil
    assert scripts.train(["--skip-embeddings", "--models-only"], client(api)) == 1
    assert "Youth: " in capsys.readouterr().err


def test_without_training_it_reports_only(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert scripts.train(["--skip-training"], client(api)) == 0
    assert '"total_models": 3' in capsys.readouterr().out


def test_a_wait_has_an_end(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"age_min": 3, "age_max": 6, "min_samples": 10, "candidate": True}
    job = api.json("POST", "/models/train", json=wanted)["job_id"]
    monkeypatch.setattr(scripts, "LONGEST_SECONDS", 0.0)
    with pytest.raises(GuideError, match="it goes on by itself"):
        scripts._wait(client(api), job)


def test_an_answer_that_is_no_json_is_shown() -> None:
    answered = httpx.MockTransport(lambda _: httpx.Response(502, text="bad gateway"))
    inside = httpx.Client(transport=answered, base_url=NOBODY)
    with pytest.raises(GuideError, match="refused \\(502\\): bad gateway"):
        GuideClient(NOBODY, inside).health()
