import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from deepmed.kit.archives import (
    ArchiveLimits,
    ArchiveRefusedError,
    names_in,
    open_archive,
    read_archive,
)

LIMITS = ArchiveLimits(max_entries=50, max_bytes=400_000, max_entry_bytes=100_000)


def archive_of(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = folder / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in entries:
            packed.writestr(name, data)
    return path


def contents(path: Path) -> dict[str, bytes | None]:
    return {entry.name: data for entry, data in read_archive(path, LIMITS)}


def problems(path: Path) -> dict[str, str | None]:
    with open_archive(path, LIMITS) as archive:
        return {entry.name: entry.problem for entry in archive.entries}


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def noise(length: int) -> bytes:
    state, pieces = b"x", []
    while sum(map(len, pieces)) < length:
        state = zlib.compress(state)[-8:] + struct.pack(">I", zlib.crc32(state))
        pieces.append(state)
    return b"".join(pieces)[:length]


@pytest.mark.req("S-9.1")
@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/etc/x.png", "..\\x.png", "C:\\x.png", "a/..\\..\\x.png"]
)
def test_a_name_that_leads_out_refuses_the_whole_archive(tmp_path: Path, name: str) -> None:
    path = archive_of(tmp_path, ("good.png", b"1"), (name, b"2"))
    with pytest.raises(ArchiveRefusedError, match="leads out"):
        contents(path)


def test_a_nul_in_a_name_refuses_the_archive(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("evilNname.png", b"1"))
    path.write_bytes(path.read_bytes().replace(b"evilNname", b"evil\0name"))
    with pytest.raises(ArchiveRefusedError, match="leads out"):
        contents(path)


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666])
def test_a_link_or_a_device_refuses_the_archive(tmp_path: Path, mode: int) -> None:
    info = link("link.png")
    info.external_attr = mode << 16
    path = archive_of(tmp_path, ("good.png", b"1"), (info, b"/etc/passwd"))
    with pytest.raises(ArchiveRefusedError, match="link"):
        contents(path)


def test_too_many_entries_refuse_the_archive(tmp_path: Path) -> None:
    path = archive_of(tmp_path, *((f"{number}.png", b"") for number in range(10_000)))
    with pytest.raises(ArchiveRefusedError, match=r"10000 entries.*5000"), open_archive(path):
        pass


def test_a_directory_that_would_fill_the_memory_is_not_even_read(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("a.png", b"1"))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rindex(b"PK\5\6") + 12, 0x7FFFFFFF)
    path.write_bytes(data)
    with pytest.raises(ArchiveRefusedError, match="directory is too large"):
        contents(path)


def test_an_entry_that_unpacks_a_thousandfold_is_a_bomb(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("good.png", b"1"), ("bomb.png", bytes(300_000)))
    with pytest.raises(ArchiveRefusedError, match="more than it can honestly hold"):
        contents(path)


def test_the_bytes_of_all_entries_are_counted_together(tmp_path: Path) -> None:
    path = archive_of(tmp_path, *((f"{number}.png", bytes(90_000)) for number in range(5)))
    with pytest.raises(ArchiveRefusedError, match="unpacks to more than"):
        contents(path)


@pytest.mark.parametrize("declared", [10, 90_000])
def test_a_bomb_whose_directory_lies_is_not_unpacked(tmp_path: Path, declared: int) -> None:
    path = archive_of(tmp_path, ("bomb.png", bytes(5_000_000)))
    data = path.read_bytes().replace(struct.pack("<I", 5_000_000), struct.pack("<I", declared))
    path.write_bytes(data)
    assert "damaged" in str(problems(path)["bomb.png"])


def test_entries_that_share_their_bytes_refuse_the_archive(tmp_path: Path) -> None:
    body = noise(50_000)
    path = archive_of(tmp_path, ("a.png", body))
    data = path.read_bytes()
    start, end = data.index(b"PK\1\2"), data.rindex(b"PK\5\6")
    entry = data[start:end]
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 3, 3, 3 * len(entry))
    path.write_bytes(data[:start] + entry * 3 + bytes(tail))
    with pytest.raises(ArchiveRefusedError, match="overlap"):
        contents(path)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("a.png", b"1"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveRefusedError, match="encrypted"):
        contents(path)


@pytest.mark.parametrize("cut", [0, 1, 30, -10])
def test_what_is_no_whole_zip_is_refused(tmp_path: Path, cut: int) -> None:
    path = archive_of(tmp_path, ("a.png", noise(2000)))
    path.write_bytes(path.read_bytes()[:cut] if cut else b"a text called archive.zip")
    with pytest.raises(ArchiveRefusedError, match="not a ZIP"):
        contents(path)


def test_system_files_are_skipped_and_folders_are_no_files(tmp_path: Path) -> None:
    path = archive_of(
        tmp_path,
        ("set/", b""),
        ("set/a.png", b"1"),
        ("__MACOSX/set/._a.png", b"2"),
        (".DS_Store", b"3"),
        ("set/Thumbs.db", b"4"),
        ("./b.png", b"5"),
    )
    assert contents(path) == {"set/a.png": b"1", "b.png": b"5"}


