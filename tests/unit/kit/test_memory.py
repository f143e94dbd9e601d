"""What a long-lived process does with memory that it has freed, in processes of their own."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deepmed.kit import memory

# What glibc says of itself: how many heaps its threads fill.
ASKED = """
import ctypes, sys, threading
from deepmed.kit.memory import share_heaps
if sys.argv[1] == "told":
    assert share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
everyone = threading.Barrier(12)
def work():
    libc.malloc(10_000)
    everyone.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[each.start() for each in threads]
[each.join() for each in threads]
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
print(open(sys.argv[2]).read().count("<heap nr="))
"""


def heaps(told: str, file: str) -> int:
    command = [sys.executable, "-c", ASKED, told, file]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.req("O-10.1")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator alone is told")
def test_threads_share_heaps(tmp_path: object) -> None:
    file = f"{tmp_path}/told.xml"
    assert heaps("told", file) <= memory.HEAPS < heaps("left alone", file)


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert not memory.share_heaps()


class Circle:
    """Refers to itself, so that only a collection finds it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def only_ours() -> Iterator[None]:
    """No collection but those of the test, and nobody else who waits for them."""
    before = list(gc.callbacks)
    gc.disable()
    gc.callbacks.clear()
    yield
    gc.unfreeze()
    gc.callbacks[:] = before
    gc.enable()


@pytest.mark.usefixtures("only_ours")
@pytest.mark.req("O-10.1")
def test_collections_pass_over_what_the_first_ones_left() -> None:
    memory.Settling(times=2).begin()
    assert not [one for one in gc.get_objects() if isinstance(one, type(memory))]
    kept = [Circle() for _ in range(100)]
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, Circle)]
    gc.collect()
    assert not gc.callbacks, "it is over after two"
    kept += [Circle() for _ in range(100)]
    gc.collect()
    assert len([one for one in gc.get_objects() if isinstance(one, Circle)]) == 100
    del kept


@pytest.mark.usefixtures("only_ours")
def test_younger_collections_count_for_nothing() -> None:
    memory.Settling(times=1).begin()
    gc.collect(0)
    gc.collect(1)
    assert len(gc.callbacks) == 1
    gc.collect()
    assert not gc.callbacks
