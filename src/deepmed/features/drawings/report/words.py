"""Words of the report that say no number."""

KIND_WORDS = {
    "parts_shuffled": "parts shuffled",
    "part_mirrored": "a part mirrored",
    "part_turned": "a part turned",
    "jitter_1": "strokes jittered, weak",
    "jitter_2": "strokes jittered, medium",
    "jitter_3": "strokes jittered, strong",
    "other_group": "another group's drawing",
    "scribble": "scribble over the page",
    "filled_page": "page nearly filled",
    "tiny_mark": "tiny mark",
    "all": "all planted together",
}
DETECTOR_WORDS = {
    "pca": "principal components",
    "knn": "nearest neighbours",
    "mahalanobis": "Mahalanobis distance",
    "isolation_forest": "isolation forest",
    "ink_and_box": "ink and box alone",
    "sobel_energy": "edges alone",
}
CONTROL_WORDS = {
    "random": "patches in random order",
    "sobel": "edges alone",
    "ink_density": "ink alone",
    "fill_difference": "difference to the fill alone",
}
ROLE_WORDS = {
    "new": "new: took no part in training",
    "calibration": "calibration: ranked against the other calibration children",
    "fit": "fit: ranked by the model's twin, which did not learn from this child",
}

MEANING = (
    "A flag says that few typical drawings are as unusual, and nothing more: a prompt to look at "
    "the drawing, and to ask. It is no diagnosis and no test of a child."
)
OVERVIEW_NOTE = (
    "Children who took part in training are shown too. How many of their drawings are flagged is "
    "fixed by construction, so a rate can be read from new children only."
)
NO_AGES = (
    "This model does not tell the drawings of neighbouring ages apart, so flags are read among the "
    "drawings of this group, and ages are not compared."
)
METHOD = [
    "Each drawing is turned into a vector by the encoder, and scored by how far it lies from the "
    "drawings its group's model learned from. The score is ranked among calibration children: "
    "children of the group from whom nothing was learned. p is the share of them, the drawing "
    "itself included, that score at least as high; a child counts once however many drawings it "
    "made.",
    "A drawing is flagged when p is at most one minus the percentile. For a new child like those "
    "of the calibration, the chance of a flag is then at most that level, whatever the detector.",
    "Drawings of children who took part in training are ranked against the other children, by the "
    "model or by its twin. They are shown, but their share of flags is fixed by construction, so "
    "rates here count drawings of new children only.",
    "Planted anomalies are drawings that a program made odd on purpose. AUROC is how often such a "
    "drawing scores above a typical one: 0.5 is chance, 1 is always.",
    "A map shows which places raise a drawing's score. How faithful it is was measured by adding "
    "and taking away places in its order: the figure is about 0 for a random order, and 1 at most.",
]
LIMITS = [
    "This report is a screening aid for a person. It is no diagnosis and says nothing about a "
    "child.",
    "Typical means: like the drawings that were given for training. Another school, task or tool "
    "makes other drawings typical.",
]


def plain(name: str) -> str:
    """A name of the code as a person would write it."""
    return DETECTOR_WORDS.get(name.replace(" ", "_").lower(), name.replace("_", " "))