def test_single_files_are_rejected_with_a_reason_and_the_rest_is_read(tmp_path: Path) -> None:
    inner = io.BytesIO()
    zipfile.ZipFile(inner, "w").close()
    packed_otherwise = zipfile.ZipInfo("lzma.png")
    packed_otherwise.compress_type = zipfile.ZIP_LZMA
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive_of(
            tmp_path,
            ("good.png", b"1"),
            ("inner.zip", inner.getvalue()),
            ("large.png", noise(100_001)),
            (packed_otherwise, b"2"),
            ("twice.png", b"first"),
            ("twice.png", b"second"),
        )
    found = list(read_archive(path, LIMITS))
    told = {entry.name: entry.problem for entry, data in found if data is None}
    assert set(told) == {"inner.zip", "large.png", "lzma.png", "twice.png"}
    assert "inside" in str(told["inner.zip"])
    assert "MiB" in str(told["large.png"])
    assert "unusual" in str(told["lzma.png"])
    assert "twice" in str(told["twice.png"])
    assert [data for entry, data in found if entry.name == "twice.png"] == [b"first", None]


def test_a_damaged_entry_is_rejected_alone(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("a.png", b"1"), ("b.png", noise(3000)))
    data = bytearray(path.read_bytes())
    data[data.index(b"b.png") + 1500] ^= 0xFF
    path.write_bytes(data)
    assert contents(path)["a.png"] == b"1"
    assert "damaged" in str(problems(path)["b.png"])


@pytest.mark.parametrize("said", [True, False])
def test_names_in_utf8_are_read_whether_the_archive_says_so_or_not(
    tmp_path: Path, *, said: bool
) -> None:
    path = archive_of(tmp_path, ("mädchen_č.png", b"1"))
    if not said:
        data = bytearray(path.read_bytes())
        for signature, offset in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
            data[data.index(signature) + offset] &= ~0x08
        path.write_bytes(data)
    assert list(contents(path)) == ["mädchen_č.png"]


def test_an_error_of_the_reader_is_not_taken_for_one_of_the_archive(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("a.png", b"1"))
    with pytest.raises(struct.error), open_archive(path):
        raise struct.error


def test_the_directory_alone_tells_the_files(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("a/x.png", b"1"), ("__MACOSX/x.png", b"2"), ("labels.csv", b"3"))
    assert names_in(path, LIMITS) == ("a/x.png", "labels.csv")


@pytest.mark.req("S-9.1")
@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("../x.png", b"1")], "leads out"),
        ([(link("x.png"), b"/etc/passwd")], "link"),
        ([(f"{n}.png", b"") for n in range(51)], "51 entries"),
        ([("x.png", bytes(300_000))], "honestly"),
        ([(f"{n}.png", noise(90_000)) for n in range(5)], "unpacks to more"),
    ],
    ids=("up", "link", "many", "bomb", "large"),
)
def test_what_the_directory_tells_is_refused_at_once(
    tmp_path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], words: str
) -> None:
    with pytest.raises(ArchiveRefusedError, match=words):
        names_in(archive_of(tmp_path, *entries), LIMITS)


def test_what_is_no_archive_has_no_names(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(b"PK\3\4 and nothing more")
    with pytest.raises(ArchiveRefusedError, match="not a ZIP"):
        names_in(path, LIMITS)


def large_end(path: Path, *, points: int | None = None, directory: int | None = None) -> Path:
    """The end of a ZIP as a large one has it: a record, and a locator that says where that is."""
    data = path.read_bytes()
    at = data.rindex(b"PK\5\6")
    entries, size, start = struct.unpack_from("<HII", data, at + 10)
    record = struct.pack(
        "<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, directory or size, start
    )
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, at if points is None else points, 1)
    end = bytearray(data[at:])
    struct.pack_into("<I", end, 12, 0xFFFFFFFF)
    path.write_bytes(data[:at] + record + locator + end)
    return path


def test_a_large_archive_is_read_as_any_other(tmp_path: Path) -> None:
    path = large_end(archive_of(tmp_path, ("a.png", b"1")))
    assert contents(path) == {"a.png": b"1"}


@pytest.mark.req("S-9.1")
@pytest.mark.parametrize("points", [0, 2**62, 2**63 - 1, 2**64 - 1])
def test_a_locator_that_points_elsewhere_refuses_the_archive(tmp_path: Path, points: int) -> None:
    path = large_end(archive_of(tmp_path, ("a.png", b"1")), points=points, directory=2**40)
    for read in (contents, lambda found: names_in(found, LIMITS)):
        with pytest.raises(ArchiveRefusedError, match="contradicts itself"):
            read(path)


def test_a_record_whose_directory_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = large_end(archive_of(tmp_path, ("a.png", b"1")), directory=2**40)
    with pytest.raises(ArchiveRefusedError, match="directory is too large"):
        contents(path)


def test_an_entry_that_is_said_to_lie_nowhere_is_damaged(tmp_path: Path) -> None:
    path = archive_of(tmp_path, ("a.png", b"1"))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    place = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    struct.pack_into("<I", data, at + 42, 0xFFFFFFFF)
    struct.pack_into("<H", data, at + 30, len(place))
    data[at + 46 + 5 : at + 46 + 5] = place
    end = data.rindex(b"PK\5\6")
    struct.pack_into("<I", data, end + 12, end - at)
    path.write_bytes(data)
    assert "damaged" in str(problems(path)["a.png"])
