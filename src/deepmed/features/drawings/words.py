"""Names of the code as a person would write them: the one place that knows both."""

DETECTOR_WORDS = {
    "autoencoder": "autoencoder",
    "knn": "nearest neighbours",
    "mahalanobis": "Mahalanobis distance",
    "pca": "principal components",
    "isolation_forest": "isolation forest",
    "ink_and_box": "ink and box alone",
    "sobel_energy": "edges alone",
    "random_projection": "random projection",
}
"""Detectors, and the plain features that stand beside them."""
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
LAYOUT_WORDS = {
    "visual": "the picture alone",
    "visual+age": "picture and age",
    "visual+subject": "picture and subject",
}
"""What a model looks at."""
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


def name_in_words(name: str) -> str:
    """A detector, plain features, or a planted kind: `knn` is `nearest neighbours`."""
    key = name.replace(" ", "_").lower()
    return {**DETECTOR_WORDS, **KIND_WORDS}.get(key, name.replace("_", " "))
