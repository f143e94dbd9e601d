"""Principal directions of standardised rows, and the shrinkage of their covariance."""

import numpy as np

from deepmed.learning.detectors.standardization import FloatArray
from deepmed.learning.errors import ModelLoadingError

# Variance below this share of the largest is rounding, not a direction of the data.
_NEGLIGIBLE = 1e-12


def principal_directions(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Directions in which centred rows vary, the strongest first.

    Args:
        rows: Centred rows, shape (n, D); n may be far below D.

    Returns:
        Variances (of the maximum-likelihood covariance, divisor n), shape (r,), and orthonormal
        directions, shape (r, D), with r at most min(n, D).

    Example:
        >>> variances, directions = principal_directions(np.array([[2.0, 0.0], [-2.0, 0.0]]))
        >>> variances.round(6).tolist(), np.abs(directions).tolist()
        ([4.0], [[1.0, 0.0]])
    """
    _, singular, directions = np.linalg.svd(rows, full_matrices=False)
    variances = singular**2 / len(rows)
    kept = variances > _NEGLIGIBLE * max(float(variances[0]), np.finfo(np.float64).tiny)
    return variances[kept], np.ascontiguousarray(directions[kept])


def ledoit_wolf_shrinkage(rows: FloatArray) -> float:
    """Ledoit and Wolf's share of the identity in the best-conditioned mixture with it.

    Source: Ledoit, Wolf, "A well-conditioned estimator for large-dimensional covariance matrices"
    (2004). The (n, n) products of the rows have the norm and trace of the (D, D) ones of
    the dimensions, so whichever is smaller is formed.

    Args:
        rows: Centred rows, shape (n, D).

    Returns:
        A share in [0, 1].

    Example:
        >>> centred = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
        >>> round(ledoit_wolf_shrinkage(centred), 6)
        1.0
    """
    count, width = rows.shape
    products = rows @ rows.T if count <= width else rows.T @ rows
    lengths = np.sum(rows**2, axis=1)
    # Squared Frobenius norms a dimension: of the covariance, and of single rows' outer products.
    covariance_norm = np.sum(products**2) / count**2 / width
    single_norm = np.sum(lengths**2) / count / width
    typical_variance = np.sum(lengths) / count / width
    distance = covariance_norm - typical_variance**2
    if distance <= 0:
        return 0.0
    noise = max(0.0, (single_norm - covariance_norm) / count)
    return float(min(noise, distance) / distance)


def check_directions(directions: FloatArray) -> None:
    """Refuse directions from a file that are not orthonormal: residuals would not be residuals.

    Args:
        directions: Shape (r, D).

    Raises:
        ModelLoadingError: They are not.

    Example:
        >>> check_directions(np.eye(2, 3))
    """
    count, width = directions.shape
    if count > width or not np.allclose(directions @ directions.T, np.eye(count), atol=1e-6):
        raise ModelLoadingError("The principal directions of this model are damaged.")
