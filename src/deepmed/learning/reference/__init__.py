"""Reference models: what is typical in a group, with twin, calibration and report.

Fit with `fit_reference` on what `plan_groups` decided; ask with `ReferenceModel.score` and
`ReferenceModel.decide`. Only fitting loads the detectors' libraries at once.
"""

from typing import TYPE_CHECKING, Any

from deepmed.learning.calibration.split import MINIMUM_FIT
from deepmed.learning.reference.files import from_files, to_files
from deepmed.learning.reference.model import (
    Reference,
    ReferenceModel,
    Role,
    Who,
    without,
)
from deepmed.learning.reference.plan import (
    GroupPlan,
    Half,
    Lenders,
    borrowable,
    plan_groups,
    plan_pool,
)
from deepmed.learning.reference.rows import Layout, Rows, compose, join
from deepmed.learning.reference.watching import FitWatch

if TYPE_CHECKING:
    from deepmed.learning.reference.fitting import fit_reference

__all__ = [
    "MINIMUM_FIT",
    "FitWatch",
    "GroupPlan",
    "Half",
    "Layout",
    "Lenders",
    "Reference",
    "ReferenceModel",
    "Role",
    "Rows",
    "Who",
    "borrowable",
    "compose",
    "fit_reference",
    "from_files",
    "join",
    "plan_groups",
    "plan_pool",
    "to_files",
    "without",
]


def __getattr__(name: str) -> Any:
    if name == "fit_reference":
        from deepmed.learning.reference import fitting  # noqa: PLC0415 - see above

        return fitting.fit_reference
    raise AttributeError(f"{__name__} has no name {name!r}.")
