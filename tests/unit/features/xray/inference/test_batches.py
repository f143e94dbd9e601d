"""What a request for many images may take, and who waits for whom."""

import pytest

from deepmed.features.xray import turns
from deepmed.features.xray.inference import batches, service
from deepmed.features.xray.inference.batches import Batch
from deepmed.features.xray.turns import BusyError, Turns
from deepmed.kit.errors import ResourceError

from .conftest import Ward

BATCHES = ("predict-batch", "heatmap-batch")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """One place, and nobody waits long for it."""
    one = Turns(places=1, patience=0.01)
    monkeypatch.setattr(service, "TURNS", one)
    return one


def sent(ward: Ward, number: int = 3) -> list[tuple[str, tuple[str, bytes, str]]]:
    names = ("f1-0", "f2-0", "f3-0")[:number]
    return [("files", (f"{name}.png", ward.film(name), "image/png")) for name in names]


def test_who_gets_no_turn_within_seconds_is_told_when_to_come_again(
    ward: Ward, hurried: Turns
) -> None:
    with hurried.turn():
        for path in ("/predict", "/heatmap"):
            answer = ward.post(path, ward.film())
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"] == str(turns.RETRY_AFTER_SECONDS)
        for path in BATCHES:
            answer = ward.client.post(f"/api/inference/{path}", files=sent(ward))
            assert answer.status_code == 503, answer.text
    assert ward.post("/predict", ward.film()).status_code == 200


def test_who_waits_lets_go_of_what_others_need_first() -> None:
    one, said = Turns(places=1, patience=0.01), []
    with (
        one.turn(lambda: said.append("never")),
        pytest.raises(BusyError),
        one.turn(lambda: said.append("let go")),
    ):
        pass
    with one.turn(lambda: said.append("never")):
        assert said == ["let go"]


@pytest.mark.parametrize("path", BATCHES)
def test_after_its_time_a_batch_tells_what_was_answered_and_why_the_rest_was_not(
    ward: Ward, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Batch.answered

    def last(batch: Batch, *pictures: str | None) -> None:
        answered(batch, *pictures)
        monkeypatch.setattr(batches, "MOST_SECONDS", -1.0)

    monkeypatch.setattr(Batch, "answered", last)
    answer = ward.client.post(f"/api/inference/{path}", files=sent(ward)).json()
    first, *others = answer["results"]
    assert first["success"]
    for other in others:
        assert not other["success"]
        assert "seconds of one request are over" in other["error"]


def test_an_answer_holds_so_many_bytes_of_pictures_and_no_more(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_PICTURES", 1)
    files = sent(ward, 2)
    answer = ward.client.post("/api/inference/heatmap-batch", files=files).json()
    first, second = answer["results"]
    assert first["success"]
    assert first["original_image_base64"]
    assert not second["success"]
    assert "pictures of one answer" in second["error"]


def test_nothing_is_computed_for_who_has_gone() -> None:
    batch = Batch(lambda: True)
    assert "has gone" in str(batch.refusal())


def test_who_loses_the_turn_in_between_keeps_what_was_answered() -> None:
    batch, busy = Batch(), BusyError()
    assert isinstance(busy, ResourceError)
    with pytest.raises(BusyError):
        batch.stop(busy)
    batch.answered()
    assert "another request" in batch.stop(busy)
    assert "another request" in str(batch.refusal())
