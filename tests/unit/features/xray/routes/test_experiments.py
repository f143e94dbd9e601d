"""Contract 1.2: a ZIP comes in and is queued, or is refused and nothing of it stays."""

import io
import stat
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from deepmed.features.xray.answers import experiments as answers
from deepmed.features.xray.federated import service
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit.errors import ConfigurationError, ValidationError
from factories.api import Api, api_on
from factories.films import film, png
from factories.xray_rows import EPOCHS, central_row, films_zip
from integration.server.contract.shapes import count, mismatches, moment, number, one_of

from .conftest import CENTRAL, FAILED, FEDERATED, STRANGERS

TRAIN = ["/centralized", "/centralized/train"]
FEDERATE = ["/federated", "/federated/train"]
COMPARE = ["/comparison/run"]
STARTED = {"message": str, "experiment_name": str, "status": "queued"}
CENTRALIZED = {**STARTED, "checkpoint_dir": str, "logs_dir": str, "run_id": int, "notes": [str]}
FEDERATION = {**STARTED, "num_server_rounds": number(1, 10_000), "run_id": int}
COMPARISON = {
    "message": str,
    "base_output_dir": str,
    "partition_strategy": one_of("stratified", "random", "iid", "non-iid"),
    "centralized_name": str,
    "federated_name": str,
    "status": "queued",
}
SHAPES: dict[str, Any] = {
    **dict.fromkeys(TRAIN, CENTRALIZED),
    **dict.fromkeys(FEDERATE, FEDERATION),
    **dict.fromkeys(COMPARE, COMPARISON),
}
PROGRESSING = one_of("started", "running", "completed", "failed")
ENTRY = {
    "experiment_id": str,
    "experiment_name": str,
    "status": PROGRESSING,
    "training_mode": one_of("centralized", "federated"),
    "progress": number(0, 100),
    "current_epoch": count,
    "start_time": moment,
    "end_time": (moment, None),
}
STATUS = {
    **ENTRY,
    "total_epochs": count,
    "latest_metrics": (dict, None),
    "total_events": count,
}


@pytest.fixture(scope="module")
def desk(empty_home: Path) -> Iterator[Api]:
    """An empty data folder that the tests of this module share."""
    with api_on(empty_home) as made:
        yield made


def sent(
    api: Api, path: str, content: bytes | None = None, name: str = "images.zip", **form: Any
) -> Any:
    files = {"data_zip": (name, films_zip() if content is None else content, "application/zip")}
    return api.client.post(f"/experiments{path}", files=files, data=form)


def begun(api: Api, path: str, **form: Any) -> Any:
    answer = sent(api, path, **form)
    assert answer.status_code == 202, answer.text
    return answer.json()


def kept_and_begun(api: Api) -> tuple[int, int, int]:
    """ZIPs, runs and jobs that there are."""
    zips = list((api.home.settings.home / "xray" / "sources").rglob("*.*"))
    runs = api.client.get("/experiments/list").json()["count"]
    return len(zips), runs, len(api.get("/jobs")["jobs"])


@pytest.mark.req("X-11.2")
@pytest.mark.parametrize("path", SHAPES)
def test_a_zip_is_accepted_within_a_second_in_the_contracts_shape(desk: Api, path: str) -> None:
    began = time.perf_counter()
    answer = sent(desk, path)
    assert time.perf_counter() - began < 1
    assert answer.status_code == 202
    assert not list(mismatches(SHAPES[path], answer.json()))


def test_what_was_asked_for_is_what_waits(desk: Api) -> None:
    form = {
        "experiment_name": "  films of March ",
        "csv_filename": "labels.csv",
        "level": 2,
        "configuration": '{"experiment": {"epochs": 4}, "system": {"img_size": [32, 32]}}',
    }
    found = begun(desk, "/centralized", **form)
    assert found["experiment_name"] == "films of March"
    stored = StoredRun.of(desk.home, found["run_id"])
    told = stored.run.configuration
    # The level sets all three, and a single setting counts more.
    assert (told["experiment"]["epochs"], told["experiment"]["batch_size"]) == (4, 24)
    assert told["system"]["img_size"] == [32, 32]
    assert stored.run.csv_filename == "labels.csv"
    assert stored.job is not None
    assert (stored.job.id, stored.job.state) == (found["job_id"], "queued")
    status = desk.client.get(f"/experiments/status/{found['experiment_id']}").json()
    assert (status["status"], status["progress"], status["total_epochs"]) == ("started", 0, 4)


