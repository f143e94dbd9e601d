"""Bad input at the command line: one report with names and reasons, nothing half-stored."""

import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from integration.acceptance.pictures import TABLE, page, picture, saved, write_table
from integration.acceptance.soundness import assert_complete, named_files
from integration.acceptance.terminal import Home

Pixels = NDArray[np.uint8]
SIDE = 48
UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.swapaxes(0, 1),
    6: lambda seen: seen.swapaxes(0, 1)[:, ::-1],
    7: lambda seen: seen.swapaxes(0, 1)[::-1, ::-1],
    8: lambda seen: seen.swapaxes(0, 1)[::-1],
}
"""What each EXIF orientation asks for, from the standard's table of first row and first column."""


def png(width: int, height: int, depth: int, colour: int, raw: bytes) -> bytes:
    """A PNG written by hand, of kinds that no library writes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def deep_rgb(values: NDArray[np.uint16]) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(values.shape[1], values.shape[0], 16, 2, rows)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(Image.fromarray(page(90)[:40]), "JPEG", exif=exif, quality=95)


def patches(*colours: tuple[int, ...]) -> NDArray[np.uint8]:
    """Square patches beside each other, large enough for JPEG to keep their colours."""
    return np.concatenate([np.full((SIDE, 32, len(one)), one, np.uint8) for one in colours], axis=1)


INKS = ((255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255), (0, 0, 0, 0))
FRAMES = [Image.fromarray(page(seed)) for seed in (80, 81)]
DEEP = np.linspace(0, 65535, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint16)
GLASS = np.dstack([page(82), np.where(page(82)[..., 0] < 200, 255, 0).astype(np.uint8)])

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "empty"),
    "truncated.png": (picture(1)[:-60], "damaged"),
    "truncated.jpg": (saved(Image.fromarray(page(2)), "JPEG")[:-80], "damaged"),
    "huge.png": (png(50_000, 50_000, 8, 2, bytes(99)), "too large"),
    "huge.bmp": (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 50_000, 50_000, 1, 24, *[0] * 6),
        "too large",
    ),
    "text.png": (b"Dear diary, this is no picture.", "no picture"),
    "page.jpg": (b"<!doctype html><script>alert(1)</script>", "web page"),
    "animated.gif": (saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "GIF"),
    "animated.png": (saved(FRAMES[0], save_all=True, append_images=FRAMES[1:]), "animated"),
}
GOOD: dict[str, bytes] = {
    "plain.png": picture(3),
    "cmyk.jpg": saved(Image.fromarray(patches(*INKS), "CMYK"), "JPEG", quality=95),
    "deep grey.png": saved(Image.fromarray(DEEP)),
    "deep colour.png": deep_rgb(np.dstack([DEEP, DEEP[::-1], DEEP.T])),
    "palette.png": saved(Image.fromarray(page(4)).quantize(16, dither=Image.Dither.NONE)),
    "glass.png": saved(Image.fromarray(GLASS)),
    "transparent.png": saved(Image.fromarray(np.dstack([page(5), np.zeros((48, 48), np.uint8)]))),
    "blank.png": saved(Image.new("RGB", (SIDE, SIDE), "white")),
    "a picture by content.txt": picture(6),
    **{f"turned {number}.jpg": turned(number) for number in UPRIGHT},
}
SAME_PIXELS = {"transparent.png"}
"""As the blank page's, once it is on white."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "collection"
    place.mkdir()
    return place


@pytest.fixture
def mixed(folder: Path) -> Path:
    """Every bad file of the list and every good one of a rare kind, with a table."""
    contents = {name: data for name, (data, _) in REFUSED.items()} | GOOD
    for number, (name, data) in enumerate(contents.items()):
        (folder / name).write_bytes(data)
        contents[name] = f"{4 + number % 5},person,k{number}".encode()
    rows = {name: values.decode() for name, values in contents.items()}
    write_table(folder, "age_years,subject,child_id", {**rows, "gone.png": "5,person,k"})
    return folder


def stored_pixels(home: Home, name: str) -> Pixels:
    ((key,),) = home.query(f"SELECT file_path FROM drawings WHERE original_name = '{name}'")  # noqa: S608 - names above
    with Image.open(home.folder / "files" / key) as image:
        assert (image.format, image.mode, image.info) == ("PNG", "RGB", {})
        return np.array(image)


