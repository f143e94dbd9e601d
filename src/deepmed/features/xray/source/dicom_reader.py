"""DICOM files read by another process: one that brings a decoder down takes nothing with it.

Decoders of compressed pixels are C and C++ code that was not written for hostile files. The process
may take so much time and memory a file; where it dies, that file is refused and a new one is
started for the next.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Timer
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from deepmed.features.xray.source.dicom_image import DicomFacts, DicomImage, FrameRule
from deepmed.features.xray.source.messages import receive, send
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import DEFAULT_LIMITS, PictureLimits
from deepmed.kit.sizes import MIB

_CHILD = "deepmed.features.xray.source.dicom_child"
_COLOURS = 3
_FALLEN = (
    "The DICOM file brought its decoder down, which ran in a process of its own; export it again "
    "without compression."
)
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class ProcessLimits:
    """Of one file in the reading process; its memory counts beside what it holds before."""

    seconds: int = 30
    memory_bytes: int = 4096 * MIB


class DicomReader:
    """Reads files one at a time, whichever thread asks; closes as a context manager.

    The process starts with the first file (about a third of a second) and is kept for the next.
    """

    def __init__(
        self,
        limits: PictureLimits = DEFAULT_LIMITS,
        frames: FrameRule = "refuse",
        process: ProcessLimits | None = None,
    ) -> None:
        self._limits = limits
        self._asked = {
            "max_pixels": limits.max_pixels,
            "min_side": limits.min_side,
            "frames": frames,
        }
        self._process_limits = process or ProcessLimits()
        self._child: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = Lock()
        self._aborted = False

    def read(self, data: bytes) -> DicomImage:
        """Decode a file.

        Raises:
            ImageProcessingError: see `read_dicom`; also where its decoder fell or took too long.
        """
        with self._one_at_a_time:
            header, content = self._exchange(data)
        if "problem" in header:
            raise ImageProcessingError(str(header["problem"]))
        try:
            pixels = np.frombuffer(content, np.uint8).reshape(header["shape"])
            return DicomImage(pixels, _facts(header["facts"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ImageProcessingError(_FALLEN) from error

    def abort(self) -> None:
        """End what another thread is reading, without waiting for it.

        `read` raises there, and from then on.
        """
        self._aborted = True
        child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        with self._one_at_a_time:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _exchange(self, data: bytes) -> tuple[dict[str, Any], bytes]:
        child = self._running()
        if self._aborted:  # asked after the process is known, so that either we see it or it falls
            raise ImageProcessingError("The DICOM file was not read, as the work was ended.")
        given, taken = _pipes(child)
        late = Event()

        def stop() -> None:
            late.set()
            child.kill()

        watch = Timer(self._process_limits.seconds, stop)
        watch.daemon = True
        watch.start()
        try:
            send(given, self._asked, data)
            answer = receive(taken, most=_COLOURS * self._limits.max_pixels)
        except (OSError, ValueError):  # it ended while it was written to, or answered nonsense
            answer = None
        except BaseException:
            self._end()  # half a message may lie in the pipe, so nobody may read on
            raise
        finally:
            watch.cancel()
        if answer is None:
            raise self._fallen(child, late=late.is_set())
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            limits = self._process_limits
            command = [
                sys.executable,
                "-P",
                "-m",
                _CHILD,
                str(limits.seconds),
                str(limits.memory_bytes),
            ]
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
            )
        return self._child

    def _fallen(self, child: subprocess.Popen[bytes], *, late: bool) -> ImageProcessingError:
        self._end()
        if late or child.returncode == -getattr(signal, "SIGXCPU", 0):
            return ImageProcessingError(
                f"The DICOM file could not be read within {self._process_limits.seconds} seconds; "
                "export it again without compression."
            )
        return ImageProcessingError(_FALLEN)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in _pipes(child):
            with suppress(OSError):  # what was not sent any more is lost on purpose
                pipe.close()
        child.wait()


def _pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("The reading process was started without pipes.")
    return child.stdin, child.stdout


def _facts(found: Mapping[str, Any]) -> DicomFacts:
    return DicomFacts(**{**found, "notes": tuple(found["notes"])})
