"""Training of a plan of age groups: each model is whole in the database, or not there at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from filelock import FileLock
from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.features.drawings.models import eligibility, repository
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.eligibility import Eligible
from deepmed.features.drawings.models.fitting import GroupFitter, TrainedGroup
from deepmed.features.drawings.models.ranges import AgeRange, refuse_overlap
from deepmed.features.drawings.models.recipe import recipe, recipe_hash
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.reference import GroupPlan, Half, Lenders, Rows, plan_groups, plan_pool

ARTIFACT_KIND = "drawings.age-group"
POOLED = "pooled"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TrainingRun:
    """What one call of training did."""

    models: list[AgeGroupModel]
    trained: list[int]
    """Ids of the models that this call trained; the others were there already."""
    skipped: list[dict[str, str]]
    """Groups that could not be trained, with the reason."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "models": [
                {
                    "id": model.id,
                    "kind": model.kind,
                    "age_min": model.age_min,
                    "age_max": model.age_max,
                    "model_type": model.model_type,
                    "is_active": model.is_active,
                    "trained_now": model.id in self.trained,
                }
                for model in self.models
            ],
            "skipped": self.skipped,
        }


class GroupTraining:
    """Trains age groups together, so that they can lend each other fitting drawings."""

    def __init__(self, bench: Workbench, config: GroupTrainingConfig) -> None:
        self.bench = bench
        self.config = config

    def train(
        self,
        groups: Sequence[AgeRange],
        *,
        candidate: bool = False,
        replace: bool = False,
        progress: Progress | None = None,
    ) -> TrainingRun:
        """Train every group and the pooled model; re-running completes what is missing.

        Args:
            groups: ranges that do not overlap.
            candidate: leave the new models inactive.
            replace: take active models that overlap out of use once the new ones stand.
            progress: told (stage, done, total).

        Raises:
            ConflictError: an active model overlaps a group, and neither option was chosen.
        """
        refuse_overlap(groups)
        with FileLock(self.bench.settings.home / "training.lock"):
            return self._train(sorted(groups), candidate, replace, progress or _silent)

    def _train(
        self, groups: Sequence[AgeRange], candidate: bool, replace: bool, progress: Progress
    ) -> TrainingRun:
        encoder = self.bench.encoding.identity.key
        with self.bench.database.read() as session:
            eligible = eligibility.find(session, self.bench.embeddings, encoder)
            lenders = self._lenders(session, groups, eligible, encoder)
        plans = plan_groups(
            {group: eligible.of(group) for group in groups},
            self.config.seed,
            fit_target=self.config.fit_target,
            others=lenders,
        )
        recipes = {
            group: recipe(
                "group",
                (group.age_min, group.age_max, group.upper_closed),
                plans[group],
                self.config,
                encoder,
                eligible.vector_hashes,
            )
            for group in groups
        }
        with self.bench.database.read() as session:
            known = self._refuse_conflicts(session, recipes, candidate, replace)
        fitter = GroupFitter(self.bench, self.config, eligible, plans)
        return self._store_all(groups, plans, recipes, known, fitter, candidate, progress)

    def _store_all(
        self,
        groups: Sequence[AgeRange],
        plans: dict[AgeRange, GroupPlan],
        recipes: dict[AgeRange, dict[str, Any]],
        known: dict[AgeRange, int],
        fitter: GroupFitter,
        candidate: bool,
        progress: Progress,
    ) -> TrainingRun:
        rows: list[AgeGroupModel] = []
        trained: list[int] = []
        skipped: list[dict[str, str]] = []
        steps = len(groups) + 1
        for done, group in enumerate(groups):
            progress(f"training {group.label}", done, steps)
            if group in known:
                rows.append(self._load(known[group]))
                continue
            try:
                model = fitter.fit(group)
            except InsufficientDataError as error:
                skipped.append({"age_group": group.label, "reason": str(error)})
                continue
            rows.append(self._store(group, plans[group], recipes[group], model))
            trained.append(rows[-1].id)
        if rows:
            progress("training the pooled model", len(groups), steps)
            pooled, fresh = self._pool(groups, plans, fitter)
            trained += [pooled.id] if fresh else []
            rows.append(pooled)
        if not candidate and rows:
            rows = self._activate(rows)
        progress("training", steps, steps)
        return TrainingRun(rows, trained, skipped)

    def _pool(
        self,
        groups: Sequence[AgeRange],
        plans: dict[AgeRange, GroupPlan],
        fitter: GroupFitter,
    ) -> tuple[AgeGroupModel, bool]:
        plan = plan_pool([plans[group] for group in groups], self.config.seed)
        span = AgeRange(groups[0].age_min, groups[-1].age_max, groups[-1].upper_closed)
        made = recipe(
            POOLED,
            (span.age_min, span.age_max, span.upper_closed),
            plan,
            self.config,
            self.bench.encoding.identity.key,
            fitter.eligible.vector_hashes,
        )
        with self.bench.database.read() as session:
            known = repository.by_recipe(session, self.bench.owner_id, recipe_hash(made))
        if known is not None:
            return known, False
        return self._store(span, plan, made, fitter.fit_pool(plan), kind=POOLED), True

    def _lenders(
        self, session: Session, groups: Sequence[AgeRange], eligible: Eligible, encoder: str
    ) -> list[Lenders]:
        """Fitting parts of active models of other ages, as far as their drawings may train."""
        models = [
            model
            for model in repository.active_models(session, self.bench.owner_id)
            if model.vision_model == encoder
            and not any(range_of(model).overlaps(group) for group in groups)
        ]
        lent = repository.lent_drawings(session, [model.id for model in models])
        parts = {
            model.id: (
                {row.drawing_id for row in lent if (row.model_id, row.part) == (model.id, "fit")},
                {
                    row.drawing_id
                    for row in lent
                    if (row.model_id, row.twin_part) == (model.id, "fit")
                },
            )
            for model in models
        }
        return [
            Lenders(_drawings(eligible.rows, fit), _drawings(eligible.rows, twin))
            for fit, twin in parts.values()
        ]

    def _refuse_conflicts(
        self,
        session: Session,
        recipes: dict[AgeRange, dict[str, Any]],
        candidate: bool,
        replace: bool,
    ) -> dict[AgeRange, int]:
        """The groups whose very recipe is trained already; any other overlap is refused."""
        known: dict[AgeRange, int] = {}
        for group, made in recipes.items():
            row = repository.by_recipe(session, self.bench.owner_id, recipe_hash(made))
            if row is not None:
                known[group] = row.id
        if candidate or replace:
            return known
        for group in recipes:
            for model in repository.active_models(session, self.bench.owner_id):
                if range_of(model).overlaps(group) and model.id != known.get(group):
                    raise ConflictError(
                        f"Model {model.id} for {range_of(model).label} is active and overlaps "
                        f"{group.label}. Nothing was trained. Train an inactive candidate with "
                        "--candidate, or take the old model out of use with --replace.",
                        model_id=model.id,
                    )
        return known

    def _store(
        self,
        ages: AgeRange,
        plan: GroupPlan,
        made: dict[str, Any],
        trained: TrainedGroup,
        kind: str = "group",
    ) -> AgeGroupModel:
        digest = recipe_hash(made)
        artifact = self.bench.registry.publish(
            ARTIFACT_KIND,
            trained.files,
            metrics=trained.metrics,
            card=trained.card,
            lineage={"recipe": made, "datasets": trained.datasets},
            recipe_hash=digest,
            configuration=self.config.model_dump(mode="json"),
            seed=self.config.seed,
            data_hash=made["data_hash"],
            dataset_id=trained.datasets[-1] if trained.datasets else None,
        )
        row = AgeGroupModel(
            owner_id=self.bench.owner_id,
            kind=kind,
            age_min=ages.age_min,
            age_max=ages.age_max,
            upper_closed=ages.upper_closed,
            model_type=trained.model.model.detector.name,
            vision_model=trained.model.encoder,
            parameters=trained.parameters,
            sample_count=len(plan.model.fit) + len(plan.model.calibration),
            artifact_id=artifact.id,
            recipe_hash=digest,
            active_key=None,
            is_active=False,
        )
        with self.bench.database.write() as session:
            there = repository.by_recipe(session, self.bench.owner_id, digest)
            if there is not None:
                return there
            repository.add(session, row, membership(plan, trained))
            audit.record(
                session,
                self.bench.owner_id,
                "model.train",
                "age_group_model",
                row.id,
                age_group=ages.label,
                kind=kind,
                artifact=artifact.uid,
            )
        return row

    def _load(self, model_id: int) -> AgeGroupModel:
        with self.bench.database.read() as session:
            row = repository.model(session, self.bench.owner_id, model_id)
        if row is None:
            raise ConflictError("The model was deleted by another process. Train again.")
        return row

    def _activate(self, rows: Sequence[AgeGroupModel]) -> list[AgeGroupModel]:
        """Take the new models into use and whatever overlaps them out of it, all at once."""
        ids = [row.id for row in rows]
        with self.bench.database.write() as session:
            for kind in ("group", POOLED):
                new = [row for row in rows if row.kind == kind]
                old = [
                    model.id
                    for model in repository.active_models(session, self.bench.owner_id, kind)
                    if model.id not in ids
                    and any(kind == POOLED or range_of(model).overlaps(range_of(r)) for r in new)
                ]
                repository.deactivate(session, old)
            for row in rows:
                repository.activate(session, row.id, f"{row.kind} {range_of(row).label}")
            audit.record(
                session, self.bench.owner_id, "model.activate", "age_group_model", ids, models=ids
            )
        return [self._load(model_id) for model_id in ids]


