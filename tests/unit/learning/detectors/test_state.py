"""What comes from a file is held against the record before it is believed."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy

from deepmed.learning.detectors import Detector, detector_names, from_files, to_files
from deepmed.learning.errors import ModelLoadingError

Rows = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]
Make = Callable[..., Detector]


def _edited(
    files: dict[str, bytes],
    record: Callable[[dict[str, Any]], None] = lambda _record: None,
    arrays: Callable[[Arrays], None] = lambda _arrays: None,
) -> dict[str, bytes]:
    changed = json.loads(files["detector.json"])
    record(changed)
    tensors = safetensors.numpy.load(files["weights.safetensors"])
    arrays(tensors)
    return {
        "detector.json": json.dumps(changed).encode(),
        "weights.safetensors": safetensors.numpy.save(tensors),
    }


def _set(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda target: target.__setitem__(key, value)


@pytest.fixture(scope="module")
def fitted() -> dict[str, dict[str, bytes]]:
    """The files of each detector, which is fitted once."""
    return {}


@pytest.fixture(params=detector_names())
def files(
    request: pytest.FixtureRequest,
    make: Make,
    typical: Rows,
    fitted: dict[str, dict[str, bytes]],
) -> dict[str, bytes]:
    if request.param not in fitted:
        fitted[request.param] = to_files(make(request.param).fit(typical))
    return dict(fitted[request.param])


def test_unedited_files_load(files: dict[str, bytes]) -> None:
    assert to_files(from_files(_edited(files))) == files


@pytest.mark.req("S-9.2")
@pytest.mark.parametrize(
    "change",
    [
        _set("detector", "os.system"),
        _set("detector", "knn2"),
        _set("schema_version", 2),
        _set("parameters", {"seed": 0, "unheard_of": 1}),
        _set("rows", 1),
        _set("rows", "24"),
        _set("features", 1),
        _set("offset", "0"),
        _set("data_hash", "0"),
        _set("extra", 1),
        lambda record: record.pop("training"),
    ],
)
def test_an_edited_record_is_refused(
    files: dict[str, bytes], change: Callable[[dict[str, Any]], None]
) -> None:
    with pytest.raises(ModelLoadingError):
        from_files(_edited(files, record=change))


@pytest.mark.req("S-9.2")
def test_edited_arrays_are_refused(files: dict[str, bytes]) -> None:
    for name, array in safetensors.numpy.load(files["weights.safetensors"]).items():
        changes: list[Callable[[Arrays], None]] = [
            lambda arrays, name=name: arrays.pop(name),
            _set(name + "2", array),
            _set(name, array.reshape(1, *array.shape)),
            _set(name, np.concatenate([array, array])),
            _set(name, array.astype(np.float16)),
        ]
        if array.dtype.kind == "f":
            changes.append(_set(name, np.full_like(array, np.nan)))
        for change in changes:
            with pytest.raises(ModelLoadingError):
                from_files(_edited(files, arrays=change))


@pytest.mark.req("S-9.2")
def test_damaged_files_are_refused(files: dict[str, bytes]) -> None:
    damages = [
        {"detector.json": b"{"},
        {"detector.json": b"[]"},
        {"detector.json": b"\xff\xfe\x00"},
        {"detector.json": b'{"detector": NaN}'},
        {"detector.json": b"[" * 100_000},
        {"detector.json": b" " * 5_000_000},
        {"weights.safetensors": b""},
        {"weights.safetensors": files["weights.safetensors"][:-1]},
    ]
    for damage in damages:
        with pytest.raises(ModelLoadingError):
            from_files(files | damage)
    for name in files:
        with pytest.raises(ModelLoadingError, match="lacks"):
            from_files({other: files[other] for other in files if other != name})


@pytest.mark.req("S-9.2")
@pytest.mark.parametrize("name", ["left", "right", "feature", "roots"])
@pytest.mark.parametrize("value", [-1, 0, 1_000_000])
def test_trees_that_lead_astray_or_round_in_circles_are_refused(
    make: Make, typical: Rows, name: str, value: int
) -> None:
    if value == 0 and name in {"feature", "roots"}:
        return  # a place that a tree may name
    files = to_files(make("isolation_forest").fit(typical))
    arrays = safetensors.numpy.load(files["weights.safetensors"])
    spoiled = arrays[name].copy()
    spoiled[-1] = value
    with pytest.raises(ModelLoadingError, match="damaged"):
        from_files(_edited(files, arrays=_set(name, spoiled)))


@pytest.mark.parametrize("name", ["scale", "limit", "variances", "remaining_variance"])
def test_divisors_must_be_positive(make: Make, typical: Rows, name: str) -> None:
    files = to_files(make("mahalanobis").fit(typical))
    array = safetensors.numpy.load(files["weights.safetensors"])[name]
    with pytest.raises(ModelLoadingError, match="not positive"):
        from_files(_edited(files, arrays=_set(name, np.zeros_like(array))))


def test_a_state_of_another_detector_is_refused(make: Make, typical: Rows) -> None:
    arrays, record = make("knn").fit(typical).get_state()
    with pytest.raises(ModelLoadingError, match="cannot be read as 'pca'"):
        type(make("pca")).from_state(arrays, record)
