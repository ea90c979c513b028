"""Intervals for a statistic of the next batch: its mean, its median, its worst."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.exceptions import InfiniteBoundWarning, InputError
from uq._base.sklearn import StrOptions, as_generator, validate_params
from uq._base.validation import check_count, check_level, check_same_length, check_vector

from ._batch_checks import check_combination, check_support, check_weight_work, check_weights
from ._batch_interval import Calibration, batch_interval
from ._rank_law import LARGEST
from ._statistics import SHORTCUTS, OrderStatistic, as_statistic

__all__ = ["BatchPredictor"]

METHODS = ("auto", "exact", "bound", "monte_carlo", "partition", "bonferroni")
FIXED_SEED = 20240913


@cites("lee2024")
class BatchPredictor(BaseEstimator):
    """Interval for a statistic of the next batch of outcomes.

    Calibration rows have a truth, the m rows of the batch have none yet. From the residuals of the first follows an
    interval for the mean, the sum, the median, a quantile, the least or the greatest of the second, which covers with
    the probability asked for at any number of rows and for any law.

    Parameters
    ----------
    statistic : {"mean", "sum", "median", "min", "max"} or Quantile, default "mean"
        What is asked of the batch. "median" is NumPy's, for an even batch the mean of the two middle values.
    confidence_level : float, default .9
        In (0, 1); `predict_interval` may ask another.
    alternative : {"two-sided", "less", "greater"}, default "two-sided"
        "less" gives an upper bound only, "greater" a lower bound only, as in SciPy. Two-sided puts half of the error
        on each side.
    support : (float, float), default (-inf, inf)
        The least and the greatest value that a score (a residual, where `y` is given) can have, known before the data.
        It is what a mean needs where there are few calibration rows.
    ordering : {"auto", "rank", "capped"} or array-like of int, shape (n_calibration + 1,), default "auto"
        For "mean" and "sum": by what the possible places of the batch are ordered. "rank": by the sum of the ranks,
        which needs a support; "capped": the same among the calibration scores alone, which needs
        n / (n + m) >= confidence_level and no support; an array: by the sum of a non-negative, non-decreasing integer
        weight per rank, say the rounded scores of a pilot sample. It must not come from the calibration scores.
        "auto": "rank" towards a finite end of the support, "capped" towards an infinite one.
    method : {"auto", "exact", "bound", "monte_carlo", "partition", "bonferroni"}, default "auto"
        - "exact": the exact law of the ranks and, for a mean, the exact greatest mean by dynamic programming.
        - "bound": a mean's bound by the concave majorant of the sorted scores, in O(n); a little wider.
        - "monte_carlo": the law of the ranks from 9,999 draws.
        - "partition": the statistic on disjoint batches of the calibration rows.
        - "bonferroni": each row of the batch by itself, the error divided by m; the baseline.
        - "auto": "exact" for order statistics of scores. For a mean, and for order statistics of outcomes with
          predictions, "partition" where n >= m (ceil(1/error) - 1) rows make it finite, else "exact" (for a mean
          "bound" where n^2 log m is large). Nothing else is looked at.
    random_state : None, int, RandomState or Generator, default None
        For "partition" (which rows go into one batch) and "monte_carlo". None takes a fixed seed, so that the same rows
        give the same interval.

    Attributes
    ----------
    scores_ : ndarray of shape (n_calibration,)
        Sorted residuals y - y_pred, or the sorted scores themselves.
    n_calibration_ : int
    has_predictions_ : bool
        Whether `fit` was given predictions and truth.

    Raises
    ------
    InputError
        From `fit` for NaN, infinite or no rows, lengths that differ, scores outside of `support`, and parameters that
        are unknown or do not go together.

    Warns
    -----
    InfiniteBoundWarning
        Where a side that was asked for is infinite; the message says which n or which support would make it finite.

    See Also
    --------
    RankLaw : the law that everything here is read from.

    Notes
    -----
    **Guarantee.** Finite-sample, for any law of the scores: if the calibration rows and the batch are exchangeable, the
    interval covers the statistic of the batch with at least the probability `confidence_level`. For one order statistic
    of the scores, and for "partition", the coverage is exactly `attained_level` if scores have no ties, and at least
    that if they have; elsewhere `attained_level` is a lower bound of the coverage. The probability is over calibration
    rows and batch together. It is a statement about one batch: for several batches from one calibration set it holds
    for each, not for all at once. "monte_carlo" holds on average over its draws. `support`, weights and the choice of
    statistic and method must not come from the calibration scores; comparing two methods' intervals and taking the
    shorter one voids the promise.

    With predictions, mean and sum of the outcomes are those of the predictions plus those of the residuals. For an
    order statistic "partition" compares by how much the statistic of the outcomes exceeds that of the predictions,
    batch by batch. "exact" goes through the sorted predictions, which is much wider: at least k' = ceil((k + m)/2)
    residuals lie below S_(q), so that the k-th smallest outcome lies below S_(q) plus the (k + m - k')-th smallest
    prediction.

    An interval that cannot be finite is infinite. Towards an infinite end of the support a mean needs about
    n >= m (1/error - 1) rows: whatever lies beyond the greatest calibration score can be anywhere.

    References
    ----------
    .. [1] Y. Lee, E. Tchetgen Tchetgen, E. Dobriban (2024). Batch predictive inference. arXiv:2409.13990.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import BatchPredictor
    >>> rng = np.random.default_rng(0)
    >>> y_pred = rng.normal(size=400)
    >>> y = y_pred + rng.normal(size=400)
    >>> batch = BatchPredictor("mean").fit(y_pred, y)
    >>> batch.predict_interval(np.zeros(20))
    [-0.4854, 0.4506] (90 % interval (attained 90.4762 %), method: partition, guarantee: exact)
    >>> BatchPredictor("max", alternative="less").fit(y_pred, y).predict_interval(n_test=20)  # the worst residual
    [-inf, 2.392] (90 % upper bound (attained 90.6921 %), method: exact, guarantee: exact)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "statistic": [StrOptions(set(SHORTCUTS)), OrderStatistic],
        "alternative": [StrOptions({"two-sided", "less", "greater"})],
        "ordering": [StrOptions({"auto", "rank", "capped"}), "array-like"],
        "method": [StrOptions(set(METHODS))],
    }

    def __init__(
        self,
        statistic="mean",
        confidence_level=0.9,
        alternative="two-sided",
        support=(-np.inf, np.inf),
        ordering="auto",
        method="auto",
        random_state=None,
    ):
        self.statistic = statistic
        self.confidence_level = confidence_level
        self.alternative = alternative
        self.support = support
        self.ordering = ordering
        self.method = method
        self.random_state = random_state

    def fit(self, y_pred, y=None):
        """Keep the residuals of the calibration rows.

        Parameters
        ----------
        y_pred : array-like of shape (n_calibration,) or (n_calibration, 1)
            Predictions or, where `y` is not given, the scores themselves.
        y : array-like of shape (n_calibration,), optional
            What turned out to be true.

        Returns
        -------
        self
        """
        owner = "BatchPredictor.fit"
        validate_params(self)
        check_level(self.confidence_level, "BatchPredictor")
        check_combination(self.statistic, self.ordering, self.method)
        low, high = check_support(self.support)
        scores = check_vector(y_pred, owner, "y_pred")
        if y is not None:
            predictions, truth = scores, check_vector(y, owner, "y")
            check_same_length(owner, y_pred=predictions, y=truth)
            scores = truth - predictions
        if len(scores) > LARGEST:
            raise InputError(f"{owner}: at most {LARGEST} calibration rows; got {len(scores)}.")
        if not isinstance(self.ordering, str):
            check_weights(self.ordering, len(scores))
        ordered = np.sort(scores)
        if ordered[0] < low or ordered[-1] > high:
            raise InputError(
                f"BatchPredictor: support must contain every calibration score; got ({low:g}, {high:g}) and scores "
                f"from {ordered[0]:g} to {ordered[-1]:g}. It is what a score can be, known before the data, not what "
                "was seen."
            )
        seed = FIXED_SEED
        if self.random_state is not None:
            seed = int(as_generator(self.random_state, "BatchPredictor").integers(2**63))
        self._calibration = Calibration(
            scores=ordered,
            rows=scores.copy() if y is None else scores,
            predictions=None if y is None else predictions.copy(),
            seed=seed,
        )
        self.scores_ = ordered
        self.n_calibration_ = len(ordered)
        self.has_predictions_ = y is not None
        return self

    def predict_interval(self, y_pred=None, *, n_test=None, confidence_level=None):
        """Return an interval for the statistic of one batch.

        Parameters
        ----------
        y_pred : array-like of shape (n_test,) or (n_test, 1), optional
            Predictions of the batch: the interval is for the statistic of its outcomes. Needs a `fit` with `y`.
        n_test : int, optional
            Size of the batch, in place of `y_pred`: the interval is for the statistic of its scores (residuals).
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        Interval
            With `attained_level` where it is known; `method` names what was used for each side.

        Raises
        ------
        InputError
            For NaN, infinite or no predictions, an `n_test` below 1, both or neither of the two, or predictions where
            `fit` was given scores alone.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        owner = "BatchPredictor.predict_interval"
        if (y_pred is None) == (n_test is None):
            raise InputError(f"{owner}: give one of y_pred and n_test; got {'neither' if n_test is None else 'both'}.")
        offsets = None
        if y_pred is not None:
            if not self.has_predictions_:
                raise InputError(
                    f"{owner}: fit was given scores without y, and predictions cannot be added to scores; "
                    "pass n_test=..., or fit(y_pred, y)."
                )
            offsets = check_vector(y_pred, owner, "y_pred")
            n_test = len(offsets)
        m = check_count(n_test, owner, "n_test")
        if m > LARGEST:
            raise InputError(f"{owner}: n_test must be at most {LARGEST}; got {m}.")
        level = check_level(self.confidence_level if confidence_level is None else confidence_level, owner)
        if not isinstance(self.ordering, str):
            check_weight_work(self.ordering, m)
        interval, texts = batch_interval(
            self._calibration,
            as_statistic(self.statistic),
            m,
            offsets,
            level=level,
            alternative=self.alternative,
            support=[float(end) for end in self.support],
            ordering=self.ordering if isinstance(self.ordering, str) else np.asarray(self.ordering).astype(np.int64),
            method=self.method,
        )
        if texts:
            warnings.warn(
                f"n_calibration = {self.n_calibration_} says too little about n_test = {m} for this level: "
                f"{'; '.join(texts)}.",
                InfiniteBoundWarning,
                stacklevel=2,
            )
        return interval
