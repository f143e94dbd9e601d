"""Whether encoders can run on ONNX Runtime here; nothing of it is loaded to tell."""

from importlib.util import find_spec

PRECISION = "onnx"
"""What stands behind the `@` of an encoder's name to ask for it."""
NEEDED = ("onnx", "onnxruntime", "onnxscript")


def is_installed() -> bool:
    """Whether the packages of the extra `onnx` are there.

    Example:
        >>> isinstance(is_installed(), bool)
        True
    """
    return all(find_spec(name) is not None for name in NEEDED)
