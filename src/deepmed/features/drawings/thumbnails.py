"""Small pictures for galleries, made when they are first asked for."""

from functools import lru_cache

import numpy as np
from PIL import Image

from deepmed.kit.pictures import encode_png, read_stored
from deepmed.kit.storage import FileStorageService

SIDE = 256


@lru_cache(maxsize=512)
def thumbnail(storage: FileStorageService, file_path: str) -> bytes:
    """PNG of a stored picture, at most 256 pixels wide and high; a stored picture never changes."""
    image = Image.fromarray(read_stored(storage.get(file_path)))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2)
    return encode_png(np.asarray(image))
