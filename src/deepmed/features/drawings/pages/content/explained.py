"""An answer's explanation in the words of the page; whoever asks for one waits for torch."""

from dataclasses import replace

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation.stored import StoredExplanation, facts_of
from deepmed.features.drawings.explanation.texts import ExplanationGenerator, Reader
from deepmed.features.drawings.interpretability.interactive import region_of
from deepmed.features.drawings.interpretability.loading import ExplanationLoader, Known
from deepmed.features.drawings.interpretability.simplified import READERS, simplified
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.pages.content.why import PARENT, Region, Why
from deepmed.features.drawings.report import cards, maps
from deepmed.features.drawings.schemas.interpretability import InteractiveRegion
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.web.charts import Table


def why(desk: Desk, row: AnomalyAnalysis, reader: str) -> Why:
    """The explanation of an answer, or why there is none."""
    known = ExplanationLoader(desk.explanations).known(row.id)
    if known.explanation is None:
        return Why(known.reason)
    return _why(desk, known, known.explanation, reader)


def _why(desk: Desk, known: Known, found: StoredExplanation, reader: str) -> Why:
    row = known.analysis
    for_parents = reader == PARENT
    return Why(
        analysis_id=row.id,
        caption=maps.caption(found),
        regions=[
            _region(number, region_of(each))
            for number, each in enumerate(found.row.facts["regions"], 1)
        ],
        places=maps.places(found),
        faithful=found.faithfulness["faithful"],
        sentences=_sentences(desk, found, reader),
        advice=simplified(known, reader, desk.home.settings).recommendations,
        tables=[] if for_parents else _tables(desk, found),
    )


def _region(number: int, found: InteractiveRegion) -> Region:
    left, top, right, bottom = found.bounding_box
    return Region(
        number,
        found.region_id,
        found.spatial_location,
        found.click_explanation,
        found.importance_score,
        left,
        top,
        right - left,
        bottom - top,
    )


def _sentences(desk: Desk, found: StoredExplanation, reader: str) -> list[str]:
    """What the summary has not said yet; for parents everything, in their own words."""
    writer = ExplanationGenerator(parent_texts=desk.home.settings.parent_texts)
    facts = replace(found.facts(), neighbours=[])  # these stand below, as pictures
    sentences = writer.generate_explanation(facts, READERS.get(reader, Reader.EDUCATOR))
    if reader == PARENT:
        return sentences
    without_map = facts_of(found.analysis, level_is_a_bound=found.level_is_a_bound)
    said = set(writer.generate_explanation(without_map))
    return [sentence for sentence in sentences if sentence not in said]


def _tables(desk: Desk, found: StoredExplanation) -> list[tuple[str, Table]]:
    with desk.home.database.read() as session:
        ages = {range_of(each).label: range_of(each).words for each in desk.models.active(session)}
    tables = [
        ("Numbers of this answer", cards.numbers(found.analysis, found.drawing, None)),
        ("Other ages", cards.other_ages(found.analysis, ages)),
        *maps.trust_tables(found),
        ("Measures of the drawing", cards.measures(found)),
    ]
    return [(name, table) for name, table in tables if table.rows]
