"""What a request works with: the services of its caller's drawings, kept between requests.

A server keeps one desk for each owner, so that the encoder, the models and the index of vectors
are loaded once and not with every request. What brings the learning library along is loaded when
it is first needed.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.datastructures import State
from starlette.requests import HTTPConnection

from deepmed.core.home import Home
from deepmed.features.drawings.catalogue.census import StoreCensus
from deepmed.features.drawings.catalogue.service import DrawingCatalogue
from deepmed.features.drawings.importing.importer import DrawingImporter
from deepmed.features.drawings.thumbnails import thumbnail
from deepmed.kit.http.caller import caller_of

if TYPE_CHECKING:
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.comparison import ComparisonService
    from deepmed.features.drawings.explanation.service import ExplanationService
    from deepmed.features.drawings.models.manager import ModelManager
    from deepmed.features.drawings.thresholds.manager import ThresholdManager
    from deepmed.features.drawings.workbench import Workbench

MOST_DESKS = 8
_opening = Lock()


@dataclass(frozen=True)
class Desk:
    """The drawings of one owner."""

    home: Home

    @cached_property
    def bench(self) -> "Workbench":
        from deepmed.features.drawings.workbench import Workbench  # noqa: PLC0415 - see above

        return Workbench.of(self.home)

    @cached_property
    def importer(self) -> DrawingImporter:
        home = self.home
        return DrawingImporter(home.database, home.storage, home.settings, home.owner_id)

    @cached_property
    def catalogue(self) -> DrawingCatalogue:
        home = self.home
        return DrawingCatalogue(
            home.database, home.storage, home.owner_id, on_deleted=lambda _: self._forget()
        )

    @cached_property
    def census(self) -> StoreCensus:
        home = self.home
        return StoreCensus(home.database, home.storage, home.owner_id)

    @cached_property
    def explanations(self) -> "ExplanationService":
        from deepmed.features.drawings.explanation.service import (  # noqa: PLC0415 - see above
            ExplanationService,
        )

        return ExplanationService(self.bench, self.analyses)

    @cached_property
    def comparisons(self) -> "ComparisonService":
        from deepmed.features.drawings.comparison import (  # noqa: PLC0415 - see above
            ComparisonService,
        )

        return ComparisonService(self.bench, self.analyses)

    @cached_property
    def analyses(self) -> "AnalysisService":
        from deepmed.features.drawings.analysis.service import (  # noqa: PLC0415 - see above
            AnalysisService,
        )

        return AnalysisService(self.bench)

    @property
    def models(self) -> "ModelManager":
        return self.analyses.models

    @property
    def thresholds(self) -> "ThresholdManager":
        return self.analyses.thresholds

    def revise_models(self) -> None:
        """Let the models' files follow the drawings: some were deleted, or moved to a child."""
        from deepmed.features.drawings.following import follow  # noqa: PLC0415 - see above

        follow(self.bench)

    def _forget(self) -> None:
        """Of deleted drawings nothing stays in memory."""
        thumbnail.cache_clear()
        if "bench" in vars(self):  # else nothing was loaded, and asking would load the library
            self.bench.embeddings.clear_cache()


class Desks:
    """The desks of a server; of many owners the longest unused gives way."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._desks: OrderedDict[int, Desk] = OrderedDict()
        self._lock = Lock()

    def of(self, owner_id: int) -> Desk:
        with self._lock:
            desk = self._desks.pop(owner_id, None)
            if desk is None:
                desk = Desk(self._home.for_owner(owner_id))
            self._desks[owner_id] = desk
            while len(self._desks) > MOST_DESKS:
                self._desks.popitem(last=False)
            return desk


def desk_of(connection: HTTPConnection) -> Desk:
    """The caller's desk."""
    state = connection.app.state
    with _opening:
        if not hasattr(state, "drawings_desks"):
            state.drawings_desks = Desks(state.home)
    desks: Desks = state.drawings_desks
    return desks.of(caller_of(connection).owner_id)


def close_desks(state: State) -> None:
    """Forget everything that is in memory: the data are others now."""
    with _opening:
        if hasattr(state, "drawings_desks"):
            thumbnail.cache_clear()
            del state.drawings_desks


CallersDesk = Annotated[Desk, Depends(desk_of)]
