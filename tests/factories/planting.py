"""How little the trainings of tests plant. No encoder of tests comes with it into a process."""

from collections.abc import Mapping
from typing import Any

import pytest

from deepmed.features.drawings.models.config import GroupTrainingConfig

HARDLY_MORE = {"planted_sources": 7, "comparison_drawings": 40}
"""Than `homes.MEASURED` does: more make no other kind of answer, as many the very models there."""


def plant_few(patch: pytest.MonkeyPatch, planting: Mapping[str, int] = HARDLY_MORE) -> None:
    """Trainings that people ask for plant as little as this, where nobody says how much.

    In this process; what each answer says of its training remains true.
    """
    made = GroupTrainingConfig.__init__

    def few(config: GroupTrainingConfig, **given: Any) -> None:
        made(config, **{**planting, **given})

    # Its maker and not its name: a module that is imported meanwhile would keep another name's.
    patch.setattr(GroupTrainingConfig, "__init__", few)
