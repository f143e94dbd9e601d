import json
from pathlib import Path
from typing import Any

import pytest

from deepmed.app import open_home
from deepmed.cli.entry import main
from deepmed.core.registry.folders import load_folder


@pytest.fixture
def uid(home: Path) -> str:
    with open_home() as opened:
        return opened.registry.publish(
            "age-group-model",
            {"config.json": b'{"detector": "knn"}'},
            metrics={"auroc": {"value": 0.9, "n": 40}},
            card={"intended_use": "tests"},
            lineage={"run": "run-1"},
            recipe_hash="a" * 64,
            configuration={},
            seed=0,
            data_hash="d" * 64,
        ).uid


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["registry", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def damage(home: Path) -> None:
    (path,) = (home / "files" / "artifacts").rglob("config.json")
    path.write_bytes(path.read_bytes().replace(b"knn", b"pca"))


@pytest.mark.req("P-8.1")
def test_list_and_show(uid: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = ask(capsys, "list")
    assert code == 0
    assert [item["uid"] for item in answer["artifacts"]] == [uid]
    assert ask(capsys, "list", "--kind", "other")[1] == {"artifacts": []}
    code, answer = ask(capsys, "show", uid)
    assert answer["manifest"]["card"] == {"intended_use": "tests"}
    assert answer["manifest"]["files"]["config.json"]["size"] == 19
    assert main(["registry", "list"]) == 0
    assert main(["registry", "show", uid]) == 0
    printed = capsys.readouterr().out
    for word in (uid, "age-group-model", "config.json", "Provenance", "intended_use"):
        assert word in printed


@pytest.mark.req("S-9.3")
def test_verify_fails_on_a_changed_byte(
    uid: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(capsys, "verify")[0] == 0
    assert ask(capsys, "verify", uid)[1]["artifacts"][0]["ok"] is True
    damage(home)
    code, answer = ask(capsys, "verify")
    assert code == 1
    assert "config.json" in answer["artifacts"][0]["problems"][0]
    assert main(["registry", "verify", uid]) == 1
    assert "0 of 1 artefacts are as they were signed" in capsys.readouterr().out
    assert ask(capsys, "show", uid)[1]["code"] == "integrity"
    assert ask(capsys, "copy", uid, str(home / "copy"))[0] == 1
    assert not (home / "copy").exists()


def test_stage_and_lineage(uid: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "stage", uid, "production")[1]["stage"] == "production"
    assert ask(capsys, "stage", uid, "live")[0] == 1
    answer = ask(capsys, "lineage", uid)[1]
    assert (answer["run"], answer["stage"]) == ("run-1", "production")
    assert main(["registry", "lineage", uid]) == 0
    assert main(["registry", "stage", uid, "archived"]) == 0
    printed = capsys.readouterr().out
    assert "run-1" in printed
    assert f"{uid} is in stage archived." in printed


@pytest.mark.req("P-8.1")
def test_a_copy_is_checked_with_the_public_key_that_is_named(
    uid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(capsys, "copy", uid, str(tmp_path / "copy"))[1]
    public_key = Path(answer["public_key"]).read_bytes()
    assert load_folder(Path(answer["folder"]), public_key).manifest.uid == uid
    assert main(["registry", "copy", uid, str(tmp_path / "copy")]) == 1


def test_sweep(uid: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stray = home / "files" / "artifacts" / uid / "000001-lost"
    stray.mkdir()
    (stray / "a.json").write_text("{}", encoding="utf-8")
    assert ask(capsys, "sweep")[1] == {"deleted": [f"artifacts/{uid}/000001-lost/a.json"]}
    assert main(["registry", "sweep"]) == 0


def test_what_is_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry", "list"]) == 0
    assert "no artefacts here yet" in capsys.readouterr().out
    assert ask(capsys, "show", "f" * 32)[1]["code"] == "not_found"
    assert ask(capsys, "verify")[0] == 0
