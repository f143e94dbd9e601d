"""The guide's pictures: all there, all shown, each said in words, and small."""

import re
from pathlib import Path

import pytest
from PIL import Image

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
PICTURES = {path.name: path for path in (GUIDE / "pictures").iterdir()}
MOST_BYTES, MOST_BYTES_TOGETHER = 150_000, 2_000_000
FEWEST_WORDS = 6
SHOWN = [
    (page.name, words, place)
    for page in sorted(GUIDE.glob("*.md"))
    for words, place in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
]


def test_every_picture_is_there_and_every_one_is_shown() -> None:
    assert {place for _, _, place in SHOWN} == {f"pictures/{name}" for name in PICTURES}


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: f"{shown[0]}:{shown[2]}")
def test_each_says_in_words_what_is_seen(shown: tuple[str, str, str]) -> None:
    assert len(shown[1].split()) >= FEWEST_WORDS


def test_they_are_small_and_hold_nothing_but_the_picture() -> None:
    sizes = {name: path.stat().st_size for name, path in PICTURES.items()}
    assert max(sizes.values()) <= MOST_BYTES
    assert sum(sizes.values()) <= MOST_BYTES_TOGETHER
    for path in PICTURES.values():
        with Image.open(path) as picture:
            assert not picture.getexif()
            assert "xmp" not in picture.info
