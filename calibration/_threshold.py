"""From a score to a decision: the threshold that a metric likes best, and what it is worth on other rows."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.exceptions import InputError
from uq._base.sklearn import HasMethods, Range, StrOptions, as_generator, validate_params
from uq._base.validation import check_binary, check_groups, check_same_length, check_vector, check_weights

from ._folds import make_folds
from ._threshold_core import COUNTED, best_plateau, middle, sweep_callable, sweep_counts

__all__ = ["ThresholdCalibration"]


class ThresholdCalibration(BaseEstimator):
    """The threshold on a score that makes a metric of the decisions largest, and an honest value of that metric.

    Parameters
    ----------
    metric : {"f1", "accuracy", "balanced_accuracy"} or callable, default "f1"
        What to make large. A callable is called as ``metric(y_true, y_pred)`` (with ``sample_weight=`` where weights
        are given) once per distinct score, and returns a finite number; the named ones take one sort.
    cv : int, splitter, iterable or None, default 5
        How the honest value is found: thresholds are learnt on the other folds, and decide in the fold left out. An int
        deals rows of both classes evenly, whole clusters where `groups` are given. None: no honest value.
    random_state : int, RandomState, Generator or None, default None
        For dealing the folds; the threshold does not depend on it.

    Attributes
    ----------
    threshold_ : float
        Scores of at least `threshold_` are decided 1. The middle of `plateau_`; infinite where that has no end.
    plateau_ : tuple of float
        (low, high]: all these thresholds decide the rows of `fit` alike well; the widest such interval.
    train_score_ : float
        The metric on the rows of `fit`: the largest that any threshold reaches there, hence optimistic.
    cv_score_ : float or None
        The metric of the decisions in the folds left out, all folds taken together.
    optimism_ : float or None
        ``train_score_ - cv_score_``.

    Raises
    ------
    InputError
        From `fit` for NaN, infinite or no values, a `y` that is not 0/1 or holds one class only, lengths that differ,
        bad weights or groups, parameters out of range, and a metric that gives no finite number.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : for a classifier rather than stored scores.

    Notes
    -----
    The metric can change only at a score that occurs, so that a sweep over the distinct scores misses nothing, which a
    grid of thresholds may.

    **Guarantee.** None for `threshold_` and `train_score_`. `cv_score_` is the metric of decisions that never saw their
    own outcome, so it is free of the choice of the threshold but for the smaller training sets: nearly unbiased for
    metrics that are means, approximately for F1. It has no error bar of its own; for one, apply `predict` to fresh rows
    and use `uq.estimate_metric`.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import ThresholdCalibration
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 300)
    >>> similarity = .5 + .2 * y + .15 * rng.normal(size=300)
    >>> threshold = ThresholdCalibration("f1", random_state=0).fit(similarity, y)
    >>> round(threshold.threshold_, 3), round(threshold.train_score_, 3), round(threshold.cv_score_, 3)
    (0.534, 0.828, 0.801)
    >>> threshold.predict([.4, .6])
    array([0, 1])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "metric": [StrOptions(set(COUNTED)), HasMethods("__call__")],
        "cv": [
            Range(Integral, 2, None, closed="left"),
            HasMethods(["split", "get_n_splits"]),
            HasMethods("__iter__"),
            None,
        ],
        "random_state": ["random_state", HasMethods("spawn")],
    }

    def __init__(self, metric="f1", cv=5, random_state=None):
        self.metric = metric
        self.cv = cv
        self.random_state = random_state

    def fit(self, scores, y, sample_weight=None, groups=None):
        """Find the threshold and its honest value.

        Parameters
        ----------
        scores : array-like of shape (n_samples,) or (n_samples, 1)
            High where 1 is likely; any scale.
        y : array-like of shape (n_samples,)
            0 or 1; both must occur.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights.
        groups : array-like of shape (n_samples,), optional
            Cluster labels: a cluster is never on both sides of a fold.

        Returns
        -------
        self
        """
        owner = "ThresholdCalibration.fit"
        validate_params(self)
        rng = as_generator(self.random_state, "ThresholdCalibration")
        scores = check_vector(scores, owner, "scores")
        y = check_binary(check_vector(y, owner, "y"), owner, "y")
        n = check_same_length(owner, scores=scores, y=y)
        weights = check_weights(sample_weight, owner, n)
        codes = None if groups is None else check_groups(groups, owner, n)[0]
        seen = y if weights is None else y[weights > 0]
        if (seen == seen[0]).all():
            raise InputError(
                f"{owner}: y must hold both 0 and 1 (with positive weight); got only {seen[0]:g}. No threshold can be "
                "judged on one class."
            )
        folds = None if self.cv is None else make_folds(self.cv, y, codes, rng, owner)
        threshold, plateau, train_score = self._choose(scores, y, weights, owner)
        cv_score = None if folds is None else self._honest(scores, y, weights, folds, owner)
        self.threshold_, self.plateau_, self.train_score_ = threshold, plateau, train_score
        self.cv_score_ = cv_score
        self.optimism_ = None if cv_score is None else train_score - cv_score
        return self

    def predict(self, scores):
        """Decide: 1 where the score is at least the threshold, else 0.

        Parameters
        ----------
        scores : array-like of shape (n_samples,) or (n_samples, 1)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        check_is_fitted(self)
        return (check_vector(scores, "ThresholdCalibration.predict", "scores") >= self.threshold_).astype(np.int64)

    def _choose(self, scores, y, weights, owner):
        if isinstance(self.metric, str):
            unique, values = sweep_counts(scores, y, weights, self.metric)
        else:
            unique, values = sweep_callable(scores, y, weights, lambda y, decided, w: self._value(y, decided, w, owner))
        plateau = best_plateau(unique, values)
        return middle(*plateau), plateau, float(values.max())

    def _honest(self, scores, y, weights, folds, owner):
        """Return the metric of all held-out decisions together."""
        held, decisions = [], []
        for train, test in folds:
            some = None if weights is None else weights[train]
            if some is not None and not some.any():
                raise InputError(f"{owner}: sample_weight must be positive somewhere outside each fold; one is all 0.")
            threshold = self._choose(scores[train], y[train], some, owner)[0]
            held.append(test)
            decisions.append((scores[test] >= threshold).astype(np.float64))
        rows, decided = np.concatenate(held), np.concatenate(decisions)
        weights = None if weights is None else weights[rows]
        if not isinstance(self.metric, str):
            return self._value(y[rows], decided.astype(np.int64), weights, owner)
        w = np.ones(len(rows)) if weights is None else weights
        tp, fp = w @ (y[rows] * decided), w @ ((1 - y[rows]) * decided)
        fn, tn = w @ (y[rows] * (1 - decided)), w @ ((1 - y[rows]) * (1 - decided))
        return float(COUNTED[self.metric](tp, fp, fn, tn))

    def _value(self, y, decided, weights, owner):
        y = y.astype(np.int64)
        value = self.metric(y, decided) if weights is None else self.metric(y, decided, sample_weight=weights)
        value = np.asarray(value, dtype=np.float64)
        if value.ndim or not np.isfinite(value):
            raise InputError(
                f"{owner}: metric must return one finite number; got {value!r:.100} for {int(decided.sum())} of "
                f"{len(decided)} decisions that are 1. Define it there too: f1_score(..., zero_division=0), say."
            )
        return float(value)
