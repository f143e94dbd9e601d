"""What encoders are compared on: drawings that may be learned from, and anomalies planted in them.

Children who calibrate a model are never looked at: an encoder chosen by their drawings would make
their ranks say less.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from deepmed.features.drawings.models import eligibility, repository
from deepmed.features.drawings.models.age_groups import AgeGroupManager
from deepmed.features.drawings.models.planted import PlantedDrawings, PlantedMaker
from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import seeds
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.reference import Rows, join, plan_groups

Image = NDArray[np.uint8]

MOST_DRAWINGS = 1000
PLANTED_SOURCES = 24
FEWEST_CHILDREN = 10
CALIBRATION = "calibration"


@dataclass(frozen=True)
class Material:
    """Drawings and planted ones, the same for every encoder.

    Attributes:
        rows: the drawings, with the present encoder's vectors.
        images: their pictures, n.
        planted: pictures with anomalies, and the drawings that they were made from.
        kept_back: children who calibrate and so were left out.
    """

    rows: Rows
    images: Sequence[Image]
    planted: PlantedDrawings
    kept_back: int


def gather(bench: Workbench, seed: int) -> Material:
    """The material of the data folder; the drawings must be embedded by the bench's encoder.

    Raises:
        InsufficientDataError: too few children are left beside those who calibrate.
    """
    with bench.database.read() as session:
        key = bench.encoding.identity.key
        eligible = eligibility.find(session, bench.embeddings, key)
        groups = _groups(bench, session)
        held = _calibrating(session, bench.owner_id)
    fit, planned = _fitting(eligible.rows, groups, seed)
    fit = fit.without_children(held)
    children = len(np.unique(fit.children))
    if children < FEWEST_CHILDREN:
        raise InsufficientDataError(
            f"{children} children are left beside those who calibrate; encoders are compared on "
            f"at least {FEWEST_CHILDREN}. Nothing was compared. Add drawings of more children."
        )
    rows = _some(fit, seed)
    maker = PlantedMaker(bench.encoding, eligible.files, seed)
    nobody = rows.take(rows.drawings < 0)
    planted = maker.make(rows, nobody, PLANTED_SOURCES, "encoders")
    images = [maker.picture(drawing) for drawing in rows.drawings.tolist()]
    return Material(rows, images, planted, len(planned | held))


def _groups(bench: Workbench, session: Session) -> list[AgeRange]:
    """Those of the models in use, else the ones that the ages suggest."""
    models = repository.active_models(session, bench.owner_id)
    return [range_of(row) for row in models] or AgeGroupManager(bench).suggest_age_groups(session)


def _calibrating(session: Session, owner_id: int) -> set[int]:
    return {
        member.child_id
        for model in repository.in_use(session, owner_id)
        for member in repository.members(session, model.id)
        if member.part == CALIBRATION
    }


def _fitting(rows: Rows, groups: Sequence[AgeRange], seed: int) -> tuple[Rows, set[int]]:
    """Drawings of the fitting parts of a training with this seed, and who would calibrate in it."""
    plans = plan_groups({group: eligibility.within(rows, group) for group in groups}, seed)
    if not plans:
        return rows, set()
    halves = [plan.model for plan in plans.values()]
    calibrating = set(np.concatenate([half.calibration.children for half in halves]).tolist())
    lent = join([half.fit for half in halves])
    _, first = np.unique(lent.drawings, return_index=True)  # a drawing may be lent to many
    return lent.take(first).without_children(calibrating), calibrating


def _some(rows: Rows, seed: int) -> Rows:
    """At most so many drawings, of whole children, chosen at random by the seed."""
    order = seeds.generator(seed, "encoders", "children").permutation(np.unique(rows.children))
    counts = np.array([np.count_nonzero(rows.children == child) for child in order])
    kept = order[np.cumsum(counts) <= MOST_DRAWINGS]
    return rows.of_children(kept)
