"""A run trained again from its recipe gives the same scores."""

import numpy as np
import pytest
from sqlalchemy import update

from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.runs.reproduce import Reproduction, reproduce
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError
from deepmed.learning.reference import from_files


def package_of(bench: Workbench, kind: str = "group") -> Package:
    with bench.database.read() as session:
        manager = ModelManager(bench)
        row = manager.active(session)[0] if kind == "group" else manager.pooled(session)
        assert row is not None
        uid = session.get_one(Artifact, row.artifact_id).uid
    return bench.registry.package(uid)


def again(bench: Workbench, package: Package) -> Reproduction:
    with bench.database.read() as session:
        return reproduce(
            bench, session, from_files(package.files), package.manifest.lineage["recipe"]
        )


@pytest.mark.req("V-6.1")
@pytest.mark.parametrize("kind", ["group", "pooled"])
def test_the_scores_agree_to_a_millionth(trained: Workbench, kind: str) -> None:
    package = package_of(trained, kind)
    found = again(trained, package)
    model = from_files(package.files)
    assert model.twin is not None
    assert found.agrees
    assert found.largest_difference <= 1e-6
    assert found.same_data
    assert found.compared_scores == len(model.model.calibration) + len(model.twin.calibration)


@pytest.mark.req("V-6.1")
def test_changed_data_are_told(trained: Workbench) -> None:
    package = package_of(trained)
    with trained.database.write() as session:
        session.execute(update(Drawing).where(Drawing.id == 1).values(age_years=4.321))
    assert not again(trained, package).same_data


@pytest.mark.req("V-6.1")
def test_a_run_whose_drawings_may_not_train_any_more_is_refused(trained: Workbench) -> None:
    package = package_of(trained)
    with trained.database.write() as session:
        gone = package.manifest.lineage["recipe"]["model"]["fit"][:2]
        session.execute(update(Drawing).where(Drawing.id.in_(gone)).values(withdrawn=True))
    with pytest.raises(ConflictError, match="2 drawings of this run are gone"):
        again(trained, package)


@pytest.mark.req("V-6.1")
def test_the_recipe_holds_the_whole_configuration(trained: Workbench) -> None:
    recipe = package_of(trained).manifest.lineage["recipe"]
    config = GroupTrainingConfig.model_validate(recipe["config"], strict=False)
    assert config.detector == "knn"
    assert recipe["encoder"] == trained.encoding.identity.key
    assert recipe["bounds"] == [3.0, 6.0, False]
    assert np.isfinite(config.seed)
