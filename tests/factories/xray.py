"""Trainings on X-rays as small as can be: 28x28, a narrow ResNet-18, two epochs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepmed.features.xray.configuration import ConfigManager
from factories.films import png

PATIENTS, SIDE = 40, 28
SMALL = (
    "img_size=28,28",
    "network=resnet18",
    "width=4",
    "head=[8]",
    "stem=3x3",
    "max_pool=false",
    "color_mode=L",
    "epochs=3",
    "batch_size=8",
    "learning_rate=0.01",
    "augmentation_strength=0",
    "resamples=50",
    "device=cpu",
)


def small(*overrides: str) -> ConfigManager:
    return ConfigManager.load(overrides=[*SMALL, *overrides])


def film_of(patient: int, view: int = 0) -> NDArray[np.uint8]:
    """Noise; every second patient has a bright field in it."""
    random = np.random.default_rng([patient, view])
    pixels = random.integers(0, 100, (SIDE, SIDE), dtype=np.uint8)
    if patient % 2:
        pixels[8:20, 8:20] += np.uint8(random.integers(40, 90))
    return pixels


def write_films(folder: Path, patients: int = PATIENTS) -> Path:
    """Two films each of so many patients, half of them ill, with a table; some have a sex."""
    images = folder / "Images"
    images.mkdir(parents=True)
    lines = ["patientId,Target,filename,sex"]
    for patient in range(patients):
        for view in range(2):
            name = f"f{patient}-{view}.png"
            (images / name).write_bytes(png(film_of(patient, view)))
            lines.append(f"p{patient},{patient % 2},{name},{'FM'[patient // 2 % 2]}")
    (folder / "stage2_train_metadata.csv").write_text("\n".join(lines))
    return folder


def write_classes(folder: Path, classes: tuple[str, ...], each: int = 12) -> Path:
    """One folder a class; the class is how bright the middle is."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(each):
            random = np.random.default_rng([number, index])
            pixels = random.integers(0, 60, (SIDE, SIDE), dtype=np.uint8)
            pixels[8:20, 8:20] += np.uint8(60 * number)
            (folder / name / f"{name}{index}.png").write_bytes(png(pixels))
    return folder
