"""`deepmed drawings model …`, and a model's way to another data folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepmed.app import open_home
from deepmed.cli.entry import main
from deepmed.kit import settings as kit_settings

from .conftest import Ask

pytestmark = pytest.mark.usefixtures("trained_home")


def registry(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["registry", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def settle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on commands take another data folder."""
    monkeypatch.setenv("DEEPMED_HOME", str(folder))
    kit_settings.current.cache_clear()


@pytest.mark.req("D-14.1")
def test_export_check_deploy_list_undeploy(ask: Ask) -> None:
    made = ask("model", "export", 2, "--json").json
    assert made["export_format"] == "pytorch"
    uid = made["model_id"]
    assert [one["model_id"] for one in ask("model", "exports", "--json").json["exports"]] == [uid]
    assert ask("model", "validate", uid, "--json").json["is_valid"] is True
    assert ask("model", "undeploy", 2, "--json").json["status"] == "undeployed"
    deployed = ask("model", "deploy", uid, "--json").json
    assert (deployed["model_id"], deployed["replaced"]) == (2, [])
    listed = ask("model", "deployed", "--json").json["deployed"]
    assert [one["id"] for one in listed] == [1, 2, 3]
    assert listed[1]["deployment_info"]["export_id"] == uid


@pytest.mark.req("D-30.2")
def test_an_export_goes_when_a_drawing_in_it_goes_to_another_child(ask: Ask) -> None:
    ask("model", "export", 2)
    drawing = ask("list", "--age-min", 6.5, "--age-max", 8.5, "--json").json["drawings"][0]["id"]
    ask("edit", drawing, "--child", "somebody else")
    assert ask("model", "exports", "--json").json["exports"] == []


def test_the_same_in_words(ask: Ask, tmp_path: Path) -> None:
    assert "Nothing is exported yet" in ask("model", "exports").out
    target = tmp_path / "model.zip"
    said = ask("model", "export", 2, "--format", "onnx", "--out", target).out
    uid = said.split()[2].rstrip(".")
    assert str(target) in said
    assert len(said.split()[-1]) == 64
    assert uid in ask("model", "exports").out
    checked = ask("model", "validate", uid).out
    assert "onnx_largest_difference" in checked
    assert "In use for these ages" in ask("model", "deploy", uid).err
    assert "6 to under 9 years" in ask("model", "deploy", uid, "--replace", "--no-validation").out
    assert uid in ask("model", "deployed").out
    for number in (1, 2, 3):
        assert f"Model {number} is out of use." in ask("model", "undeploy", number).out
    assert "No model is in use." in ask("model", "deployed").out


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("export", 2, "--format", "pickle"), "runs whatever"),
        (("export", 99), "no model 99"),
        (("validate", "nothing"), "no exported model"),
        (("deploy", "../x"), "not a name"),
        (("undeploy", 99), "no model 99"),
    ],
)
def test_what_is_refused(ask: Ask, command: tuple[object, ...], words: str) -> None:
    answer = ask("model", *command)
    assert answer.code == 1
    assert words in answer.err


def test_a_damaged_export_fails_its_check(ask: Ask, home: Path) -> None:
    uid = ask("model", "export", 2, "--json").json["model_id"]
    (path,) = (home / "files" / "artifacts" / uid).rglob("golden.safetensors")
    path.write_bytes(path.read_bytes() + b"x")
    answer = ask("model", "validate", uid)
    assert answer.code == 1
    assert "golden.safetensors is not the file that was signed" in answer.out


@pytest.mark.req("P-8.1")
def test_a_model_moves_to_another_data_folder(
    ask: Ask,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the uid of its package: what is written is its export, which names nobody."""
    models = ask("models", "--json").json["models"]
    package = next(one["artifact"] for one in models if one["id"] == 2)
    target = tmp_path / "model.zip"
    code, sent = registry(capsys, "export", package, "--out", target)
    assert code == 0
    assert sent["uid"] != package
    assert registry(capsys, "export", package, "--out", target)[1]["code"] == "conflict"
    settle(tmp_path / "other", monkeypatch)
    code, refused = registry(capsys, "import", target)
    assert (code, refused["code"]) == (1, "untrusted_key")
    assert sent["fingerprint"] in refused["message"]
    code, taken = registry(capsys, "import", target, "--trust", sent["fingerprint"])
    assert (code, taken["kind"]) == (0, "drawings.export")
    assert registry(capsys, "import", target)[1]["uid"] == taken["uid"]
    deployed = ask("model", "deploy", taken["uid"], "--json").json
    assert deployed["artifact"] == taken["uid"]
    verified = main(["verify", taken["uid"], "--json"])
    assert verified == 0
    capsys.readouterr()
    assert main(["registry", "lineage", taken["uid"]]) == 0
    descent = capsys.readouterr().out
    assert "elsewhere" in descent
    assert "group 6.0-9.0" in descent
    assert ask("status", "--json").json["system_status"] == "ready"


@pytest.mark.req("P-8.1")
def test_what_may_name_people_stays(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_home() as opened:
        uid = opened.registry.publish(
            "age-group-model",
            {"config.json": b"{}"},
            metrics={},
            card={},
            lineage={},
            recipe_hash="a" * 64,
            configuration={},
            seed=0,
            data_hash="d" * 64,
        ).uid
    code, refused = registry(capsys, "export", uid, "--out", tmp_path / "x.zip")
    assert (code, refused["code"]) == (1, "validation")
    assert not (tmp_path / "x.zip").exists()
    assert registry(capsys, "export", "0" * 32, "--out", tmp_path / "x.zip")[1]["code"] == (
        "not_found"
    )


def test_an_import_that_is_no_file_of_ours(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert registry(capsys, "import", tmp_path / "none.zip")[0] == 1
    (tmp_path / "text.zip").write_text("text", encoding="utf-8")
    assert registry(capsys, "import", tmp_path / "text.zip")[1]["code"] == "archive_refused"
