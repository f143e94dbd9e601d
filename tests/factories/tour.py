"""Every operation asked once on one data folder, in an order in which all of them succeed."""

import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from deepmed.core.home import Home
from deepmed.features.drawings.encoders import material
from deepmed.features.drawings.training import running
from deepmed.features.xray.runs.reading import StoredRun
from factories.api import Api, api_on, picture
from factories.drawings import Sketch, add_drawings, embed
from factories.encoder import OTHER_NAME
from factories.planting import plant_few
from factories.shared import made_once
from factories.training_sets import in_amazon, wanted, write_set
from factories.xray import write_films
from factories.xray_rows import central_row, federated_row, films_zip
from factories.xray_runs import publish_untrained, sharpened

GROUPS = "/models/data-sufficiency"
ANSWERED = "answered.json"
Answered = dict[str, list[httpx.Response]]
"""By operation, in the order of asking."""


@dataclass
class Tour:
    """Answers by operation, such as `GET /drawings/{drawing_id}`, in the order of asking."""

    api: Api
    amazon: str
    """The tests' own server of Amazon's interface."""
    answers: Answered = field(default_factory=dict)
    outside: Answered = field(default_factory=dict)
    """Those to paths that do not begin with `/api/v1`, as the contract of X-rays has them."""

    def go(
        self, method: str, path: str, *, names: dict[str, Any] | None = None, **content: Any
    ) -> Any:
        """Ask for a path such as `/drawings/{drawing_id}`; the JSON of its answer."""
        answer = self.api.ask(method, path.format(**names or {}), **content)
        return _kept(self.answers, f"{method} {path}", answer)

    def reach(
        self, method: str, path: str, *, names: dict[str, Any] | None = None, **content: Any
    ) -> Any:
        """The same for a path that does not begin with `/api/v1`, such as `/api/runs/list`."""
        answer = self.api.client.request(method, path.format(**names or {}), **content)
        return _kept(self.outside, f"{method} {path}", answer)

    def save(self, folder: Path) -> None:
        """Keep what was answered beside the data folder, for the other workers."""
        kept = [
            {
                operation: [
                    (one.status_code, one.headers.multi_items(), b64encode(one.content).decode())
                    for one in answers
                ]
                for operation, answers in asked.items()
            }
            for asked in (self.answers, self.outside)
        ]
        (folder / ANSWERED).write_text(json.dumps(kept), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, api: Api) -> "Tour":
        kept = json.loads((folder / ANSWERED).read_text(encoding="utf-8"))
        answers, outside = (
            {
                operation: [
                    httpx.Response(status, headers=_plain(headers), content=b64decode(content))
                    for status, headers, content in found
                ]
                for operation, found in asked.items()
            }
            for asked in kept
        )
        return cls(api, "", answers, outside)

    def named(self) -> list[Any]:
        """All JSON bodies under the names by which docs/numbers.md knows them."""
        return [
            {"http": {last_word(operation.partition(" ")[2]): answer.json()}}
            for operation, answers in [*self.answers.items(), *self.outside.items()]
            for answer in answers
            if answer.content and "json" in answer.headers["content-type"]
        ]


def _kept(asked: Answered, operation: str, answer: httpx.Response) -> Any:
    """The JSON of an answer that succeeded, if it is some."""
    assert answer.is_success, f"{operation}: {answer.text}"
    asked.setdefault(operation, []).append(answer)
    return answer.json() if answer.content and "json" in answer.headers["content-type"] else None


