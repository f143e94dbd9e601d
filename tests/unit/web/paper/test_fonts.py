"""The font of a file is one that has its letters, where there is one."""

import pytest
from PIL import ImageFont

from deepmed.web.paper import fonts
from deepmed.web.paper.fonts import Font, font_for


class TestFonts:
    def test_western_letters_are_in_the_font_that_is_always_there(self) -> None:
        font = font_for(["Drawing 12, “house”, ½, Größe"])
        assert font.path.endswith("Vera.ttf")
        assert font.notes == []

    def test_letters_that_no_font_has_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        own = font_for(["a"]).path
        monkeypatch.setattr(fonts, "_known", lambda: (own,))
        font = font_for(["線 and ř"])
        assert font.shown("線 and ř") == "? and ?"
        assert "(2)" in font.notes[0]

    def test_another_font_is_taken_where_it_has_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lacking, having = "poor.ttf", "rich.ttf"
        monkeypatch.setattr(fonts, "_known", lambda: (lacking, having))
        letters = {lacking: frozenset("ab"), having: frozenset("abc")}
        monkeypatch.setattr(fonts, "_letters", letters.__getitem__)
        assert font_for(["abc"]) == Font(having)
        assert font_for(["ab"]) == Font(lacking)

    def test_a_font_that_is_not_installed_is_passed_over(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing(_name: str) -> object:
            raise OSError("no such font")

        monkeypatch.setattr(ImageFont, "truetype", missing)
        assert fonts._installed("NotoSans-Regular.ttf") is None