@pytest.mark.req("X-6.3")
@pytest.mark.parametrize("path", ["/centralized", "/federated", "/comparison/run"])
def test_a_network_that_is_not_offered_starts_nothing_and_is_told_why(desk: Api, path: str) -> None:
    before = kept_and_begun(desk)
    answer = sent(desk, path, configuration='{"experiment": {"network": "inception_v3"}}')
    assert answer.status_code == 400
    told = answer.json()["detail"]
    assert "Inception networks are fixed to pictures of 299x299 pixels" in told
    assert told.endswith("No training was started.")
    assert kept_and_begun(desk) == before


def test_an_owners_defaults_count_where_a_request_says_nothing(empty_home: Path) -> None:
    with api_on(empty_home) as api:
        other = api.stranger()
        set_ = {"experiment": {"epochs": 3, "learning_rate": 0.5}}
        assert other.client.post("/config/update", json=set_).status_code == 200
        found = begun(other, "/centralized", configuration='{"experiment": {"epochs": 9}}')
        told = StoredRun.of(other.home, found["run_id"]).run.configuration["experiment"]
        assert (told["epochs"], told["learning_rate"]) == (9, 0.5)


@pytest.mark.req("S-16.1")
def test_places_on_the_server_are_not_the_clients_to_name(desk: Api) -> None:
    places = {"checkpoint_dir": "/etc", "logs_dir": "../../logs"}
    found = begun(desk, "/centralized/train", **places)
    folder = f"xray/runs/{StoredRun.of(desk.home, found['run_id']).run.uid}"
    assert (found["checkpoint_dir"], found["logs_dir"]) == (f"{folder}/checkpoints", folder)
    assert [note.partition(" ")[0] for note in found["notes"]] == ["checkpoint_dir", "logs_dir"]
    assert begun(desk, "/centralized")["notes"] == []
    compared = begun(desk, "/comparison/run", base_output_dir="/etc")
    assert compared["notes"][0].startswith("base_output_dir was not used")
    assert compared["base_output_dir"] == "xray/runs"


@pytest.mark.req("S-16.1")
@pytest.mark.parametrize("path", [*TRAIN, *FEDERATE, *COMPARE])
@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../labels.csv", "..", "a/../../b.csv", "C:\\x.csv", "..\\x.csv", "a\0b"],
)
def test_a_table_is_no_path(desk: Api, path: str, name: str) -> None:
    before = kept_and_begun(desk)
    answer = sent(desk, path, csv_filename=name)
    assert answer.status_code == 400
    assert "plain name" in answer.json()["detail"]
    assert kept_and_begun(desk) == before


@pytest.mark.req("X-14.1")
def test_a_federated_training_waits_with_its_rounds(desk: Api) -> None:
    found = begun(desk, "/federated/train", num_server_rounds=5, experiment_name="of two")
    assert (found["num_server_rounds"], found["experiment_name"]) == (5, "of two")
    run = StoredRun.of(desk.home, found["run_id"]).run
    assert (run.training_mode, run.configuration["experiment"]["num_rounds"]) == ("federated", 5)
    assert begun(desk, "/federated")["num_server_rounds"] == 3


