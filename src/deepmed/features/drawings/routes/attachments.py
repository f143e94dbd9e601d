"""Stored pictures and data as answers: always attachments, kept by the browser for minutes."""

from typing import Any

from fastapi import Response

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "The picture"}
}


def attached(content: bytes, name: str, kind: str = "image/png") -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, max-age=300",
    }
    return Response(content, media_type=kind, headers=headers)
