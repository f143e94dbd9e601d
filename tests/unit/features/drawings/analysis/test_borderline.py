"""A decision is marked borderline where embedding anew could turn it, tried out by doing so."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.outcome import Outcome
from deepmed.features.drawings.analysis.scoring import Scene, analyse
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import Sketch, add_drawings, embed

Vector = NDArray[np.float32]
RELATIVE = 1e-4


@dataclass
class Trial:
    """A drawing of a new child whose vector is put in by hand."""

    scene: Scene
    drawing: Drawing
    typical: Vector
    odd: Vector

    def of(self, vector: Vector) -> Outcome:
        self.scene.vectors = {self.drawing.id: vector}
        (outcome,) = analyse(self.scene, [self.drawing])
        return outcome

    def score(self, vector: Vector) -> float:
        return float(ranking(self.of(vector))["score"])

    def at(self, score: float) -> Vector:
        """A vector on the way from a typical to an odd one, as near to a score as float32 goes."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.score(self.way(middle)) < score else (low, middle)
        return self.way(high)

    def way(self, part: float) -> Vector:
        return (self.typical + np.float32(part) * (self.odd - self.typical)).astype(np.float32)

    def uphill(self, vector: Vector) -> NDArray[np.float64]:
        """The direction in which the score rises most, by differences."""
        steps = np.eye(len(vector), dtype=np.float32) * np.float32(1e-2)
        slopes = [self.score(vector + step) - self.score(vector - step) for step in steps]
        return np.array(slopes) / np.linalg.norm(slopes)

    def moved(self, vector: Vector, direction: NDArray[np.float64]) -> Vector:
        length = RELATIVE * float(np.linalg.norm(vector)) / float(np.linalg.norm(direction))
        return (vector + length * direction).astype(np.float32)


def ranking(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = outcome.results["ranking"]
    return found


@pytest.fixture
def trial(trained: Workbench) -> Trial:
    (new,) = add_drawings(trained, [Sketch(age=7.5, picture=50)])
    embed(trained)
    service = AnalysisService(trained)
    with trained.database.read() as session:
        scene = service.scene(session)
        (drawing,) = repository.drawings(session, trained.owner_id, [new])
        service._load_vectors(session, scene, [drawing])
    typical = scene.vectors[new]
    odd = np.random.default_rng(0).uniform(5, 9, len(typical)).astype(np.float32)
    return Trial(scene, drawing, typical, odd)


@pytest.mark.req("D-23.2")
def test_whatever_embedding_anew_could_turn_is_borderline(trial: Trial) -> None:
    threshold = float(ranking(trial.of(trial.typical))["threshold"])
    middle = trial.at(threshold)
    reach = abs(trial.score(trial.moved(middle, trial.uphill(middle))) - trial.score(middle))
    assert reach > 0
    turned = 0
    random = np.random.default_rng(0)
    for part in np.linspace(-1.5, 1.5, 6):
        vector = trial.at(threshold + part * reach)
        before, best = trial.of(vector), trial.uphill(vector)
        for way in (best, -best, *random.normal(size=(3, len(vector)))):
            after = trial.of(trial.moved(vector, way))
            if after.is_anomaly != before.is_anomaly:
                turned += 1
                assert ranking(before)["borderline"]
    assert turned > 2


@pytest.mark.req("D-23.2")
def test_beyond_the_reach_of_embedding_anew_it_is_not(trial: Trial) -> None:
    threshold = float(ranking(trial.of(trial.typical))["threshold"])
    middle = trial.at(threshold)
    reach = abs(trial.score(trial.moved(middle, trial.uphill(middle))) - trial.score(middle))
    reach = max(reach, RELATIVE * threshold)
    marked = {
        part: ranking(trial.of(trial.at(threshold + part * reach)))["borderline"]
        for part in (-1.2, -0.8, 0.8, 1.2)
    }
    assert marked == {-1.2: False, -0.8: True, 0.8: True, 1.2: False}


@pytest.mark.req("D-23.2")
def test_every_drawing_has_the_move_of_its_own_score(trained: Workbench) -> None:
    """Alone, in a batch, and by whichever of model and twin scored it."""
    service = AnalysisService(trained)
    with trained.database.read() as session:
        scene = service.scene(session)
        drawings = repository.drawings(session, trained.owner_id, None)
        service._load_vectors(session, scene, drawings)
    asked: list[float] = []
    for item in scene.active:
        for half in (item.model.model, item.model.twin):
            assert half is not None
            decided = half.detector.score_shift

            def noted(*arguments: Any, tell: Any = decided) -> Any:
                found = tell(*arguments)
                asked.extend(found.tolist())
                return found

            half.detector.score_shift = noted
    outcomes = analyse(scene, drawings)
    scored = [outcome for outcome in outcomes if outcome.ranking and outcome.ranking.score]
    assert len(asked) == len(scored) > 140
    assert min(asked) > 0
