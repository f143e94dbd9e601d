import hashlib
import subprocess
import sys

import numpy as np
import pytest

from deepmed.kit.seeds import derive, generator


@pytest.mark.req("P-13.1")
def test_a_derived_seed_is_the_hash_of_its_path() -> None:
    digest = hashlib.sha256(b'[3,"split",0]').hexdigest()
    assert derive(3, "split", 0) == int(digest[:16], 16) // 2


@pytest.mark.req("P-13.1")
def test_each_path_has_a_stream_of_its_own() -> None:
    paths: list[tuple[int, tuple[str | int, ...]]] = [
        (0, ()),
        (1, ()),
        (0, ("a", "b")),
        (0, ("a/b",)),
        (0, ("a", 1)),
        (0, ("a", "1")),
        (0, ("a",)),
        (0, (0, "a")),
    ]
    seeds = [derive(seed, *names) for seed, names in paths]
    assert len(set(seeds)) == len(paths)
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.req("P-13.1")
def test_numpys_integers_are_integers() -> None:
    assert derive(np.int64(3), "fold", np.int32(2)) == derive(3, "fold", 2)  # type: ignore[arg-type]  # what arrays hand out


@pytest.mark.req("P-13.1")
def test_the_same_path_draws_the_same_numbers_in_another_process() -> None:
    here = generator(5, "planting", 2).random(4).tolist()
    code = (
        "from deepmed.kit.seeds import generator;"
        "print(generator(5, 'planting', 2).random(4).tolist())"
    )
    there = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert there.strip() == str(here)
    assert generator(5, "planting", 3).random(4).tolist() != here