def _plain(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without the one that says how the content was packed: it is kept unpacked."""
    return [(name, value) for name, value in headers if name.lower() != "content-encoding"]


def last_word(path: str) -> str:
    """Of an address, without an ending: `train` of `/models/train`; an object's place is none."""
    words = [word for word in path.split("/") if word and not word.startswith("{")]
    return words[-1].partition(".")[0]


def take(tour: Tour) -> None:
    """What reads comes first; what takes models out of use and deletes comes last."""
    drawing = _drawings(tour)
    _explanations(tour, _analyses(tour, drawing))
    _encoders(tour)
    _deployments(tour)
    _trainings(tour)
    _models(tour)
    _configuration(tour)
    _health(tour)
    _backups(tour)
    _usage(tour)
    _demo(tour)
    _xray_runs(tour)
    _xray_images(tour)
    _end(tour, drawing)


def _drawings(tour: Tour) -> int:
    go = tour.go
    form = {"age_years": "7.5", "subject": "house", "child_id": "someone"}
    sent = {"file": ("mine.png", picture(), "image/png")}
    drawing: int = go("POST", "/drawings/upload", files=sent, data=form)["id"]
    here = {"drawing_id": drawing}
    go("GET", "/drawings/{drawing_id}", names=here)
    go("PATCH", "/drawings/{drawing_id}", names=here, json={"prompt": "a house", "age_years": 7.6})
    go("GET", "/drawings/{drawing_id}/file", names=here)
    go("GET", "/drawings/{drawing_id}/thumbnail", names=here)
    files = [("files", (f"{place}_age{4 + place}.png", picture(50 + place))) for place in (1, 2)]
    pattern = {"name_pattern": "*_age{age}"}
    batch = go("POST", "/drawings/batch/upload", files=files, data=pattern)
    tour.api.work_off()
    go("GET", "/drawings/upload/progress/{upload_id}", names=batch)
    go("GET", "/drawings/", params={"page_size": 5, "page": 2})
    return drawing


def _analyses(tour: Tour, drawing: int) -> int:
    go = tour.go
    here = {"drawing_id": drawing}
    go("POST", "/analysis/embeddings/{drawing_id}", names=here)
    result = go("POST", "/analysis/analyze/{drawing_id}", names=here)
    go("POST", "/analysis/analyze/{drawing_id}", names=here, json=here | {"force_reanalysis": True})
    listed = [drawing, *range(1, 40)]
    go("GET", "/analysis/outlook", params={"drawing_ids": listed})
    batch = go("POST", "/analysis/batch", json={"drawing_ids": listed})
    tour.api.work_off()
    go("GET", "/analysis/batch/{batch_id}/progress", names=batch)
    go("GET", "/analysis/batch/{batch_id}/cohort", names=batch)
    go("GET", "/analysis/drawing/{drawing_id}", names=here)
    go("GET", "/drawings/{drawing_id}/neighbours", names=here)
    analysis = {"analysis_id": result["analysis"]["id"]}
    go("GET", "/analysis/{analysis_id}", names=analysis)
    for picture_of in ("overlay.png", "saliency.png", "saliency.json"):
        go("GET", f"/analysis/{{analysis_id}}/{picture_of}", names=analysis)
    go("GET", "/analysis/stats")
    go("GET", "/analysis/stats", params={"subject": "person"})
    _upload_to_analyse(tour)
    go("GET", "/drawings/stats")
    number: int = analysis["analysis_id"]
    return number


def _explanations(tour: Tour, analysis: int) -> None:
    go, base = tour.go, "/interpretability/{analysis_id}"
    here = {"analysis_id": analysis}
    for part in ("interactive", "simplified", "confidence", "attribution"):
        go("GET", f"{base}/{part}", names=here)
    go("POST", f"{base}/faithfulness", names=here)
    wanted = {"region_id": "region-1", "annotation_text": "A note", "annotation_type": "Note"}
    made = go("POST", f"{base}/annotate", names=here, json=wanted)
    note = here | {"annotation_id": made["annotation_id"]}
    go("PUT", f"{base}/annotations/{{annotation_id}}", names=note, json={"annotation_text": "Two"})
    go("GET", f"{base}/annotations", names=here)
    file = go("POST", f"{base}/export", names=here, json={"format": "JSON"})
    go("GET", "/interpretability/exports/{export_id}", names=file)
    go("DELETE", f"{base}/annotations/{{annotation_id}}", names=note)
    go("GET", f"{base}/annotations/{{annotation_id}}", names=note)
    go("GET", "/interpretability/examples")
    go("GET", "/interpretability/examples/{age_group}", names={"age_group": "6-9"})


def _encoders(tour: Tour) -> None:
    """Another encoder embeds and is compared; then its vectors are deleted."""
    go = tour.go
    go("POST", "/analysis/embeddings", json={"encoder": OTHER_NAME})
    tour.api.work_off()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "PLANTED_SOURCES", 6)
        go("POST", "/encoders/compare", json={"encoders": [OTHER_NAME]})
        tour.api.work_off()
    assert go("GET", "/encoders/comparison")["state"] == "succeeded"
    key = go("GET", "/analysis/embeddings")["vectors"][1]["encoder"]
    assert key.startswith(OTHER_NAME)
    go("DELETE", "/analysis/embeddings", params={"encoder": key})


