import contextlib
import logging
from collections.abc import Callable

import pytest
import torch

from deepmed.learning import device as module
from deepmed.learning.device import DeviceManager, is_out_of_memory, with_oom_backoff
from deepmed.learning.errors import DeviceDetectionError

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with the devices that a test names."""

    def have(*, cuda: bool = False, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _index: "Accelerator")
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_options: False)
        monkeypatch.setattr(module, "_said", set())

    return have


@pytest.mark.req("P-15.1")
@pytest.mark.parametrize(
    ("cuda", "mps", "found"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_best_device_there_is(
    machine: Machine, *, cuda: bool, mps: bool, found: str
) -> None:
    machine(cuda=cuda, mps=mps)
    manager = DeviceManager("auto")
    assert manager.device.type == found
    assert manager.device_info["device"] == found
    assert manager.device_info["requested"] == "auto"


@pytest.mark.req("P-15.1")
@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_an_error_and_not_a_silent_cpu(
    machine: Machine, wanted: str
) -> None:
    machine()
    with pytest.raises(DeviceDetectionError, match=f"'{wanted}' was asked for and is not there"):
        DeviceManager(wanted)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DeviceDetectionError, match="auto, cpu, cuda, mps"):
        DeviceManager("tpu")


@pytest.mark.req("P-15.1")
def test_falling_back_to_the_cpu_is_said_aloud_once(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine()
    with caplog.at_level(logging.WARNING):
        managers = [DeviceManager("auto") for _ in range(3)]
    assert [record.getMessage() for record in caplog.records] == [
        managers[0].device_info["message"]
    ]
    assert "No CUDA or MPS device was found: computing on the CPU" in caplog.text


def test_the_cpu_that_was_asked_for_is_no_fallback(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine()
    assert "as asked" in DeviceManager("cpu").device_info["message"]
    assert not caplog.records


@pytest.mark.req("P-15.1")
def test_mixed_precision_computes_in_half_the_bits_where_the_cpu_is_built_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = torch.ones(4, 4)
    for capable, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        found = {"avx512_bf16": capable}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        manager = DeviceManager("cpu")
        with manager.mixed_precision():
            assert (matrix @ matrix).dtype == dtype
        assert manager.device_info["mixed_precision"] is capable


@pytest.mark.req("P-15.1")
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_mixed_precision_is_asked_of_accelerators(
    machine: Machine, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(cuda=device == "cuda", mps=device == "mps")
    asked = []

    def autocast(kind: str, dtype: torch.dtype) -> contextlib.AbstractContextManager[None]:
        asked.append((kind, dtype))
        return contextlib.nullcontext()

    monkeypatch.setattr(torch, "autocast", autocast)
    with DeviceManager("auto").mixed_precision():
        pass
    expected = torch.float16 if device == "cuda" else torch.bfloat16
    assert asked == [(device, expected)]


def test_the_cpu_has_nothing_to_free_and_counts_no_memory() -> None:
    manager = DeviceManager("cpu")
    manager.clear_cache()
    assert manager.get_memory_usage() is None
    assert manager.optimize_for_training() == {}


def test_preparing_for_training_changes_no_arithmetic() -> None:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    DeviceManager("cpu").optimize_for_training()
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark) == before


@pytest.mark.req("P-15.1")
@pytest.mark.parametrize(
    ("fits", "tried"), [(64, [64]), (20, [64, 32, 16]), (1, [64, 32, 16, 8, 4, 2, 1])]
)
def test_the_batch_is_halved_until_it_fits(fits: int, tried: list[int]) -> None:
    sizes: list[int] = []

    def work(batch_size: int) -> str:
        sizes.append(batch_size)
        if batch_size > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "done"

    assert with_oom_backoff(work, 64) == "done"
    assert sizes == tried


def test_memory_that_is_too_small_for_one_row_is_an_error() -> None:
    def work(_batch_size: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        with_oom_backoff(work, 4)


def test_other_errors_are_not_tried_again() -> None:
    sizes: list[int] = []

    def work(batch_size: int) -> None:
        sizes.append(batch_size)
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        with_oom_backoff(work, 8)
    assert sizes == [8]


@pytest.mark.parametrize(
    "message",
    [
        "MPS backend out of memory (MPS allocated: 1 GB)",
        "DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_memory_errors_without_a_class_of_their_own_are_known(message: str) -> None:
    assert is_out_of_memory(RuntimeError(message))
    assert not is_out_of_memory(ValueError(message))
