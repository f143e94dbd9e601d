"""Messages between two processes over pipes: two lengths, a header in JSON, and bytes."""

import json
from collections.abc import Mapping
from typing import IO, Any

LENGTHS = 16
"""Bytes before a message: the length of its header and that of its content, big end first."""

_LONGEST_HEADER = 1 << 16


def send(stream: IO[bytes], header: Mapping[str, Any], content: bytes = b"") -> None:
    text = json.dumps(header).encode()
    stream.write(len(text).to_bytes(8, "big") + len(content).to_bytes(8, "big"))
    stream.write(text)
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes], most: int | None = None) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None where the other side has ended, or says more than `most` bytes.

    What the other side sends may be anything once a decoder in it has gone astray.
    """
    lengths = stream.read(LENGTHS)
    if len(lengths) < LENGTHS:
        return None
    header, content = int.from_bytes(lengths[:8], "big"), int.from_bytes(lengths[8:], "big")
    if most is not None and (header > _LONGEST_HEADER or content > most):
        return None
    text, data = stream.read(header), stream.read(content)
    if len(text) < header or len(data) < content:
        return None
    found: dict[str, Any] = json.loads(text)
    return found, data
