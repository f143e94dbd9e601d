"""The process in which DICOM files are read, and what its end does to us: nothing."""

import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from deepmed.features.xray.source.dicom_file import read_dicom
from deepmed.features.xray.source.dicom_reader import DicomReader, ProcessLimits
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import PictureLimits
from deepmed.kit.sizes import MIB
from factories.films import dicom, film

LIMITS = PictureLimits(min_side=16)
GOOD = dicom(film(1))


@pytest.fixture(scope="module")
def reader() -> Iterator[DicomReader]:
    with DicomReader(LIMITS) as opened:
        yield opened


def falls(monkeypatch: pytest.MonkeyPatch, program: str, seconds: int = 30) -> DicomReader:
    """A reader whose process is another program the first time."""
    reader = DicomReader(LIMITS, process=ProcessLimits(seconds=seconds))
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    monkeypatch.setattr(reader, "_child", child)
    return reader


def test_it_gives_what_reading_here_gives(reader: DicomReader) -> None:
    here, there = read_dicom(GOOD, LIMITS), reader.read(GOOD)
    assert np.array_equal(here.pixels, there.pixels)
    assert here.facts == there.facts


def test_a_refusal_comes_with_its_reason_and_the_process_goes_on(reader: DicomReader) -> None:
    with pytest.raises(ImageProcessingError, match="at least 16"):
        reader.read(dicom(film(1, 8)))
    assert reader.read(GOOD).pixels.shape == (32, 32)


@pytest.mark.req("X-1.1")
def test_a_decoder_that_falls_takes_one_file_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import os, sys; sys.stdin.buffer.read(16); os.kill(os.getpid(), 11)"
    with falls(monkeypatch, program) as reader:
        with pytest.raises(ImageProcessingError, match="brought its decoder down"):
            reader.read(GOOD)
        assert reader.read(GOOD).pixels.shape == (32, 32)


def test_a_decoder_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        falls(monkeypatch, "import time; time.sleep(60)", seconds=1) as reader,
        pytest.raises(ImageProcessingError, match="within 1 seconds"),
    ):
        reader.read(GOOD)


@pytest.mark.parametrize(
    "answer",
    [
        "b'1234567'",
        "b'Z' * 16",
        "(2).to_bytes(8, 'big') + bytes(8) + b'no'",
        "(2).to_bytes(8, 'big') + bytes(8) + b'{}'",
    ],
    ids=["half", "of exabytes", "no JSON", "empty"],
)
def test_an_answer_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    program = f"import sys; sys.stdin.buffer.read(16); sys.stdout.buffer.write({answer})"
    with (
        falls(monkeypatch, program) as reader,
        pytest.raises(ImageProcessingError, match="decoder down"),
    ):
        reader.read(GOOD)


def test_reading_can_be_ended_from_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    with falls(monkeypatch, "import time; time.sleep(60)") as reader, ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.read, GOOD)
        reader.abort()
        assert isinstance(reading.exception(timeout=20), ImageProcessingError)


@pytest.mark.skipif(sys.platform != "linux", reason="others do not limit a process's memory")
def test_a_file_that_unpacks_to_gigabytes_is_refused_within_the_memory_it_may_take() -> None:
    """Deflated data sets are unpacked as a whole when they are read."""
    block = zlib.compressobj(wbits=-15)
    megabytes = block.compress(bytes(16 * MIB)) + block.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(wbits=-15).flush()
    meta = dicom(film(1)).split(b"\x08\0\x16\0")[0]
    syntax, deflated = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    grown = len(deflated) - len(syntax)
    length = int.from_bytes(meta[140:144], "little") + grown
    at = meta.index(syntax)
    bomb = (
        meta[:140]
        + length.to_bytes(4, "little")
        + meta[144 : at - 2]
        + len(deflated).to_bytes(2, "little")
        + deflated
        + meta[at + len(syntax) :]
        + megabytes * 24
        + rest
    )
    assert len(bomb) < 2 * MIB
    with (
        DicomReader(LIMITS, process=ProcessLimits(memory_bytes=256 * MIB)) as reader,
        pytest.raises(ImageProcessingError, match=r"more memory|damaged|decoder down"),
    ):
        reader.read(bomb)


def test_it_needs_no_library_of_dicom_in_this_process() -> None:
    code = (
        "import sys, deepmed.features.xray.source, deepmed.features.xray.preparation;"
        "heavy = {'pydicom', 'gdcm', 'torch', 'lightning', 'monai'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
