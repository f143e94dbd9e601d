"""Another owner's objects do not exist: every route with an object in its path answers 404."""

import re
from typing import Any

import pytest

from deepmed.app.access import ROLES
from deepmed.core.jobs.tables import Job, JobState
from deepmed.features.drawings.tables import Drawing
from deepmed.features.xray.runs.reading import StoredRun
from factories.api import PREFIX, Api, picture
from factories.training_sets import NAME, TABLE, wanted, write_set
from factories.xray import write_films
from factories.xray_rows import films_zip
from factories.xray_runs import publish_untrained

pytestmark = pytest.mark.req("S-3.1")

NOBODYS = {
    "component_name": "database",
    "age_min": 3,
    "age_max": 6,
    "age_group": "6-9",
    "form": "csv",
    "backup_name": "none",
    "bucket_name": "any",
    "category": "api",
    "document_id": "any",
    "session_id": "any",
    "name": "README",
    "number": 1,
    "key": "loss",
}
"""Parts of paths that name no object of a person, and what may stand there."""
WRITTEN = {f"GET {PREFIX}/xray/runs/{{run_id}}/report.{{form}}": ".pdf"}
"""Files that have no table's form."""
ASKED = {
    "GET /xrays/runs/{run_id}/results/curves": {"part": "test"},
    "GET /xrays/runs/{run_id}/results/threshold": {"at": 0.5},
}
UNLIKE_OTHERS = {
    "GET /xrays/jobs/{job_id}": "a job of another kind has no run",
    "GET /xrays/runs/{run_id}/curves/{key}.{form}": "nothing was trained, so nothing was told",
    "GET /xrays/runs/{run_id}/results/{name}.{form}": "no chart is called as a page of the guide",
}
NOT_FOUND_IN_WORDS = {f"GET {PREFIX}/drawings/upload/progress/{{upload_id}}"}
"""The contract lets an unknown upload be told with 200."""
UIDS = {
    "/trainings/sweeps/": "sweep",
    "/trainings/": "training",
    "/reports/": "report",
    "/xrays/sources/": "archive",
}
"""What `uid` means below a path, where it is not a training of models."""
NOTE = {"region_id": "drawing", "annotation_text": "A note", "annotation_type": "note"}
WANTED = {"experiment_name": "mine now", "values": {}}
BODIES: dict[str, Any] = {
    f"PATCH {PREFIX}/drawings/{{drawing_id}}": {"prompt": "mine now"},
    f"PUT {PREFIX}/models/{{model_id}}/threshold": {"percentile": 60},
    f"POST {PREFIX}/interpretability/{{analysis_id}}/export": {"format": "json"},
    f"POST {PREFIX}/interpretability/{{analysis_id}}/annotate": NOTE,
    f"PUT {PREFIX}/interpretability/{{analysis_id}}/annotations/{{annotation_id}}": {
        "annotation_text": "mine now"
    },
    "POST /xrays/runs/{run_id}/lookalikes": {"pairs": {}},
    "POST /xrays/runs/{run_id}/again": WANTED,
    "POST /xrays/sources/{uid}/train": WANTED,
}


def parts(route: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", route)) - NOBODYS.keys()


WITH_OBJECTS = sorted(route for route in ROLES if parts(route))


def objects(api: Api) -> dict[str, Any]:
    """One of each kind, made by the owner; a number or an id by the path's own word for it."""
    drawing = api.upload(picture()).json()["id"]
    batch = api.json("POST", "/analysis/batch", json={"drawing_ids": [drawing, 1]})
    sent = [("a_age5.png", picture(51)), ("b_age6.png", picture(52))]
    upload = api.upload_batch(sent, name_pattern="*_age{age}").json()
    folder = trained_on_a_folder(api)
    api.work_off()
    training = api.json("POST", "/models/auto-create", params={"force_recreate": True})
    analysis = api.json("POST", f"/analysis/analyze/{drawing}")["analysis"]["id"]
    explained = f"/interpretability/{analysis}"
    return {
        "annotation_id": api.json("POST", f"{explained}/annotate", json=NOTE)["annotation_id"],
        "export_name": api.json("POST", "/export")["export_name"],
        "export_id": api.json("POST", f"{explained}/export", json={"format": "csv"})["export_id"],
        **folder,
        "package_id": api.json("POST", "/training/models/export?model_id=2")["model_id"],
        "drawing_id": drawing,
        "child_id": child_of(api, drawing),
        "sample_id": drawing,
        "analysis_id": analysis,
        "model_id": api.get("/models/age-groups")["models"][0]["id"],
        "batch_id": batch["batch_id"],
        "upload_id": upload["upload_id"],
        "job_id": upload["job_id"],
        "uid": training["job_id"],
        "sweep": compared(api),
        "report": reported(api),
        **x_rays(api),
    }


def x_rays(api: Api) -> dict[str, Any]:
    """A completed run, one of its images, and an archive that nobody has trained on."""
    source = write_films(api.home.settings.home / "films", 40)
    run = publish_untrained(api.home, source)["run_id"]
    records = StoredRun.of(api.home, run).predictions or {}
    sent = {"data_zip": ("films.zip", films_zip(), "application/zip")}
    archive = api.client.post("/xrays/sources", files=sent).json()["uid"]
    api.client.get(f"/xrays/sources/{archive}/look")
    return {
        "run_id": run,
        "experiment_id": run,
        "digest": records["test"][0]["digest"],
        "archive": archive,
    }


def child_of(api: Api, drawing: int) -> int:
    with api.home.database.read() as session:
        return session.get_one(Drawing, drawing).child_id


def trained_on_a_folder(api: Api) -> dict[str, Any]:
    write_set(api.home.settings.home / "datasets")
    number = api.json("POST", "/training/jobs", json=wanted(epochs=1))["id"]
    (newest, *_) = api.get("/jobs")["jobs"]
    api.work_off()
    (report,) = api.get(f"/training/jobs/{number}/reports")
    return {"training_job_id": number, "report_id": report["id"], "training": newest["uid"]}


def compared(api: Api) -> str:
    """A comparison of settings that waits."""
    asked = {"job_name": "two", "folder": f"{NAME}/{TABLE}", "tried": "epochs=1,2"}
    return str(api.client.post("/trainings/sweeps", json=asked).json()["uid"])


def reported(api: Api) -> str:
    """A report whose file is there, as its job would have left it."""
    job_id = api.client.post("/reports", json={}).json()["job_id"]
    api.home.storage.put("reports/mine.html", b"of my drawings")
    with api.home.database.write() as session:
        job = session.get_one(Job, job_id)
        job.state = JobState.SUCCEEDED.value
        job.result = {"report": "reports/mine.html", "flagged": 0, "drawings": 1}
        return job.uid


def filled(route: str, known: dict[str, Any]) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    values = NOBODYS | known
    if "/models/" in path:  # the contract's jobs are named by their uid there
        values["job_id"] = known["uid"]
    meant = next((UIDS[place] for place in UIDS if path.startswith(place)), "uid")
    values["uid"] = known[meant]
    missing = parts(route) - values.keys()
    assert not missing, f"{route}: what is {missing}? Let objects() make one."
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: str(values[found[1]]), path)
    return method, path.replace(".csv", WRITTEN.get(route, ".csv"))