def _upload_to_analyse(tour: Tour) -> None:
    go = tour.go
    files = [("files", ("e_age8.png", picture(53)))]
    pattern = {"name_pattern": "*_age{age}"}
    upload = go("POST", "/analysis/batch/upload", files=files, data=pattern)
    tour.api.work_off()
    here = {"batch_id": upload["job_id"]}
    go("POST", "/analysis/batch/{batch_id}/analyze", names=here)
    tour.api.work_off()
    go("GET", "/analysis/batch/jobs")


def _models(tour: Tour) -> None:
    go = tour.go
    go("GET", "/models/age-groups")
    go("GET", "/models/status")
    wanted = {"age_min": 3, "age_max": 9, "min_samples": 10, "model_type": "knn"}
    job = go("POST", "/models/train", json=wanted | {"candidate": True})
    tour.api.work_off()
    go("GET", "/models/training/{job_id}/status", names=job)
    go("GET", f"{GROUPS}/analyze")
    go("GET", f"{GROUPS}/analyze", params={"age_groups": "3-4,4-5"})
    go("GET", f"{GROUPS}/age-group/{{age_min}}/{{age_max}}", names={"age_min": 3, "age_max": 6})
    go("GET", f"{GROUPS}/warnings")
    groups = {"original_groups": [[3, 6], [6, 9]], "merged_group": [3, 9]}
    merged = go("POST", f"{GROUPS}/merge-age-groups", json=groups)
    model = {"model_id": merged["merged_model_id"]}
    go("PUT", "/models/{model_id}/threshold", names=model, json={"threshold": 5.5})
    go("PUT", "/models/{model_id}/threshold", names=model, json={"percentile": 90})


def _trainings(tour: Tour) -> None:
    """One runs, and is asked how far it is meanwhile; one waits, is cancelled and goes on."""
    go = tour.go
    here = {"training_job_id": go("POST", "/training/jobs", json=wanted())["id"]}
    with pytest.MonkeyPatch.context() as patch:
        finished = running._finished
        patch.setattr(running, "_TELL_SECONDS", 0)

        def asked(*given: Any) -> Any:
            go("GET", "/training/jobs/{training_job_id}", names=here)
            return finished(*given)

        patch.setattr(running, "_finished", asked)
        tour.api.work_off()
    go("GET", "/training/jobs/{training_job_id}", names=here)
    (report,) = go("GET", "/training/jobs/{training_job_id}/reports", names=here)
    for form in ("html", "pdf", "json", "csv"):
        path = "/training/jobs/{training_job_id}/reports/{report_id}/{form}"
        go("GET", path, names={**here, "report_id": report["id"], "form": form})
    waiting = {"training_job_id": go("POST", "/training/jobs", json=wanted(job_name="two"))["id"]}
    go("GET", "/training/jobs")
    for deed in ("cancel", "resume", "cancel"):
        go("POST", f"/training/jobs/{{training_job_id}}/{deed}", names=waiting)
    go("GET", "/training/environments/status")
    with in_amazon(tour.amazon):
        go("POST", "/training/sagemaker/setup", params={"s3_bucket": "a-bucket-of-drawings"})


def _deployments(tour: Tour) -> None:
    """A model leaves, and goes out of use and into it again."""
    go = tour.go
    ages = {"age_group_min": 6, "age_group_max": 9}
    go("POST", "/training/models/export", params={"model_id": 2})
    made = go("POST", "/training/models/export", params={"model_id": 2, "export_format": "onnx"})
    go("GET", "/training/models/exports")
    package = {"package_id": made["model_id"]}
    go("GET", "/training/models/exports/{package_id}/file", names=package)
    go("POST", "/training/models/validate", params={"model_id": made["model_id"]})
    go("POST", "/training/models/{model_id}/undeploy", names={"model_id": 2})
    path = made["export_path"]
    go("POST", "/training/models/deploy", params={"model_export_path": path, **ages})
    wanted = {"model_parameters_path": path, "replace_existing": True, **ages}
    go("POST", "/training/deploy", json=wanted)
    go("GET", "/training/models/deployed")


def _configuration(tour: Tour) -> None:
    go = tour.go
    go("GET", "/config/threshold/preview", params={"percentile": 80})
    go("PUT", "/config/threshold", params={"percentile": 90})
    go("PUT", "/config/", json={"threshold_percentile": 95})
    go("PUT", "/config/age-grouping", json={"min_samples_per_group": 20})
    for path in ("/", "/health", "/stats", "/subjects", "/models/subject-aware"):
        go("GET", f"/config{path}")
    go("GET", "/config/subject-statistics")
    go("GET", "/config/subjects/statistics")
    go("GET", "/config/subjects/statistics", params={"subject": "person"})


