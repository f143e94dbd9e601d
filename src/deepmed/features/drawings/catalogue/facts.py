"""What is known of a drawing, under the names by which people give it."""

from typing import Any

from deepmed.features.drawings.metadata import FIELDS
from deepmed.features.drawings.tables import Drawing

CHILD = "child_id"


def facts_of(drawing: Drawing) -> dict[str, Any]:
    """Its metadata as they are stored, and the caller's name of its child."""
    own = {name: getattr(drawing, name) for name in (*FIELDS, "age_precision") if name != CHILD}
    return {**own, CHILD: drawing.child.code}
