import pytest

from deepmed.features.drawings.explanation import pace
from factories.encoder import InkGridEncoder

from .conftest import WaitingEncoder


@pytest.mark.req("D-17.3")
@pytest.mark.parametrize(("milliseconds", "slow"), [(0, False), (25, True)])
def test_an_encoder_over_20_ms_an_image_is_slow(
    milliseconds: float,
    slow: bool,  # noqa: FBT001 - a column of the table
) -> None:
    encoder = WaitingEncoder(milliseconds)
    assert pace.is_slow(encoder) is slow
    assert pace.milliseconds_an_image(encoder) >= milliseconds


@pytest.mark.req("D-17.3")
def test_the_pace_is_measured_once_a_process() -> None:
    encoder = WaitingEncoder(21)
    first = pace.milliseconds_an_image(encoder)
    pages = encoder.pages
    assert pace.milliseconds_an_image(encoder) == first
    assert pace.milliseconds_an_image(WaitingEncoder(0)) == first
    assert encoder.pages == pages
    assert pace.milliseconds_an_image(InkGridEncoder("another", turned=True)) != first


def test_the_quickest_try_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([9.0, 0.2, 0.5])
    monkeypatch.setattr(pace, "_seconds", lambda *_: next(seconds))
    assert pace.milliseconds_an_image(InkGridEncoder()) == pytest.approx(25.0)
