import json
import math

import numpy as np
import pytest

from deepmed.learning.errors import InsufficientDataError, ModelLoadingError
from deepmed.learning.evaluation import EvaluationError
from deepmed.learning.novelty import (
    ClassDistance,
    NoveltyGate,
    PictureShapeError,
    appearance,
    colour_steps,
)

Picture = np.ndarray


def chest(seed: int, size: int = 40) -> Picture:
    """Two dark lungs between a light spine and light flanks, a little different each time."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    plane = np.full((size, size), 170.0)
    for side in (-1, 1):
        middle = 0.5 + side * random.uniform(0.19, 0.23)
        inside = ((x - middle) / 0.15) ** 2 + ((y - random.uniform(0.45, 0.5)) / 0.33) ** 2 < 1
        plane[inside] = random.uniform(60, 80)
    plane += random.normal(0, 4, plane.shape) + random.uniform(-8, 8)
    return np.repeat(np.clip(plane, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def rows(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 5))


@pytest.fixture(scope="module")
def gate() -> NoveltyGate:
    return NoveltyGate.fit(
        rows(150, 0), [chest(seed) for seed in range(150)], np.arange(150) % 2,
        rows(450, 1), [chest(1000 + seed) for seed in range(450)], patients=range(450),
    )  # fmt: skip


@pytest.mark.req("X-17.1")
@pytest.mark.req("V-9.1")
def test_a_photograph_noise_a_drawing_and_a_negative_are_refused_with_the_reason(
    gate: NoveltyGate,
) -> None:
    random = np.random.default_rng(0)
    typical = np.zeros(5)
    sheet = np.full((90, 60, 3), 255, np.uint8)
    sheet[20:70, 20:23] = 0
    slope = np.linspace(0, 255, 64, dtype=np.uint8)
    colours = np.stack(np.broadcast_arrays(slope, slope[:, None], slope[::-1]), axis=2)
    strange = {
        "noise": random.integers(0, 256, (50, 50, 3), dtype=np.uint8),
        "drawing": sheet,
        "photograph": colours,
        "negative": 255 - chest(5000),
    }
    for name, picture in strange.items():
        found = gate.judge(typical, picture)
        assert found.flagged, name
        assert str(found.reason).startswith("The image is unlike those that the model was made for")
    tinted = chest(5001).copy()
    tinted[..., 0] = np.minimum(tinted[..., 0] + 30, 255)
    assert "in its colours" in str(gate.judge(typical, tinted).reason)
    assert "its negative is more like them" in str(gate.judge(typical, strange["negative"]).reason)
    assert "what the network sees" in str(gate.judge(np.full(5, 9.0), chest(5002)).reason)


@pytest.mark.req("X-17.1")
def test_new_typical_images_are_flagged_as_rarely_as_stated(gate: NoveltyGate) -> None:
    features = rows(600, 2)
    found = [gate.judge(row, chest(9000 + seed)) for seed, row in enumerate(features)]
    assert gate.percentile == 99.0
    share = np.mean([one.flagged for one in found])
    assert share <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 450)
    assert all(one.reason is None for one in found if not one.flagged)


def test_p_is_that_of_the_least_check_times_their_number(gate: NoveltyGate) -> None:
    found = gate.judge(np.full(5, 30.0), chest(7))
    assert [check.name for check in found.checks] == [
        "features",
        "appearance",
        "negative",
        "colour",
    ]
    assert found.checks[0].p_value == 1 / 451
    assert found.p_value == pytest.approx(4 / 451)
    assert json.loads(json.dumps(found.to_dict()))["flagged"] is True


@pytest.mark.parametrize(("patients", "percentile"), [(398, 95.0), (399, 99.0), (78, None)])
def test_the_percentile_is_one_that_validations_patients_support(
    patients: int, percentile: float | None
) -> None:
    pictures = [chest(seed, 16) for seed in range(12)]
    n = patients
    made = NoveltyGate.fit(
        rows(12, 0), pictures, [0, 1] * 6,
        rows(n, 1), [pictures[seed % 12] for seed in range(n)], patients=range(n),
    )  # fmt: skip
    assert made.percentile == percentile
    assert made.judge(np.full(5, 99.0), 255 - pictures[0]).flagged is True


@pytest.mark.req("X-17.1")
def test_with_few_patients_only_what_is_far_from_all_of_validation_is_refused() -> None:
    pictures = [chest(seed, 16) for seed in range(12)]
    made = NoveltyGate.fit(
        rows(12, 0), pictures, [0, 1] * 6, rows(6, 1), pictures[:6], patients=range(6)
    )
    typical = made.judge(rows(6, 1)[0], pictures[0])
    assert (typical.flagged, typical.p_value) == (None, None)
    assert "6 patients, too few to say which" in str(typical.reason)
    coloured = pictures[0].copy()
    coloured[..., 0] //= 3
    far = rows(6, 1)[0] + 99
    for row, picture, word in (
        (far, pictures[0], "sees in it"),
        (rows(6, 1)[0], 255 - pictures[0], "its negative"),
        (rows(6, 1)[0], coloured, "colours"),
    ):
        found = made.judge(row, picture)
        assert (found.flagged, found.p_value) == (True, None)
        assert word in str(found.reason)
        assert "too few to say how often" in str(found.reason)


def test_a_patients_many_images_weigh_as_one() -> None:
    pictures = [chest(seed, 16) for seed in range(12)]
    made = NoveltyGate.fit(
        rows(12, 0), pictures, [0, 1] * 6,
        rows(240, 1), pictures * 20, patients=np.arange(240) // 3,
    )  # fmt: skip
    assert made.n_patients == 80
    assert made.percentile == 95.0


def test_a_stored_gate_says_the_same(gate: NoveltyGate) -> None:
    arrays, record = gate.get_state()
    again = NoveltyGate.from_state(arrays, json.loads(json.dumps(record)))
    for row, picture in ((np.zeros(5), chest(3)), (np.full(5, 9.0), 255 - chest(3))):
        assert again.judge(row, picture) == gate.judge(row, picture)
    assert "child" not in json.dumps(record)


def test_a_damaged_gate_is_refused(gate: NoveltyGate) -> None:
    arrays, record = gate.get_state()
    for wrong in (
        ({**arrays, "patients": arrays["patients"][1:]}, record),
        ({name: one for name, one in arrays.items() if name != "colour.scores"}, record),
        ({**arrays, "features.0.mean": np.zeros(3)}, record),
        (arrays, {**record, "percentile": 99.9}),
        (arrays, {**record, "distances": {**record["distances"], "features": []}}),
        (arrays, {}),
    ):
        with pytest.raises(ModelLoadingError):
            NoveltyGate.from_state(*wrong)


def test_the_distance_is_that_to_the_nearest_class() -> None:
    random = np.random.default_rng(0)
    middles = np.array([[0.0, 0.0], [8.0, 8.0]])
    labels = np.arange(400) % 2
    data = middles[labels] + random.normal(size=(400, 2))
    distance = ClassDistance.fit(data, labels)
    near, between, other = distance.scores([[0.0, 0.0], [4.0, 4.0], [8.0, 8.0]])
    assert between > 5 * max(near, other)
    with pytest.raises(InsufficientDataError, match="No class has two"):
        ClassDistance.fit(data[:2], [0, 1])
    with pytest.raises(InsufficientDataError, match="2 rows"):
        ClassDistance.fit(data[:2], [0])


def test_appearance_does_not_depend_on_how_large_a_picture_is() -> None:
    small = appearance(chest(0, 64))
    large = appearance(np.kron(chest(0, 64), np.ones((4, 4, 1), np.uint8)))
    assert large[:70] == pytest.approx(small[:70], abs=1e-5)


def test_levels_are_means_of_blocks() -> None:
    picture = chest(1, 64)
    blocks = picture[..., 0].reshape(8, 8, 8, 8).mean(axis=(1, 3)) / 255
    assert appearance(picture)[:64] == pytest.approx(blocks.ravel(), abs=1e-5)
    assert np.isfinite(appearance(np.zeros((1, 1, 3), np.uint8))).all()


def test_colours_count_from_two_levels_on() -> None:
    picture = chest(2)
    assert colour_steps(picture) == 0
    picture[..., 1] += 1  # as storing with loss does
    assert colour_steps(picture) == 0
    picture[..., 1] += 4
    assert colour_steps(picture) == 2


def test_what_is_no_picture_is_refused() -> None:
    for wrong in (np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(PictureShapeError):
            appearance(wrong)


def test_lengths_must_fit() -> None:
    with pytest.raises(EvaluationError, match="patient ids"):
        NoveltyGate.fit(
            rows(4, 0), [chest(0)] * 4, [0, 1, 0, 1], rows(2, 1), [chest(1)] * 2, patients="a"
        )
