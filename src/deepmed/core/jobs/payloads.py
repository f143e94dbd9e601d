"""What a job needs to know: JSON in the ledger, a checked model in the program."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic import ValidationError as SchemaError

from deepmed.core.jobs.kinds import JobKind
from deepmed.kit.errors import ValidationError


def read_payload(kind: JobKind, payload: BaseModel | Mapping[str, Any]) -> BaseModel:
    """The payload as its kind knows it.

    Raises:
        ValidationError: names each wrong part.
    """
    given = payload.model_dump(mode="json") if isinstance(payload, BaseModel) else dict(payload)
    try:
        # By way of JSON, whose strict rules let a moment or a path be written as text.
        return kind.payload.model_validate_json(json.dumps(given))
    except SchemaError as error:
        problems = error.errors(include_url=False, include_input=False)
        told = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'payload'}: {item['msg']}" for item in problems
        )
        raise ValidationError(f"A job {kind.name} cannot be run with this: {told}.") from error


def write_payload(payload: BaseModel) -> dict[str, Any]:
    return payload.model_dump(mode="json")
