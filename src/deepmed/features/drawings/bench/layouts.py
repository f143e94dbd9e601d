"""Do columns for the subject (832), or for the age (769), find more than the vector alone (768)?"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from deepmed.features.drawings.bench.detection import ALL, Places, places
from deepmed.features.drawings.bench.entrants import detector_entrants
from deepmed.features.drawings.bench.material import Material
from deepmed.features.drawings.models.layout_words import beats
from deepmed.kit import seeds
from deepmed.learning.encoders import Encoder
from deepmed.learning.evaluation import auroc_interval, paired_difference_interval
from deepmed.learning.evaluation.measuring import measured
from deepmed.learning.reference import Layout

RIVALS = {"visual": Layout.VISUAL, "age": Layout.AGE}


def layout_rows(
    material: Material,
    encoder: Encoder,
    seed: int,
    resamples: int,
    step: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    """A row a detector and layout: its AUROC, and how far it exceeds the two without a subject.

    Every layout meets the same children in the same folds, so the differences are paired.
    """
    found: dict[str, dict[Layout, Places]] = {}
    for layout in Layout:
        for entrant in detector_entrants(material, encoder, layout):
            step(f"{material.name}, {entrant.name}, {layout.value}")
            found.setdefault(entrant.name, {})[layout] = places(material, entrant, seed)
    for detector, by_layout in found.items():
        for layout, own in by_layout.items():
            yield {
                "material": material.name,
                "encoder": encoder.identity.name,
                "detector": detector,
                "layout": layout.value,
                **_figures(own, by_layout, seed, resamples),
            }


def _figures(
    own: Places, by_layout: Mapping[Layout, Places], seed: int, resamples: int
) -> dict[str, Any]:
    material = own.material
    options: dict[str, Any] = {
        "resamples": resamples,
        "split": material.split,
        "seed": seeds.derive(seed, "bench layouts", material.name) % 2**31,
    }
    (negative, children), (positive, planted) = own.negatives(ALL), own.of(ALL)
    interval = partial(auroc_interval, negative, positive, children, planted, **options)
    figures: dict[str, Any] = {"auroc": measured(interval)}
    for name, layout in RIVALS.items():
        rival = by_layout[layout]
        difference = measured(
            partial(
                paired_difference_interval,
                (negative, positive),
                (rival.negatives(ALL)[0], rival.of(ALL)[0]),
                children,
                planted,
                **options,
            )
        )
        figures[f"difference_to_{name}"] = difference
        figures[f"beats_{name}"] = beats(difference)
    return figures
