"""Stored pictures and data as answers: always attachments, kept by the browser for minutes."""

from typing import Any

from fastapi import Response

from deepmed.kit.http.attachments import attachment

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "The picture"}
}


def attached(content: bytes, name: str, kind: str = "image/png") -> Response:
    return Response(content, media_type=kind, headers=attachment(name, "private, max-age=300"))
