"""Training of a plan of age groups: each model is whole in the database, or not there at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from filelock import FileLock
from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models import eligibility, leftovers, repository
from deepmed.features.drawings.models.activation import put_into_use
from deepmed.features.drawings.models.config import ARTIFACT_KIND, GroupTrainingConfig
from deepmed.features.drawings.models.eligibility import Eligible
from deepmed.features.drawings.models.fitting import (
    ALL_GROUPS,
    POOL_STAGES,
    STAGES,
    Begin,
    GroupFitter,
    TrainedGroup,
)
from deepmed.features.drawings.models.kinds import GROUP, POOLED, kind_of
from deepmed.features.drawings.models.membership import (
    MEMBER_REVISION,
    membership,
    parts_of,
    revision_of,
)
from deepmed.features.drawings.models.ranges import AgeRange, range_of, refuse_overlap
from deepmed.features.drawings.models.recipe import recipe, recipe_hash, same_model
from deepmed.features.drawings.models.standing import Standing, find_standing
from deepmed.features.drawings.models.surroundings import Surroundings, surroundings
from deepmed.features.drawings.models.watching import UNWATCHED, TrainingWatch
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.reference import GroupPlan, plan_groups, plan_pool

Progress = Callable[[str, int, int], None]


class Use(StrEnum):
    """What becomes of active models whose ages overlap the new ones."""

    REFUSE = "refuse"
    """Nothing is trained: the overlap is named."""
    CANDIDATE = "candidate"
    """They stay in use; the new models are inactive candidates."""
    REPLACE = "replace"
    """They go out of use at the moment the new ones come into it."""


@dataclass(frozen=True)
class TrainingPlan:
    """All that is decided before anything is fitted."""

    groups: list[AgeRange]
    plans: dict[AgeRange, GroupPlan]
    recipes: dict[AgeRange, dict[str, Any]]
    eligible: Eligible
    standing: list[Standing]


@dataclass(frozen=True)
class TrainingRun:
    """What one call of training did."""

    models: list[AgeGroupModel]
    trained: list[int]
    """Ids of the models that this call trained; the others were there already."""
    skipped: list[dict[str, str]]
    """Groups that could not be trained, with the reason."""
    notes: list[str] = field(default_factory=list)
    """What else a person should know."""

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
            "notes": self.notes,
        }


class GroupTraining:
    """Trains age groups together, so that they can lend each other fitting drawings."""

    def __init__(self, bench: Workbench, config: GroupTrainingConfig) -> None:
        self.bench = bench
        self.config = config
        self.kind = kind_of(config.layout)

    def train(
        self,
        groups: Sequence[AgeRange],
        use: Use = Use.REFUSE,
        progress: Progress | None = None,
        watch: TrainingWatch = UNWATCHED,
    ) -> TrainingRun:
        """Train every group and the pooled model; re-running completes what is missing.

        Subject-aware models are trained beside those that look at no subject, and have no pooled
        model of their own.

        Args:
            groups: ranges that do not overlap.
            use: what becomes of active models that overlap them.
            progress: told (stage, done, total).
            watch: looks on in detail, and keeps checkpoints.

        Raises:
            ConflictError: an active model overlaps a group, and `use` refuses that.
        """
        refuse_overlap(groups)
        home = self.bench.settings.home
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "training.lock"):
            plan = self.plan(sorted(groups))
            with self.bench.database.read() as session:
                known = self._refuse_conflicts(session, plan, use)
            run = self._fit_all(plan, known, progress or _silent, watch)
            if use is not Use.CANDIDATE and run.models:
                return self._activate(run)
            return run

    def plan(self, groups: Sequence[AgeRange]) -> TrainingPlan:
        """Decide who fits and who calibrates in each group."""
        encoder = self.bench.encoding.identity.key
        with self.bench.database.read() as session:
            eligible = eligibility.find(session, self.bench.embeddings, encoder)
            if self.kind != GROUP:
                eligible = eligible.with_subject()
            standing = find_standing(
                session, self.bench.owner_id, encoder, groups, eligible.rows, kind=self.kind
            )
        plans = plan_groups(
            {group: eligible.of(group) for group in groups},
            self.config.seed,
            fit_target=self.config.fit_target,
            others=[item.lenders for item in standing],
        )
        everywhere = {item.ages: item.plan for item in standing} | plans
        recipes = {
            group: self._recipe(
                self.kind,
                group,
                plans[group],
                eligible,
                surroundings(group, everywhere, eligible),
            )
            for group in groups
        }
        return TrainingPlan(list(groups), plans, recipes, eligible, standing)

    def _recipe(
        self,
        kind: str,
        ages: AgeRange,
        plan: GroupPlan,
        eligible: Eligible,
        around: Surroundings | None = None,
    ) -> dict[str, Any]:
        content = {
            "kind": kind,
            "bounds": [ages.age_min, ages.age_max, ages.upper_closed],
            "config": self.config.model_dump(mode="json"),
            "encoder": self.bench.encoding.identity.key,
        }
        return recipe(content, plan, eligible.vector_hashes, around)

    def _fit_all(
        self,
        plan: TrainingPlan,
        known: dict[AgeRange, int],
        progress: Progress,
        watch: TrainingWatch,
    ) -> TrainingRun:
        beside = {item.ages: item.plan for item in plan.standing}
        fitter = GroupFitter(
            self.bench, self.config, plan.eligible, plan.plans, beside, watch=watch
        )
        run = TrainingRun([], [], [])
        pool_stages = POOL_STAGES if self.kind == GROUP else ()
        steps = len(plan.groups) * len(STAGES) + len(pool_stages)
        for place, group in enumerate(plan.groups):
            begin = _stages(progress, group.words, STAGES, place * len(STAGES), steps)
            if group in known:
                run.models.append(self._renew(known[group]))
                continue
            try:
                trained = fitter.fit(group, recipe_hash(plan.recipes[group]), begin)
            except InsufficientDataError as error:
                run.skipped.append({"age_group": group.label, "reason": str(error)})
                continue
            except NotFoundError as error:  # a picture
                raise _changed_meanwhile(group) from error
            row = self._store(group, plan.plans[group], plan.recipes[group], trained)
            run.models.append(row)
            run.trained.append(row.id)
        if run.models and pool_stages:
            before = steps - len(pool_stages)
            self._pool(plan, fitter, run, _stages(progress, ALL_GROUPS, pool_stages, before, steps))
        progress("training", steps, steps)
        return run

    def _pool(
        self, plan: TrainingPlan, fitter: GroupFitter, run: TrainingRun, begin: Begin
    ) -> None:
        """One model over all groups: the ones at hand, and the active ones of other ages."""
        parts = {item.ages: item.plan for item in plan.standing}
        parts |= {range_of(row): plan.plans[range_of(row)] for row in run.models}
        ages = sorted(parts)
        pool = plan_pool([parts[group] for group in ages], self.config.seed)
        span = AgeRange(ages[0].age_min, ages[-1].age_max, ages[-1].upper_closed)
        made = self._recipe(POOLED, span, pool, plan.eligible)
        with self.bench.database.read() as session:
            known = repository.by_recipe(session, self.bench.owner_id, recipe_hash(made))
        if known is not None:
            run.models.append(self._renew(known.id))
            return
        try:
            trained = fitter.fit_pool(pool, recipe_hash(made), begin)
        except InsufficientDataError as error:
            run.skipped.append({"age_group": ALL_GROUPS, "reason": str(error)})
            return
        row = self._store(span, pool, made, trained)
        run.models.append(row)
        run.trained.append(row.id)

    def _refuse_conflicts(
        self, session: Session, plan: TrainingPlan, use: Use
    ) -> dict[AgeRange, int]:
        """The groups whose very recipe is trained already; any other overlap is refused.

        A model that would only be measured anew, because its neighbours are others now, is no
        conflict: the new one ranks every drawing as the old one did.
        """
        known: dict[AgeRange, int] = {}
        for group, made in plan.recipes.items():
            row = repository.by_recipe(session, self.bench.owner_id, recipe_hash(made))
            if row is not None:
                known[group] = row.id
        if use is not Use.REFUSE:
            return known
        for group in plan.groups:
            for model in repository.active_models(session, self.bench.owner_id, self.kind):
                if range_of(model).overlaps(group) and not same_model(
                    session.get_one(Artifact, model.artifact_id).lineage["recipe"],
                    plan.recipes[group],
                ):
                    raise ConflictError(
                        f"Model {model.id} for {range_of(model).words} is active and overlaps "
                        f"{group.words}. Nothing was trained. Train an inactive candidate with "
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
        members = membership(plan, trained.model)
        row = AgeGroupModel(
            owner_id=self.bench.owner_id,
            kind=made["kind"],
            sample_count=len(plan.model.fit) + len(plan.model.calibration),
            artifact_id=artifact.id,
            recipe_hash=digest,
            **_described(ages, trained, members),
        )
        with self.bench.database.write() as session:
            there = repository.by_recipe(session, self.bench.owner_id, digest)
            if there is not None:
                return there
            whole = leftovers.is_whole(session, artifact.id, trained.files, members)
            if whole:
                repository.add(session, row, members)
                audit.record(
                    session,
                    self.bench.owner_id,
                    "model.train",
                    "age_group_model",
                    row.id,
                    age_group=ages.label,
                    kind=made["kind"],
                    artifact=artifact.uid,
                )
        if not whole:
            leftovers.discard(self.bench, artifact.uid)
            raise _changed_meanwhile(ages)
        return row

    def _renew(self, model_id: int) -> AgeGroupModel:
        """A model that is there already: trained again it would be the same, so it is not stale."""
        with self.bench.database.write() as session:
            repository.renew(session, model_id)
        return self._load(model_id)

    def _load(self, model_id: int) -> AgeGroupModel:
        with self.bench.database.read() as session:
            row = repository.model(session, self.bench.owner_id, model_id)
        if row is None:
            raise ConflictError("The model was deleted by another process. Train again.")
        return row

    def _activate(self, run: TrainingRun) -> TrainingRun:
        with self.bench.database.write() as session:
            notes = put_into_use(session, self.bench.owner_id, run.models)
        models = [self._load(row.id) for row in run.models]
        return replace(run, models=models, notes=[*run.notes, *notes])


def _described(
    ages: AgeRange, trained: TrainedGroup, members: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The columns that say what a model is, before it is in use."""
    return {
        "age_min": ages.age_min,
        "age_max": ages.age_max,
        "upper_closed": ages.upper_closed,
        "model_type": trained.model.model.detector.name,
        "vision_model": trained.model.encoder,
        "parameters": {**trained.parameters, MEMBER_REVISION: revision_of(parts_of(members))},
        "active_key": None,
        "is_active": False,
    }


def _changed_meanwhile(ages: AgeRange) -> ConflictError:
    return ConflictError(
        f"Drawings that the training for {ages.words} rests on were deleted or changed while it "
        "ran. Nothing of that model was kept; models that were finished before are. Run the "
        "command again."
    )


def _stages(progress: Progress, name: str, stages: Sequence[str], before: int, steps: int) -> Begin:
    """Tells a group's stages as steps of the whole training."""
    return lambda stage: progress(f"{name}: {stage}", before + stages.index(stage), steps)


def _silent(_stage: str, _done: int, _total: int) -> None:
    """No progress is shown."""
