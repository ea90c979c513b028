"""Venn-Abers: isotonic calibration with the new row added once as a 0 and once as a 1, for all new rows at once.

The value at a new row is the slope of the greatest convex minorant of the cumulative sums, with the vector (1, 1) put
in where the row stands. That slope is the bridge between the sums left of it and those right of it, moved by (1, 1); as
the row moves right the bridge only turns up, and both of its ends only move right. A pass over the scores finds all.
"""

from typing import Any, ClassVar

import numpy as np

from uq._base.citation import cites
from uq._base.sklearn import StrOptions

from ._isotone import step, tie_sums
from ._recalibrator import OneVsRest

__all__ = ["VennAbersCalibration", "bridge_slopes", "venn_abers_levels"]


def venn_abers_levels(sums, totals):
    """Return (p0, p1) of a new row tied with each of the sorted unique scores, which have sums of y and weights."""
    lower = 1.0 - bridge_slopes((totals - sums)[::-1], totals[::-1])[::-1]
    return lower, bridge_slopes(sums, totals)


def bridge_slopes(sums, totals):
    """Return the isotonic fit at a new row of outcome 1 that is tied with each of the unique scores."""
    k = len(sums)
    mean = sums / totals
    # the right end of a bridge stands where the curve turns up
    corners = [*(np.flatnonzero(mean[:-1] < mean[1:]) + 1).tolist(), k]
    width = np.concatenate([[0.0], np.cumsum(totals)]).tolist()
    height = np.concatenate([[0.0], np.cumsum(sums)]).tolist()
    first = np.searchsorted(corners, np.arange(1, k + 1)).tolist()
    after = _hull_successors([width[j] for j in corners], [height[j] for j in corners])
    slopes = np.empty(k)
    left, right = 0, -1
    while left < k:
        x0, y0 = width[left] - 1.0, height[left] - 1.0
        right = max(right, first[left])
        run, rise = width[corners[right]] - x0, height[corners[right]] - y0
        while (new := after[right]) >= 0:
            wider, higher = width[corners[new]] - x0, height[corners[new]] - y0
            if higher * run > rise * wider:
                break
            right, run, rise = new, wider, higher
        x0, y0, i = x0 + 1.0, y0 + 1.0, left + 1
        while i < k and (height[i] - y0) * run >= rise * (width[i] - x0):
            i += 1
        slopes[left:i] = rise / run
        left = i
    return np.maximum.accumulate(slopes)


def _hull_successors(x, y):
    """Return for each point the next one on the lower convex hull of it and the points right of it; -1 for the last."""
    after = [-1] * len(x)
    for i in range(len(x) - 2, -1, -1):
        j, xi, yi = i + 1, x[i], y[i]
        run, rise = x[j] - xi, y[j] - yi
        while (new := after[j]) >= 0:
            wider, higher = x[new] - xi, y[new] - yi
            if higher * run > rise * wider:
                break
            j, run, rise = new, wider, higher
        after[i] = j
    return after


@cites("vovk2015")
class VennAbersCalibration(OneVsRest):
    """Isotonic calibration of each new row as if it were a 0 and as if it were a 1: two probabilities, and one merged.

    Parameters
    ----------
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds. Only the order of one column matters, so its logits may be any score.

    Attributes
    ----------
    n_calibration_ : float
        The number of calibration rows, or the sum of their weights.
    classes_ : ndarray of shape (n_classes,) or None

    Raises
    ------
    InputError
        From `fit`, `predict_proba` and `predict_pair`, for probabilities outside [0, 1] or rows that do not sum to 1,
        missing values, no rows, lengths that differ, labels of no column, shares in y, weights that are negative or
        sum to 0.

    See Also
    --------
    IsotonicCalibration : one curve.

    Notes
    -----
    `predict_pair` gives (p0, p1), the isotonic fit at the new row with outcome 0 and 1 added to the calibration rows,
    p0 <= p1; `predict_proba` merges them to p1 / (1 - p0 + p1), which has the least worst-case regret under the log
    loss, and is never 0 or 1. Rows with equal scores, the new one included, are pooled. More than two classes are
    calibrated one against the rest and normalised. Weights count as so many rows.

    **Guarantee.** Finite-sample, for the pair of one or two columns: if calibration rows and the new row are
    exchangeable, the member of the pair that belongs to the outcome, p1 where y = 1 and p0 where y = 0, is calibrated
    exactly: E[y | it] = it. Which of the two that is remains unknown; their distance says how much it matters. The
    merged probability and the normalised ones of more classes carry no guarantee.

    References
    ----------
    .. [1] V. Vovk, I. Petej, V. Fedorova (2015). Large-scale probabilistic predictors with and without guarantees of
       validity. arXiv:1511.00213.

    Examples
    --------
    >>> from calibration import VennAbersCalibration
    >>> venn = VennAbersCalibration().fit([.1, .2, .3, .6, .7, .9], [0, 1, 0, 0, 1, 1])
    >>> p0, p1 = venn.predict_pair([.3, .8])
    >>> p0.round(3), p1.round(3)
    (array([0.25, 0.5 ]), array([0.5, 1. ]))
    >>> venn.predict_proba([.3, .8]).round(3)
    array([0.4  , 0.667])
    """

    _space = "order"
    _soft = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"input": [StrOptions({"prob", "logit"})]}

    def __init__(self, input="prob"):
        self.input = input

    def predict_pair(self, y_prob):
        """Return both probabilities of each row; the estimator does not change.

        Parameters
        ----------
        y_prob : array-like of the shape of fit
            Other rows; each is judged by itself.

        Returns
        -------
        p0, p1 : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One vector each for one or two columns, P(y = 1) and that of the second class; one column per class for
            more, each against the rest.
        """
        scores = self._scores(self._check_new(y_prob, "predict_pair"))
        pairs = [_pair(one, score) for one, score in zip(self._maps, scores, strict=True)]
        if len(pairs) == 1:
            return pairs[0]
        return np.column_stack([p0 for p0, _ in pairs]), np.column_stack([p1 for _, p1 in pairs])

    def _fit_one(self, scores, y, weights):
        knots, sums, totals = tie_sums(scores, y, weights)
        return (knots, *venn_abers_levels(sums, totals), float(totals.sum())), ""

    def _apply(self, one, scores):
        p0, p1 = _pair(one, scores)
        return p1 / (1.0 - p0 + p1)

    def _attributes(self, maps):
        return {"n_calibration_": maps[0][-1]}


def _pair(one, scores):
    # between two scores a 1 joins the upper and a 0 the lower of them
    knots, lower, upper, _ = one
    return step(knots, lower, scores, outside=0.0), step(knots, upper, scores, side="left", outside=1.0)
