"""Boosting for multicalibration: the log-odds of one bin of one subgroup after the other are corrected."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.sklearn import Range, StrOptions

from ._bins import uniform_bins
from ._multicalibration_error import MOST_BINS, cell_sums, check_subgroups
from ._recalibrator import LIMIT, OneVsRest

__all__ = ["MulticalibrationBoosting"]


@cites("hebert2018")
class MulticalibrationBoosting(OneVsRest):
    """Correct the log-odds of one bin of one subgroup after the other, as long as some deviate by more than chance.

    Parameters
    ----------
    n_bins : int, default 10
        Bins of equal width of the current probability.
    threshold : float, default 3.5
        Standard errors by which the residuals of a cell (a bin of a subgroup) must differ from 0 to be corrected.
    max_rounds : int, default 500
        The most corrections.
    min_weight : float, default 20
        Cells with fewer rows (less weight) are left alone.
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds.

    Attributes
    ----------
    n_rounds_ : ndarray of shape (n_maps,)
        Number of corrections of each map, one map for one or two columns, one per class for more.
    n_subgroups_ : int
    classes_ : ndarray of shape (n_classes,) or None

    Raises
    ------
    InputError
        From `fit` and `predict_proba`, for probabilities outside [0, 1] or rows that do not sum to 1, missing values,
        no rows, lengths that differ, labels of no column, subgroups that are not boolean or not those of fit.

    Warns
    -----
    UserWarning
        Where `max_rounds` corrections were not enough.

    See Also
    --------
    multicalibration_error : what it lowers.

    Notes
    -----
    Each round looks at all cells, of all rows together and of each subgroup, and moves the log-odds in the one whose
    residuals are furthest from 0 in standard errors, towards the mean outcome, never past it. y may hold shares in
    [0, 1]. More than two classes are corrected one against the rest and normalised.

    **Guarantee.** None for later rows: at the end every cell of at least `min_weight` of the rows of fit is within
    `threshold` standard errors of calibrated (one or two columns). The log loss in sample falls with each round.

    References
    ----------
    .. [1] U. Hebert-Johnson, M. Kim, O. Reingold, G. Rothblum (2018). Multicalibration: calibration for the
       (computationally-identifiable) masses. arXiv:1711.08513.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import MulticalibrationBoosting, multicalibration_error
    >>> rng = np.random.default_rng(0)
    >>> p, women = rng.random(4000), rng.random(4000) < .3
    >>> y = rng.random(4000) < np.where(women, p**2, p)
    >>> boosting = MulticalibrationBoosting().fit(p, y, subgroups=women[:, None])
    >>> better = boosting.predict_proba(p, subgroups=women[:, None])
    >>> error = multicalibration_error(y, p, women[:, None], scale="subgroup")
    >>> round(error, 2), round(multicalibration_error(y, better, women[:, None], scale="subgroup"), 2)
    (0.16, 0.06)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_bins": [Range(Integral, 1, MOST_BINS, closed="both")],
        "threshold": [Range(Real, 0, 1e6, closed="neither")],
        "max_rounds": [Range(Integral, 1, 10**6, closed="both")],
        "min_weight": [Range(Real, 0, 1e300, closed="neither")],
        "input": [StrOptions({"prob", "logit"})],
    }

    def __init__(self, n_bins=10, threshold=3.5, max_rounds=500, min_weight=20.0, input="prob"):
        self.n_bins = n_bins
        self.threshold = threshold
        self.max_rounds = max_rounds
        self.min_weight = min_weight
        self.input = input

    def fit(self, y_prob, y, subgroups=None, *, sample_weight=None, classes=None):  # type: ignore[override]
        """Learn the corrections from held-out outputs and what turned out to be true.

        Parameters
        ----------
        y_prob : array-like of shape (n_samples,), (n_samples, 1) or (n_samples, n_classes)
            P(y = 1), or one column per class; logits where ``input="logit"``.
        y : array-like of shape (n_samples,)
            0, 1 or shares for one column; labels for several.
        subgroups : array-like of bool, shape (n_samples, n_subgroups), optional
            Who belongs to which; they may overlap. None: all rows together alone.
        sample_weight : array-like of shape (n_samples,), optional
            Counted as rows, also by `min_weight`.
        classes : array-like of shape (n_classes,), optional
            The label of each column.

        Returns
        -------
        self
        """
        return self._fit(y_prob, y, sample_weight, classes, lambda n, owner: check_subgroups(subgroups, n, owner))

    def predict_proba(self, y_prob, subgroups=None):
        """Return the corrected probabilities; the estimator does not change.

        Parameters
        ----------
        y_prob : array-like of the shape of fit
        subgroups : array-like of bool, shape (n_samples, n_subgroups)
            As in fit; None where fit had none.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        outputs, owner = self._check_new(y_prob, "predict_proba"), f"{type(self).__name__}.predict_proba"
        members = check_subgroups(subgroups, len(outputs), owner)
        if members.shape[1] - 1 != self.n_subgroups_:
            raise InputError(
                f"{owner}: subgroups must be those of fit ({self.n_subgroups_} columns); got {members.shape[1] - 1}."
            )
        return self._predict(outputs, members)

    def _learn(self, outputs, y, weights, owner, members):
        learned, words = super()._learn(outputs, y, weights, owner, members)
        return {**learned, "n_subgroups_": members.shape[1] - 1}, words

    def _fit_one(self, scores, y, weights, members):
        z = np.clip(scores, -LIMIT, LIMIT)
        w = np.ones(len(z)) if weights is None else weights
        state = _SubgroupCells(z, y, w, members, self.n_bins)
        patches: list[tuple[int, int, float]] = []
        while True:
            distance = state.distances(self.min_weight)
            cell = np.unravel_index(int(distance.argmax()), distance.shape)
            if distance[cell] <= self.threshold:
                return (self.n_bins, tuple(patches)), ""
            if len(patches) == self.max_rounds:
                return (self.n_bins, tuple(patches)), (
                    f"max_rounds = {self.max_rounds} corrections were not enough, some cell is still "
                    f"{distance[cell]:.3g} standard errors off. Raise max_rounds, or use fewer subgroups or bins."
                )
            patches.append(state.correct(*map(int, cell)))

    def _apply(self, one, scores, members):
        n_bins, patches = one
        z = np.clip(scores, -LIMIT, LIMIT)
        p = expit(z)
        index = uniform_bins(p, n_bins)
        for b, group, shift in patches:
            rows = np.flatnonzero((index == b) & (members[:, group] > 0))
            z[rows] = np.clip(z[rows] + shift, -LIMIT, LIMIT)
            p[rows] = expit(z[rows])
            index[rows] = uniform_bins(p[rows], n_bins)
        return p

    def _attributes(self, maps):
        return {"n_rounds_": np.array([len(patches) for _, patches in maps])}


class _SubgroupCells:
    """Residuals, their variance and the weight of each bin (rows) of each subgroup (columns), kept up to date."""

    def __init__(self, z, y, w, members, n_bins):
        self.z, self.y, self.w, self.members, self.n_bins = z, y, w, members, n_bins
        self.p = expit(z)
        self.index = uniform_bins(self.p, n_bins)
        self.sums = self._sums(np.arange(len(z)))

    def _sums(self, rows):
        p, w, index, members = self.p[rows], self.w[rows], self.index[rows], self.members[rows]
        parts = (w * (self.y[rows] - p), w * p * (1 - p), w)
        return np.stack([cell_sums(index, self.n_bins, members, part) for part in parts])

    def distances(self, min_weight):
        """Return how many standard errors each cell is off; 0 where it is too light."""
        residual, variance, weight = self.sums
        heavy = (weight >= min_weight) & (variance > 0)
        return np.where(heavy, np.abs(residual) / np.sqrt(np.where(heavy, variance, 1.0)), 0.0)

    def correct(self, b, group):
        """Move the log-odds of one cell; the curvature grows at most by e^shift, so that it is not overdone."""
        residual, variance = self.sums[0, b, group], self.sums[1, b, group]
        shift = float(np.copysign(np.log1p(abs(residual) / variance), residual))
        rows = np.flatnonzero((self.index == b) & (self.members[:, group] > 0))
        self.sums -= self._sums(rows)
        self.z[rows] = np.clip(self.z[rows] + shift, -LIMIT, LIMIT)
        self.p[rows] = expit(self.z[rows])
        self.index[rows] = uniform_bins(self.p[rows], self.n_bins)
        self.sums += self._sums(rows)
        return b, group, shift
