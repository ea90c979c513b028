"""Conformal answers for a whole batch: at least so large a share of its rows is covered, with known probability."""

import warnings
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.exceptions import InfiniteBoundWarning, InputError
from uq._base.sklearn import StrOptions
from uq._base.validation import check_level, check_number

from ._calibrated import SCORES, calibrate, predicted_interval, predicted_set
from ._levels import as_fraction, ceil_product
from ._order_law import least_calibration, least_rank, order_cdf
from ._rank_law import LARGEST

__all__ = ["BatchLaw", "SimultaneousConformal"]


class BatchLaw:
    """How many of m new scores fall into some of the n + 1 gaps: at least k of them, with the level asked for."""

    def __init__(self, m, k, level):
        self.m, self.k, self.level = m, k, level
        self._share = as_fraction(level)

    def kept(self, n):
        """Return how many gaps hold at least k of the scores with the level asked for."""
        return least_rank(n, self.m, self.k, self._share)

    def attained(self, n, kept):
        """Return the probability that at least k scores are in so many gaps."""
        return order_cdf(n, self.m, self.k, kept)

    def needed(self, spare):
        """Return the least n that leaves so many gaps out, None where it is beyond reach."""
        return least_calibration(self.m, self.k, self._share, spare)


@cites("lee2024", "vovk2022", "romano2019", "sadinle2019", "romano2020")
class SimultaneousConformal(BaseEstimator):
    """Intervals or sets of classes for a batch, of which at least the fraction `coverage` holds the truth.

    `SplitConformal` covers each row with probability .9, and then fewer than 90 of 100 rows almost half of the time.
    Here the promise is about the batch at hand: with probability `confidence_level`, at least ceil(coverage m) of its
    m rows are covered. The answers are as wide as that needs, no wider, and they depend on m.

    Parameters
    ----------
    score : {"absolute", "signed", "normalized", "quantile", "lac", "aps"} or callable, default "absolute"
        As in `SplitConformal`.
    confidence_level : float, default .9
        In (0, 1), the probability that the batch is covered as far as promised; `predict_interval` and `predict_set`
        may ask another.
    coverage : float, default .9
        In (0, 1], the fraction of the rows of the batch. 1 means every row.

    Attributes
    ----------
    scores_ : ndarray of shape (n_calibration,)
        Sorted scores.
    n_calibration_ : int
    classes_ : ndarray of shape (n_classes,) or None
        The label of each column of probabilities.

    Raises
    ------
    InputError
        From `fit`, for NaN, infinite or no rows, lengths that differ, an unknown score, a `coverage` outside (0, 1],
        and input that the score cannot use (see `fit`).

    Warns
    -----
    InfiniteBoundWarning
        From `predict_interval` and `predict_set`, once, where there are too few calibration rows for this batch: the
        intervals are then infinite and the sets are full. The message says how many rows would do.

    See Also
    --------
    SplitConformal : a promise for each row by itself, and the meaning of the scores.
    RankLaw : the law of the ranks that the level is read from.

    Notes
    -----
    With k = ceil(coverage m), both taken as the decimal fractions that were written, the threshold is the z-th smallest
    calibration score, z the least with P(R_k <= z) >= confidence_level, where R_k is the place of the k-th smallest of
    the m new scores among the n old ones: z + k - 1 of the n + m pooled places hold at least k new scores, a
    hypergeometric tail. For "signed", which has two thresholds, the numbers of new scores in the n + 1 gaps between old
    ones are exchangeable, so that equally many gaps may be left out at both ends.

    **Guarantee.** Finite-sample, for any model and any law: if the calibration rows and the batch are exchangeable (and
    the model was not trained on them), at least ceil(coverage m) of the m rows are covered with probability
    `attained_level`, which is at least `confidence_level`, if the scores have no ties; with ties the probability is at
    least that, as it is for "aps", for a callable and where two quantiles crossed. It is over calibration rows and
    batch together, and about one batch: for several batches from one calibration set it holds for each, not for all at
    once. Rows must not be added, dropped or picked after the answer was seen: a part of the batch is another batch.
    `uq.coverage_report` compares the share of covered rows with `confidence_level`, which here is the probability for
    the batch: hold its `coverage` against the parameter `coverage` instead.

    References
    ----------
    .. [1] Y. Lee, E. Tchetgen Tchetgen, E. Dobriban (2024). Batch predictive inference. arXiv:2409.13990.
    .. [2] Y. Romano, E. Patterson, E. Candès (2019). Conformalized quantile regression. arXiv:1905.03222.
    .. [3] M. Sadinle, J. Lei, L. Wasserman (2019). Least ambiguous set-valued classifiers with bounded error levels.
       arXiv:1609.00451.
    .. [4] Y. Romano, M. Sesia, E. Candès (2020). Classification with valid and adaptive coverage. arXiv:2006.02544.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import SimultaneousConformal
    >>> rng = np.random.default_rng(0)
    >>> y_pred = rng.normal(size=300)
    >>> y = y_pred + rng.normal(size=300)
    >>> batch = SimultaneousConformal(coverage=.9).fit(y_pred, y).predict_interval(np.zeros(100))
    >>> batch.method, round(batch.attained_level, 4)
    ('simultaneous, absolute: 90 of 100 rows', 0.9029)
    >>> float(batch.width[0].round(3))  # 3.033 for each row by itself, as SplitConformal would have it
    3.427
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"score": [StrOptions(set(SCORES)), callable]}

    def __init__(self, score="absolute", confidence_level=0.9, coverage=0.9):
        self.score = score
        self.confidence_level = confidence_level
        self.coverage = coverage

    def fit(self, y_pred, y, y_std=None, classes=None):
        """Keep the sorted scores of the calibration rows.

        Parameters
        ----------
        y_pred : array-like of shape (n_calibration,), (n_calibration, 2) or (n_calibration, n_classes)
            Predictions; a low and a high quantile for "quantile"; probabilities for "lac" and "aps" (one column is
            P(y = the second class)); whatever a callable takes.
        y : array-like of shape (n_calibration,)
            What turned out to be true: numbers, or labels.
        y_std : array-like of shape (n_calibration,), optional
            The model's own standard deviation, for "normalized" alone, which needs it. Positive.
        classes : array-like of shape (n_classes,), optional
            The label of each column of probabilities, such as ``model.classes_``. By default the names of the columns
            of a frame, where they are the labels of `y`, else the sorted labels of `y`, which must then be as many.

        Returns
        -------
        self
        """
        _check_coverage(self.coverage)
        return calibrate(self, y_pred, y, y_std, classes=classes)

    def predict_interval(self, y_pred, y_std=None, confidence_level=None):
        """Return the intervals of one batch.

        Parameters
        ----------
        y_pred : array-like of shape (n_test,) or (n_test, 2)
            As in `fit`: all rows of the batch, and no others.
        y_std : array-like of shape (n_test,), optional
            For "normalized".
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        Interval
            One per row, with the caller's index; `attained_level` is the probability that at least ceil(coverage
            n_test) of them hold the truth.

        Raises
        ------
        InputError
            For NaN, infinite or no rows, lengths that differ, a missing or needless `y_std`, a level outside (0, 1),
            and a score of classes.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        owner = "SimultaneousConformal.predict_interval"
        interval, text = predicted_interval(
            self._calibrated, y_pred, y_std, None, owner, self._law(owner, confidence_level)
        )
        if text:
            warnings.warn(text, InfiniteBoundWarning, stacklevel=2)
        return interval

    def predict_set(self, y_prob, confidence_level=None):
        """Return the sets of classes of one batch.

        Parameters
        ----------
        y_prob : array-like of shape (n_test, n_classes) or (n_test,)
            Probabilities, with the columns of `fit`: all rows of the batch, and no others.
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        PredictionSet
            One set per row, with the caller's index; `attained_level` is the probability that at least ceil(coverage
            n_test) of them hold the truth.

        Raises
        ------
        InputError
            For NaN, negative or no probabilities, rows that do not sum to 1 (within .001), other columns than in `fit`,
            a level outside (0, 1), and a score of outcomes.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        owner = "SimultaneousConformal.predict_set"
        sets, text = predicted_set(self._calibrated, y_prob, None, owner, self._law(owner, confidence_level))
        if text:
            warnings.warn(text, InfiniteBoundWarning, stacklevel=2)
        return sets

    def _law(self, owner, confidence_level):
        level = check_level(self.confidence_level if confidence_level is None else confidence_level, owner)
        coverage = _check_coverage(self.coverage)

        def make(m):
            if m > LARGEST:
                raise InputError(f"{owner}: at most {LARGEST} rows in a batch; got {m}.")
            k = ceil_product(coverage, m)
            return BatchLaw(m, k, level), f"simultaneous, {{}}: {k} of {m} rows"

        return make


def _check_coverage(coverage):
    remedy = "90 % of the rows are written .9; 1 means every row."
    value = check_number(coverage, "SimultaneousConformal", "coverage", low=0, high=1, closed=True, remedy=remedy)
    if value == 0:
        raise InputError(f"SimultaneousConformal: coverage must be a number in (0, 1]; got {coverage!r}. {remedy}")
    return value