def assert_nothing_stored(home: Home) -> None:
    for table in ("drawings", "drawing_children", "datasets", "dataset_items", "drawing_imports"):
        assert home.count(table) == 0, table
    assert home.files() == set()


def imported(home: Home, source: Path, *options: str) -> dict[str, Any]:
    report: dict[str, Any] = home.do("drawings", "import", source, *options)
    return report


@pytest.mark.req("D-1.1")
@pytest.mark.req("D-1.2")
def test_one_report_names_each_bad_file_with_its_reason_and_the_good_ones_are_stored_right(
    empty: Home, mixed: Path
) -> None:
    report = imported(empty, mixed)
    reasons = {one["name"]: one["reason"] for one in report["rejected"]}
    assert reasons.keys() == {*REFUSED, "gone.png"}
    for name, (_, words) in REFUSED.items():
        assert words in reasons[name], (name, reasons[name])
    assert "no such file" in reasons["gone.png"]
    assert {one["name"] for one in report["stored"]} == set(GOOD)
    assert report["counts"]["rejected"] == len(REFUSED) + 1
    assert set(report["blank"]) == {"blank.png", "transparent.png"}
    assert {one["name"] for one in report["duplicates"]} & SAME_PIXELS
    assert_complete(empty)
    assert len(named_files(empty)) == len(GOOD)
    _assert_colours(empty)
    _assert_upright(empty)


def _assert_colours(home: Home) -> None:
    cmyk = stored_pixels(home, "cmyk.jpg")[:, 16::32].astype(int)
    expected = [[255 * (1 - c / 255) * (1 - k / 255) for c in inks] for *inks, k in INKS]
    assert np.abs(cmyk.mean(axis=0) - expected).max() < 12
    for name, values in (("deep grey.png", [DEEP] * 3), ("deep colour.png", None)):
        deep = values or [DEEP, DEEP[::-1], DEEP.T]
        error = stored_pixels(home, name).astype(float) - np.dstack(deep) / 257
        assert np.abs(error).max() <= 1, name
    palette = Image.fromarray(page(4)).quantize(16, dither=Image.Dither.NONE).convert("RGB")
    assert np.array_equal(stored_pixels(home, "palette.png"), np.array(palette))
    on_white = np.where(GLASS[..., 3:] == 255, GLASS[..., :3], 255)
    assert np.array_equal(stored_pixels(home, "glass.png"), on_white)
    assert np.all(stored_pixels(home, "transparent.png") == 255)


def _assert_upright(home: Home) -> None:
    with Image.open(Path(_file(turned(1), home))) as image:
        seen = np.array(image.convert("RGB"))
    for orientation, upright in UPRIGHT.items():
        assert np.array_equal(stored_pixels(home, f"turned {orientation}.jpg"), upright(seen))


def _file(data: bytes, home: Home) -> Path:
    path = home.folder.with_name("as it lies in the file.jpg")
    path.write_bytes(data)
    return path


@pytest.mark.req("D-1.2")
def test_people_see_the_same_report_in_a_table(empty: Home, mixed: Path) -> None:
    answer = empty.run("drawings", "import", mixed)
    assert answer.code == 0
    assert f"{len(GOOD)} drawings stored, 0 were there already" in answer.out
    for name in REFUSED:
        assert name in answer.out


def test_a_second_run_completes_the_rest_once_the_files_are_mended(
    empty: Home, mixed: Path
) -> None:
    imported(empty, mixed)
    mended = ("empty.png", "truncated.png", "animated.png", "gone.png")
    for number, name in enumerate(mended):
        (mixed / name).write_bytes(picture(70 + number))
    report = imported(empty, mixed)
    assert {one["name"] for one in report["stored"]} == set(mended)
    assert {one["name"] for one in report["already_present"]} == set(GOOD)
    assert report["counts"]["rejected"] == len(REFUSED) - 3
    assert_complete(empty)
    third = imported(empty, mixed)["counts"]
    assert (third["stored"], third["already_present"]) == (0, len(GOOD) + 4)


