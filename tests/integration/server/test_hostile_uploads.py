"""Hostile files are refused in clear words; nothing of them is stored or left anywhere (S-8)."""

import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from PIL import Image

from deepmed.kit.pictures import encode_png, read_stored
from deepmed.kit.sizes import MIB
from factories.api import Api, picture
from factories.drawings import line_drawing

pytestmark = pytest.mark.req("S-8.1")

PATTERN = {"name_pattern": "*age{age}"}
NAMED = "a_age5.png"


def archive(*entries: tuple[str | ZipInfo, bytes]) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def link(name: str, target: str) -> tuple[ZipInfo, bytes]:
    info = ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target.encode()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png_of(width: int, height: int, content: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [("IHDR", header), ("IDAT", content), ("IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind.encode(), each) for kind, each in parts)


def jpeg() -> bytes:
    buffer = BytesIO()
    Image.open(BytesIO(picture())).save(buffer, "JPEG")
    return buffer.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
ONE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "SVG": lambda: SVG,
    "a page": lambda: b"<!doctype html><script>alert(1)</script>",
    "a script": lambda: b"#!/bin/sh\nrm -rf /\n",
    "a PDF": lambda: b"%PDF-1.7\n",
    "a GIF": lambda: b"GIF89a" + b"\0" * 100,
    "PNG's first bytes alone": lambda: b"\x89PNG\r\n\x1a\n",
    "a cut PNG": lambda: picture()[:200],
    "a cut JPEG": lambda: jpeg()[:-400],
    "a PNG with a page behind its first bytes": lambda: b"\x89PNG\r\n\x1a\n" + SVG,
    "a PNG and a ZIP": lambda: picture() + archive(("../../evil.png", picture(2))),
    "a JPEG and a ZIP": lambda: jpeg() + archive(("evil.html", SVG)),
    "a ZIP": lambda: archive(("a.png", picture())),
    "a billion pixels": lambda: png_of(40_000, 40_000, zlib.compress(bytes(1000))),
    "more pixels than bytes": lambda: png_of(2**31 - 1, 2**31 - 1, b""),
    "a tiny picture": lambda: png_of(31, 31, zlib.compress(bytes(31 * 32))),
}
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "up": lambda: archive(("../../a_age5.png", picture())),
    "from the root": lambda: archive(("/etc/a_age5.png", picture())),
    "a drive": lambda: archive(("C:\\a_age5.png", picture())),
    "up by backslashes": lambda: archive(("..\\..\\a_age5.png", picture())),
    "up in the middle": lambda: archive(("x/../../a_age5.png", picture())),
    "a link": lambda: archive(link("l_age5.png", "/etc/passwd"), (NAMED, picture())),
    "a bomb": lambda: archive((NAMED, picture()), ("b_age5.png", bytes(300 * MIB))),
    "too many files": lambda: archive(*((f"{n}_age5.png", b"") for n in range(5001))),
    "no archive": lambda: b"PK\3\4 and nothing more",
    "cut off": lambda: archive((NAMED, picture()))[:-30],
    "nothing in it": archive,
    "pages alone": lambda: archive(("a_age5.png", SVG), ("b_age6.png", b"<html>")),
    "an archive in it": lambda: archive(("a_age5.zip", archive((NAMED, picture())))),
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files; whatever a test leaves in it is a fault."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.rglob("*")) == []


def nothing_is_stored(api: Api) -> None:
    assert list(api.home.storage.list_files()) == []
    assert api.get("/drawings/")["total_count"] == 0
    assert api.get("/jobs")["jobs"] == []


@pytest.mark.parametrize("name", ["drawing.png", "../../../etc/cron.d/x.png", "x.svg"])
@pytest.mark.parametrize("what", ONE)
def test_no_hostile_file_is_taken_for_a_drawing(empty: Api, what: str, name: str) -> None:
    answer = empty.upload(ONE[what](), name=name)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"].endswith(".")
    nothing_is_stored(empty)


@pytest.mark.parametrize("what", ARCHIVES)
def test_no_hostile_archive_is_opened(empty: Api, what: str) -> None:
    answer = empty.upload_batch([("drawings.zip", ARCHIVES[what]())], **PATTERN)
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.json()["detail"]
    nothing_is_stored(empty)


@pytest.mark.parametrize("size", [10 * MIB + 1, 11 * MIB, 12 * MIB])
def test_a_file_that_is_too_large(empty: Api, size: int) -> None:
    whole = picture() + bytes(size - len(picture()))
    answer = empty.upload(whole)
    assert answer.status_code == 413
    assert {"detail", "error"} & answer.json().keys()
    nothing_is_stored(empty)
    assert empty.upload_batch([(NAMED, whole)], **PATTERN).status_code == 413
    nothing_is_stored(empty)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=y"),
        (b"--x\r\n", "multipart/form-data"),
        (
            b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
            "multipart/form-data; boundary=x",
        ),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"\x89PNG", "image/png"),
    ],
)
@pytest.mark.parametrize("path", ["/drawings/upload", "/drawings/batch/upload"])
def test_a_form_of_another_form(empty: Api, path: str, content: bytes, kind: str) -> None:
    answer = empty.ask("POST", path, content=content, headers={"content-type": kind})
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]
    nothing_is_stored(empty)


def test_a_batch_of_more_parts_than_anybody_sends(empty: Api) -> None:
    files = [(f"{n}_age5.png", b"") for n in range(1100)]
    assert empty.upload_batch(files, **PATTERN).status_code == 400
    nothing_is_stored(empty)


@pytest.mark.req("S-16.1")
@pytest.mark.parametrize(
    "name",
    ["../../x_age5.png", "/etc/x_age5.png", "..\\x_age5.png", "a\0/x_age5.png", "C:\\x_age5.png"],
)
def test_a_files_name_is_a_label_and_no_path(empty: Api, tmp_path: Path, name: str) -> None:
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    assert empty.upload(picture(1), name=name).json()["original_name"] == "x_age5.png"
    accepted = empty.upload_batch([(name, picture(2))], **PATTERN)
    assert accepted.status_code == 200
    empty.work_off()
    names = {each["original_name"] for each in empty.get("/drawings/")["drawings"]}
    assert names == {"x_age5.png"}
    assert {path for path in tmp_path.rglob("*") if "home" not in path.parts} == before


@pytest.mark.parametrize(
    "name", ["é" * 400 + ".png", "👧" * 300 + ".png", "a" * 4000, ".", "..", " "]
)
def test_a_name_may_be_as_long_as_it_likes(empty: Api, name: str) -> None:
    answer = empty.upload(picture(), name=name)
    assert answer.status_code == 201
    assert 0 < len(answer.json()["original_name"].encode()) <= 200
    sent = [(f"{name}_age5.png", picture(2))]
    assert empty.upload_batch(sent, **PATTERN).status_code in {200, 422}


def test_what_is_stored_are_pixels_and_nothing_else(empty: Api) -> None:
    """Behind a picture's end, in its comments and in its EXIF anything may stand."""
    buffer = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Canary <script>"
    Image.fromarray(line_drawing(99, 7.5)).save(buffer, "PNG", exif=exif)
    found = empty.upload(buffer.getvalue() + b"<script>canary</script>").json()
    content = empty.ask("GET", f"/drawings/{found['id']}/file").content
    assert b"anary" not in content
    assert content == encode_png(read_stored(content))
