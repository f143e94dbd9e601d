"""Kill -9 at any moment of any stage: the same command finishes the work, and nothing is twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from integration.acceptance.conftest import TRAINING
from integration.acceptance.pictures import fill
from integration.acceptance.soundness import assert_complete, assert_intact, content, sweep
from integration.acceptance.terminal import Answer, Home, drawings_named, environment, until

INTERRUPTED = "Interrupted; what was finished is kept, run the command again."
EMBEDDING = ("drawings", "embed")
ANALYSIS = ("drawings", "analyze", "--all")
Reference = Callable[[str], Home]
Deaths = Sequence[tuple[str, int]]


def die_again_and_again(home: Home, command: Sequence[object], deaths: Deaths) -> None:
    """Each run goes on from what the killed one before it left."""
    for before, number in deaths:
        home.die(before, number, *command)
        assert_intact(home)


def finish(home: Home, command: Sequence[object]) -> Answer:
    answer = home.run(*command, "--json")
    assert answer.code == 0, answer.out + answer.err
    assert_complete(home)
    return answer


@pytest.mark.req("D-1.1")
@pytest.mark.req("P-4.1")
def test_a_killed_import_is_completed_by_the_next(
    empty: Home, pictures: Path, reference: Reference
) -> None:
    command = ("drawings", "import", pictures / "typical")
    deaths = [
        ("replace", 1),  # the signing key of a new data folder
        ("put uploads", 1),
        ("put uploads", 20),
        ("commit", 2),  # 25 pictures are stored, their rows are not
        ("commit", 3),  # those rows are, the rest is not
        ("commit", 4),  # all rows are, the dataset is not
    ]
    die_again_and_again(empty, command, deaths)
    report = finish(empty, command).json
    assert (report["counts"]["stored"], report["counts"]["already_present"]) == (0, 30)
    assert content(empty) == content(reference("filled"))


def test_killed_embedding_is_completed_by_the_next(filled: Home, reference: Reference) -> None:
    die_again_and_again(filled, EMBEDDING, [("commit", 1)])
    assert filled.count("drawing_embeddings") == 0
    assert finish(filled, EMBEDDING).json["embedded"] == 30
    first = content(filled)["vectors"]
    filled.die("commit", 1, "drawings", "embed", "--again")
    assert_intact(filled)
    assert content(filled)["vectors"] == first  # the former ones stay until new ones are there
    finish(filled, EMBEDDING)
    ours = content(filled)["vectors"]
    assert [row[:1] + row[2:] for row in ours] == [
        row[:1] + row[2:] for row in content(reference("trained"))["vectors"][:30]
    ]


@pytest.mark.req("P-4.1")
def test_a_killed_training_is_completed_by_the_next(filled: Home, reference: Reference) -> None:
    deaths = [
        ("commit", 1),  # nothing is embedded
        ("put artifacts", 5),  # all is fitted, half of the files are there
        ("commit", 1),  # all files are there, no row names them
        ("commit", 2),  # the artefact's row is there, the model's is not
        ("commit", 4),  # both models are there, none is in use
    ]
    die_again_and_again(filled, TRAINING, deaths)
    assert filled.query("SELECT is_active FROM age_group_models") == [(0,), (0,)]
    assert filled.run(*ANALYSIS, "--json").json["statistics"]["decisions"] == {"no_model": 30}
    trained = finish(filled, TRAINING).json["models"]
    assert [model["is_active"] for model in trained] == [True, True]
    for run in filled.query("SELECT uid FROM artifacts"):
        assert filled.run("verify", *run, "--rescore").code == 0
    for part in ("models", "members"):
        assert content(filled)[part] == content(reference("trained"))[part]


def test_a_killed_analysis_is_completed_by_the_next(trained: Home, reference: Reference) -> None:
    deaths = [
        ("commit", 1),  # the new drawings are not embedded
        ("commit", 2),  # they are, and no batch is begun
        ("commit", 2),  # there is one, and nothing is stored
    ]
    die_again_and_again(trained, ANALYSIS, deaths)
    assert [finish(trained, ANALYSIS).json["computed"] for _ in range(2)] == [36, 0]
    assert content(trained) == content(reference("analysed"))


def test_a_killed_explanation_is_completed_by_the_next(analysed: Home) -> None:
    command = ("drawings", "explain", "33")
    deaths = [
        ("put explanations", 2),  # the map is stored, its picture is not
        ("commit", 3),  # both are, and no row names them
    ]
    die_again_and_again(analysed, command, deaths)
    finish(analysed, command)
    assert analysed.count("interpretability_results") == 1


def test_a_killed_report_is_completed_by_the_next(analysed: Home, tmp_path: Path) -> None:
    page = tmp_path / "out" / "report.html"
    command = ("drawings", "report", "--out", page)
    die_again_and_again(analysed, command, [("put explanations", 2), ("replace", 1)])
    (left_over,) = page.parent.iterdir()
    os.utime(left_over, (0, 0))
    finish(analysed, command)
    assert list(page.parent.iterdir()) == [page]
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")


@pytest.mark.parametrize(
    "deaths",
    [
        [("delete uploads", 1)],  # the rows are gone, the files and the models' scores are not
        [("commit", 2), ("put artifacts", 12)],  # the first model is revised, then the second
    ],
)
def test_a_killed_deletion_is_completed_by_the_next(analysed: Home, deaths: Deaths) -> None:
    (name,) = analysed.query("SELECT file_path FROM drawings WHERE id = 3")[0]
    command = ("drawings", "delete", "3", "--yes")
    die_again_and_again(analysed, command, deaths)
    again = analysed.run(*command)
    assert (again.code, "There is no drawing 3" in again.err) == (1, True)
    assert_complete(analysed)
    assert name not in analysed.files()
    for (uid,) in analysed.query("SELECT uid FROM artifacts"):
        assert analysed.run("verify", uid).code == 0
        assert 3 not in drawings_named(analysed, uid)
    assert analysed.run(*ANALYSIS).code == 0


@pytest.mark.req("P-4.1")
def test_the_sweep_takes_old_left_overs_and_spares_young_ones(filled: Home) -> None:
    orphans = {"uploads/drawings/lost.png", "explanations/lost.json", "explanations/model-x.json"}
    (filled.folder / "files" / "explanations").mkdir()
    for orphan in orphans:
        (filled.folder / "files" / orphan).write_bytes(b"left over")
    assert filled.do("drawings", "sweep") == {"deleted": []}
    assert set(sweep(filled)) == orphans
    assert_complete(filled)


@pytest.mark.parametrize("stage", ["import", "train"])
def test_a_kill_from_outside_in_the_middle_of_the_work_loses_nothing_either(
    stage: str, empty: Home, filled: Home, tmp_path: Path
) -> None:
    """No step is chosen here: the process dies wherever it happens to be."""
    home, command, begun = {
        "import": (
            empty,
            ("drawings", "import", fill(tmp_path / "many", range(100))),
            lambda: empty.count("drawings") > 0,
        ),
        "train": (filled, TRAINING, lambda: filled.count("drawing_embeddings") == 30),
    }[stage]
    running = home.start(*command)
    assert until(begun)
    time.sleep(random.uniform(0, 0.2))
    running.send(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    assert_intact(home)
    finish(home, command)


def test_ctrl_c_ends_an_import_with_130_and_a_word_and_the_next_completes_it(
    empty: Home, tmp_path: Path
) -> None:
    command = ("drawings", "import", fill(tmp_path / "many", range(100)))
    running = empty.start(*command, "--json")
    assert until(lambda: empty.count("drawings") > 0)
    running.send(signal.SIGINT)
    answer = running.wait()
    assert answer.code == 130
    assert answer.err.splitlines()[-1] == INTERRUPTED
    assert answer.json["code"] == "interrupted"
    finish(empty, command)


def test_ctrl_c_in_a_terminal_ends_a_training_that_a_person_started(filled: Home) -> None:
    """The whole process group gets it, and nothing was loaded beforehand."""
    started = subprocess.Popen(
        [sys.executable, "-m", "deepmed.cli", *TRAINING],
        env=environment(filled.folder),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert until(lambda: filled.count("drawing_embeddings") == 30)
    os.killpg(started.pid, signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert (started.returncode, errors.splitlines()[-1]) == (130, INTERRUPTED)
    assert "Traceback" not in errors
    finish(filled, TRAINING)
