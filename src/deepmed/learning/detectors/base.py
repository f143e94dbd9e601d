"""What every detector is: a scikit-learn estimator whose score is higher for the more unusual."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from deepmed.learning.detectors.errors import DetectorParameterError, TooFewRowsError
from deepmed.learning.detectors.record import ArraySpec, DetectorRecord, checked_arrays
from deepmed.learning.detectors.standardization import FloatArray, Standardization
from deepmed.learning.errors import ModelLoadingError, NotDifferentiableError

MINIMUM_ROWS = 2
RowScorer = Callable[[FloatArray], float]
# Where ``predict`` cuts, a convention of scikit-learn's outlier detectors.
OFFSET_PERCENTILE = 95.0


class Detector(OutlierMixin, BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn is untyped
    """Base of the detectors: typical embeddings in, a score per embedding out.

    The score is computed in float64 row by row, so that a row has the same score alone, in a
    batch and after the detector was stored and loaded. ``score_samples`` is *higher for the more
    abnormal*, unlike scikit-learn's own; ``decision_function`` and ``predict`` follow
    scikit-learn (positive and +1 = typical). They cut at the 95th percentile of the fitting rows'
    own scores and exist for scikit-learn's sake: a decision about a drawing is made by
    ``deepmed.learning.calibration``, never by them, since that cut flags far more than 5 % of new
    drawings.

    A subclass gives ``name``, ``differentiable``, the parameters in ``__init__``, and the methods
    marked abstract below.

    Attributes:
        n_features_in_: Width D of the embeddings.
        n_rows_: Number of rows fitted.
        slots_: Number of columns, the last ones, that are the slots of one category.
        offset_: Score at which ``predict`` cuts.
        data_hash_: SHA-256 (hex) of the rows fitted, as float64 with their shape.
    """

    name: ClassVar[str]
    differentiable: ClassVar[bool] = True

    n_features_in_: int
    n_rows_: int
    slots_: int
    offset_: float
    data_hash_: str

    def fit(
        self,
        X: npt.ArrayLike,  # noqa: N803 - scikit-learn's contract names it X
        y: object = None,
        *,
        children: Sequence[Any] | npt.NDArray[Any] | None = None,
        slots: int = 0,
    ) -> Self:
        """Learn what is typical.

        Args:
            X: Embeddings, shape (n, D), n >= 2, finite.
            y: Ignored; scikit-learn's contract.
            children: The child of each row, for detectors that split the rows further.
            slots: So many columns, the last ones, are the slots of one category; see
                :class:`~deepmed.learning.detectors.standardization.Standardization`.

        Returns:
            The detector itself.

        Raises:
            TooFewRowsError: Fewer than two rows.
            DetectorParameterError: A parameter is outside its range.
            ValueError: The rows are not a finite matrix.
        """
        del y
        rows = validate_data(self, X, dtype=np.float64, order="C")
        self._check_parameters()
        if len(rows) < MINIMUM_ROWS:
            raise TooFewRowsError(
                f"Only {len(rows)} sample was given; a detector learns what typical drawings "
                f"share and needs at least {MINIMUM_ROWS}."
            )
        require(0 <= slots < rows.shape[1], f"slots must leave a column beside them, got {slots}.")
        self.n_rows_ = len(rows)
        self.slots_ = slots
        self.data_hash_ = data_hash(rows)
        self._fit_rows(rows, children)
        self.offset_ = float(np.percentile(self._score_rows(rows), OFFSET_PERCENTILE))
        return self

    def score_samples(self, X: npt.ArrayLike) -> FloatArray:  # noqa: N803 - as in fit
        """How abnormal each row is.

        Args:
            X: Embeddings, shape (n, D).

        Returns:
            Scores, shape (n,), float64, higher = more abnormal, each a function of its own row.

        Raises:
            ValueError: The rows are not a finite matrix of the fitted width.
        """
        check_is_fitted(self)
        return self._score_rows(validate_data(self, X, dtype=np.float64, order="C", reset=False))

    def score_tensor(self, x: Tensor) -> Tensor:
        """The same score as a differentiable function, for explanations.

        Args:
            x: Embeddings, shape (B, D), float64.

        Returns:
            Scores, shape (B,), float64, equal to ``score_samples`` to 1e-9.

        Raises:
            NotDifferentiableError: This kind of detector has no gradient.
        """
        check_is_fitted(self)
        if not self.differentiable:
            raise NotDifferentiableError(
                f"The score of {self.name!r} is a step function: it has no gradient. Use "
                "occlusion to explain it, or another detector."
            )
        return self._score_tensor_rows(x.to(torch.float64))

    def score_shift(
        self,
        X: npt.ArrayLike,  # noqa: N803 - as in fit
        radius: npt.ArrayLike,
        width: int | None = None,
    ) -> FloatArray:
        """How far each score can move when its row moves a little.

        To first order, a move of length r changes a differentiable score by at most r times the
        length of its gradient.

        Args:
            X: Embeddings, shape (n, D).
            radius: Longest move (Euclidean) of each row, shape (n,).
            width: Columns that move, the first ones; all of them when None.

        Returns:
            Shape (n,), float64, not negative, in the unit of the score.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        return self._shift_rows(rows, np.asarray(radius, dtype=np.float64), width)

    def _shift_rows(self, rows: FloatArray, radius: FloatArray, width: int | None) -> FloatArray:
        moved = torch.from_numpy(rows).requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(self.score_tensor(moved).sum(), moved)
        shift: FloatArray = radius * np.linalg.norm(gradient.numpy()[:, :width], axis=1)
        return shift

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:  # noqa: N803 - as in fit
        """``offset_`` minus the score: positive for the typical, as scikit-learn has it."""
        scores = self.score_samples(X)
        return self.offset_ - scores

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int64]:  # noqa: N803 - as in fit
        """+1 for typical and -1 for abnormal rows; see the class for what it is not for."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def get_state(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Everything learned, as plain arrays and values that JSON can hold.

        Returns:
            Arrays by name (standardisation among them), and the record: detector, parameters with
            the seed, architecture, data hash and sizes.
        """
        check_is_fitted(self)
        record = DetectorRecord(
            detector=self.name,
            parameters=self._parameters(),
            rows=self.n_rows_,
            features=self.n_features_in_,
            slots=self.slots_,
            offset=self.offset_,
            data_hash=self.data_hash_,
            architecture=self._architecture(),
            training=self._training(),
        )
        arrays = {name: np.ascontiguousarray(array) for name, array in self._arrays().items()}
        return arrays, record.model_dump(mode="json")

    @classmethod
    def from_state(
        cls, arrays: Mapping[str, npt.NDArray[Any]], config: Mapping[str, Any]
    ) -> "Detector":
        """Rebuild a detector from :meth:`get_state`, which it then scores exactly like.

        Nothing in the state is trusted: names, shapes, types, ranges and finiteness are checked.

        Raises:
            ModelLoadingError: The state is damaged or of another detector.
        """
        record = DetectorRecord.parse(config)
        if record.detector != cls.name:
            raise ModelLoadingError(f"A {record.detector!r} model cannot be read as {cls.name!r}.")
        try:
            return cls(**record.parameters).load_state(arrays, record)
        except (TypeError, ValueError) as error:
            raise ModelLoadingError(
                f"The stored parameters of this {cls.name!r} model are not valid: {error}"
            ) from error

    def load_state(self, arrays: Mapping[str, npt.NDArray[Any]], record: DetectorRecord) -> Self:
        """Take learned arrays in place of fitting; the parameters are this detector's own.

        Raises:
            DetectorParameterError: A parameter is outside its range.
            ModelLoadingError: An array does not fit the record.
        """
        self._check_parameters()
        self.n_features_in_ = record.features
        self.n_rows_ = record.rows
        self.slots_ = record.slots
        self.offset_ = record.offset
        self.data_hash_ = record.data_hash
        sizes = {"rows": record.rows, "features": record.features}
        self._take_arrays(checked_arrays(arrays, self._array_specs(), sizes))
        self._take_training(record.training)
        return self

    def _parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.get_params(deep=False)
        return parameters

    def _architecture(self) -> dict[str, Any]:
        """What a reader of the artefact should know of the learned shape."""
        return {}

    def _training(self) -> dict[str, Any]:
        """History of the fitting, where there is one."""
        return {}

    def _take_training(self, training: Mapping[str, Any]) -> None:
        """Take back what :meth:`_training` gave."""

    @abstractmethod
    def _check_parameters(self) -> None:
        """Raise DetectorParameterError where a parameter is outside its range."""

    @abstractmethod
    def _fit_rows(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        """Learn from checked rows."""

    @abstractmethod
    def _score_rows(self, rows: FloatArray) -> FloatArray:
        """Score checked rows, each by itself."""

    @abstractmethod
    def _score_tensor_rows(self, rows: Tensor) -> Tensor:
        """Score float64 rows differentiably."""

    @abstractmethod
    def _array_specs(self) -> dict[str, ArraySpec]:
        """Name, type and shape of every learned array, from parameters and ``n_features_in_``."""

    @abstractmethod
    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The learned arrays by name."""

    @abstractmethod
    def _take_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take checked arrays in place of fitting."""


class StandardizedDetector(Detector):
    """Base of the detectors that standardise inside themselves.

    Attributes:
        standardization_: Mean, scale and limit; see
            :class:`~deepmed.learning.detectors.standardization.Standardization`.
    """

    standardization_: Standardization

    def _fit_rows(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        self.standardization_ = Standardization.fit(rows, self.slots_)
        self._fit_standardized(self.standardization_.apply(rows), children)

    def _score_rows(self, rows: FloatArray) -> FloatArray:
        # One row at a time: the rounding of a matrix product depends on the rows beside it.
        score_row = self._row_scorer()
        return np.array([score_row(row) for row in self.standardization_.apply(rows)])

    def _score_tensor_rows(self, rows: Tensor) -> Tensor:
        return self._score_standardized_tensor(self.standardization_.apply_tensor(rows))

    def _array_specs(self) -> dict[str, ArraySpec]:
        return {
            "mean": ArraySpec("float64", ("features",)),
            "scale": ArraySpec("float64", ("features",), positive=True),
            "limit": ArraySpec("float64", (1,), positive=True),
        } | self._learned_specs()

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {**vars(self.standardization_), **self._learned_arrays()}

    def _take_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        parts = dict(arrays)
        self.standardization_ = Standardization(
            parts.pop("mean"), parts.pop("scale"), parts.pop("limit")
        )
        self._take_learned_arrays(parts)

    def _learned_arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {name: getattr(self, f"{name}_") for name in self._learned_specs()}

    def _take_learned_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, array in arrays.items():
            setattr(self, f"{name}_", array)

    @abstractmethod
    def _learned_specs(self) -> dict[str, ArraySpec]:
        """Name, type and shape of the arrays learned beside the standardisation."""

    @abstractmethod
    def _fit_standardized(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        """Learn from standardised rows."""

    @abstractmethod
    def _row_scorer(self) -> RowScorer:
        """The score of one standardised row, shape (D,), as a function."""

    @abstractmethod
    def _score_standardized_tensor(self, rows: Tensor) -> Tensor:
        """Score standardised float64 rows, shape (B, D), differentiably."""


def data_hash(rows: FloatArray) -> str:
    """SHA-256 (hex) of a matrix's shape and float64 values.

    Example:
        >>> data_hash(np.zeros((2, 3))) == data_hash(np.zeros((3, 2)))
        False
    """
    header = f"{rows.shape[0]}x{rows.shape[1]}:".encode()
    little_endian = np.ascontiguousarray(rows, dtype="<f8")
    return hashlib.sha256(header + little_endian.tobytes()).hexdigest()


def require(holds: bool, message: str) -> None:  # noqa: FBT001 - reads like an assertion
    """Raise DetectorParameterError with the message unless the condition holds."""
    if not holds:
        raise DetectorParameterError(message)
