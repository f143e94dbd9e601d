"""`deepmed drawings training`: what its answers do not tell in numbers."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deepmed.cli.entry import main
from factories.training_sets import write_set

pytestmark = pytest.mark.req("D-12.1")


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["drawings", "training", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out, err = ask(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


class TestConfig:
    def test_it_prints_settings_that_can_be_given_back(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        code, out, _ = ask(capsys, "config", "optimizer=sgd", "epochs=7")
        assert code == 0
        assert yaml.safe_load(out)["optimizer"]["type"] == "sgd"
        path = tmp_path / "mine.yaml"
        path.write_text(out, encoding="utf-8")
        _, again, _ = ask(capsys, "config", "--config", str(path))
        assert again == out

    def test_programs_get_the_same_settings(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        changes = ("optimizer=sgd", "epochs=7", "model.hidden_dims=[8,2]")
        path = tmp_path / "mine.yaml"
        found = answer(capsys, "config", *changes, "--out", str(path))
        _, out, _ = ask(capsys, "config", *changes)
        assert found["config"] == yaml.safe_load(out) == yaml.safe_load(path.read_text())
        assert (found["config"]["epochs"], found["file"]) == (7, str(path))
        assert found["config"]["model"]["hidden_dims"] == [8, 2]
        assert any("never stops early" in one for one in found["warnings"])
        assert answer(capsys, "config")["file"] is None

    def test_it_lists_what_is_packaged(self, capsys: pytest.CaptureFixture[str]) -> None:
        _, out, _ = ask(capsys, "config", "--choices")
        assert "optimizer: adam, adamw, sgd" in out
        listed = answer(capsys, "config", "--choices")["choices"]
        assert listed["optimizer"] == ["adam", "adamw", "sgd"]

    def test_values_that_do_not_go_together_are_noted(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, _, err = ask(capsys, "config", "epochs=5")
        assert "never stops early" in err

    @pytest.mark.req("S-26.1")
    @pytest.mark.parametrize("override", ["job_name=${oc.env:HOME}", "_target_=os.system"])
    def test_what_reaches_elsewhere_is_refused(
        self, capsys: pytest.CaptureFixture[str], override: str
    ) -> None:
        code, out, err = ask(capsys, "config", override)
        assert (code, out) == (1, "")
        assert "was not used" in err


@pytest.mark.usefixtures("home")
class TestJobs:
    def test_a_training_is_left_to_a_worker_cancelled_and_resumed(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        folder = str(write_set(tmp_path))
        waiting = answer(capsys, "run", folder, "epochs=2", "job_name=first", "--queue")
        assert (waiting["job_id"], waiting["status"], waiting["report"]) == (1, "pending", None)
        assert answer(capsys, "cancel", "1")["status"] == "cancelled"
        assert answer(capsys, "resume", "1", "--queue")["status"] == "pending"
        listed = answer(capsys, "list", "--status", "pending")["jobs"]
        assert [one["job_name"] for one in listed] == ["first"]
        code, _, err = ask(capsys, "report", "1")
        assert code == 1
        assert "not completed" in err

    def test_without_trainings_it_says_how_to_begin(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, out, _ = ask(capsys, "list")
        assert "deepmed drawings training run FOLDER" in out

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("run", "nowhere"), "no folder"),
            (("show", "7"), "no training job 7"),
            (("cancel", "7"), "no training job 7"),
            (("list", "--status", "done"), "no status 'done'"),
            (("sweep", "nowhere", "epochs=3"), "several values"),
            (("sweep", "nowhere", "epochs=3,4"), "no folder"),
            (("run", "nowhere", "environment=sagemaker"), "DEEPMED_SAGEMAKER_BUCKET"),
        ],
    )
    def test_what_cannot_be_done_is_told(
        self, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
    ) -> None:
        code, _, err = ask(capsys, *arguments)
        assert code == 1
        assert words in err

    def test_the_best_settings_of_a_sweep_can_be_trained_with(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        folder, saved = str(write_set(tmp_path)), tmp_path / "best.yaml"
        found = answer(capsys, "sweep", folder, "model=small", "epochs=1,3", "--save", str(saved))
        best = {one["place"]: one["value"] for one in found["trials"][0]["chosen"]}
        kept = yaml.safe_load(saved.read_text(encoding="utf-8"))
        assert kept["epochs"] == best["epochs"]
        assert kept["model"]["hidden_dims"] == [32, 8]
