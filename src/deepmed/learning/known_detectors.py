"""Which detectors there are, by name alone: the detectors bring torch and scikit-learn along."""

from importlib.metadata import EntryPoints

from deepmed.kit.plug_ins import entry_points

OURS = ("autoencoder", "knn", "mahalanobis", "pca", "isolation_forest")
ENTRY_POINTS = "deepmed.detectors"


def detector_names() -> list[str]:
    """Names of all detectors, ours first; installed ones come by the group ``deepmed.detectors``.

    Example:
        >>> detector_names()[:5]
        ['autoencoder', 'knn', 'mahalanobis', 'pca', 'isolation_forest']
    """
    return [*OURS, *sorted(installed_detectors().names - set(OURS))]


def installed_detectors() -> EntryPoints:
    """What installed packages offer; nothing of it is loaded.

    Example:
        >>> {point.group for point in installed_detectors()} <= {"deepmed.detectors"}
        True
    """
    return entry_points(group=ENTRY_POINTS)
