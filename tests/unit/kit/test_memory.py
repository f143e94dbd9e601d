"""What a long-lived process does with memory that it has freed, in processes of their own."""

import gc
import subprocess
import sys

import pytest

from deepmed.kit import memory

# What glibc says of itself: how many heaps its threads fill, and how many blocks lie outside them.
ASKED = """
import ctypes, re, sys, threading
from deepmed.kit.memory import give_memory_back
if sys.argv[1] == "told":
    assert give_memory_back()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
everyone = threading.Barrier(12)
def work():
    libc.malloc(10_000)
    everyone.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[each.start() for each in threads]
[each.join() for each in threads]
libc.free(libc.malloc(6 << 20))  # from here on glibc would keep blocks of this size
libc.malloc(4 << 20)
class Information(ctypes.Structure):
    _fields_ = [(each, ctypes.c_size_t) for each in "arena free fast outside e f g h i j".split()]
libc.mallinfo2.restype = Information
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
print(open(sys.argv[2]).read().count("<heap nr="), libc.mallinfo2().outside)
"""


def heaps_and_blocks(told: str, file: str) -> list[int]:
    command = [sys.executable, "-c", ASKED, told, file]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [int(each) for each in answer.split()]


@pytest.mark.req("O-10.1")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator alone is told")
def test_threads_share_heaps_and_large_blocks_stay_outside(tmp_path: object) -> None:
    file = f"{tmp_path}/told.xml"
    heaps, blocks = heaps_and_blocks("told", file)
    more_heaps, fewer_blocks = heaps_and_blocks("left alone", file)
    assert heaps <= memory.HEAPS < more_heaps
    assert fewer_blocks < blocks


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert not memory.give_memory_back()


class Circle:
    """Refers to itself, so that only a collection finds it."""

    def __init__(self) -> None:
        self.me = self


@pytest.mark.req("O-10.1")
def test_collections_pass_over_what_the_first_ones_left() -> None:
    before = list(gc.callbacks)
    try:
        memory.Settling(times=2).begin()
        assert not [one for one in gc.get_objects() if isinstance(one, type(memory))]
        kept = [Circle() for _ in range(100)]
        gc.collect()
        assert not [one for one in gc.get_objects() if isinstance(one, Circle)]
        gc.collect()
        assert gc.callbacks == before, "it is over after two"
        kept += [Circle() for _ in range(100)]
        gc.collect()
        assert len([one for one in gc.get_objects() if isinstance(one, Circle)]) == 100
        del kept
    finally:
        gc.unfreeze()
        gc.callbacks[:] = before


def test_younger_collections_count_for_nothing() -> None:
    before = list(gc.callbacks)
    try:
        memory.Settling(times=1).begin()
        gc.collect(0)
        gc.collect(1)
        assert len(gc.callbacks) == len(before) + 1
        gc.collect()
        assert gc.callbacks == before
    finally:
        gc.unfreeze()
        gc.callbacks[:] = before
