"""What a stored image is called: as its file, unless that tells whose it is.

In many sets a file is called like its patient, so that a pseudonym beside its name would undo
itself. Such an image, and every DICOM file, gets the beginning of its pixels' digest for a name,
which is the same in every installation. Which file it was stands in the run's folder alone.
"""

import re
from collections import Counter
from collections.abc import Iterable

from deepmed.features.xray.source.dicom_image import looks_like_dicom
from deepmed.features.xray.source.placing import PlacedImage

_CHARACTERS = 16
STORED_NAME = re.compile(r"x-[0-9a-f]{16}(?:-\d+)?\.png")


def stored_names(images: Iterable[tuple[PlacedImage, str]]) -> list[str]:
    """A name for each image; equal images are numbered.

    Args:
        images: each with its digest.
    """
    seen: Counter[str] = Counter()
    names = []
    for placed, digest in images:
        if not _tells_patient(placed):
            names.append(placed.file.name)
            continue
        seen[digest] += 1
        again = f"-{seen[digest]}" if seen[digest] > 1 else ""
        names.append(f"x-{digest[:_CHARACTERS]}{again}.png")
    return names


def _tells_patient(placed: PlacedImage) -> bool:
    head, patient = placed.file.head, placed.image.patient.strip().casefold()
    if looks_like_dicom(head):
        return True
    return bool(patient) and patient in placed.file.name.casefold()
