"""What every command answers with --json, on one small trained data folder."""

import io
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deepmed.app import open_home
from deepmed.app.kinds import job_kinds
from deepmed.cli.entry import main
from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.demo import run
from deepmed.features.drawings.encoders import material
from deepmed.features.drawings.explanation import model_figure
from deepmed.features.drawings.samples.files import write_folder
from deepmed.features.drawings.samples.maker import make_false_alarm_samples
from deepmed.kit import settings as kit_settings
from factories import encoder
from factories.drawings import Sketch, add_drawings, line_drawing
from factories.homes import QUICK, open_bench
from factories.planting import plant_few
from factories.servers import PROMPT
from factories.shared import made_once
from factories.training_sets import write_set
from factories.xray import small, write_films
from factories.xray_runs import plain_graph, publish_untrained

NEWCOMERS = [
    Sketch(age=4.6, subject="person", picture=11),
    Sketch(age=7.6, subject="person", picture=12),
    Sketch(age=10.6, subject=None, picture=13),
    *(Sketch(age=10.4, subject="person", picture=14 + one) for one in range(4)),
    Sketch(age=7.7, child="twice", subject="house", picture=31),
    Sketch(age=7.9, child="twice", subject="house", picture=32),
    Sketch(age=15.0, subject="person", picture=14),
]
"""Children whom no model has met: one with two drawings, one too old for every model.

In one group they are enough for the chart of their ranks.
"""
GROUPS = ("drawings", "xray", "registry", "db", "job", "backup")
"""Commands that have commands of their own."""
NESTED = {("drawings", "training"), ("drawings", "model")}
"""Groups among those."""
GONE = "child 0 of 7"
"""A child who took part in training and is deleted at the end."""
ANSWERED = "answered.json"
TRAINING = ("drawings", "training")