def test_a_folder_of_nothing_but_bad_files_fails_with_its_report(empty: Home, folder: Path) -> None:
    for name, (data, _) in REFUSED.items():
        (folder / name).write_bytes(data)
    write_table(folder, "age_years", dict.fromkeys(REFUSED, "6"))
    answer = empty.run("drawings", "import", folder, "--json")
    assert answer.code == 1
    assert answer.json["counts"]["rejected"] == len(REFUSED)
    assert (empty.count("drawings"), empty.files()) == (0, set())


@pytest.mark.req("D-2.1")
@pytest.mark.req("D-2.2")
def test_ages_that_cannot_be_keep_the_whole_batch_out_and_all_are_named(
    empty: Home, folder: Path
) -> None:
    ages = {
        "missing": "",
        "negative": "-3",
        "far": "40",
        "none": "NaN",
        "word": "six",
        "long": "6y 14m",
    }
    good = {"months": "6y 4m", "years": "7", "decimal": "6,5", "only": "76 months"}
    names = {**ages, **good, **{f"more{number}": "" for number in range(10)}}
    for number, name in enumerate(names):
        (folder / f"{name}.png").write_bytes(picture(number))
    write_table(folder, "age_years", {f"{name}.png": f'"{age}"' for name, age in names.items()})
    answer = empty.run("drawings", "import", folder, "--json")
    assert (answer.code, answer.json["code"]) == (1, "batch_refused")
    problems = {one["name"]: one["reason"] for one in answer.json["details"]["problems"]}
    assert problems.keys() == {f"{name}.png" for name in names if name not in good}
    for name, words in {
        "missing": "missing",
        "negative": "negative",
        "far": "outside 2 to 18",
        "none": "not understood",
        "word": "not understood",
        "long": "more than 11 months",
    }.items():
        assert words in problems[f"{name}.png"]
    assert_nothing_stored(empty)
    mended = {name: age if name in good else "8" for name, age in names.items()}
    write_table(folder, "age_years", {f"{name}.png": f'"{age}"' for name, age in mended.items()})
    assert imported(empty, folder)["counts"]["stored"] == len(names)
    ages_by_name = {
        name[:-4]: (age, precision)
        for name, age, precision in empty.query(
            "SELECT original_name, age_years, age_precision FROM drawings"
        )
    }
    assert ages_by_name["months"] == (6 + 4 / 12, "month")
    assert ages_by_name["years"] == (7, "year")
    assert ages_by_name["decimal"] == (6.5, "decimal")
    assert ages_by_name["only"] == (76 / 12, "month")


@pytest.mark.req("D-2.2")
@pytest.mark.parametrize("options", [(), ("--age", "6")])
def test_a_batch_without_ages_gets_no_default(
    empty: Home, folder: Path, options: tuple[str, ...]
) -> None:
    for number in range(3):
        (folder / f"d{number}.png").write_bytes(picture(number))
    answer = empty.run("drawings", "import", folder, *options, "--json")
    assert (answer.code, answer.json["code"]) == (1, "batch_refused")
    assert_nothing_stored(empty)


def _link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link_6.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


EVIL: dict[str, tuple[Callable[[zipfile.ZipFile], object], str]] = {
    "traversal": (lambda packed: packed.writestr("../x_6.png", picture(1)), "leads out"),
    "absolute": (lambda packed: packed.writestr("/tmp/x_6.png", picture(1)), "leads out"),  # noqa: S108 - never written
    "link": (lambda packed: packed.writestr(_link(), "/etc/passwd"), "link"),
    "many": (lambda packed: [packed.writestr(f"x_{n}.png", b"") for n in range(9_999)], "10000"),
    "bomb": (lambda packed: packed.writestr("x_6.png", bytes(64 << 20)), "unpacks to more"),
}


