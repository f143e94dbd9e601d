"""Where the encoder looked, on the drawing's page."""

import re

import pytest

from deepmed.features.drawings.pages.content import attention
from deepmed.features.drawings.schemas.interpretability import AttentionPatch
from factories.api import Api

PATCHES = [
    AttentionPatch(
        patch_id=f"patch_{number}",
        coordinates=(16 * number, 32, 16, 20),
        attention_weight=0.5 / number,
        layer_index=11,
        head_index=number,
    )
    for number in (1, 2)
]


def test_an_encoder_without_attention_says_so(settled: Api) -> None:
    text = settled.client.get("/drawings/1/attention").text
    assert "only vision transformers attend" in text
    assert "<svg" not in text
    assert "It has not been analysed yet" in settled.client.get("/drawings/9/attention").text


@pytest.mark.req("U-3.1")
@pytest.mark.req("U-10.1")
def test_the_patches_lie_over_the_picture_with_their_data_beside(
    settled: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "HasAttention", object)
    monkeypatch.setattr(attention, "attention_patches", lambda *_: (PATCHES, None))
    text = settled.client.get("/drawings/1/attention").text
    assert 'id="patches"' in text
    assert 'hx-swap-oob="true"' in text
    boxes = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', text)
    assert [tuple(map(int, box)) for box in boxes] == [each.coordinates for each in PATCHES]
    rows = re.findall(r"<tr><td>(\d+)</td>.*?<td>(0\.\d+)</td><td>(\d+)</td><td>(\d+)</td>", text)
    assert rows == [("1", "0.5", "12", "2"), ("2", "0.25", "12", "3")]
    monkeypatch.setattr(attention, "attention_patches", lambda *_: ([], "Another encoder."))
    assert "Another encoder." in settled.client.get("/drawings/1/attention").text
    assert 'hx-get="/drawings/1/attention"' in settled.client.get("/drawings/1").text
