"""Where drawings come from: a file, a folder or a ZIP, within the limits of the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepmed.kit.archives import ArchiveLimits
from deepmed.kit.settings import Settings
from deepmed.kit.sources import Source, SourceFile
from deepmed.kit.sources import open_source as open_within

__all__ = ["Source", "SourceFile", "open_source"]


@contextmanager
def open_source(path: Path, settings: Settings) -> Iterator[Source]:
    """See `deepmed.kit.sources.open_source`."""
    with open_within(path, ArchiveLimits.of(settings)) as source:
        yield source
