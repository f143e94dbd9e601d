"""The revision of a model's members is stored, and compared with what is made anew."""

from deepmed.features.drawings.models.membership import revision_of


def test_a_stored_revision_stays_what_it_was() -> None:
    parts = [(2, 7, "fit", None), (1, 7, "fit", "calibration")]
    assert revision_of(parts) == revision_of(parts[::-1]) == "0858c46c0c4e809f"
