"""What `deepmed xray predict` says of one image among several."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepmed.cli.xray.asking import _predicted
from deepmed.features.xray.inference.errors import UnreadableUploadError
from deepmed.kit.settings import load


def test_the_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    def predict(*_: Any) -> Any:
        raise UnreadableUploadError("The picture is damaged.")

    file = tmp_path / "second.png"
    file.write_bytes(b"x")
    asked: Any = SimpleNamespace(settings=load(), predict=predict)
    with pytest.raises(UnreadableUploadError, match=r"second\.png: The picture is damaged"):
        _predicted(asked, file, None)
