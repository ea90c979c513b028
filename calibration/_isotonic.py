"""Isotonic recalibration: the increasing curve of least loss, kept away from 0 and 1."""

from typing import Any, ClassVar

import numpy as np

from uq._base.citation import cites
from uq._base.sklearn import StrOptions

from ._isotone import blocks, tie_sums
from ._recalibrator import OneVsRest

__all__ = ["IsotonicCalibration"]


@cites("zadrozny2002")
class IsotonicCalibration(OneVsRest):
    """Fit the increasing curve of least loss, whatever its shape, by pooling adjacent violators.

    Parameters
    ----------
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds; logits go through the sigmoid or softmax first.
    center : bool, default False
        Join the centres of the blocks by lines in place of their ends. The curve then increases strictly between the
        first and the last centre, so that fewer scores are tied; the means within blocks are no longer exact.

    Attributes
    ----------
    n_blocks_ : ndarray of shape (n_maps,)
        Number of levels of each curve, one curve for one or two columns, one per class for more.
    classes_ : ndarray of shape (n_classes,) or None

    Raises
    ------
    InputError
        From `fit` and `predict_proba`, for probabilities outside [0, 1] or rows that do not sum to 1, missing values,
        no rows, lengths that differ, labels of no column, weights that are negative or sum to 0.

    See Also
    --------
    VennAbersCalibration : isotonic calibration that tells how far it can be trusted.
    BetaCalibration : three parameters, for fewer rows.

    Notes
    -----
    Equal scores are pooled first. Between scores of calibration rows the curve is linear, beyond them constant. It is
    clipped to [1 / (n + 2), (n + 1) / (n + 2)], n the number of calibration rows (their weight), so that the log loss
    of later rows stays finite. y may hold shares in [0, 1]. More than two classes are fitted one against the rest and
    normalised; a row of zeros becomes uniform.

    **Guarantee.** Asymptotic: if the probability of the outcome never decreases with the score and calibration rows are
    i.i.d. with the later ones, the curve converges to it, at the rate n^(-1/3) where it increases. Nothing is promised
    where it does decrease.

    References
    ----------
    .. [1] B. Zadrozny, C. Elkan (2002). Transforming classifier scores into accurate multiclass probability estimates.
       KDD 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import IsotonicCalibration
    >>> isotonic = IsotonicCalibration().fit([.1, .2, .3, .6, .7, .9], [0, 1, 0, 0, 1, 1])
    >>> isotonic.predict_proba([.05, .3, .65, .95]).round(3)
    array([0.125, 0.333, 0.604, 0.875])
    """

    _space = "prob"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "input": [StrOptions({"prob", "logit"})],
        "center": ["boolean"],
    }

    def __init__(self, input="prob", center=False):
        self.input = input
        self.center = center

    def _fit_one(self, scores, y, weights):
        scores, sums, totals = tie_sums(scores, y, weights)
        levels, starts = blocks(sums, totals)
        n = float(totals.sum())
        level = np.clip(levels[starts], 1 / (n + 2), (n + 1) / (n + 2))
        if self.center:
            weight = np.add.reduceat(totals, starts)
            return (np.add.reduceat(scores * totals, starts) / weight, level), ""
        ends = np.append(starts[1:], len(scores)) - 1
        knots = np.column_stack([scores[starts], scores[ends]]).ravel()
        kept = np.append(True, knots[1:] > knots[:-1])
        return (knots[kept], np.repeat(level, 2)[kept]), ""

    def _apply(self, one, scores):
        return np.interp(scores, *one)

    def _attributes(self, maps):
        return {"n_blocks_": np.array([len(np.unique(levels)) for _, levels in maps])}