@dataclass
class Answers:
    """Answers by a name of the call, in the order in which they were made."""

    folder: Path
    found: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    """The last word of each call's command, as docs/numbers.md names it."""
    asked: list[tuple[str, ...]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def save(self) -> None:
        """Keep what was answered beside the data folder, for the other workers."""
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "folder"}
        (self.folder / ANSWERED).write_text(json.dumps(kept), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Answers":
        """What was answered; nothing in the folder may be changed."""
        kept = json.loads((folder / ANSWERED).read_text(encoding="utf-8"))
        asked = [tuple(command) for command in kept.pop("asked")]
        return cls(folder, asked=asked, **kept)

    @contextmanager
    def in_use(self) -> Iterator[pytest.MonkeyPatch]:
        """The environment in which commands take this data folder and the small encoder."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DEEPMED_HOME", str(self.home))
            patch.setenv("DEEPMED_ENCODER", encoder.NAME)
            for name, value in PROMPT.items():
                patch.setenv(name, value)
            for name in ("DEEPMED_SETTINGS", "DEEPMED_DATABASE_URL", "DEEPMED_STORAGE_URL"):
                patch.delenv(name, raising=False)
            kit_settings.current.cache_clear()
            yield patch
        kit_settings.current.cache_clear()

    def __getitem__(self, name: str) -> Any:
        return self.found[name]

    def call(self, name: str, *arguments: str, code: int = 0) -> Any:
        """Run one command in this process and keep its answer."""
        out, err = io.StringIO(), io.StringIO()
        begun = time.perf_counter()
        with redirect_stdout(out), redirect_stderr(err):
            ended = main([*arguments, "--json"])
        self.seconds[name] = time.perf_counter() - begun
        assert ended == code, f"{arguments}: {err.getvalue()}"
        depth = 3 if arguments[:2] in NESTED else 2 if arguments[0] in GROUPS else 1
        self.asked.append(arguments[:depth])
        self.commands[name] = arguments[depth - 1]
        self.found[name] = json.loads(out.getvalue())
        return self.found[name]

    def remember(self, moment: str) -> None:
        """Keep the database as it is now, to be read beside the program."""
        with (
            closing(sqlite3.connect(self.home / "deepmed.db")) as now,
            closing(sqlite3.connect(self.folder / f"{moment}.db")) as kept,
        ):
            now.backup(kept)

    def rows(self, moment: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database of that moment says, read without any code of the product."""
        with closing(sqlite3.connect(self.folder / f"{moment}.db")) as kept:
            return kept.execute(query, values).fetchall()

    def package(self, model: int, file: str) -> Any:
        """A file of a model's package, as it was before anything was deleted."""
        text = (self.folder / f"model_{model}" / file).read_text(encoding="utf-8")
        return json.loads(text)


def ask_everything(answers: Answers) -> None:
    """Each command once; those that change or delete come last."""
    call = answers.call
    call("embed", "drawings", "embed")
    groups = ("--groups", "9-12", "--detector", "knn", "--candidate")
    call("train", "drawings", "train", *groups)
    models = call("models", "drawings", "models")["models"]
    for model in models:
        call("copy", "registry", "copy", model["artifact"], str(_place(answers, model["id"])))
    call("analyze", "drawings", "analyze", "--all")
    call("cohort", "drawings", "cohort")
    answers.remember("analysed")
    group = next(model for model in models if model["age_group"] == "6.0-9.0")
    drawing = str(_most_unusual(answers["analyze"]["analyses"], group["id"]))
    _ask_of_drawings(answers, drawing)
    _ask_of_models(answers, group, answers["train"]["details"][0]["artifact"])
    _ask_of_the_installation(answers, group["artifact"])
    _ask_of_jobs(answers)
    _ask_of_deployments(answers, group)
    _ask_of_backups(answers)
    _ask_of_trainings(answers)
    _ask_of_encoders(answers)
    _change_the_rule(answers, drawing, str(group["id"]))
    _bring_and_take(answers, drawing)
    _ask_of_xrays(answers)


def _place(answers: Answers, model: int) -> Path:
    return answers.folder / f"model_{model}"


def _most_unusual(analyses: list[dict[str, Any]], model: int) -> int:
    mine = [row for row in analyses if row["age_group_model_id"] == model and row["p_value"]]
    found: int = min(mine, key=lambda row: (row["p_value"], row["id"]))["drawing_id"]
    return found


def _ask_of_drawings(answers: Answers, drawing: str) -> None:
    call = answers.call
    call("list", "drawings", "list", "--page", "2", "--page-size", "30")
    call("show", "drawings", "show", drawing)
    maps = str(answers.folder / "maps")
    call("explain", "drawings", "explain", drawing, "--measure", "--out", maps)
    call("compare", "drawings", "compare", drawing)
    call("annotate", "drawings", "annotate", drawing, "A thick line", "--region", "region-1")
    call("annotations", "drawings", "annotations", drawing)
    file = str(answers.folder / "explained.json")
    call("export_explanation", "drawings", "export-explanation", drawing, "--out", file)
    call("report", "drawings", "report", "--out", str(answers.folder / "report.html"))
    call("samples", "drawings", "samples", str(answers.folder / "samples"))


def _ask_of_models(answers: Answers, group: dict[str, Any], candidate: str) -> None:
    call = answers.call
    call("faithfulness", "drawings", "faithfulness", str(group["id"]))
    shutil.copytree(answers.home / "files" / "explanations", answers.folder / "explanations")
    call("groups", "drawings", "groups", "--groups", "3-6,6-9,9-10,10-11,13-16")
    call("suggested", "drawings", "groups")
    call("status", "drawings", "status")
    call("guide", "drawings", "train-models", "--skip-training")
    call("verify", "verify", group["artifact"], "--rescore")
    call("verify_candidate", "verify", candidate)
    call("reproduce", "reproduce", group["artifact"])


def _ask_of_the_installation(answers: Answers, run: str) -> None:
    call = answers.call
    call("artifacts", "registry", "list")
    call("artifact", "registry", "show", run)
    call("signatures", "registry", "verify")
    call("lineage", "registry", "lineage", run)
    call("stage", "registry", "stage", run, "production")
    call("sweep", "registry", "sweep")
    call("left_overs", "drawings", "sweep")
    call("doctor", "doctor")
    call("check", "db", "check")
    call("upgrade", "db", "upgrade")


def _ask_of_trainings(answers: Answers) -> None:
    """A job's process knows nothing of the tests' own encoder, so these take the default one."""
    call, folder = answers.call, str(write_set(answers.folder / "datasets"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPMED_ENCODER", "hog-pyramid")
        kit_settings.current.cache_clear()
        quick = ("epochs=2", "model=small")
        number = str(call("training_run", *TRAINING, "run", folder, *quick)["job_id"])
        call("training_list", *TRAINING, "list")
        call("training_show", *TRAINING, "show", number)
        out = str(answers.folder / "trained")
        call("training_report", *TRAINING, "report", number, "--out", out)
        waiting = str(call("queued", *TRAINING, "run", folder, *quick, "--queue")["job_id"])
        call("training_cancel", *TRAINING, "cancel", waiting)
        call("training_resume", *TRAINING, "resume", waiting, "--queue")
        call("training_cancel_again", *TRAINING, "cancel", waiting)
        call("training_sweep", *TRAINING, "sweep", folder, "model=small", "epochs=1,2")
        call("training_config", *TRAINING, "config", *quick)
        call("container", *TRAINING, "container", str(answers.folder / "image"))
    kit_settings.current.cache_clear()


def _ask_of_xrays(answers: Answers) -> None:
    """A run that is trained here and now, and one that waits."""
    from deepmed.features.xray.federated.trainer import FederatedTrainer
    from deepmed.features.xray.runs.trainer import CentralizedTrainer

    call, source = answers.call, write_films(answers.folder / "films", 80)
    with open_home() as home:
        run = CentralizedTrainer(home, small()).train(source, "first")
        together = FederatedTrainer(home, small("num_rounds=1")).train(source, "together")
    call("xray_rounds", "xray", "rounds", str(together["run_id"]))
    call("xray_show_federated", "xray", "show", str(together["run_id"]))
    begun = call("xray_federate", "xray", "federate", str(source), "--queue")
    call("xray_cancel_federated", "xray", "cancel", str(begun["run_id"]))
    call("xray_runs", "xray", "runs")
    call("xray_show", "xray", "show", str(run["run_id"]))
    call("xray_verify", "verify", run["artifact"], "--rescore")
    call("xray_predict", "xray", "predict", str(source / "Images" / "f1-0.png"))
    call("xray_serve", "xray", "serve")
    _ask_of_reports(answers, run["run_id"], source)
    call("xray_config", "xray", "config")
    waiting = call("xray_train", "xray", "train", str(source), "--experiment", "second", "--queue")
    call("xray_cancel", "xray", "cancel", str(waiting["run_id"]))
    call("xray_resume", "xray", "resume", str(waiting["run_id"]), "--queue")
    call("xray_cancel_again", "xray", "cancel", str(waiting["run_id"]))
    call("xray_delete", "xray", "delete", str(waiting["run_id"]), "--yes")


def _ask_of_reports(answers: Answers, first: int, source: Path) -> None:
    """A second run on the same patients, and files of the first."""
    from deepmed.features.xray.exports import programs

    with open_home() as home:
        second = publish_untrained(home, source, name="beside", draw=2)["run_id"]
    call = answers.call
    call("xray_compare", "xray", "compare", str(first), str(second))
    call("xray_report", "xray", "report", str(first), "--to", str(answers.folder / "run.html"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "network_to_onnx", lambda *_: plain_graph())
        small_file = str(answers.folder / "small.onnx")
        call("xray_export", "xray", "export", str(first), "--format", "int8", "--to", small_file)


def _ask_of_encoders(answers: Answers) -> None:
    """The other encoder's vectors are gone again afterwards."""
    call = answers.call
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "PLANTED_SOURCES", 6)
        call("compare_encoders", "drawings", "compare-encoders", "--encoder", encoder.OTHER_NAME)
    present, other = call("vectors", "drawings", "vectors")["vectors"]
    assert (present["is_present"], other["is_present"]) == (True, False)
    call("vectors_deleted", "drawings", "vectors", "--delete", other["encoder"])


def _ask_of_deployments(answers: Answers, group: dict[str, Any]) -> None:
    """The same model is in use afterwards."""
    call, model, file = answers.call, str(group["id"]), answers.folder / "model.zip"
    here = ("drawings", "model")
    export = call("model_export", *here, "export", model, "--format", "onnx")["model_id"]
    call("model_exports", *here, "exports")
    call("model_validate", *here, "validate", export)
    call("model_undeploy", *here, "undeploy", model)
    call("model_deploy", *here, "deploy", export)
    call("model_deployed", *here, "deployed")
    call("artifact_export", "registry", "export", export, "--out", str(file))
    call("artifact_import", "registry", "import", str(file))


def _ask_of_jobs(answers: Answers) -> None:
    """A job that fails: its process knows nothing of the tests' own encoder."""
    with open_home() as home:
        job = str(JobLedger.of(home, job_kinds()).submit("drawings.reembed", {}).id)
    call = answers.call
    call("job_cancel", "job", "cancel", job)
    call("job_retry", "job", "retry", job)
    call("job_run", "job", "run", job, code=1)
    call("job_show", "job", "show", job)
    call("job_list", "job", "list")
    call("job_logs", "job", "logs", job)
    call("worker", "worker", "--once")


def _ask_of_backups(answers: Answers) -> None:
    """A restore goes back to the moment before, so what follows finds everything."""
    call = answers.call
    made = call("backup_create", "backup", "create")["name"]
    call("backup_list", "backup", "list")
    call("backup_verify", "backup", "verify", made)
    call("backup_restore", "backup", "restore", made, "--yes")
    call("backup_drill", "backup", "drill")
    call("backup_schedule", "backup", "schedule", "12")
    call("backup_schedule_ended", "backup", "schedule", "0")
    call("backup_cleanup", "backup", "cleanup")
    call("backup_delete", "backup", "delete", made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPMED_OTHER_DATABASE_URL", f"sqlite:///{answers.home / 'deepmed.db'}")
        kit_settings.current.cache_clear()
        call("compare_databases", "db", "compare")
    kit_settings.current.cache_clear()


def _change_the_rule(answers: Answers, drawing: str, model: str) -> None:
    call = answers.call
    call("threshold", "drawings", "threshold", "--percentile", "80")
    call("saved", "drawings", "threshold", "--percentile", "80", "--save")
    rule = ("--value", "5.5", "--model", model, "--save")
    call("by_hand", "drawings", "threshold", *rule)
    call("analyze_by_hand", "drawings", "analyze", drawing)


def _bring_and_take(answers: Answers, drawing: str) -> None:
    call, source = answers.call, answers.folder / "pictures"
    _write_pictures(source)
    call("import", "drawings", "import", str(source))
    call("import_again", "drawings", "import", str(source))
    call("edit", "drawings", "edit", drawing, "--prompt", "a house")
    call("withdraw", "drawings", "withdraw", drawing)
    answers.remember("before")
    call("delete", "drawings", "delete", "--child", GONE, "--yes")
    answers.remember("after")
    call("after", "drawings", "models")


def _write_pictures(folder: Path) -> None:
    """Two pictures with their ages, a blank page, and one that is no picture."""
    pictures = {
        "first.png": line_drawing(21, 7.25),
        "second.png": line_drawing(22, 7.5),
        "blank.png": line_drawing(22, 7.5) * 0 + 255,
    }
    rows = [
        {"filename": "first.png", "age_years": 7.25, "child_id": "known"},
        {"filename": "second.png", "age_years": 7.5, "child_id": ""},
        {"filename": "blank.png", "age_years": 7.5, "child_id": ""},
        {"filename": "broken.png", "age_years": 7.5, "child_id": ""},
    ]
    write_folder(folder, pictures, "metadata.csv", rows)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    (folder / "notes.txt").write_text("not a picture", encoding="utf-8")


@pytest.fixture(scope="session")
def answers(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """The trained data folder with newcomers, and what every command said of it."""

    def make(folder: Path) -> None:
        made = Answers(folder)
        shutil.copytree(_trained, made.home)
        bench = open_bench(made.home)
        add_drawings(bench, NEWCOMERS)
        bench.database.close()
        with made.in_use() as patch:
            patch.setattr(model_figure, "MOST_DRAWINGS", 8)
            plant_few(patch)
            ask_everything(made)
        made.save()

    return Answers.load(made_once(tmp_path_factory, "answers", make))


@pytest.fixture(scope="session")
def demo_answer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the demo answers, run with the small encoder, one detector and fewer drawings."""

    def make(folder: Path) -> None:
        made = Answers(folder)
        made.home.mkdir(mode=0o700)
        with made.in_use() as patch:
            patch.setattr(run, "GroupTrainingConfig", lambda **_: QUICK)
            patch.setattr(
                run, "make_false_alarm_samples", partial(make_false_alarm_samples, per_group=9)
            )
            made.call("demo", "demo", "--out", str(made.folder / "out"))
        made.save()

    return Answers.load(made_once(tmp_path_factory, "demo_answer", make))["demo"]
