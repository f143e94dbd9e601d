"""From a report's content to one HTML file that needs nothing else."""

from pathlib import Path

import jinja2

from deepmed.features.drawings.report.content import ReportContent
from deepmed.kit.files import export


def render(content: ReportContent) -> str:
    """The page; every text in it is escaped."""
    return template("deepmed.features.drawings", "report").render(page=content)


def template(package: str, folder: str) -> jinja2.Template:
    """The page in a folder of a package; what it shows is escaped, and nothing may be missing."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell
    return environment.get_template("page.html.j2")


def write(content: ReportContent, path: Path) -> Path:
    """Write the page whole or not at all.

    Raises:
        StorageError: it cannot be written there.
    """
    return export(path, render(content).encode())


def cell(value: object) -> str:
    """A value as a person reads it in a table."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash for "none" in a printed table
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
