"""Text that travels inside an ONNX file."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def with_notes(content: bytes, notes: Mapping[str, str]) -> bytes:
    """The same model with texts in its metadata; those of the same name are replaced.

    Args:
        content: An ONNX file of ours.
        notes: Texts by name.

    Example:
        >>> from deepmed.learning.detectors import make_detector
        >>> from deepmed.learning.export import to_onnx
        >>> from deepmed.learning.reference import Layout
        >>> content = to_onnx(make_detector("knn").fit([[0.0], [1.0]]), Layout.VISUAL, 1)
        >>> notes_of(with_notes(content, {"a": "b"}))
        {'a': 'b'}
    """
    onnx: Any = import_module("onnx")
    model = onnx.load_model_from_string(content)
    kept = {**notes_of(content), **notes}
    onnx.helper.set_model_props(model, kept)
    noted: bytes = model.SerializeToString(deterministic=True)
    return noted


def notes_of(content: bytes) -> dict[str, str]:
    """What stands in a file's metadata.

    Args:
        content: An ONNX file of ours.

    Example:
        >>> notes_of(with_notes(b"", {"a": "b"}))
        {'a': 'b'}
    """
    onnx: Any = import_module("onnx")
    model = onnx.load_model_from_string(content)
    return {entry.key: entry.value for entry in model.metadata_props}
