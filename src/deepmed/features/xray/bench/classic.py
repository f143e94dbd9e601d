"""HOG with a support vector machine, on the same images as the network."""

import time
from typing import Any

import numpy as np

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.features.xray.bench import repository
from deepmed.features.xray.bench.hog import histograms
from deepmed.features.xray.bench.published_split import TEST, TRAIN, VALIDATION, PublishedSplit
from deepmed.features.xray.bench.scores import of_logits
from deepmed.learning.evaluation import auroc

PENALTIES = (0.3, 1.0, 3.0, 10.0)
NAME, BENCHMARK = "HOG + SVM", "benchmark"


def hog_and_svm(home: Home, split: PublishedSplit, *, resamples: int) -> dict[str, Any]:
    """Fit on training, choose the penalty by AUROC of validation, look then at the test part.

    The distance from the plane counts as the logit, and its temperature is fitted like a network's.
    """
    from sklearn.svm import SVC  # noqa: PLC0415 - slow

    begun = time.perf_counter()
    found = {part: histograms(images.pixels) for part, images in split.parts.items()}
    labels = {part: images.labels for part, images in split.parts.items()}
    tried = []
    for penalty in PENALTIES:
        machine = SVC(C=penalty, kernel="rbf", gamma="scale").fit(found[TRAIN], labels[TRAIN])
        distances = machine.decision_function(found[VALIDATION])
        area = auroc(distances[labels[VALIDATION] == 0], distances[labels[VALIDATION] == 1])
        tried.append((area, -penalty, machine, distances))
    area, penalty, machine, distances = max(tried, key=lambda one: one[:2])
    with home.database.write() as session:
        audit.record(session, home.owner_id, "xray.test_look", BENCHMARK, NAME, penalty=-penalty)
        session.flush()
        looks = repository.looks_at_test(session, home.owner_id, NAME, BENCHMARK)
    tested = np.asarray(machine.decision_function(found[TEST]))
    point, figures = of_logits(
        (distances, labels[VALIDATION]), (tested, labels[TEST]), resamples=resamples
    )
    return {
        "name": NAME,
        "features": found[TRAIN].shape[1],
        "penalty": -penalty,
        "penalties_tried": list(PENALTIES),
        "validation_auroc": float(area),
        "temperature": point.temperature,
        "figures": figures,
        "seconds": round(time.perf_counter() - begun, 1),
        "test_looks": looks,
    }
