"""Which of these predictions can I act on? Claims Y > threshold with few false ones among them."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.containers import dimensions, index_of
from uq._base.exceptions import InfiniteBoundWarning, InputError
from uq._base.sklearn import Range, validate_params
from uq._base.validation import check_level, check_number, check_same_length, check_vector

from ._levels import as_fraction
from ._order_law import least_calibration, least_rank, order_cdf
from ._selection import Selection

__all__ = ["BatchSelector"]


@cites("lee2024")
class BatchSelector(BaseEstimator):
    """Select rows of a batch whose outcome exceeds a threshold, with at most `max_false` false claims.

    A claim is "this row's outcome is above `threshold`". Calibration rows whose outcome is not show how high the
    prediction of a false claim can be.

    Parameters
    ----------
    threshold : float, default 0
        What an outcome must exceed. For cut-offs c that differ by row pass ``y_pred - c`` and ``y - c``.
    confidence_level : float, default .9
        In (0, 1). What `fit` saw counts, as for all parameters.
    max_false : int, default 0
        Number of false claims that may be among the selected. 0 means that all are true, with this probability.

    Attributes
    ----------
    scores_ : ndarray of shape (n_calibration,)
        Sorted predictions of the rows whose outcome does not exceed the threshold; -inf for the others.
    n_calibration_ : int

    Raises
    ------
    InputError
        From `fit` and `select` for NaN, infinite or no rows, and lengths that differ.

    Warns
    -----
    InfiniteBoundWarning
        From `select`, where no threshold can be promised and nothing is selected; the message says which n would do.

    See Also
    --------
    conformal_p_values : for the control of the false discovery rate, a promise about the fraction on average.

    Notes
    -----
    **Guarantee.** Finite-sample: if calibration rows and batch are exchangeable (outcome, prediction and cut-off
    together), more than `max_false` of the selected are false with probability at most 1 - `confidence_level`, for any
    law and any model. The probability is over calibration rows and batch together, and one selection from one batch.
    `attained_level` is a lower bound of what is attained: rows above the threshold make ties at -inf. A prediction
    equal to the bound is not selected. The fraction of false claims is then at most ``max_false / n_selected``.

    References
    ----------
    .. [1] Y. Lee, E. Tchetgen Tchetgen, E. Dobriban (2024). Batch predictive inference. arXiv:2409.13990.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import BatchSelector
    >>> rng = np.random.default_rng(1)
    >>> y_pred = rng.normal(size=1000)
    >>> y = y_pred + .3 * rng.normal(size=1000)
    >>> selector = BatchSelector(threshold=0, max_false=2).fit(y_pred[:900], y[:900])
    >>> selection = selector.select(y_pred[900:])
    >>> selection
    <37 of 100 selected, at most 2 of them false, with probability 90 % (attained 91.1513 %); threshold 0.31>
    >>> int((y[900:][selection.mask] <= 0).sum())
    1
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "threshold": [Range(Real, None, None, closed="neither")],
        "confidence_level": [Range(Real, 0, 1, closed="neither")],
        "max_false": [Range(Integral, 0, None, closed="left")],
    }

    def __init__(self, threshold=0.0, confidence_level=0.9, max_false=0):
        self.threshold = threshold
        self.confidence_level = confidence_level
        self.max_false = max_false

    def fit(self, y_pred, y):
        """Keep how high predictions of false claims can be.

        Parameters
        ----------
        y_pred : array-like of shape (n_calibration,) or (n_calibration, 1)
            Predictions, or any score that is high where the outcome is thought to be.
        y : array-like of shape (n_calibration,)
            What turned out to be true.

        Returns
        -------
        self
        """
        owner = "BatchSelector.fit"
        if dimensions(self.threshold):
            raise InputError(
                f"BatchSelector: threshold must be one number; got {len(self.threshold)} of them. For cut-offs c "
                "that differ by row pass y_pred - c and y - c."
            )
        validate_params(self)
        level = check_level(self.confidence_level, "BatchSelector")
        threshold = check_number(self.threshold, "BatchSelector", "threshold")
        predictions = check_vector(y_pred, owner, "y_pred")
        truth = check_vector(y, owner, "y")
        check_same_length(owner, y_pred=predictions, y=truth)
        self.scores_ = np.sort(np.where(truth <= threshold, predictions, -np.inf))
        self.n_calibration_ = len(self.scores_)
        self._level, self._max_false = level, int(self.max_false)
        return self

    def select(self, y_pred):
        """Select rows of one batch; the estimator does not change.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
            Predictions of the whole batch: what is selected depends on how many there are.

        Returns
        -------
        Selection
            With `mask`, `threshold` (rows above it are selected), `attained_level`, `max_false`.
        """
        check_is_fitted(self)
        predictions = check_vector(y_pred, "BatchSelector.select", "y_pred")
        n, m = self.n_calibration_, len(predictions)
        level, max_false = as_fraction(self._level), self._max_false  # as fit checked them
        cut, attained = -np.inf, 1.0
        if max_false < m:
            order = m - max_false
            rank = least_rank(n, m, order, level)
            cut = self.scores_[rank - 1] if rank <= n else np.inf
            attained = order_cdf(n, m, order, rank)
            if rank > n:
                warnings.warn(
                    f"nothing is selected: n_calibration = {n} rows promise nothing about {m} rows with max_false = "
                    f"{max_false} at level {self._level:g}; "
                    f"{least_calibration(m, order, level)} calibration rows would, or a larger max_false.",
                    InfiniteBoundWarning,
                    stacklevel=2,
                )
        return Selection(
            mask=predictions > cut,
            threshold=float(cut),
            confidence_level=self._level,
            max_false=max_false,
            attained_level=attained,
            guarantee="finite-sample",
            method="batch selection",
            scores=predictions.copy(),
            index=index_of(y_pred),
        )
