"""What is timed, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest

from deepmed.app.bench.embed import run as module
from deepmed.app.bench.embed.folder import filled, samples
from deepmed.app.bench.embed.pace import MemoryCurve, Pace, memory, pace
from deepmed.app.bench.embed.run import Effort, run
from deepmed.app.bench.embed.untrained import write_vit_base
from deepmed.features.drawings.embeddings import repository
from deepmed.learning.encoders import available_encoders, get_encoder

TINY = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def test_the_ratio_is_that_of_runs_by_turns_and_has_the_limit() -> None:
    figures = dict(Pace(10, [2.0, 4.0, 1.0], [3.0, 4.0, 3.0]).figures("made up"))
    ratio = figures["made up: ratio of the two"]
    assert list(ratio.runs) == [1.5, 1.0, 3.0]
    assert (ratio.value, ratio.limit, ratio.passed) == (1.5, 1.5, False)
    assert figures["made up: encoder alone"].passed is None


@pytest.mark.req("D-25.1")
def test_stored_pictures_become_the_vectors_of_the_encoder_alone() -> None:
    with filled(12, 0, "hog-pyramid") as bench:
        found = pace(bench, samples(0), 12, repeats=2)
        assert (len(found.bare), len(found.stored), found.images) == (2, 2, 12)
        with bench.database.read() as session:
            key = bench.encoding.identity.key
            assert repository.counts(session, bench.owner_id) == {key: 12}
            vectors, _ = bench.embeddings.retrieve_matrix(session, None, key)
        assert np.array_equal(vectors, bench.encoding.encoder.embed(samples(0)[:12]))
        home = bench.settings.home
    assert not home.exists()


def test_the_memory_is_looked_at_now_and_then_and_its_growth_told() -> None:
    curve = MemoryCurve(1000)
    for done in range(10, 1001, 10):
        curve(done, 1000)
    assert len(curve.points) == 41
    assert curve.points[-1][0] >= 975
    curve.points = [(50, 100.0), (100, 300.0), (500, 310.5), (1000, 305.0)]
    assert curve.growth().value == 10.5
    assert curve.growth().passed
    curve.points.append((1000, 400.0))
    assert not curve.growth().passed


def test_all_drawings_of_the_folder_are_embedded_for_it() -> None:
    with filled(130, 0, "hog-pyramid") as bench:
        curve = memory(bench, 130)
        with bench.database.read() as session:
            assert list(repository.counts(session, bench.owner_id).values()) == [130]
    assert [done for done, _ in curve.points] == [64, 128, 130]


@pytest.mark.req("D-5.1")
def test_the_untrained_transformer_is_no_encoder_that_anybody_could_choose(tmp_path: Path) -> None:
    folder = write_vit_base(tmp_path / "untrained", intermediate_size=48, **TINY)
    assert get_encoder(str(folder), device="cpu").embed(samples(0)[:2]).shape == (2, 32)
    assert not any("untrained" in name for name in available_encoders())


def test_the_result_names_machine_effort_curve_and_each_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def small(folder: Path) -> Path:
        return write_vit_base(folder, intermediate_size=48, **TINY)

    monkeypatch.setattr(module, "write_vit_base", small)
    said: list[str] = []
    found = run(0, said.append, note="a test", effort=Effort(4, 2, 1, 70))
    names = list(found["figures"])
    assert len(names) == 10
    assert names[-1] == "memory gained over 70 images"
    assert found["figures"][names[2]]["limit"] == 1.5
    assert found["effort"] == {"quick": 4, "transformer": 2, "repeats": 1, "many": 70}
    assert [point["images"] for point in found["memory_curve"]] == [64, 70]
    assert found["environment"]["torch_threads"] >= 1
    assert said[0] == "hog-pyramid"
