"""Reference models: what is typical in a group, with twin, calibration and report.

Fit with `fit_reference` on what `plan_groups` decided; ask with `ReferenceModel.score` and
`ReferenceModel.decide`.
"""

from deepmed.learning.calibration.split import MINIMUM_FIT
from deepmed.learning.reference.files import from_files, to_files
from deepmed.learning.reference.model import (
    Reference,
    ReferenceModel,
    Role,
    Who,
    fit_reference,
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