@pytest.mark.req("D-1.1")
@pytest.mark.req("S-9.1")
@pytest.mark.parametrize("kind", EVIL)
def test_an_unsafe_archive_is_refused_whole(empty: Home, tmp_path: Path, kind: str) -> None:
    add, words = EVIL[kind]
    path = tmp_path / "deep" / "set.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("good_6.png", picture(0))
        add(packed)
    command = ("drawings", "import", path, "--name-pattern", "{subject}_{age}", "--json")
    answer = empty.run(*command)
    assert (answer.code, answer.json["code"]) == (1, "archive_refused")
    assert words in answer.json["message"]
    assert_nothing_stored(empty)
    assert list(path.parent.iterdir()) == [path]
    assert not list(tmp_path.rglob("x_6.png"))
    assert not Path("/tmp/x_6.png").exists()  # noqa: S108 - where the archive wanted it


@pytest.mark.req("D-1.1")
def test_an_archive_with_bad_pictures_and_its_own_table_gives_the_same_report(
    empty: Home, mixed: Path, tmp_path: Path
) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in mixed.iterdir():
            packed.write(file, f"set/{file.name}")
        packed.writestr("set/inner.zip", b"PK")
    report = imported(empty, path)
    names = {one["name"].removeprefix("set/") for one in report["rejected"]}
    assert names == {*REFUSED, "gone.png", "inner.zip"}
    assert {one["name"].removeprefix("set/") for one in report["stored"]} == set(GOOD)
    assert_complete(empty)


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-16", "utf-16"), ("cp1252", "cp1252"), ("utf-8-sig", None)]
)
def test_a_table_in_another_encoding_is_read_and_it_is_said(
    empty: Home, folder: Path, encoding: str, told: str | None
) -> None:
    (folder / "Bär.png").write_bytes(picture(1))
    (folder / "café.png").write_bytes(picture(2))
    text = "filename;age_years;prompt\r\nBär.png;6,5;Male einen Bären\r\ncafé.png;7;élan\r\n"
    (folder / TABLE).write_bytes(text.encode(encoding))
    report = imported(empty, folder)
    assert [one["name"] for one in report["stored"]] == ["Bär.png", "café.png"]
    prompts = [prompt for (prompt,) in empty.query("SELECT prompt FROM drawings ORDER BY id")]
    assert prompts == ["Male einen Bären", "élan"]
    assert any(told is not None and told in note for note in report["notes"]) == bool(told)


def test_names_that_fit_twice_are_refused_and_unknown_files_are_told(
    empty: Home, folder: Path
) -> None:
    for place in ("a", "b"):
        (folder / place).mkdir()
        (folder / place / "same.png").write_bytes(picture(len(place)))
    (folder / "twice.png").write_bytes(picture(5))
    (folder / TABLE).write_text(
        "filename,age_years\nsame.png,6\ntwice.png,6\ntwice.png,7\n", encoding="utf-8"
    )
    answer = empty.run("drawings", "import", folder, "--json")
    assert (answer.code, answer.json["code"]) == (1, "batch_refused")
    reasons = {one["name"]: one["reason"] for one in answer.json["details"]["problems"]}
    assert "fits several files" in reasons["same.png"]
    assert "named twice with different values" in reasons["twice.png"]
    assert_nothing_stored(empty)
    (folder / "notes.docx").write_bytes(b"something else")
    (folder / TABLE).write_text(
        "filename,age_years\na/same.png,6\nb/same.png,7\ntwice.png,6\ntwice.png,6\nlost.png,5\n",
        encoding="utf-8",
    )
    report = imported(empty, folder)
    assert {one["name"] for one in report["stored"] + report["already_present"]} == {
        "a/same.png",
        "b/same.png",
        "twice.png",
    }
    assert [one["name"] for one in report["rejected"]] == ["lost.png"]
    assert report["unknown_files"] == ["notes.docx"]
    assert any("named twice with the same values" in note for note in report["notes"])


def test_a_link_in_a_folder_is_not_followed(empty: Home, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "private.png").write_bytes(picture(1))
    (folder / "link.png").symlink_to(tmp_path / "private.png")
    (folder / "good.png").write_bytes(picture(2))
    rows = {"link.png": {"age_years": 6}, "good.png": {"age_years": 6}}
    (folder / "metadata.json").write_text(json.dumps(rows), encoding="utf-8")
    report = imported(empty, folder)
    assert [(one["name"], one["reason"]) for one in report["rejected"]] == [
        ("link.png", "a link is not followed")
    ]
    assert [one["name"] for one in report["stored"]] == ["good.png"]