def test_a_comparison_has_the_same_images_and_seed_in_both(desk: Api) -> None:
    found = begun(desk, "/comparison/run", partition_strategy="non-iid", centralized_name="one")
    central, federated = (
        StoredRun.of(desk.home, found[f"{mode}_run_id"]).run
        for mode in ("centralized", "federated")
    )
    assert (central.training_mode, federated.training_mode) == ("centralized", "federated")
    assert central.source_path == federated.source_path
    assert central.configuration == federated.configuration
    assert federated.configuration["federated"]["partition"] == "dirichlet"
    assert found["partition_strategy"] == "non-iid"


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValidationError("not so; nothing."), 400), (RuntimeError("a fault"), 500)],
    ids=["refused", "a fault"],
)
def test_a_comparison_begins_as_a_whole_or_not_at_all(
    desk: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fails(*_: object) -> None:
        raise error

    before = kept_and_begun(desk)
    monkeypatch.setattr(answers, "_start", fails)
    assert sent(desk, "/comparison/run").status_code == status
    assert kept_and_begun(desk) == before


def test_a_zip_on_which_a_run_rests_after_all_is_kept(
    desk: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = answers._start

    def too_late(*given: Any) -> None:
        start(*given)
        raise ValidationError("No answer came; nothing is known.")

    zips, runs, jobs = kept_and_begun(desk)
    monkeypatch.setattr(answers, "_start", too_late)
    assert sent(desk, "/centralized").status_code == 400
    assert kept_and_begun(desk) == (zips + 1, runs + 1, jobs + 1)


def test_what_is_not_installed_is_not_offered(desk: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ConfigurationError("Flower is not installed.")

    monkeypatch.setattr(service, "start_federated", missing)
    before = kept_and_begun(desk)
    for path in (*FEDERATE, *COMPARE):
        answer = sent(desk, path)
        assert answer.status_code == 501
        assert "Flower is not installed." in answer.json()["detail"]
    assert kept_and_begun(desk) == before


@pytest.mark.parametrize("path", [*TRAIN, *FEDERATE, *COMPARE])
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"experiment_name": " \t"}, 422),
        ({"experiment_name": "x" * 201}, 422),
        ({"centralized_name": "a\nb"}, 422),
        ({"level": "0"}, 422),
        ({"level": "6"}, 422),
        ({"num_server_rounds": "0"}, 422),
        ({"partition_strategy": "by colour"}, 422),
        ({"configuration": "no JSON"}, 422),
        ({"configuration": "[1]"}, 422),
        ({"configuration": "[" * 50_000}, 422),
        ({"configuration": '{"experiment": {"epochs": 0}}'}, 422),
        ({"configuration": '{"experiment": {"epoch": 3}}'}, 422),
        ({"configuration": '{"experiment": 3}'}, 422),
        ({"configuration": '{"system": {"validation_split": 0.9, "test_split": 0.5}}'}, 422),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_a_form_that_cannot_be_is_refused(
    desk: Api, path: str, form: dict[str, str], status: int
) -> None:
    (name,) = form
    known = {"experiment_name": [*TRAIN, *FEDERATE], "num_server_rounds": FEDERATE}
    known |= dict.fromkeys(("centralized_name", "partition_strategy"), COMPARE)
    if path not in known.get(name, [path]):
        return
    before = kept_and_begun(desk)
    answer = sent(desk, path, films_zip(), "images.zip", **form)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert kept_and_begun(desk) == before


def packed(*entries: tuple[str | ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def link(name: str) -> ZipInfo:
    info = ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def stated(archive: bytes, size: int) -> bytes:
    """The same archive, whose directory says that its first file has so many bytes."""
    place = archive.index(b"PK\1\2") + 24
    return archive[:place] + struct.pack("<I", size) + archive[place + 4 :]


PICTURE = png(film(1))
HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no ZIP": lambda: b"Images and labels",
    "a picture": lambda: PICTURE,
    "the first bytes alone": lambda: b"PK\3\4 and nothing more",
    "cut off": lambda: films_zip()[:-40],
    "empty": packed,
    "up": lambda: packed(("../../a.png", PICTURE)),
    "from the root": lambda: packed(("/etc/a.png", PICTURE)),
    "a drive": lambda: packed(("C:\\a.png", PICTURE)),
    "a link": lambda: packed((link("a.png"), b"/etc/passwd")),
    "a bomb": lambda: stated(packed(("a.png", PICTURE)), 3 << 30),
    "no image": lambda: packed(("labels.csv", b"patientId,Target"), ("a.html", b"<script>")),
    "an archive in it": lambda: packed(("a.zip", packed(("a.png", PICTURE)))),
}


@pytest.mark.req("S-8.1")
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_zip_is_refused_and_nothing_stays(desk: Api, what: str) -> None:
    before = kept_and_begun(desk)
    content = HOSTILE[what]()
    for path in ("/centralized", "/federated", "/comparison/run"):
        answer = sent(desk, path, content, name="../../images.zip")
        assert answer.status_code == 400, answer.text
        assert "othing" in answer.json()["detail"]
    assert kept_and_begun(desk) == before


def test_a_zip_that_is_too_large_is_refused(empty_home: Path) -> None:
    with api_on(empty_home, max_upload_bytes=5000) as api:
        before = kept_and_begun(api)
        answer = sent(api, "/centralized", films_zip(40))
        assert answer.status_code == 413
        assert sent(api, "/centralized", films_zip(40) * 200).status_code == 413
        assert kept_and_begun(api) == before


@pytest.mark.parametrize("path", [*TRAIN, *FEDERATE, *COMPARE])
def test_without_a_file_nothing_begins(desk: Api, path: str) -> None:
    before = kept_and_begun(desk)
    answer = desk.client.post(f"/experiments{path}", data={"experiment_name": "x"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "data_zip"]
    assert kept_and_begun(desk) == before


@pytest.mark.req("X-19.1")
def test_experiments_are_told_by_number_and_by_name(hospital: Api) -> None:
    for name in (f"run_{CENTRAL}", str(CENTRAL), "on all images"):
        found = hospital.client.get(f"/experiments/status/{name}").json()
        assert not list(mismatches(STATUS, found))
        assert (found["experiment_id"], found["status"]) == (f"run_{CENTRAL}", "completed")
        assert (found["progress"], found["current_epoch"]) == (100, 3)
        assert found["latest_metrics"]["val_acc"] == EPOCHS[-1]["val_acc"]
    federated = hospital.client.get(f"/experiments/status/run_{FEDERATED}").json()
    assert (federated["current_epoch"], federated["total_epochs"]) == (2, 3)
    failed = hospital.client.get(f"/experiments/status/run_{FAILED}").json()
    assert (failed["status"], failed["reason"], failed["latest_metrics"]) == (
        "failed",
        "No labels.",
        None,
    )


@pytest.mark.req("X-9.1")
def test_the_messages_of_a_run_are_counted(real: Api) -> None:
    found = real.client.get("/experiments/status/run_1").json()
    with real.home.database.read() as session:
        from deepmed.features.xray.runs import repository

        assert found["total_events"] == len(repository.events(session, 1, 0, 10_000))


@pytest.mark.req("S-3.1")
@pytest.mark.parametrize(
    "name", [f"run_{STRANGERS}", "hidden", "run_99", "0", "-1", "9" * 40, "²", "on all"]
)
def test_unknown_and_anothers_experiments_are_not_found(hospital: Api, name: str) -> None:
    for path in (f"/experiments/status/{name}", f"/api/training/stream/{name}"):
        answer = hospital.client.get(path)
        assert answer.status_code == 404
        assert name[:80] in answer.json()["detail"]


@pytest.mark.req("X-19.1")
def test_experiments_are_listed(hospital: Api) -> None:
    found = hospital.client.get("/experiments/list").json()
    assert not list(mismatches({"experiments": [ENTRY], "count": count}, found))
    assert [each["run_id"] for each in found["experiments"]] == [FAILED, FEDERATED, CENTRAL]
    assert found["count"] == 3
    page = hospital.client.get("/experiments/list", params={"limit": 1, "offset": 1}).json()
    assert ([each["run_id"] for each in page["experiments"]], page["count"]) == ([FEDERATED], 3)
    for query in ({"limit": 0}, {"limit": 1001}, {"offset": -1}):
        assert hospital.client.get("/experiments/list", params=query).status_code == 422


def test_progress_is_that_of_the_epochs(empty_home: Path) -> None:
    with api_on(empty_home) as api:
        number = central_row(
            api.home, "half done", EPOCHS[:2], status="in_progress", results=None, end_time=None
        )
        found = api.client.get(f"/experiments/status/{number}").json()
        assert (found["status"], found["current_epoch"], found["total_epochs"]) == ("running", 2, 3)
        assert found["progress"] == pytest.approx(200 / 3)
