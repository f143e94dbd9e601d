"""What in a drawing raises its score: maps, their faithfulness, regions, overlays, facts."""

from deepmed.learning.saliency.attention import AttentionRollout, GradCAMViT, PatchImportanceScorer
from deepmed.learning.saliency.faithfulness import (
    Curves,
    Faithfulness,
    explain_and_measure,
    insertion_deletion,
    measure_faithfulness,
)
from deepmed.learning.saliency.features import (
    DrawingContent,
    MeasuredFact,
    RegionContent,
    VisualFeatureIdentifier,
)
from deepmed.learning.saliency.fills import (
    Fill,
    Ranking,
    blur_fill,
    choose_fill,
    nearest_typical,
    paper_fill,
    ranking_of,
    typical_fill,
)
from deepmed.learning.saliency.generator import CONTROLS, METHODS, SaliencyMapGenerator
from deepmed.learning.saliency.maps import SaliencyMap, map_key, picture_hash
from deepmed.learning.saliency.overlays import Overlay, SaliencyOverlayGenerator
from deepmed.learning.saliency.pipeline import (
    DEFAULT_METHOD,
    CompleteAnalysis,
    InterpretabilityPipeline,
)
from deepmed.learning.saliency.randomisation import (
    RandomisationCheck,
    check_randomisation,
    knowing_nothing,
    map_correlation,
    reinitialised,
    shuffled,
)
from deepmed.learning.saliency.regions import ImportanceRegionDetector, Region
from deepmed.learning.saliency.report import (
    FaithfulnessReport,
    GateResult,
    MeasuredDrawing,
    MethodRow,
    choose_method,
    gate,
)
from deepmed.learning.saliency.score import PageScore, ScoredPixels, ScoreFunction

__all__ = [
    "CONTROLS",
    "DEFAULT_METHOD",
    "METHODS",
    "AttentionRollout",
    "CompleteAnalysis",
    "Curves",
    "DrawingContent",
    "Faithfulness",
    "FaithfulnessReport",
    "Fill",
    "GateResult",
    "GradCAMViT",
    "ImportanceRegionDetector",
    "InterpretabilityPipeline",
    "MeasuredDrawing",
    "MeasuredFact",
    "MethodRow",
    "Overlay",
    "PageScore",
    "PatchImportanceScorer",
    "RandomisationCheck",
    "Ranking",
    "Region",
    "RegionContent",
    "SaliencyMap",
    "SaliencyMapGenerator",
    "SaliencyOverlayGenerator",
    "ScoreFunction",
    "ScoredPixels",
    "VisualFeatureIdentifier",
    "blur_fill",
    "check_randomisation",
    "choose_fill",
    "choose_method",
    "explain_and_measure",
    "gate",
    "insertion_deletion",
    "knowing_nothing",
    "map_correlation",
    "map_key",
    "measure_faithfulness",
    "nearest_typical",
    "paper_fill",
    "picture_hash",
    "ranking_of",
    "reinitialised",
    "shuffled",
    "typical_fill",
]
