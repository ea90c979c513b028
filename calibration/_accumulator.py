"""The binned calibration error of rows that come in parts: what is kept of them is a few numbers per bin."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.random import check_rng
from uq._base.results import Interval
from uq._base.sklearn import Range, validate_params
from uq._base.validation import check_alternative, check_count, check_level

from ._binned import MOST_BINS, check_debias, check_norm, check_pair, reported, warn_thin
from ._cells import Cells, binned_error, uniform_sums
from ._forecast import check_forecast
from ._grid_interval import grid_interval
from ._reliability import ReliabilityCurve

__all__ = ["BinnedCalibrationError"]

OWNER = "BinnedCalibrationError"


@cites("naeini2015", "kumar2019")
class BinnedCalibrationError(BaseEstimator):
    """The binned calibration error of forecasts that come in batches or partitions.

    It keeps three numbers per bin and outcome. Partitions are summed up apart, merged in any order, and asked once.

    Parameters
    ----------
    n_bins : int, default 15
        Equal bins of [0, 1]. A probability on an edge belongs to the upper bin, 1 to the last.

    Attributes
    ----------
    counts_ : ndarray of int64, shape (n_bins, 2)
        Rows of each bin whose event did not happen, and those whose did.
    prob_sums_, prob_squares_ : ndarray of shape (n_bins, 2)
        Sums of the probabilities of these rows and of their squares.
    n_samples_ : int
    n_classes_ : int
        1 for a binary forecast.

    See Also
    --------
    expected_calibration_error : the same of arrays; with weights, clusters, other bins and other reductions.

    Notes
    -----
    **Guarantee.** `merge` is exact: counts are whole numbers, so that any order of any partitions gives those of all
    rows at once, and sums of probabilities agree up to rounding. For what `error` promises see
    `expected_calibration_error`, and for `interval` its own notes. Rows must be independent; clusters that lie across
    partitions cannot be known here.

    Examples
    --------
    >>> from functools import reduce
    >>> import numpy as np
    >>> from calibration import BinnedCalibrationError
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(3000)
    >>> y = rng.random(3000) < p**1.2
    >>> parts = [BinnedCalibrationError().fit(p[rows], y[rows]) for rows in np.split(np.arange(3000), 3)]
    >>> total = reduce(lambda a, b: a.merge(b), parts)
    >>> round(total.error(), 4), total.n_samples_
    (0.0577, 3000)
    >>> total.interval(n_resamples=999, rng=1)
    [0.03369, 0.06833] (95 % interval, method: grid bootstrap, guarantee: asymptotic)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"n_bins": [Range(Integral, 1, MOST_BINS, closed="both")]}

    def __init__(self, n_bins=15):
        self.n_bins = n_bins

    def fit(self, y_prob, y, classes=None):
        """Forget what was seen, and sum up these rows; parameters as in `partial_fit`."""
        return self._take(y_prob, y, classes, f"{OWNER}.fit", fresh=True)

    def partial_fit(self, y_prob, y, classes=None):
        """Add rows.

        Parameters
        ----------
        y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
            P(y = 1), or a probability per class, of which the largest is held against whether its class came true.
        y : array-like of shape (n_samples,)
            0 and 1; labels where there are columns per class.
        classes : array-like of shape (n_classes,), optional
            The label of each column. Needed wherever a batch does not hold all labels, but for 0 ... n_classes - 1 with
            0 among them.

        Returns
        -------
        self
        """
        return self._take(y_prob, y, classes, f"{OWNER}.partial_fit", fresh=False)

    def _take(self, y_prob, y, classes, owner, fresh):
        validate_params(self)
        forecast = check_forecast(y, y_prob, owner, classes=classes, soft=False, y_name="y")
        n_classes = 1 if forecast.binary else forecast.p.shape[1]
        fresh = fresh or not hasattr(self, "counts_")
        if not fresh:
            self._check_same(n_classes, len(self.counts_), owner, "the rows before", self.n_bins)
        p, y = forecast.confidence()
        sums = uniform_sums(p, y, int(self.n_bins))
        return self._keep(sums if fresh else _added(self._sums(), sums), n_classes)

    def _keep(self, sums, n_classes):
        self.counts_, self.prob_sums_, self.prob_squares_ = sums
        self.n_samples_, self.n_classes_ = int(sums[0].sum()), n_classes
        return self

    def _check_same(self, n_classes, n_bins, owner, whose, asked):
        if n_bins != asked:
            raise InputError(f"{owner}: n_bins must be the same for all parts; got {asked}, and {n_bins} of {whose}.")
        if n_classes != self.n_classes_:
            raise InputError(
                f"{owner}: all parts must be forecasts of one kind; got {_kind(n_classes)}, and {whose} have "
                f"{_kind(self.n_classes_)}."
            )

    def _sums(self):
        return self.counts_, self.prob_sums_, self.prob_squares_

    def merge(self, other):
        """Return a new accumulator of the rows of both, which stay as they are.

        Parameters
        ----------
        other : BinnedCalibrationError
            With as many bins, of the same kind of forecast. One without rows changes nothing.

        Returns
        -------
        BinnedCalibrationError
        """
        owner = f"{OWNER}.merge"
        if not isinstance(other, BinnedCalibrationError):
            raise InputError(f"{owner}: other must be a {OWNER}; got {type(other).__name__}.")
        if self.n_bins != other.n_bins:
            raise InputError(f"{owner}: n_bins must be the same for all parts; got {self.n_bins} and {other.n_bins}.")
        merged = type(self)(n_bins=self.n_bins)
        if not hasattr(other, "counts_") or not hasattr(self, "counts_"):
            part = self if hasattr(self, "counts_") else other
            return (
                merged._keep([a.copy() for a in part._sums()], part.n_classes_) if hasattr(part, "counts_") else merged
            )
        self._check_same(other.n_classes_, len(other.counts_), owner, "the rows before", len(self.counts_))
        return merged._keep(_added(self._sums(), other._sums()), self.n_classes_)

    def error(self, norm: Any = 1, debias: bool | str = False, squared=False) -> float:
        """Return the calibration error of all rows; see `expected_calibration_error` for what it means.

        Parameters
        ----------
        norm : {1, 2, inf}, default 1
        debias : bool or {"residual", "outcome"}, default False
            For norm 1 and 2.
        squared : bool, default False
            For norm 2: the mean square, which keeps its sign where it is debiased.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        owner = f"{OWNER}.error"
        norm, debias = check_norm(norm, owner), check_debias(debias, owner)
        check_pair(norm, debias, squared, owner)
        cells = self._cells()
        if debias:
            warn_thin(cells)
        return reported(binned_error(cells, norm, debias), norm, squared)

    def _cells(self):
        count, happened = self.counts_.sum(axis=1), self.counts_[:, 1].astype(np.float64)
        squares = self.prob_squares_.sum(axis=1) - 2 * self.prob_sums_[:, 1] + happened
        residual = self.prob_sums_.sum(axis=1) - happened
        # rounding alone can put the mean square below the square of the mean
        squares = np.maximum(squares, residual**2 / np.maximum(count, 1))
        weight = count.astype(np.float64)
        return Cells(count, weight, residual, weight, squares, happened)

    def interval(
        self,
        confidence_level=0.95,
        alternative="two-sided",
        *,
        norm: Any = 1,
        squared=False,
        n_resamples=9999,
        rng=None,
    ) -> Interval:
        """Return a bootstrap interval of the calibration error on these bins, at the cost of the bins.

        Parameters
        ----------
        confidence_level : float, default .95
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
        norm : {1, 2}, default 1
        squared : bool, default False
            For norm 2: an interval of the mean square, whose lower end may be negative.
        n_resamples : int, default 9999
        rng : None, int or numpy.random.Generator, optional

        Returns
        -------
        Interval
            Its middle is not `error()`, which is biased upwards.

        Raises
        ------
        InputError
            For other norms, whose largest gap resampling cannot judge, and options out of range.

        Warns
        -----
        SmallSampleWarning
            Below 30 rows; in norm 1 also where bins with fewer than 5 rows hold more than a tenth of them: the lower
            end is then 0.

        Notes
        -----
        **Guarantee.** Asymptotic, for independent rows and the error of infinitely many rows on these bins. In
        simulation with 10 rows or more per bin (100 to 1,000 rows) nominal 95 % covered 85 to 100 % (norm 1) and 97 to
        100 % (norm 2), calibrated forecasts and those of rare events included (.002 to .02, 100 to 500 rows: above
        99 %). A bin with few events that is far off falls short in norm 1 (forecasts of .3 for a share of .03, 100
        rows: 81 %).

        It is no test of calibration: see `calibration_test`. Percentiles of resampled errors would be worse: resampling
        adds the upward bias a second time, and with 15 bins and 500 rows of a calibrated forecast they never held the
        truth, 0.

        Resampled are the counts of bin and outcome, a multinomial law, which is the bootstrap of rows to the letter;
        sums of probabilities inside of them by their normal law, which is exact where the probabilities of a bin are
        equal. Bins whose outcomes all agree show no variation: the exact binomial law of none among so many rows takes
        its place.

        Norm 1 reflects the resampled errors about the estimate, and ends at 0 at the lowest. What noise adds depends on
        the true gap of each bin and is most where that is 0: so the lower end takes gaps within two standard errors
        (or sqrt(2 log n_bins)) for 0, and the upper end takes them as they are. Norm 2 is the interval of the square,
        centred at the debiased value and symmetric, as wide as the upper tail of its resampled error asks; a negative
        end has the root 0.
        """
        check_is_fitted(self)
        owner = f"{OWNER}.interval"
        level, side = check_level(confidence_level, owner), check_alternative(alternative, owner)
        norm = check_norm(norm, owner)
        check_pair(norm, False, squared, owner)
        n_resamples = check_count(n_resamples, owner, "n_resamples")
        rng = check_rng(rng, owner)
        return grid_interval(self._sums(), self._cells(), norm, squared, level, side, n_resamples, rng, owner)

    def curve(self) -> ReliabilityCurve:
        """Return the reliability curve: share of events against mean probability, of the bins that hold rows.

        Returns
        -------
        ReliabilityCurve
            With `count`, the rows of each bin, which are its `histogram` too (of at most 100 bins).

        Notes
        -----
        **Guarantee.** None: points without a band. `reliability_curve` draws bands from the rows themselves.
        """
        check_is_fitted(self)
        count = self.counts_.sum(axis=1)
        some = count > 0
        binary = self.n_classes_ == 1
        return ReliabilityCurve(
            x=self.prob_sums_.sum(axis=1)[some] / count[some],
            y=self.counts_[some, 1] / count[some],
            count=count[some],
            method=f"{self.n_bins} bins",
            x_label="mean probability" if binary else "mean confidence",
            y_label="share of events" if binary else "accuracy",
            histogram=count if len(count) <= 100 else None,
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "counts_")


def _kind(n_classes):
    return "P(y = 1)" if n_classes == 1 else f"{n_classes} columns"


def _added(these, those):
    return tuple(a + b for a, b in zip(these, those, strict=True))
