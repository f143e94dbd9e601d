"""In which forms a model leaves; nothing here needs torch."""

from enum import StrEnum

from deepmed.kit.errors import ValidationError


class ExportFormat(StrEnum):
    """`onnx` for any runtime, `exported` for PyTorch, `int8` for ONNX in whole numbers."""

    ONNX = "onnx"
    EXPORTED = "exported"
    INT8 = "int8"

    @property
    def suffix(self) -> str:
        """What its file's name usually ends in."""
        return ".pt2" if self is ExportFormat.EXPORTED else ".onnx"

    @classmethod
    def named(cls, name: str) -> "ExportFormat":
        """Raises ValidationError where there is no such form."""
        if name in list(cls):
            return cls(name)
        raise ValidationError(
            f"There is no format {name[:40]!r}; there are: {', '.join(cls)}. Nothing was written."
        )
