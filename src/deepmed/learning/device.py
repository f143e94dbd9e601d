"""Where models compute: a graphics processor by CUDA, Apple's by MPS, or the CPU (P-15)."""

import contextlib
import logging
import platform
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from deepmed.learning.errors import DeviceDetectionError

_logger = logging.getLogger(__name__)
_CHOICES = ("auto", "cpu", "cuda", "mps")
# What torch says when memory runs out where it does not raise its own error for it (CPU, MPS).
_MEMORY_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory")
_said: set[str] = set()

T = TypeVar("T")


class DeviceManager:
    """Picks the computing device and says what it is.

    Args:
        wanted: `auto` takes CUDA, else MPS, else the CPU; a name insists on that device.

    Raises:
        DeviceDetectionError: the named device is not there, or the name is unknown.

    Example:
        >>> manager = DeviceManager("cpu")
        >>> manager.device
        device(type='cpu')
        >>> manager.device_info["device"], manager.device_info["requested"]
        ('cpu', 'cpu')
    """

    def __init__(self, wanted: str = "auto") -> None:
        if wanted not in _CHOICES:
            raise DeviceDetectionError(
                f"There is no device named {wanted!r}; choose one of {', '.join(_CHOICES)}."
            )
        self.requested = wanted
        self._device = torch.device(_detect() if wanted == "auto" else _insist(wanted))
        self._message = _message(self._device, automatic=wanted == "auto")
        if wanted == "auto" and self._device.type == "cpu":
            _say_once(self._message)

    @property
    def device(self) -> torch.device:
        """The device to compute on."""
        return self._device

    @property
    def device_info(self) -> dict[str, Any]:
        """What the device is, in JSON: its name, threads, precision, and a sentence for people."""
        return {
            "device": self._device.type,
            "requested": self.requested,
            "name": _name(self._device),
            "threads": torch.get_num_threads(),
            "precisions": ["fp32", *(["bf16"] if supports_bf16(self._device) else [])],
            "mixed_precision": _mixed_type(self._device) is not None,
            "message": self._message,
        }

    def get_memory_usage(self) -> dict[str, int] | None:
        """Bytes that torch holds on the device; None on the CPU, where torch does not count.

        Returns:
            `allocated`, `reserved` and `total` in bytes.
        """
        if self._device.type == "cuda":
            return {
                "allocated": torch.cuda.memory_allocated(),
                "reserved": torch.cuda.memory_reserved(),
                "total": torch.cuda.get_device_properties(0).total_memory,
            }
        if self._device.type == "mps":
            return {
                "allocated": torch.mps.current_allocated_memory(),
                "reserved": torch.mps.driver_allocated_memory(),
                "total": torch.mps.recommended_max_memory(),
            }
        return None

    def clear_cache(self) -> None:
        """Give memory that torch keeps for later back to the device; nothing to do on the CPU."""
        _clear_cache(self._device)

    def optimize_for_training(self) -> dict[str, str]:
        """Make all of the device's memory free for a training that is about to start.

        Nothing else is set: torch's faster switches (TF32, cuDNN's search for algorithms) hold for
        the whole process, so they would change embeddings and make training irreproducible.
        Training that may round more coarsely says so with `mixed_precision`.

        Returns:
            What was done, by name; empty on the CPU, where there is nothing to do.

        Example:
            >>> DeviceManager("cpu").optimize_for_training()
            {}
        """
        if self._device.type == "cpu":
            return {}
        self.clear_cache()
        return {"cache": "cleared"}

    def mixed_precision(self) -> contextlib.AbstractContextManager[Any]:
        """A context that computes in half the bits where the device is built for it.

        Returns:
            torch's autocast in bfloat16 (float16 on devices without it), or a context that does
            nothing on devices where half the bits would not be faster.

        Example:
            >>> with DeviceManager("cpu").mixed_precision():
            ...     product = torch.ones(2, 2) @ torch.ones(2, 2)
            >>> product.shape
            torch.Size([2, 2])
        """
        narrow = _mixed_type(self._device)
        if narrow is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=narrow)


def with_oom_backoff(function: Callable[[int], T], batch_size: int) -> T:
    """Call a function with a batch size, and with half of it as often as memory runs out.

    Args:
        function: takes the batch size to work with; must be safe to call again after a failure.
        batch_size: rows a batch to begin with, at least 1.

    Returns:
        What the function returned at the first batch size that fits.

    Raises:
        torch.OutOfMemoryError: memory ran out even with one row a batch (a RuntimeError where
            torch has no error of its own for it).

    Example:
        >>> def crowded(batch_size):
        ...     if batch_size > 10:
        ...         raise torch.OutOfMemoryError("out of memory")
        ...     return batch_size
        >>> with_oom_backoff(crowded, 32)
        8
    """
    size = max(1, batch_size)
    while True:
        try:
            return function(size)
        except RuntimeError as error:
            if not is_out_of_memory(error) or size == 1:
                raise
        # Outside the handler, so that the failed call's tensors are no longer held by its traceback
        size //= 2
        _logger.warning("Memory ran out; going on with batches of %d.", size)
        clear_all_caches()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on any device.

    Example:
        >>> is_out_of_memory(RuntimeError("MPS backend out of memory"))
        True
        >>> is_out_of_memory(RuntimeError("shapes do not match"))
        False
    """
    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _MEMORY_MESSAGES)


def supports_bf16(device: torch.device) -> bool:
    """Whether the device itself computes in bfloat16, rather than imitating it slowly.

    Example:
        >>> isinstance(supports_bf16(torch.device("cpu")), bool)
        True
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "mps":
        return True
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def clear_all_caches() -> None:
    """Give torch's spare memory back on whichever device it is held."""
    for kind, there in (("cuda", torch.cuda.is_available()), ("mps", _has_mps())):
        if there:
            _clear_cache(torch.device(kind))


def _detect() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if _has_mps() else "cpu"


def _insist(wanted: str) -> str:
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}[wanted]
    if not there:
        raise DeviceDetectionError(
            f"The device {wanted!r} was asked for and is not there. Nothing was computed. "
            "Ask for 'auto' or 'cpu', or install its driver and the build of torch for it."
        )
    return wanted


def _has_mps() -> bool:
    return bool(torch.backends.mps.is_available())


def _message(device: torch.device, *, automatic: bool) -> str:
    if device.type != "cpu":
        return f"Computing on {_name(device)} ({device.type})."
    count = torch.get_num_threads()
    threads = f"{count} thread{'' if count == 1 else 's'}"
    if automatic:
        return f"No CUDA or MPS device was found: computing on the CPU with {threads}."
    return f"Computing on the CPU with {threads}, as asked."


def _say_once(message: str) -> None:
    """Once a process: every encoder and trainer makes its own manager."""
    if message not in _said:
        _said.add(message)
        _logger.warning(message)


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(0)
    if device.type == "mps":
        return f"Apple graphics processor of {platform.machine()}"
    return str(torch.cpu.get_capabilities().get("cpu_name", platform.machine()))


def _mixed_type(device: torch.device) -> torch.dtype | None:
    if supports_bf16(device):
        return torch.bfloat16
    return None if device.type == "cpu" else torch.float16


def _clear_cache(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
