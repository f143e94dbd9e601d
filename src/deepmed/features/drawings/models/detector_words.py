"""Names of detectors as people know them."""

DETECTOR_WORDS = {
    "autoencoder": "autoencoder",
    "isolation_forest": "isolation forest",
    "knn": "nearest neighbours",
    "mahalanobis": "Mahalanobis distance",
    "pca": "principal components",
}


def detector_words(name: str) -> str:
    """What people call a detector; an unknown one as it is, without underscores."""
    return DETECTOR_WORDS.get(name, name.replace("_", " "))
