"""A report as one HTML file that needs nothing else: inline SVG, no script."""

from functools import cache

import jinja2

from deepmed.features.xray.report.content import Report
from deepmed.web.downloads import picture_address
from deepmed.web.formats import cell, moment


def write(report: Report) -> bytes:
    """The page; every text in it is escaped."""
    return _template().render(report=report).encode()


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepmed.features.xray", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "moment": moment, "address": picture_address}
    return environment.get_template("page.html.j2")
