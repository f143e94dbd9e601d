"""Explanations of answers whose model, encoder or drawing is not what it was."""

from dataclasses import replace

import pytest

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.explanation.service import Explanation, ExplanationService
from deepmed.features.drawings.interpretability.attention import attention_patches
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError


@pytest.fixture
def loader(trained: Workbench) -> ExplanationLoader:
    return ExplanationLoader(ExplanationService(trained))


def retire(bench: Workbench) -> None:
    """Take every model out of use."""
    with bench.database.write() as session:
        for row in session.query(AgeGroupModel):
            row.is_active, row.active_key = False, None


def test_what_was_explained_is_told_again_without_its_model(
    trained: Workbench, loader: ExplanationLoader
) -> None:
    analysis = AnalysisService(trained).answer(1).id
    loader.load(analysis)
    before = loader.load(analysis)
    assert isinstance(before, Explanation)
    retire(trained)
    after = loader.load(analysis)
    assert not isinstance(after, Explanation)
    assert after.regions == before.regions
    assert after.neighbours == [], "no model says any more which drawings are of its age"
    assert after.facts().at_most, "nobody can tell whether the level is exact"
    assert replace(after.facts(), at_most=before.facts().at_most, neighbours=[]) == replace(
        before.facts(), neighbours=[]
    )


def test_what_was_never_explained_has_no_explanation_any_more(
    trained: Workbench, loader: ExplanationLoader
) -> None:
    analysis = AnalysisService(trained).answer(1).id
    retire(trained)
    with pytest.raises(NotFoundError, match="has no explanation"):
        loader.load(analysis)
    known = loader.known(analysis)
    assert known.explanation is None
    assert known.reason
    assert known.facts.normalized_score == known.analysis.normalized_score


def test_attention_of_another_encoder_is_not_shown(
    trained: Workbench, loader: ExplanationLoader
) -> None:
    found = loader.load(AnalysisService(trained).answer(1).id)
    foreign = AnomalyAnalysis(results=found.analysis.results | {"encoder": "another@fp32/1"})
    patches, reason = attention_patches(trained, replace(found, analysis=foreign))
    assert patches == []
    assert "another@fp32/1" in str(reason)


def test_an_unknown_analysis(loader: ExplanationLoader) -> None:
    with pytest.raises(NotFoundError, match="no analysis 77777"):
        loader.load(77_777)