def _health(tour: Tour) -> None:
    go = tour.go
    for path in ("/health", "/health/detailed", "/metrics", "/metrics/history", "/status"):
        go("GET", path)
    component = {"component_name": "ml_models"}
    go("GET", "/health/component/{component_name}", names=component)
    go("POST", "/alerts/thresholds", json={"memory_percent": 0})
    go("GET", "/alerts")


def _backups(tour: Tour) -> None:
    """A restore goes back to the moment before, so what follows finds everything."""
    go = tour.go
    made = go("POST", "/backup/full")
    own = go("POST", "/backup/database")
    here = {"backup_name": own["backup_name"]}
    go("GET", "/backup/list")
    go("GET", "/backup/download/{backup_name}", names=here)
    content = tour.answers["GET /backup/download/{backup_name}"][0].content
    go("POST", "/backup/upload", files={"file": ("mine.zip", content)})
    go("POST", "/backup/restore", params={"backup_name": f"{made['backup_name']}.zip"})
    go("DELETE", "/backup/{backup_name}", names=here)
    for form in ("json", "csv"):
        export = go("POST", "/export", params={"format": form, "include_embeddings": form == "csv"})
    go("GET", "/export/download/{export_name}", names=export)
    go("GET", "/storage/info")
    go("POST", "/storage/cleanup")
    go("POST", "/database/backup", json={"upload_to_s3": False})
    go("POST", "/database/migrate", json={"target_revision": "head"})
    go("GET", "/database/migration-info")
    other = {"other_db_url": "DEEPMED_OTHER_DATABASE_URL"}
    go("POST", "/database/validate-consistency", json=other)
    go("GET", "/database/backup-list")
    go("POST", "/database/schedule-backups", params={"interval_hours": 24})
    go("POST", "/database/schedule-backups", params={"interval_hours": 0})
    go("POST", "/database/consistency-check")
    go("POST", "/cleanup")


def _usage(tour: Tour) -> None:
    go = tour.go
    session = go("POST", "/metrics/session/start", json={"user_agent": "a browser"})
    for path in ("usage", "health", "sessions", "performance", "cloudwatch/status"):
        go("GET", f"/metrics/{path}")
    go("POST", "/metrics/session/{session_id}/end", names=session)


def _demo(tour: Tour) -> None:
    go = tour.go
    go("GET", "/demo/")
    samples = go("GET", "/demo/samples")["data"]["samples"]
    go("GET", "/demo/samples/{sample_id}", names={"sample_id": samples[0]["id"]})
    for path in ("project-info", "disclaimer", "technical-links", "statistics"):
        go("GET", f"/demo/{path}")


def _xray_runs(tour: Tour) -> None:
    """Trainings wait, are cancelled and deleted; those that ended are only rows here."""
    go, reach = tour.go, tour.reach
    reach("POST", "/config/update", json={"experiment": {"epochs": 7}})
    reach("GET", "/config/current")
    ways = ("federated", "federated/train", "comparison/run", "centralized", "centralized/train")
    for path in ways:
        sent = {"data_zip": ("images.zip", films_zip(), "application/zip")}
        begun = reach("POST", f"/experiments/{path}", files=sent)
    here = {"run_id": begun["run_id"]}
    go("GET", "/xray/runs/{run_id}", names=here)
    for deed in ("cancel", "resume", "cancel"):
        go("POST", f"/xray/runs/{{run_id}}/{deed}", names=here)
    go("DELETE", "/xray/runs/{run_id}", names=here)
    ended = [central_row(tour.api.home), federated_row(tour.api.home)]
    reach("GET", "/experiments/list")
    reach("GET", "/api/runs/list")
    reach("GET", "/api/runs/analytics/summary")
    for number in ended:
        here = {"run_id": number, "experiment_id": f"run_{number}"}
        reach("GET", "/experiments/status/{experiment_id}", names=here)
        for part in (
            "metrics",
            "federated-rounds",
            "server-evaluation",
            "client-metrics",
            "download/csv",
            "download/json",
            "download/summary",
        ):
            reach("GET", f"/api/runs/{{run_id}}/{part}", names=here)
    reach("POST", "/api/runs/backfill/{run_id}/server-evaluations", names=here)


