"""Sentences of the report that say no number."""

MEANING = (
    "A flag says that few typical drawings are as unusual, and nothing more: a prompt to look at "
    "the drawing, and to ask. It is no diagnosis and no test of a child."
)
OVERVIEW_NOTE = (
    "A rate of false alarms can be read from typical drawings of new children only: how many "
    "drawings of the children of the training are flagged is fixed by construction, and labelled "
    "drawings show how much is found. Copies, withdrawn drawings, and those without an answer are "
    "in none of these columns."
)
NO_AGES = (
    "This model does not tell the drawings of neighbouring ages apart, so flags are read among the "
    "drawings of this group, and ages are not compared."
)
AGES_UNKNOWN = (
    "Whether this model tells the drawings of neighbouring ages apart was not measured, so flags "
    "are read among the drawings of this group, and ages are not compared."
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
    "rates here count typical drawings of new children only. Drawings that were labelled other "
    "than normal trained nothing, and are counted apart.",
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
