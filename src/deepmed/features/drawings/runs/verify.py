"""Count a training report again from its stored items, by an independent route (V-2)."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from deepmed.features.drawings.models.eligibility import find
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.runs.checks import Check
from deepmed.features.drawings.runs.choice import layouts, selection
from deepmed.features.drawings.runs.power import age_specificity, contamination, planted, power
from deepmed.features.drawings.runs.record import Record
from deepmed.features.drawings.runs.sizes import calibration, sizes
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import seeds
from deepmed.learning.reference import from_files

RESCORED = 20
PARTS = (
    sizes,
    calibration,
    planted,
    power,
    contamination,
    age_specificity,
    selection,
    layouts,
)


def recompute(
    files: Mapping[str, bytes], metrics: Mapping[str, Any], recipe: Mapping[str, Any]
) -> list[Check]:
    """Every figure of a training report, with its interval, as its stored items decide it.

    What cannot be counted again is passed over: wall times, settings, and figures that rest on
    drawings which were deleted since (`forgotten` in the metrics names their sets).

    Args:
        files: the files of the run.
        metrics: the figures that are stored of it.
        recipe: its settings, and who took which part.
    """
    record = Record.of(files, metrics, recipe)
    return [check for part in PARTS for check in part(record)]


def rescore(
    bench: Workbench, session: Session, files: Mapping[str, bytes], seed: int
) -> list[Check]:
    """Load the model from its files and score random items again from their stored vectors.

    Items whose drawing was deleted meanwhile are passed over.
    """
    model = from_files(files)
    own = json.loads(files[ITEMS_FILE])["own"]
    order = seeds.generator(seed, "rescore").permutation(len(own))[:RESCORED]
    stored = {own[index]["drawing"]: own[index] for index in order.tolist()}
    rows = find(session, bench.embeddings, model.encoder).rows
    rows = rows.take(np.isin(rows.drawings, sorted(stored)))
    checks = []
    for name, words, score in (
        ("score", "score of drawing", model.score),
        ("neutral", "score at the neutral age of drawing", model.score_across_ages),
    ):
        again = score(rows, model.encoder).tolist()
        checks += [
            Check(f"{words} {drawing}", stored[drawing][name], found)
            for drawing, found in zip(rows.drawings.tolist(), again, strict=True)
            if name in stored[drawing]
        ]
    return checks
