"""A run's message as it goes over the wire, in the contract's envelope (P-10)."""

from typing import Any

from deepmed.features.xray.tables import XrayRunEvent


def message_of(event: XrayRunEvent) -> dict[str, Any]:
    """`type`, `timestamp` and `data`; of which run it is, and its number there, stand in the data.

    The numbers count 0, 1, 2, … in each run without a gap.
    """
    return {
        "type": event.type,
        "timestamp": event.timestamp,
        "data": {**event.data, "run_id": event.run_id, "sequence": event.sequence},
    }
