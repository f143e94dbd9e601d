import pytest

from deepmed.features.drawings.subjects import (
    SUBJECT_SLOTS,
    SubjectCategory,
    canonical_subject,
    match_subject,
    subject_index,
)


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize(
    ("index", "name"),
    [
        (0, "unspecified"),
        (1, "TV"),
        (18, "ice cream"),
        (27, "watch"),
        (28, "bear"),
        (45, "whale"),
        (46, "face"),
        (48, "person"),
        (49, "family"),
        (51, "other"),
    ],
)
def test_the_list_has_the_contracts_order(index: int, name: str) -> None:
    assert list(SubjectCategory)[index] == name
    assert subject_index(name) == index


@pytest.mark.req("D-2.1")
def test_the_list_has_52_subjects_in_64_slots() -> None:
    assert len(SubjectCategory) == len({name.lower() for name in SubjectCategory}) == 52
    assert SUBJECT_SLOTS == 64


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize("text", ["Ice Cream", "ice_cream", "ICE-CREAM", "  ice   cream "])
def test_case_and_separators_do_not_matter(text: str) -> None:
    assert match_subject(text) is SubjectCategory.ICE_CREAM
    assert canonical_subject(text) == "ice cream"


@pytest.mark.req("D-2.1")
@pytest.mark.parametrize("text", [None, "", "  ", "unicorn"])
def test_unknown_and_blank_subjects_are_unspecified(text: str | None) -> None:
    assert subject_index(text) == 0


def test_an_unknown_subject_keeps_its_text() -> None:
    assert canonical_subject("Unicorn with hat") == "Unicorn with hat"
