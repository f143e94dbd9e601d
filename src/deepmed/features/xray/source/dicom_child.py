"""The process in which DICOM files are read: `python -m deepmed.features.xray.source.dicom_child`.

A file comes in by standard input and a picture goes out by standard output, so that nothing of a
patient is written to a disk.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from deepmed.features.xray.source.dicom_file import read_dicom
from deepmed.features.xray.source.messages import receive, send
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import PictureLimits


def main(seconds: int, memory_bytes: int) -> None:
    """Answer files until there are no more; each may take so many seconds of computing."""
    answers = _own_output()
    _limit_memory(memory_bytes)
    while (message := receive(sys.stdin.buffer)) is not None:
        _limit_time(seconds)
        asked, data = message
        _answer(answers, asked, data)


def _answer(answers: IO[bytes], asked: Mapping[str, Any], data: bytes) -> None:
    limits = PictureLimits(len(data), asked["max_pixels"], asked["min_side"])
    try:
        image = read_dicom(data, limits, asked["frames"])
    except ImageProcessingError as error:
        send(answers, {"problem": error.message})
        return
    header = {"shape": image.pixels.shape, "facts": image.facts.as_json()}
    send(answers, header, image.pixels.tobytes())


def _own_output() -> IO[bytes]:
    """Standard output for our messages alone: decoders print their complaints there too."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "wb")


def _limit_memory(most: int) -> None:
    if os.name == "posix":
        import resource  # noqa: PLC0415 - Windows has none

        most += _occupied()
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the patient


def _occupied() -> int:
    """Addresses that the libraries hold before the first file, in bytes; 0 where nobody says."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _limit_time(seconds: int) -> None:
    """From now on; a parent that was killed leaves no child that computes for ever."""
    if os.name == "posix":
        import resource  # noqa: PLC0415 - Windows has none

        used = resource.getrusage(resource.RUSAGE_SELF)
        most = int(used.ru_utime + used.ru_stime) + seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
