"""The shell of every page: its templates, its navigation, and how an answer is rendered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from deepmed.kit.http.caller import Role, caller_of
from deepmed.web import formats


@dataclass(frozen=True)
class Entry:
    """A place in the navigation.

    Attributes:
        name: as people read it.
        path: where it leads.
        group: the folded part of the navigation that it stands in; none for what all need daily.
        least: the role from which on it is shown.
    """

    name: str
    path: str
    group: str | None = None
    least: Role = Role.VIEWER


@dataclass(frozen=True)
class Menu:
    """The navigation as one caller sees it."""

    daily: Sequence[Entry]
    groups: Mapping[str, Sequence[Entry]]
    here: str | None
    """The path of the entry that the page belongs to."""


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
    menu = menu_of([each for each in entries if _is_open_to(request, each)], request.url.path)
    text = environment(package).get_template(template).render(menu=menu, banner=banner, **content)
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


def menu_of(entries: Sequence[Entry], path: str) -> Menu:
    """These entries, folded by their groups, on the page at a path."""
    groups: dict[str, list[Entry]] = {}
    for each in entries:
        if each.group is not None:
            groups.setdefault(each.group, []).append(each)
    here = max((each.path for each in entries if within(path, each.path)), key=len, default=None)
    return Menu([each for each in entries if each.group is None], groups, here)


def _is_open_to(request: Request, entry: Entry) -> bool:
    """A request that was refused before anybody asked who sends it has no caller."""
    try:
        return caller_of(request).role >= entry.least
    except KeyError:
        return entry.least is Role.VIEWER


def within(path: str, place: str) -> bool:
    """Whether a path lies at or below a place of the navigation; the root holds only itself."""
    return path == place or (place != "/" and path.startswith(f"{place}/"))
