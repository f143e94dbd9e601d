"""One X-ray of any kind of file: the same pixels when it is taken in and when it is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

import numpy as np

from deepmed.features.xray.source.attributes import known_attributes
from deepmed.features.xray.source.dicom_image import DicomFacts, FrameRule, looks_like_dicom
from deepmed.features.xray.source.dicom_reader import DicomReader
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import PictureLimits, Pixels, looks_like_picture, read_picture
from deepmed.kit.settings import Settings
from deepmed.kit.sizes import MIB

BurnedInRule = Literal["reject", "accept"]
_LARGEST_DICOM = 96 * MIB
"""A film of 35 x 43 cm at 0.1 mm, of 16 bits and without compression, is 30 MiB."""
_LEAST_SIDE = 16


@dataclass(frozen=True)
class ReadingRules:
    """What is done with files that may be read in more than one way.

    `burned_in`: a DICOM file that says of itself that text is burned into its picture is rejected,
    because the text is likely to be the patient's name; `accept` takes and flags it.
    """

    picture: PictureLimits = field(default_factory=lambda: PictureLimits(min_side=_LEAST_SIDE))
    max_dicom_bytes: int = _LARGEST_DICOM
    frames: FrameRule = "refuse"
    burned_in: BurnedInRule = "reject"

    @classmethod
    def of(cls, settings: Settings) -> Self:
        limits = PictureLimits(settings.max_file_bytes, settings.max_pixels, _LEAST_SIDE)
        return cls(picture=limits, max_dicom_bytes=max(_LARGEST_DICOM, settings.max_file_bytes))


@dataclass(frozen=True, eq=False)
class XrayImage:
    """An X-ray as it is shown. `patient_id` is the file's own and must not be stored."""

    pixels: Pixels
    patient_id: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class XrayReader:
    """Reads PNG, JPEG, BMP, TIFF and DICOM by content; closes as a context manager."""

    def __init__(self, rules: ReadingRules | None = None) -> None:
        self._rules = rules or ReadingRules()
        self._dicom = DicomReader(self._rules.picture, self._rules.frames)

    def read(self, data: bytes) -> XrayImage:
        """The image in a file's bytes.

        Raises:
            ImageProcessingError: no X-ray can be had from it; the message tells a person why.
        """
        if looks_like_dicom(data):
            return self._from_dicom(data)
        try:
            picture = read_picture(data, self._rules.picture, measured=True)
        except ImageProcessingError as error:
            if looks_like_picture(data):
                raise
            raise ImageProcessingError(f"{error.message} DICOM is read as well.") from error
        return XrayImage(picture.pixels, notes=picture.notes)

    def abort(self) -> None:
        """End what another thread is reading; it raises there."""
        self._dicom.abort()

    def close(self) -> None:
        self._dicom.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _from_dicom(self, data: bytes) -> XrayImage:
        if len(data) > self._rules.max_dicom_bytes:
            raise ImageProcessingError(
                f"The DICOM file has {len(data) / MIB:.1f} MiB; at most "
                f"{self._rules.max_dicom_bytes / MIB:.1f} MiB are allowed."
            )
        image = self._dicom.read(data)
        facts = image.facts
        burned_in = self._burned_in(facts)
        grey = image.pixels
        pixels = np.repeat(grey[..., None], 3, axis=2) if grey.ndim == 2 else grey
        attributes = known_attributes({"sex": facts.sex, "age": facts.age, "view": facts.view})
        return XrayImage(pixels, facts.patient_id, attributes, (*facts.notes, *burned_in))

    def _burned_in(self, facts: DicomFacts) -> tuple[str, ...]:
        if facts.burned_in == "YES":
            if self._rules.burned_in == "reject":
                raise ImageProcessingError(
                    "The DICOM file says that text is burned into its picture, which may name the "
                    "patient; remove the text, or allow such files."
                )
            return ("text is burned into the picture, as the file says",)
        if facts.captured and facts.burned_in != "NO":
            return ("it was captured or scanned, and does not say whether text is burned in",)
        return ()
