"""The shell of every page: its templates, its navigation, and how an answer is rendered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from deepmed.web import formats


@dataclass(frozen=True)
class Entry:
    """A place in the navigation."""

    name: str
    path: str


@cache
def environment(package: str) -> jinja2.Environment:
    """A slice's own templates before the shared ones; everything in them is escaped."""
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package, "templates"), jinja2.PackageLoader("deepmed.web")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= formats.FILTERS
    return made


def page(
    request: Request,
    package: str,
    template: str,
    content: Mapping[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """A whole page, or a part of one where the template is no page.

    Args:
        request: what is answered; its application has `navigation`, the shell's entries, and a
            `banner` that every page shows, if any.
        package: the slice whose `templates` folder holds the template.
        template: its name in there.
        content: the template's variables.
        status: of the answer.
    """
    entries: Sequence[Entry] = getattr(request.app.state, "navigation", ())
    banner: str | None = getattr(request.app.state, "banner", None)
    path = request.url.path
    here = max((e.path for e in entries if within(path, e.path)), key=len, default=None)
    text = (
        environment(package)
        .get_template(template)
        .render(navigation=entries, banner=banner, here=here, path=path, **content)
    )
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


def within(path: str, place: str) -> bool:
    """Whether a path lies at or below a place of the navigation; the root holds only itself."""
    return path == place or (place != "/" and path.startswith(f"{place}/"))
