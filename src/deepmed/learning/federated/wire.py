"""A message's bytes: what goes over the wire between server and clients. Nothing needs torch."""

import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, MetricRecord, RecordDict
from safetensors import SafetensorError
from safetensors.numpy import load, save

from deepmed.learning.federated.errors import FederatedTrainingError

_LENGTH = struct.Struct("<I")


class Letter(NamedTuple):
    """A message as it goes over the wire.

    Attributes:
        number: of the order; an answer has the order's, so that one that comes late is known.
        kind: Flower's type of message.
        content: records, or what went wrong.

    Example:
        >>> Letter(1, "train", RecordDict()).kind
        'train'
    """

    number: int
    kind: str
    content: RecordDict | Error


def to_bytes(letter: Letter) -> bytes:
    """JSON with its length before it, then safetensors.

    Example:
        >>> weights = ArrayRecord({"a": Array(np.ones(2, np.float32))})
        >>> sent = Letter(7, "train", RecordDict({"arrays": weights}))
        >>> found = from_bytes(to_bytes(sent))
        >>> found.number, found.content.array_records["arrays"]["a"].numpy()
        (7, array([1., 1.], dtype=float32))
    """
    number, kind, content = letter
    head: dict[str, Any] = {"number": number, "type": kind}
    if isinstance(content, Error):
        return _framed(head | {"error": [content.code, content.reason]}, {})
    head |= {
        "config": {name: dict(one) for name, one in content.config_records.items()},
        "metrics": {name: dict(one) for name, one in content.metric_records.items()},
    }
    arrays = {
        f"{record}/{name}": np.asarray(one.numpy(), order="C")
        for record, found in content.array_records.items()
        for name, one in found.items()
    }
    return _framed(head, arrays)


def from_bytes(data: bytes) -> Letter:
    """What :func:`to_bytes` was given.

    Raises:
        FederatedTrainingError: it is no such message.
    """
    try:
        (length,) = _LENGTH.unpack_from(data)
        start = _LENGTH.size + length
        head = json.loads(data[_LENGTH.size : start])
        number, kind = int(head["number"]), str(head["type"])
        if "error" in head:
            code, reason = head["error"]
            return Letter(number, kind, Error(int(code), str(reason)))
        return Letter(number, kind, _records(head, load(data[start:])))
    except (AttributeError, KeyError, TypeError, ValueError, struct.error) as error:
        raise FederatedTrainingError("What came is no message of a federated training.") from error
    except SafetensorError as error:
        raise FederatedTrainingError("What came has no readable weights.") from error


def _records(head: Mapping[str, Any], arrays: Mapping[str, Any]) -> RecordDict:
    records = RecordDict()
    for name, values in head["config"].items():
        records[name] = ConfigRecord(values)
    for name, values in head["metrics"].items():
        records[name] = MetricRecord(values)
    for name, found in _grouped(arrays).items():
        records[name] = ArrayRecord(found)
    return records


def _framed(head: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    text = json.dumps(head).encode()
    return _LENGTH.pack(len(text)) + text + save(dict(arrays))


def _grouped(arrays: Mapping[str, Any]) -> dict[str, dict[str, Array]]:
    found: dict[str, dict[str, Array]] = {}
    for place, value in arrays.items():
        record, _, name = place.partition("/")
        found.setdefault(record, {})[name] = Array(value)
    return found
