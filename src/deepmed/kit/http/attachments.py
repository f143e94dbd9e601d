"""Answers that a browser saves instead of showing."""

from fastapi import Response

TABLES = {"csv": "text/csv", "json": "application/json"}
"""What a table is sent as, by its form."""


def attachment(name: str, caching: str = "") -> dict[str, str]:
    """The headers under which an answer is saved as a file of this name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return headers | ({"Cache-Control": caching} if caching else {})


def table_file(text: str, name: str, form: str) -> Response:
    """A table to be saved under a name, which is given here without its ending."""
    return Response(text, media_type=TABLES[form], headers=attachment(f"{name}.{form}"))