def states(api: Api) -> list[Any]:
    """What must be the same afterwards."""
    drawings = api.get("/drawings/", params={"page_size": 100})
    models = api.get("/models/age-groups", params={"active_only": False})
    return [drawings, models, api.get("/config/"), api.get("/analysis/stats")]


def test_nothing_of_the_owners_is_found_changed_or_deleted_by_another(api: Api) -> None:
    known = objects(api)
    before, stranger = states(api), api.stranger()
    wrong = {}
    for route in WITH_OBJECTS:
        method, path = filled(route, known)
        answer = stranger.client.request(
            method, path, json=BODIES.get(route), params=ASKED.get(route)
        )
        if route in NOT_FOUND_IN_WORDS:
            assert answer.json()["status"] == "not_found"
        elif answer.status_code != 404:
            wrong[route] = answer.status_code
    assert wrong == {}
    assert states(api) == before


def test_the_same_routes_find_the_owners_own(api: Api) -> None:
    """So that the test above is about the owner."""
    known = objects(api)
    missing = {}
    for route in WITH_OBJECTS:
        method, path = filled(route, known)
        if method == "GET" and not path.endswith("/events") and route not in UNLIKE_OTHERS:
            answer = api.client.request(method, path, params=ASKED.get(route))
            if answer.status_code >= 400:
                missing[route] = answer.status_code
    assert missing == {}


def test_lists_counts_and_figures_of_another_are_empty(api: Api) -> None:
    objects(api)
    stranger = api.stranger()
    assert stranger.get("/drawings/")["drawings"] == []
    assert stranger.get("/drawings/stats")["total_drawings"] == 0
    folders = stranger.get("/drawings/stats")["storage"]["directories"]
    assert {folder["file_count"] for folder in folders.values()} == {0}
    assert stranger.get("/models/age-groups", params={"active_only": False})["models"] == []
    assert stranger.get("/models/status")["total_analyses"] == 0
    statistics = stranger.get("/analysis/stats")
    assert (statistics["total_drawings"], statistics["recent_analyses"]) == (0, [])
    assert stranger.get("/config/stats")["age_distribution"]["total_drawings"] == 0
    assert stranger.get("/config/subjects")["statistics"]["total_drawings"] == 0
    assert stranger.get("/config/subjects/statistics")["subject_distribution"] == []
    assert stranger.ask("GET", "/config/subjects/statistics?subject=person").status_code == 404
    assert stranger.get("/config/models/subject-aware")["model_details"] == []
    sufficiency = stranger.get("/models/data-sufficiency/analyze")
    assert {group["sample_count"] for group in sufficiency["analysis_results"]} == {0}
    assert stranger.get("/config/threshold/preview?percentile=80")["effects"] == []


def test_another_cannot_analyse_merge_or_reset_what_is_the_owners(api: Api) -> None:
    before, stranger = states(api), api.stranger()
    asked = stranger.ask("POST", "/analysis/batch", json={"drawing_ids": [1, 2]})
    assert asked.status_code == 400
    groups = {"original_groups": [[3, 6], [6, 9]], "merged_group": [3, 9]}
    merge = stranger.ask("POST", "/models/data-sufficiency/merge-age-groups", json=groups)
    assert merge.status_code == 409
    assert stranger.json("POST", "/config/reset?confirm=true")["data"]["deactivated_models"] == 0
    stranger.json("PUT", "/config/threshold?percentile=60")
    stranger.json("PUT", "/config/age-grouping", json={"min_samples_per_group": 11})
    assert states(api) == before


def test_the_same_bytes_are_anothers_own_drawing(api: Api) -> None:
    mine = api.upload(picture()).json()
    theirs = api.stranger().upload(picture()).json()
    assert theirs["id"] != mine["id"]
    assert theirs["already_present"] is False
    assert theirs["filename"] != mine["filename"]
