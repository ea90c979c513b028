"""Intervals for p(y|x) that hold whatever the model is: one factor for its variances, from rows with two responses."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base import bounds
from uq._base.betting import betting_upper
from uq._base.citation import cite_methods, cites
from uq._base.containers import dimensions
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.record import format_number, format_percent
from uq._base.results import Interval
from uq._base.sklearn import StrOptions, validate_params
from uq._base.validation import check_level, check_number

from ._class_names import check_same_classes, class_codes, column_labels, plain
from ._pair_input import check_counts
from ._pairs import as_pairs
from ._ustatistics import squared_errors

__all__ = ["BOUNDS", "SecondOrderCalibration"]

BOUNDS = {
    "betting": betting_upper,
    "empirical_bernstein": bounds.empirical_bernstein_upper,
    "hoeffding": bounds.hoeffding_upper,
}


cite_methods(
    **{
        "second-order calibration, betting": ("johnson2024", "waudbysmith2024"),
        "second-order calibration, empirical_bernstein": ("johnson2024", "maurer2009"),
        "second-order calibration, hoeffding": ("johnson2024", "hoeffding1963"),
    }
)


@cites("johnson2024", "waudbysmith2024", "maurer2009", "hoeffding1963")
class SecondOrderCalibration(BaseEstimator):
    """Find the factor by which a model's epistemic variances must grow so that their intervals hold.

    Parameters
    ----------
    bound : {"betting", "empirical_bernstein", "hoeffding"}, default "betting"
        The upper confidence bound of the mean ratio of squared error to variance; betting is the tightest.
    confidence_level : float, default .95
        In (0, 1). Over the calibration rows: with this probability the factor is large enough.
    floor : float, default .01
        In (0, .25]. Variances below it count as so large. Chosen before the calibration rows are seen.
    target : {"top", "each"}, default "top"
        "top": p(y|x) of the class that the model finds most probable. "each": of every class, with a factor of its own
        at the level 1 - (1 - confidence_level) / n_classes, so that all factors are large enough at once.

    Attributes
    ----------
    factor_ : float, or ndarray of shape (n_classes,) for "each"
        At least 0, at most 1 / floor.
    ratio_ : float, or ndarray of shape (n_classes,)
        The mean ratio in the calibration rows; about 1 for a calibrated model whose variances exceed the floor. It may
        be negative by chance.
    n_calibration_ : int
    n_classes_ : int

    Raises
    ------
    InputError
        From `fit`, for what is no distribution of pairs, counts that are none or fewer than 2 in a row, lengths that
        differ, a frame of counts whose columns are called otherwise than the classes of `pairs` or stand in another
        order, and parameters out of range.

    Warns
    -----
    SmallSampleWarning
        From `fit`, where the rows are too few for any factor below 1 / floor, the most there can be.

    See Also
    --------
    PairDistribution.interval : what holds if the model is calibrated.
    ScaledVariance : the factor that fits on average.

    Notes
    -----
    With two responses Y1, Y2 that are independent given x, (p - 1[Y1 = y]) (p - 1[Y2 = y]) has the mean (p - p(y|x))^2
    given x; with more responses all pairs are averaged. Divided by max(V, floor) it lies in [-1/4, 1] / floor, so that
    a bound for means of bounded values gives the factor, and Markov's inequality the interval
    p +- sqrt(factor max(V, floor) / (1 - coverage)), within [0, 1]. Where V is negative the floor stands for it.

    **Guarantee.** Finite-sample, for any model and any law: if the calibration rows are independent and have the law of
    the new ones, one row per item, in an order that does not depend on the responses; if the responses to a row are
    independent given x and their number does not depend on them (where a third one is bought when two disagree, use
    the first two); and if the number of rows, the floor and the level were chosen before, then with probability at
    least `confidence_level` over the calibration rows the share of new rows whose p(y|x) lies outside of its interval
    is at most 1 - coverage, at every coverage at once. Over both together an interval misses with probability at most
    (1 - confidence_level) + (1 - coverage). The share is over all rows; single kinds of row may be missed more. With
    "each" it holds for every class by itself, not for all classes of one row at once (ask for coverage
    1 - (1 - coverage) / n_classes then). The model must not have been trained on the calibration rows. It is a cautious
    interval: Markov's inequality costs a good part of its length.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.
    .. [2] I. Waudby-Smith, A. Ramdas (2024). Estimating means of bounded random variables by betting. arXiv:2010.09686.
    .. [3] A. Maurer, M. Pontil (2009). Empirical Bernstein bounds and sample variance penalization. arXiv:0907.3740.

    Examples
    --------
    A model that says .3 for all items, two votes on each, and no idea of the truth beyond it:

    >>> import numpy as np
    >>> from uq.epistemic import PairDistribution, SecondOrderCalibration
    >>> rng = np.random.default_rng(0)
    >>> votes = rng.binomial(2, rng.beta(1.5, 3.5, 2000))
    >>> joint = np.tile([[.6, .1], [.1, .2]], (2000, 1, 1))
    >>> calibrated = SecondOrderCalibration().fit(PairDistribution(joint), np.column_stack([2 - votes, votes]))
    >>> round(calibrated.factor_, 2)
    0.46
    >>> print(calibrated.predict_interval(PairDistribution(joint[:2]), coverage=.8))
    80 % interval
     lower  upper
    0.1983      1
    0.1983      1
    method: second-order calibration, betting, factor 0.4577 at 95 %, guarantee: finite-sample
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "bound": [StrOptions(set(BOUNDS))],
        "target": [StrOptions({"top", "each"})],
    }

    def __init__(self, bound="betting", confidence_level=0.95, floor=0.01, target="top"):
        self.bound = bound
        self.confidence_level = confidence_level
        self.floor = floor
        self.target = target

    def fit(self, pairs, y):
        """Learn the factor from rows that the model was not trained on.

        Parameters
        ----------
        pairs : PairDistribution or array-like of shape (n_calibration, n_classes, n_classes)
            What the model says.
        y : array-like of shape (n_calibration, n_classes)
            Counts of responses, two or more per row, independent given x; as many as were planned before any was seen.

        Returns
        -------
        self
        """
        owner = "SecondOrderCalibration.fit"
        validate_params(self)
        level = check_level(self.confidence_level, "SecondOrderCalibration")
        floor = check_number(self.floor, "SecondOrderCalibration", "floor", low=0, high=0.25, closed=True)
        if not floor >= 1e-9:
            raise InputError(f"SecondOrderCalibration: floor must be a number in [1e-9, .25]; got {floor:g}.")
        pairs = as_pairs(pairs, owner)
        counts = check_counts(y, owner, n=len(pairs), k=pairs.n_classes, classes=pairs.classes)
        ratios = squared_errors(counts, pairs.marginal) / np.maximum(pairs.epistemic_variance, floor)
        alpha = 1 - level
        if self.target == "top":
            ratios = np.take_along_axis(ratios, pairs.marginal.argmax(axis=1)[:, None], axis=1)
        elif pairs.n_classes > 2:  # the two classes of one row have the same error and the same variance
            alpha /= pairs.n_classes
        low, high = -0.25 / floor, 1 / floor
        upper = BOUNDS[self.bound]
        factor = np.array([max(float(upper(column, alpha, low, high)), 0.0) for column in ratios.T])
        if (factor >= high).any():
            warnings.warn(
                f"{owner}: {len(pairs)} rows allow no factor below 1 / floor = {high:g}, the most there can be, so "
                "that the intervals say little. Use more calibration rows, or a larger floor.",
                SmallSampleWarning,
                stacklevel=2,
            )
        each = self.target == "each"
        self.factor_ = factor if each else float(factor[0])
        self.ratio_ = ratios.mean(axis=0) if each else float(ratios.mean())
        self.n_calibration_, self.n_classes_ = len(pairs), pairs.n_classes
        self._fitted = (self.bound, level, floor, each)
        self._classes = column_labels(y, owner, "y") if pairs.classes is None else pairs.classes
        return self

    def predict_interval(self, pairs, coverage=0.9, *, y=None):
        """Return an interval for p(y|x) of each row.

        Parameters
        ----------
        pairs : PairDistribution or array-like of shape (n_samples, n_classes, n_classes)
            What the model says of other rows.
        coverage : float, default .9
            In (0, 1). Over rows: the share whose p(y|x) lies in its interval.
        y : label, optional
            For ``target="each"``, where it must be given: the class, as `pairs` call it, else as `fit` did. For "top"
            and two classes either may be asked.

        Returns
        -------
        Interval
            One per row, within [0, 1], with the caller's index. Its level is `coverage`; the level over calibration
            rows stands in its `method`.

        Raises
        ------
        InputError
            For other classes than in `fit` or another order of them, a coverage outside (0, 1), and a `y` that is
            missing or not to be asked.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        owner = "SecondOrderCalibration.predict_interval"
        coverage = check_level(coverage, owner, "coverage")
        pairs = as_pairs(pairs, owner)
        if pairs.n_classes != self.n_classes_:
            raise InputError(f"{owner}: pairs must have the {self.n_classes_} classes of fit; got {pairs.n_classes}.")
        check_same_classes(pairs.classes, self._classes, owner, "pairs", "fit")
        bound, level, floor, each = self._fitted
        columns = self._target(pairs, y, each, owner)
        m, variance = (
            np.take_along_axis(a, columns[:, None], axis=1)[:, 0] for a in (pairs.marginal, pairs.epistemic_variance)
        )
        factor = float(np.atleast_1d(self.factor_)[columns[0] if each else 0])
        half = np.sqrt(factor * np.maximum(variance, floor) / (1 - coverage))
        return Interval(
            lower=np.maximum(m - half, 0.0),
            upper=np.minimum(m + half, 1.0),
            confidence_level=coverage,
            guarantee="finite-sample",
            method=f"second-order calibration, {bound}, factor {format_number(factor)} at {format_percent(level)}",
            index=pairs.index,
        )

    def _target(self, pairs, y, each, owner):
        if each and (y is None or dimensions(y) > 0):
            raise InputError(f"{owner}: y must name one class where target='each'; got {plain(y)!r:.100}.")
        if not each and y is not None and self.n_classes_ > 2:
            raise InputError(
                f"{owner}: y must be None where target='top', whose factor holds for the most probable class alone; "
                f"got {plain(y)!r:.100}. Fit with target='each'."
            )
        if y is None:
            return pairs.marginal.argmax(axis=1)
        classes = self._classes if pairs.classes is None else pairs.classes
        return class_codes(y, classes, len(pairs), pairs.n_classes, owner)