def range_of(model: AgeGroupModel) -> AgeRange:
    return AgeRange(model.age_min, model.age_max, model.upper_closed)


def membership(plan: GroupPlan, trained: TrainedGroup) -> list[dict[str, Any]]:
    """One row a drawing: its part in the model and in the twin, and its calibration scores."""
    rows: dict[int, dict[str, Any]] = {}
    halves = [("part", "score", plan.model, trained.model.model)]
    if plan.twin and trained.model.twin:
        halves.append(("twin_part", "twin_score", plan.twin, trained.model.twin))
    for part, score, half, reference in halves:
        scores = dict(
            zip(
                reference.calibration_drawings.tolist(),
                np.asarray(reference.calibration.scores).tolist(),
                strict=True,
            )
        )
        for name, members in _parts(half):
            pairs = zip(members.drawings.tolist(), members.children.tolist(), strict=True)
            for drawing, child in pairs:
                row = rows.setdefault(drawing, _member(drawing, child))
                row[part] = name
                row[score] = scores.get(drawing) if name == "calibration" else None
    return list(rows.values())


def _parts(half: Half) -> list[tuple[str, Rows]]:
    return [
        ("fit", half.fit),
        ("borrowed", half.borrowed),
        ("calibration", half.calibration),
    ]


def _member(drawing: int, child: int) -> dict[str, Any]:
    return {
        "drawing_id": drawing,
        "child_id": child,
        "part": None,
        "twin_part": None,
        "score": None,
        "twin_score": None,
    }


def _drawings(rows: Rows, ids: set[int]) -> Rows:
    return rows.take(np.isin(rows.drawings, sorted(ids)))


def _silent(_stage: str, _done: int, _total: int) -> None:
    """No progress is shown."""
