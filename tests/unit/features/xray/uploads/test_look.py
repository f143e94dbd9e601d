"""What lies in a ZIP, worked out once at a time and kept within bounds."""

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from deepmed.core.home import Home
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.turns import BusyError, Turns
from deepmed.features.xray.uploads import Upload, Uploads, look
from deepmed.kit.errors import ResourceError
from factories.films import film, labelled, png
from factories.xray_begun import uploaded


@pytest.fixture
def films(empty: Home, tmp_path: Path) -> Upload:
    return Uploads(empty).get(uploaded(empty, tmp_path, labelled(12)))


def test_images_are_decoded_in_turn_with_those_that_others_ask_about(
    empty: Home, films: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Turns(places=1, patience=0.01)
    monkeypatch.setattr(look, "TURNS", one)
    with one.turn(), pytest.raises(BusyError):
        looked(empty, films)
    assert looked(empty, films).samples


def looked(home: Home, upload: Upload, csv: str | None = None) -> look.Look:
    return look.look_into(upload, csv, ConfigManager().config, home.settings)


def test_a_damaged_image_is_counted_and_not_shown(empty: Home, films: Upload) -> None:
    with zipfile.ZipFile(films.path) as packed:
        at = packed.getinfo("images/p0.png").header_offset
    data = bytearray(films.path.read_bytes())
    data[at + 200] ^= 0xFF
    films.path.write_bytes(data)
    found = looked(empty, films)
    assert len(found.samples) == 5
    assert sum(each.images for each in found.classes) == 12


def test_before_training_it_says_whose_images_nobody_knows_and_what_the_finding_is(
    empty: Home, tmp_path: Path
) -> None:
    names = [f"{kind}/person{at}_{kind}.png" for kind in ("healthy", "ill") for at in range(6)]
    films = {name: png(film(at)) for at, name in enumerate(names)}
    upload = Uploads(empty).get(uploaded(empty, tmp_path, films))
    found = looked(empty, upload)
    assert [(each.patients, each.unknown) for each in found.classes] == [(0, 6), (0, 6)]
    assert found.notes[0].startswith("counted as the finding: ill, because healthy says")
    assert "12 names of files seem to say whose they are" in found.notes[1]
    chosen = ConfigManager.load(overrides=["positive_class=healthy", "patient_pattern={patient}_*"])
    told = look.look_into(upload, None, chosen.config, empty.settings)
    assert [(each.name, each.patients) for each in told.classes] == [("ill", 6), ("healthy", 6)]
    assert told.notes == ("counted as the finding: healthy, as data.positive_class says",)


def test_of_many_ways_to_look_the_last_five_are_kept(
    empty: Home, films: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "SAMPLES", 1)
    for number in range(7):
        looked(empty, films, f"{number}.csv")
    assert len(list(films.path.parent.glob("look-*"))) == 5
    assert len(look.samples(films)) == 2


def test_two_who_ask_at_once_are_told_of_one_look(
    empty: Home, films: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = [], look._looked

    def counted(*given: Any) -> look.Look:
        asked.append(given)
        return real(*given)

    monkeypatch.setattr(look, "_looked", counted)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: looked(empty, films), range(3)))
    assert found[0] == found[1] == found[2]
    assert len(asked) == 1


def test_who_would_wait_too_long_is_told_so(
    empty: Home, films: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "_WAIT_SECONDS", 0)
    with (
        FileLock(films.path.parent / "look.lock"),
        pytest.raises(ResourceError, match=r"looking into films\.zip"),
    ):
        looked(empty, films)
