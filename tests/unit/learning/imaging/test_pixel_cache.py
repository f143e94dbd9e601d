"""Decoded images on disk: whole or not at all, within a limit, shared by several runs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deepmed.learning.imaging import PixelCache, forget

KEY = "a" * 64
SHAPE = (6, 5)
GREY = np.arange(30, dtype=np.uint8).reshape(6, 5, 1)
COLOUR = np.arange(90, dtype=np.uint8).reshape(6, 5, 3)


def digest(number: int) -> str:
    return f"{number:064x}"


def cache_in(folder: Path, limit: int = 10_000, key: str = KEY) -> PixelCache:
    return PixelCache(folder, key, SHAPE, limit)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_what_was_put_is_found_by_another_run(tmp_path: Path, pixels: np.ndarray) -> None:
    assert cache_in(tmp_path).put(digest(1), pixels)
    found = cache_in(tmp_path).get(digest(1))
    assert found is not None
    np.testing.assert_array_equal(found, pixels)
    assert not found.flags.writeable


def test_another_key_or_digest_finds_nothing(tmp_path: Path) -> None:
    cache_in(tmp_path).put(digest(1), GREY)
    assert cache_in(tmp_path, key="b" * 64).get(digest(1)) is None
    assert cache_in(tmp_path).get(digest(2)) is None


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "shape"])
def test_a_damaged_file_counts_as_missing(tmp_path: Path, damage: str) -> None:
    cache = cache_in(tmp_path)
    cache.put(digest(1), GREY)
    (path,) = files(tmp_path)
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    cut = bytes(content[:-10])
    path.write_bytes({"flip": bytes(content), "cut": cut, "empty": b"", "shape": b"1" * 64}[damage])
    assert cache.get(digest(1)) is None
    cache.put(digest(1), GREY)
    np.testing.assert_array_equal(cache.get(digest(1)), GREY)


@pytest.mark.parametrize("name", ["", "../../escape", "A" * 64, "a" * 63, "/" + "a" * 63])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    cache = cache_in(tmp_path)
    with pytest.raises(ValueError, match="no SHA-256"):
        cache.put(name, GREY)
    with pytest.raises(ValueError, match="no SHA-256"):
        cache.get(name)
    with pytest.raises(ValueError, match="no SHA-256"):
        cache_in(tmp_path, key=name)


def test_the_folder_stays_within_its_limit(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, limit=3 * 34)
    kept = [cache.put(digest(number), GREY) for number in range(5)]
    assert kept == [True, True, True, False, False]
    assert cache.size_bytes == 3 * 34


def test_what_was_longest_unused_gives_way_and_what_the_run_needs_stays(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, limit=4 * 34)
    for number in range(4):
        cache.put(digest(number), GREY)
        os.utime(next(tmp_path.rglob(digest(number))), (1000 + number, 1000 + number))
    later = cache_in(tmp_path, limit=4 * 34, key="b" * 64)
    cache.make_room([digest(0)], planes=1)  # used anew: no longer the oldest
    later.make_room([digest(8), digest(9)], planes=1)
    assert [cache.get(digest(number)) is None for number in range(4)] == [False, True, True, False]
    assert later.put(digest(8), GREY)
    assert later.put(digest(9), GREY)
    assert not later.put(digest(10), GREY)


def test_a_run_larger_than_the_limit_keeps_what_it_has(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, limit=3 * 34)
    for number in range(3):
        cache.put(digest(number), GREY)
    cache.make_room([digest(number) for number in range(20)], planes=1)
    assert all(cache.get(digest(number)) is not None for number in range(3))


def test_left_overs_of_killed_runs_go_and_young_ones_stay(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    cache.put(digest(1), GREY)
    (written,) = files(tmp_path)
    old, young = (written.with_name(f"{letter * 32}.part") for letter in "ab")
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    hours_ago = time.time() - 2 * 60 * 60
    os.utime(old, (hours_ago, hours_ago))
    cache.make_room([])
    assert (old.exists(), young.exists()) == (False, True)


def test_files_of_others_in_the_folder_are_neither_counted_nor_removed(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, limit=34)
    cache.put(digest(1), GREY)
    (written,) = files(tmp_path)
    others = [tmp_path / "letter.txt", tmp_path / digest(5), written.with_name("notes")]
    for path in others:
        path.write_bytes(b"not ours" * 100)
        os.utime(path, (1000, 1000))
    assert cache.size_bytes == 34
    cache_in(tmp_path, limit=34, key="b" * 64).make_room([digest(2)], planes=1)
    assert files(tmp_path) == sorted(others)


def test_deleted_images_leave_nothing_behind(tmp_path: Path) -> None:
    for key in (KEY, "b" * 64):
        for number in (1, 2):
            cache_in(tmp_path, key=key).put(digest(number), GREY)
    assert forget(tmp_path, [digest(1), digest(9)]) == 2
    assert {path.name for path in files(tmp_path)} == {digest(2)}


@pytest.mark.skipif(os.name == "nt", reason="the rights of a folder are another matter there")
def test_only_its_owner_may_look_into_the_folder(tmp_path: Path) -> None:
    cache_in(tmp_path / "cache").put(digest(1), GREY)
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_a_disk_that_takes_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"a file where the folder would be")
    cache = cache_in(tmp_path / "taken")
    assert not cache.put(digest(1), GREY)
    assert cache.get(digest(1)) is None


WRITER = """
import sys, numpy as np
from pathlib import Path
from deepmed.learning.imaging.pixel_cache import PixelCache
cache = PixelCache(Path(sys.argv[1]), "a" * 64, (64, 64), 10**8)
wrong = 0
for turn in range(40):
    for number in range(8):
        pixels = np.full((64, 64, 1), number, np.uint8)
        found = cache.get(f"{number:064x}")
        wrong += found is not None and not (found == number).all()
        cache.put(f"{number:064x}", pixels)
print(wrong)
"""


def test_two_runs_in_one_folder_never_see_half_an_image(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [run.communicate()[0].strip() for run in runs] == [b"0", b"0"]
    assert [run.returncode for run in runs] == [0, 0]
    assert len(files(tmp_path)) == 8
