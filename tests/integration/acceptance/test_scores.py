"""One drawing, one score: whoever computes it, wherever, and never from what was not signed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepmed.core.registry.folders import load_folder
from deepmed.features.drawings.subjects import subject_index
from deepmed.learning.reference import ReferenceModel, Rows, from_files
from integration.acceptance.demonstration import Demo
from integration.acceptance.pictures import line_drawing, picture, saved, write_table
from integration.acceptance.soundness import content
from integration.acceptance.terminal import Home, fresh_process

ANALYSIS = ("drawings", "analyze", "--all")
SAME = 1e-9
LOOKED_AT = (1, 5, 15, 31, 36)
"""Drawings of children of every role."""


def scores(answer: dict[str, Any]) -> dict[int, float]:
    return {row["drawing_id"]: row["anomaly_score"] for row in answer["analyses"]}


def decisions(answer: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {row["drawing_id"]: row["results"]["ranking"] for row in answer["analyses"]}


def assert_same(ours: dict[int, float], theirs: dict[int, float]) -> None:
    assert ours.keys() == theirs.keys()
    for drawing, score in ours.items():
        assert abs(score - theirs[drawing]) <= SAME * abs(score), drawing


@pytest.mark.req("D-10.4")
@pytest.mark.req("D-23.1")
def test_a_score_is_the_same_alone_in_a_batch_in_a_new_process_and_at_another_place(
    trained: Home, tmp_path: Path
) -> None:
    moved = trained.copy(tmp_path / "moved")
    batch = trained.do(*ANALYSIS)
    expected = {number: scores(batch)[number] for number in LOOKED_AT}
    assert {row["role"] for row in batch["analyses"] if row["drawing_id"] in LOOKED_AT} == {
        "fit",
        "calibration",
        "new",
    }
    some = fresh_process(moved.folder, ["drawings", "analyze", *LOOKED_AT, "--json"])
    assert_same(expected, scores(some.json))
    assert decisions(some.json) == {number: decisions(batch)[number] for number in LOOKED_AT}
    for number in LOOKED_AT[1:4]:
        moved.change("DELETE FROM anomaly_analyses")
        alone = moved.do("drawings", "analyze", number)
        assert alone["computed"] == 1
        assert_same({number: expected[number]}, scores(alone))


@pytest.mark.req("D-23.1")
@pytest.mark.req("D-10.4")
def test_a_copied_artefact_gives_the_stored_scores_without_data_folder_or_database(
    analysed: Home, tmp_path: Path
) -> None:
    ((uid,),) = analysed.query(
        "SELECT uid FROM artifacts JOIN age_group_models ON artifact_id = artifacts.id "
        "WHERE age_group_models.kind = 'group'"
    )
    copied = analysed.do("registry", "copy", uid, tmp_path / "copy")
    public_key = Path(copied["public_key"]).read_bytes()
    model = from_files(load_folder(tmp_path / "copy", public_key).files)
    stored = analysed.query(
        "SELECT d.id, d.child_id, age_years, subject, embedding_vector, anomaly_score "
        "FROM drawings d JOIN drawing_embeddings e ON e.drawing_id = d.id "
        "JOIN anomaly_analyses a ON a.drawing_id = d.id ORDER BY d.id"
    )
    assert len(stored) == 36
    again = {row[0]: _score(model, row) for row in stored}
    assert_same({row[0]: row[-1] for row in stored}, again)


def _score(model: ReferenceModel, row: tuple[Any, ...]) -> float:
    number, child, age, subject, vector, _ = row
    rows = Rows(
        np.array([number]),
        np.array([child]),
        np.array([age]),
        np.array([subject_index(subject)]),
        np.frombuffer(vector, dtype="<f4")[None, :],
    )
    twin = model.reference_for(child) is model.twin
    score: float = model.score(rows, model.encoder, twin=twin)[0]
    return score


@contextmanager
def changed_byte(path: Path) -> Iterator[None]:
    before = path.read_bytes()
    place = len(before) // 2
    path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
    yield
    path.write_bytes(before)


@pytest.mark.req("S-9.3")
@pytest.mark.req("D-10.4")
def test_one_changed_byte_in_any_file_of_a_model_in_use_stops_the_analysis_by_the_files_name(
    trained: Home,
) -> None:
    trained.do("drawings", "embed")
    files = sorted((trained.folder / "files" / "artifacts").rglob("*.*"))
    assert len(files) == 2 * 8
    for path in files:
        with changed_byte(path):
            answer = trained.run(*ANALYSIS, "--json")
        assert (answer.code, answer.json["code"]) == (1, "integrity")
        assert path.name in answer.err
    assert trained.count("anomaly_analyses") == 0
    # Each try is on record as a batch that failed, with the reason.
    batches = trained.query("SELECT status, completed FROM analysis_batches")
    assert batches == [("failed", 0)] * len(files)
    lost = next(path for path in files if path.name == "model.weights.safetensors")
    lost.rename(lost.with_suffix(".away"))
    assert "model.weights.safetensors is missing" in trained.run(*ANALYSIS).err
    lost.with_suffix(".away").rename(lost)
    assert trained.do(*ANALYSIS)["computed"] == 36


@pytest.mark.req("S-9.3")
@pytest.mark.parametrize("command", ["explain", "report", "verify", "show", "copy"])
def test_no_command_uses_a_changed_model(analysed: Home, command: str, tmp_path: Path) -> None:
    (weights, *_) = (analysed.folder / "files").rglob("model.weights.safetensors")
    uid = weights.parts[-3]
    arguments = {
        "explain": ("drawings", "explain", "33"),
        "report": ("drawings", "report", "--out", tmp_path / "report.html"),
        "verify": ("verify", uid),
        "show": ("registry", "show", uid),
        "copy": ("registry", "copy", uid, tmp_path / "copy"),
    }[command]
    with changed_byte(weights):
        answer = analysed.run(*arguments)
    assert answer.code == 1
    assert weights.name in answer.out + answer.err
    assert not list(tmp_path.glob("*.html")) + list(tmp_path.glob("copy*"))
    assert analysed.count("interpretability_results") == 0


@pytest.mark.req("D-10.4")
def test_a_changed_vector_is_refused(analysed: Home) -> None:
    analysed.change(
        "UPDATE drawing_embeddings SET embedding_vector = zeroblob(length(embedding_vector)) "
        "WHERE drawing_id = 33"
    )
    before = content(analysed)["analyses"]
    answer = analysed.run("drawings", "analyze", "33")
    assert answer.code == 1
    assert "deepmed drawings embed --again" in answer.err
    assert content(analysed)["analyses"] == before
    assert analysed.do("drawings", "embed", "--again")["embedded"] == 36
    assert analysed.do("drawings", "analyze", "33")["computed"] == 0


@pytest.fixture(scope="session")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny vision transformer in a folder, as a person would have downloaded one."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("weights") / "tiny-vit"
    torch.manual_seed(0)
    transformers.ViTModel(
        transformers.ViTConfig(
            hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        )
    ).save_pretrained(folder)
    preparation = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps(preparation))
    return folder


@pytest.mark.req("D-5.4")
def test_a_model_refuses_another_encoders_vectors_by_name_and_offers_to_embed_again(
    trained: Home, transformer: Path
) -> None:
    other = {"DEEPMED_ENCODER": str(transformer)}
    answer = trained.run(*ANALYSIS, "--json", **other)
    assert (answer.code, answer.json["code"]) == (1, "encoder_mismatch")
    for words in ("hog-pyramid@fp32", "tiny-vit@fp32", "drawings embed", "train --replace"):
        assert words in answer.err
    # Refused before it began: no analysis, and no batch of which some could have been answered.
    for table in ("anomaly_analyses", "analysis_batches"):
        assert trained.count(table) == 0
    assert trained.query("SELECT DISTINCT encoder_name FROM drawing_embeddings") == [
        ("hog-pyramid",)
    ]
    assert trained.do(*ANALYSIS)["computed"] == 36


@pytest.mark.req("D-23.3")
def test_transparency_on_white_scores_like_the_flattened_copy(
    trained: Home, tmp_path: Path
) -> None:
    from PIL import Image

    pixels = line_drawing(5, 7.0)
    ink = (pixels[..., 0] < 128).astype(np.uint8) * 255
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "flat.png").write_bytes(saved(Image.fromarray(pixels)))
    see_through = np.dstack([np.zeros_like(pixels), ink])
    (folder / "see through.png").write_bytes(saved(Image.fromarray(see_through)))
    rows = {"flat.png": "7,person", "see through.png": "7,person"}
    write_table(folder, "age_years,subject", rows)
    report = trained.do("drawings", "import", folder)
    assert [each["name"] for each in report["duplicates"]] == ["see through.png"]
    found = trained.do("drawings", "analyze", *(each["id"] for each in report["stored"]))
    first, second = scores(found).values()
    assert first == second


@pytest.mark.req("D-23.3")
@pytest.mark.req("D-7.2")
def test_an_age_on_a_boundary_uses_the_documented_model(filled: Home, tmp_path: Path) -> None:
    groups = ("--groups", "6-7.5,7.5-9", "--detector", "knn")
    models = filled.do("drawings", "train", *groups)["details"]
    lower, upper = (model["id"] for model in models if model["kind"] == "group")
    folder = tmp_path / "on the line"
    folder.mkdir()
    expected = {"5.99": None, "6.0": lower, "7.49": lower, "7.5": upper, "9.0": upper, "9.01": None}
    for number, age in enumerate(expected):
        (folder / f"{age}.png").write_bytes(picture(60 + number))
    write_table(folder, "age_years", {f"{age}.png": age for age in expected})
    stored = filled.do("drawings", "import", folder)["stored"]
    found = filled.do("drawings", "analyze", *(each["id"] for each in stored))["analyses"]
    used = {row["drawing_id"]: row["age_group_model_id"] for row in found}
    assert {each["name"][:-4]: used[each["id"]] for each in stored} == expected


@pytest.mark.req("D-23.3")
def test_two_drawings_never_share_a_map(demo: Demo) -> None:
    files = demo.home.query(
        "SELECT saliency_map_path, overlay_image_path FROM interpretability_results"
    )
    names = [name for row in files for name in row]
    assert len(set(names)) == len(names) >= 4
    contents = {(demo.home.folder / "files" / name).read_bytes() for name in names}
    assert len(contents) == len(names)