def _xray_images(tour: Tour) -> None:
    """The network that answers was not trained; what it says is of the same kind."""
    go, reach = tour.go, tour.reach
    with TemporaryDirectory() as name:
        films = write_films(Path(name) / "films", 12)
        runs = [publish_untrained(tour.api.home, films, draw=draw)["run_id"] for draw in (0, 2)]
        film = ("film.png", (films / "Images" / "f1-0.png").read_bytes(), "image/png")
    _let_it_need_its_image(tour.api.home, runs[-1], film[1])
    for path in ("predict", "heatmap"):
        reach("POST", f"/api/inference/{path}", files={"file": film})
        reach("POST", f"/api/inference/{path}-batch", files=[("files", film)])
    reach("POST", "/api/predict_image", files={"input_file": film})
    reach("GET", "/api/inference/health")
    go("PUT", "/xray/served", json={"run_id": None})
    go("GET", "/xray/served")
    _xray_reports(tour, runs, film)


def _let_it_need_its_image(home: Home, run_id: int, film: bytes) -> None:
    """Or no heat map of it could be measured, and none would be shown."""
    from deepmed.features.xray.inference.served_model import SHELF, ServedModel

    run = StoredRun.of(home, run_id)
    with Image.open(BytesIO(film)) as opened:
        image = np.asarray(opened.convert("RGB"))
    SHELF.drop()
    SHELF.get(
        run.artifact.manifest_hash, lambda: sharpened(ServedModel.of(run.package.files), image)
    )


def _xray_reports(tour: Tour, runs: list[int], film: tuple[str, bytes, str]) -> None:
    go, reach = tour.go, tour.reach
    go("GET", "/xray/comparison", params={"run_ids": runs})
    for form in ("pdf", "html"):
        go("GET", "/xray/runs/{run_id}/report.{form}", names={"run_id": runs[0], "form": form})
    answer = {"predicted_class": "NORMAL", "confidence": 0.9, "normal_probability": 0.9}
    results = [{"filename": "film.png", "success": True, "prediction": answer}]
    summary = {"total_images": 1, "successful": 1, "failed": 0, "normal_count": 1}
    sent = {"results_json": json.dumps(results), "summary_json": json.dumps(summary)}
    plain = {"include_heatmap": "false"}
    reach("POST", "/api/inference/report/single", files={"file": film}, data=plain)
    reach("POST", "/api/inference/report/batch-summary", data=sent)
    reach(
        "POST",
        "/api/inference/report/batch-with-images",
        files=[("files", film)],
        data={**sent, "include_heatmaps": "false"},
    )
    reach("POST", "/api/reports/single", json={"prediction": answer})
    for path in ("batch", "batch-with-heatmaps"):
        reach("POST", f"/api/reports/{path}", json={"results": results, "summary": summary})


def _end(tour: Tour, drawing: int) -> None:
    go = tour.go
    go("POST", "/models/auto-create")
    go("DELETE", "/models/{model_id}", names={"model_id": 3})
    go("POST", "/config/reset", params={"confirm": True})
    job = go("POST", "/models/auto-create", params={"force_recreate": True})
    go("GET", "/models/creation/{job_id}/status", names=job)
    go("DELETE", "/drawings/{drawing_id}", names={"drawing_id": drawing})


@pytest.fixture(scope="session")
def tour(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tour]:
    """All answers, and the data folder afterwards; made once a run, so nobody may change it.

    It was a copy of the trained data folder, with a child whom nobody had met.
    """

    def make(folder: Path) -> None:
        shutil.copytree(request.getfixturevalue("_trained"), folder / "home")
        write_set(folder / "datasets")
        with _opened(folder) as api, pytest.MonkeyPatch.context() as patch:
            plant_few(patch)
            add_drawings(api.bench, [Sketch(age=7.6, subject=None, picture=12)])
            embed(api.bench)
            made = Tour(api, request.getfixturevalue("s3_server"))
            take(made)
            made.save(folder)

    folder = made_once(tmp_path_factory, "tour", make)
    with _opened(folder) as api:
        yield Tour.load(folder, api)


@contextmanager
def _opened(folder: Path) -> Iterator[Api]:
    other = f"sqlite:///{folder / 'home' / 'deepmed.db'}"
    with api_on(folder / "home", other_database_url=other, datasets_dir=folder / "datasets") as api:
        yield api
