"""Histogram binning: the share of outcomes in each bin."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from uq._base.citation import cites
from uq._base.sklearn import Range, StrOptions

from ._bins import uniform_bins
from ._isotone import tie_sums
from ._recalibrator import OneVsRest

__all__ = ["HistogramBinning"]


@cites("zadrozny2001")
class HistogramBinning(OneVsRest):
    """Answer the share of outcomes among calibration rows of the same bin.

    Parameters
    ----------
    n_bins : int, default 15
    strategy : {"uniform", "quantile"}, default "uniform"
        Bins of equal width, or of about equal weight; equal scores are never split.
    prior : float, default 1
        Number of rows of the bin's middle that are added to each bin, so that the log loss of later rows stays finite;
        0 gives plain means.
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds; logits go through the sigmoid or softmax first.

    Attributes
    ----------
    bin_edges_ : tuple of ndarray
        Of each map, one map for one or two columns, one per class for more. Bins hold their lower edge, the last one
        both.
    bin_values_ : tuple of ndarray
        The answer in each bin.
    classes_ : ndarray of shape (n_classes,) or None

    Raises
    ------
    InputError
        From `fit` and `predict_proba`, for probabilities outside [0, 1] or rows that do not sum to 1, missing values,
        no rows, lengths that differ, labels of no column, weights that are negative or sum to 0.

    See Also
    --------
    IsotonicCalibration : chooses its bins itself, and keeps the order.

    Notes
    -----
    An empty bin answers its middle. y may hold shares in [0, 1]. More than two classes are fitted one against the rest
    and normalised; a row of zeros becomes uniform.

    **Guarantee.** Asymptotic with fixed bins: on calibration rows that are i.i.d. with the later ones each answer
    converges to the share of outcomes in its bin, so that the answer of one column (not that of several, which are
    normalised) becomes calibrated. What differs within a bin is lost, and the order of bins may turn around.

    References
    ----------
    .. [1] B. Zadrozny, C. Elkan (2001). Obtaining calibrated probability estimates from decision trees and naive
       Bayesian classifiers. ICML 2001.

    Examples
    --------
    >>> from calibration import HistogramBinning
    >>> binning = HistogramBinning(n_bins=2, prior=0).fit([.1, .2, .3, .6, .7], [0, 1, 0, 1, 1])
    >>> binning.predict_proba([.4, .5])
    array([0.33333333, 1.        ])
    """

    _space = "prob"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_bins": [Range(Integral, 1, 10**6, closed="both")],
        "strategy": [StrOptions({"uniform", "quantile"})],
        "prior": [Range(Real, 0, 1e150, closed="both")],
        "input": [StrOptions({"prob", "logit"})],
    }

    def __init__(self, n_bins=15, strategy="uniform", prior=1.0, input="prob"):
        self.n_bins = n_bins
        self.strategy = strategy
        self.prior = prior
        self.input = input

    def _fit_one(self, scores, y, weights):
        if self.strategy == "uniform":
            edges = np.arange(self.n_bins + 1) / self.n_bins  # rounded as the literals are, unlike linspace
        else:
            edges = _equal_weight(scores, weights, self.n_bins)
        index = _bin_of(edges, scores)
        n = len(edges) - 1
        totals = np.bincount(index, weights, n).astype(np.float64)
        sums = np.bincount(index, y if weights is None else y * weights, n)
        middles = (edges[:-1] + edges[1:]) / 2
        filled = totals > 0
        values = np.where(filled, (sums + self.prior * middles) / np.where(filled, totals + self.prior, 1.0), middles)
        return (edges, np.clip(values, 0.0, 1.0)), ""

    def _apply(self, one, scores):
        edges, values = one
        return values[_bin_of(edges, scores)]

    def _attributes(self, maps):
        return {"bin_edges_": tuple(e.copy() for e, _ in maps), "bin_values_": tuple(v.copy() for _, v in maps)}


def _bin_of(edges, scores):
    n = len(edges) - 1
    if np.array_equal(edges, np.arange(n + 1) / n):
        # equal bins in the precision of the scores, in which .7 may lie below the .7 of the doubles
        return uniform_bins(scores, n)
    return np.searchsorted(edges[1:-1], scores, side="right")


def _equal_weight(scores, weights, n_bins):
    """Return edges midway between scores, where a bin's worth of weight is passed; bins of no row are left out."""
    scores, _, totals = tie_sums(scores, np.zeros(len(scores)), weights)
    passed = np.cumsum(totals)
    cuts = np.searchsorted(passed, passed[-1] * np.arange(1, n_bins) / n_bins, side="left")
    cuts = np.unique(cuts[cuts < len(scores) - 1])
    middles = (scores[cuts] + scores[cuts + 1]) / 2
    return np.concatenate([[0.0], np.where(middles > scores[cuts], middles, scores[cuts + 1]), [1.0]])
