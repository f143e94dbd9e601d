import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.annotations.kinds import AnnotationType, Note
from deepmed.features.drawings.annotations.service import AnnotationService
from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.exports.content import ExportContent
from deepmed.features.drawings.exports.gathering import ContentGatherer
from deepmed.features.drawings.exports.options import ExportOptions, Wanted
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from deepmed.features.drawings.workbench import Workbench
from factories.homes import open_bench

Gather = Callable[..., ExportContent]
HOSTILE = '=1+1 <script>alert("x")</script> & "quoted"'


@pytest.fixture(scope="module")
def opened(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A copy of the trained data folder that the tests of a module share."""
    folder = tmp_path_factory.mktemp("exports") / "home"
    shutil.copytree(_trained, folder)
    made = open_bench(folder)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def gather(opened: Workbench) -> Gather:
    """The content of a file about drawing 1, to which somebody hostile has noted something."""
    analysis = AnalysisService(opened).answer(1).id
    gatherer = ContentGatherer(ExplanationLoader(ExplanationService(opened)))
    gatherer.gather(analysis, Wanted("json"))
    notes = AnnotationService(opened.database, opened.owner_id, "Kim")
    notes.annotate(analysis, Note("region-1", HOSTILE, AnnotationType.NOTE, "=cmd"))

    def gathered(
        form: str, options: dict[str, object] | None = None, **flags: bool
    ) -> ExportContent:
        chosen = ExportOptions.model_validate(options or {})
        return gatherer.gather(analysis, Wanted(form, options=chosen, **flags))

    return gathered
