"""One group from its plan to its files and its report."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from deepmed.features.drawings.models import card
from deepmed.features.drawings.models.config import AUTOMATIC, GroupTrainingConfig
from deepmed.features.drawings.models.eligibility import Eligible
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.items import FoldLog, ItemLog
from deepmed.features.drawings.models.planted import PlantedDrawings, PlantedMaker
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.selection import Comparison, choose, compare_layouts
from deepmed.features.drawings.models.sufficiency import MINIMUM
from deepmed.features.drawings.models.surroundings import Surroundings, surroundings
from deepmed.features.drawings.models.watching import UNWATCHED, TrainingWatch
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.detectors import detector_names
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.reference import (
    GroupPlan,
    ReferenceModel,
    Rows,
    fit_reference,
    join,
    to_files,
)
from deepmed.learning.reference.evaluation import (
    CONTAMINATION_RATES,
    PlantedRows,
    age_specificity,
    contamination,
    planted_share,
    power_by_kind,
)

ALL_GROUPS = "all groups together"
STAGES = ("planting", "selection", "fitting", "evaluation")
POOL_STAGES = STAGES[:3]
Begin = Callable[[str], None]


@dataclass(frozen=True)
class TrainedGroup:
    """A model with everything that is stored of it."""

    model: ReferenceModel
    files: dict[str, bytes]
    metrics: dict[str, Any]
    card: dict[str, Any]
    parameters: dict[str, Any]
    datasets: list[int]


def _silent(_stage: str) -> None:
    """Nobody is told."""


@dataclass
class Stopwatch:
    """Seconds by stage; `begin` is told each stage's name before it."""

    begin: Begin
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.begin(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


class GroupFitter:
    """Fits groups of one training run; shares pictures and planted drawings between them."""

    def __init__(
        self,
        bench: Workbench,
        config: GroupTrainingConfig,
        eligible: Eligible,
        plans: Mapping[AgeRange, GroupPlan],
        standing: Mapping[AgeRange, GroupPlan],
        *,
        watch: TrainingWatch = UNWATCHED,
    ) -> None:
        self.bench = bench
        self.config = config
        self.eligible = eligible
        self.plans = dict(plans)
        self.everywhere = {**standing, **plans}
        self.encoder = bench.encoding.identity.key
        self.maker = PlantedMaker(bench.encoding, eligible.files, config.seed)
        self.watch = watch

    def fit(self, group: AgeRange, recipe_hash: str, begin: Begin = _silent) -> TrainedGroup:
        """Choose the detector, fit model and twin, and measure them.

        Args:
            group: whose plan is fitted.
            recipe_hash: under which checkpoints are kept.
            begin: told the name of each stage before it.

        Raises:
            InsufficientDataError: too few drawings of this age, or too few to fit on.
        """
        plan = self.plans[group]
        _refuse_too_few(plan)
        watch, folds = Stopwatch(begin), FoldLog()
        with watch.stage("planting"):
            fitting = self._plant(group, plan.model.fit, "fit")
            holding = self._plant(group, plan.model.calibration, "calibration")
            hidden = self._hide(group, plan)
        with watch.stage("selection"):
            comparison = self._comparison(plan.model.fit, fitting)
            selection = choose(comparison, self._candidates(), self.config, folds)
            layouts = compare_layouts(comparison, selection["chosen"], self.config, folds)
        self.watch.compared(group.label, selection)
        with watch.stage("fitting"):
            model = self._fit(plan, selection["chosen"], group.label, recipe_hash)
        log = ItemLog(model, folds)
        with watch.stage("evaluation"):
            metrics = self._measure(group, plan, model, holding=holding, hidden=hidden, log=log)
        metrics |= {"selection": selection, "layouts": layouts, "seconds": watch.seconds}
        log.add_own(join([plan.model.fit, plan.model.calibration]))
        log.add("planted", holding.planted.rows, holding.planted.kinds)
        log.add("neighbours", self._around(group).neighbours, across_ages=True)
        self.maker.forget_pictures()
        return self._trained(group, plan, model, metrics, log)

    def fit_pool(self, plan: GroupPlan, recipe_hash: str, begin: Begin = _silent) -> TrainedGroup:
        """The one model over all groups, with the detector that its plan's own data choose."""
        watch, folds = Stopwatch(begin), FoldLog()
        with watch.stage("planting"):
            everyone = plan.model.fit
            nobody = everyone.take(everyone.drawings < 0)
            fitting = self.maker.make(everyone, nobody, self.config.planted_sources, "pooled fit")
        with watch.stage("selection"):
            comparison = self._comparison(everyone, fitting)
            selection = choose(comparison, self._candidates(), self.config, folds)
        self.watch.compared(ALL_GROUPS, selection)
        with watch.stage("fitting"):
            model = self._fit(plan, selection["chosen"], ALL_GROUPS, recipe_hash)
        metrics = self._sizes(plan, model) | {"selection": selection, "seconds": watch.seconds}
        log = ItemLog(model, folds)
        log.add_own(join([plan.model.fit, plan.model.calibration]))
        return self._trained(None, plan, model, metrics, log)

    def _comparison(self, fit: Rows, planted: PlantedDrawings) -> Comparison:
        return Comparison.of(fit, planted, self.maker, self.config.comparison_drawings)

    def _candidates(self) -> list[str]:
        chosen = self.config.detector
        return list(detector_names()) if chosen == AUTOMATIC else [chosen]

    def _fit(self, plan: GroupPlan, detector: str, name: str, recipe_hash: str) -> ReferenceModel:
        watch = self.watch.of_group(name, recipe_hash)
        layout, seed = self.config.layout, self.config.seed
        model = fit_reference(plan, detector, self.encoder, layout, seed, watch=watch)
        watch.flush()
        return model

    def _plant(self, group: AgeRange, own: Rows, part: str) -> PlantedDrawings:
        """Planted into drawings of this part; drawings of other groups come from their part."""
        donors = self._around(group).donors[part]
        return self.maker.make(own, donors, self.config.planted_sources, f"{group.label} {part}")

    def _hide(self, group: AgeRange, plan: GroupPlan) -> PlantedRows:
        """Planted versions of enough of the drawings to contaminate the model with."""
        own = join([plan.model.fit, plan.model.calibration])
        count = math.ceil(max(CONTAMINATION_RATES) * len(own))
        donors = self._around(group).donors["fit"]
        return self.maker.make_one_each(own, donors, count, f"{group.label} hidden")

    def _around(self, group: AgeRange) -> Surroundings:
        return surroundings(group, self.everywhere, self.eligible)

    def _measure(
        self,
        group: AgeRange,
        plan: GroupPlan,
        model: ReferenceModel,
        *,
        holding: PlantedDrawings,
        hidden: PlantedRows,
        log: ItemLog,
    ) -> dict[str, Any]:
        seed, percentile = self.config.seed, self.config.percentile
        own = join([plan.model.fit, plan.model.calibration])
        specific = age_specificity(model, own, self._around(group).neighbours, seed)
        return self._sizes(plan, model) | {
            "age_specificity": specific,
            "tells_ages_apart": specific["low"] is not None and specific["low"] > 0.5,
            "planted": planted_share(model, holding.planted, percentile, seed),
            "power": power_by_kind(model, own, holding.planted, seed),
            "contamination": contamination(
                plan,
                model,
                hidden,
                holding.planted,
                percentile=percentile,
                seed=seed,
                keep=log.add_contaminated,
            ),
            "left_out": self.eligible.left_out_of(group),
        }

    def _sizes(self, plan: GroupPlan, model: ReferenceModel) -> dict[str, Any]:
        calibration = model.model.calibration
        percentile = self.config.percentile
        children = {
            part: len(set(getattr(plan.model, part).children.tolist()))
            for part in ("fit", "borrowed", "calibration")
        }
        return {
            "percentile": percentile,
            "children": children,
            "drawings": {
                part: len(getattr(plan.model, part)) for part in ("fit", "borrowed", "calibration")
            },
            "twin_children": len(model.twin.children) if model.twin else None,
            "supported": calibration.supports(percentile, ranked=False),
            "highest_percentile": calibration.highest_percentile(ranked=False),
            "threshold": calibration.threshold(percentile),
            "attained_level": calibration.attained_level(percentile),
        }

    def _trained(
        self,
        group: AgeRange | None,
        plan: GroupPlan,
        model: ReferenceModel,
        metrics: dict[str, Any],
        log: ItemLog,
    ) -> TrainedGroup:
        files = to_files(model) | {ITEMS_FILE: log.to_bytes()}
        parameters = {
            "layout": model.layout.value,
            "dimension": model.dimension,
            "seed": self.config.seed,
            "percentile": self.config.percentile,
            "tells_ages_apart": metrics.get("tells_ages_apart"),
        }
        return TrainedGroup(
            model=model,
            files=files,
            metrics=metrics,
            card=card.write(group, plan, model, metrics),
            parameters=parameters,
            datasets=self.eligible.datasets,
        )


def _refuse_too_few(plan: GroupPlan) -> None:
    """A group that lives on borrowed drawings would say what is typical of other ages."""
    own = len(plan.model.fit) + len(plan.model.calibration)
    if own < MINIMUM:
        raise InsufficientDataError(
            f"{own} drawings of this age may train, and {MINIMUM} are the least. Nothing was "
            "trained. Add drawings of this age or merge it with a neighbour."
        )
