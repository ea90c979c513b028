"""Platt scaling: a logistic curve through the log-odds, two parameters."""

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, logit

from uq._base.citation import cites
from uq._base.newton import fit_logistic
from uq._base.sklearn import StrOptions

from ._recalibrator import OneVsRest

__all__ = ["PlattScaling", "normal_weights", "separated", "smoothed"]

SEPARABLE = (
    "the scores separate the outcomes, so that no finite optimum exists; the targets were smoothed as with "
    "smooth_targets=True"
)


def smoothed(y, weights):
    """Return Platt's targets: one more row of each outcome, so that no fit runs away."""
    ones = float(y.sum() if weights is None else weights @ y)
    zeros = float(len(y) if weights is None else weights.sum()) - ones
    high, low = (ones + 1) / (ones + 2), 1 / (max(zeros, 0.0) + 2)
    return low + (high - low) * y


def separated(scores, y, monotone):
    """Tell whether a threshold on the scores splits the outcomes (in the right order, where `monotone`)."""
    some, others = scores[y > 0], scores[y < 1]
    if not len(some) or not len(others):
        return True
    if scores.min() == scores.max():  # no threshold splits what is all alike
        return False
    return others.max() <= some.min() or (not monotone and some.max() <= others.min())


def normal_weights(weights):
    """Return weights that sum to 1, or None."""
    return None if weights is None else weights / weights.sum()


@cites("platt1999")
class PlattScaling(OneVsRest):
    """Fit p = sigmoid(slope * log-odds + intercept), the recalibrator for little data.

    Parameters
    ----------
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds. One column of logits may be any score on the real line.
    smooth_targets : bool, default True
        Fit (N1 + 1) / (N1 + 2) and 1 / (N0 + 2) in place of 1 and 0, with N1 and N0 rows of each outcome, as Platt
        does: the fit is finite for any data.
    monotone : bool, default False
        Never turn the order around: a negative slope becomes 0, and the answer the mean target.

    Attributes
    ----------
    slope_, intercept_ : ndarray of shape (n_maps,)
        One map for one or two columns, one per class for more.
    classes_ : ndarray of shape (n_classes,) or None

    Raises
    ------
    InputError
        From `fit` and `predict_proba`, for probabilities outside [0, 1] or rows that do not sum to 1, missing values,
        no rows, lengths that differ, labels of no column, weights that are negative or sum to 0.

    Warns
    -----
    UserWarning
        Without `smooth_targets`, where the scores separate the outcomes; the targets are smoothed then.

    See Also
    --------
    BetaCalibration : one parameter more, contains the identity and bends both ends.
    TemperatureScaling : one parameter, for several classes at once.

    Notes
    -----
    y may hold shares in [0, 1]. More than two classes are fitted one against the rest and normalised. Probabilities
    within 2^-53 of 0 or 1 count as that close.

    **Guarantee.** Asymptotic: on calibration rows that are i.i.d. with the later ones, the parameters converge to those
    of least log loss in the family, and the expected excess over them is about 2 / (2 n). Whether the result is
    calibrated depends on the truth being in the family; nothing is promised for it.

    References
    ----------
    .. [1] J. Platt (1999). Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import PlattScaling
    >>> rng = np.random.default_rng(0)
    >>> z = 2 * rng.normal(size=2000)
    >>> y = rng.random(2000) < 1 / (1 + np.exp(-z / 2))
    >>> platt = PlattScaling(input="logit").fit(z, y)
    >>> platt.slope_.round(2), platt.intercept_.round(2)
    (array([0.51]), array([0.06]))
    >>> platt.predict_proba([-4.0, 0.0, 4.0]).round(2)
    array([0.12, 0.51, 0.89])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "input": [StrOptions({"prob", "logit"})],
        "smooth_targets": ["boolean"],
        "monotone": ["boolean"],
    }

    def __init__(self, input="prob", smooth_targets=True, monotone=False):
        self.input = input
        self.smooth_targets = smooth_targets
        self.monotone = monotone

    def _fit_one(self, scores, y, weights):
        words = "" if self.smooth_targets or not separated(scores, y, self.monotone) else SEPARABLE
        target = smoothed(y, weights) if self.smooth_targets or words else y
        center = float(np.average(scores / 2, weights=weights)) * 2
        scale = float(np.abs(scores / 2 - center / 2).max()) * 2 or 1.0
        share = normal_weights(weights)
        feature = scores / scale - center / scale
        (slope, intercept), _ = fit_logistic([feature, np.ones(len(y))], target, share)
        if self.monotone and slope < 0:
            slope, intercept = 0.0, logit(np.average(target, weights=weights))
        return (float(slope), float(intercept), center, scale), words

    def _apply(self, one, scores):
        slope, intercept, center, scale = one
        if not slope:
            return np.full(len(scores), expit(intercept))
        with np.errstate(over="ignore"):
            return expit(slope * (scores / scale - center / scale) + intercept)

    def _attributes(self, maps):
        with np.errstate(over="ignore"):
            slopes = np.array([slope / scale for slope, _, _, scale in maps])
            return {
                "slope_": slopes,
                "intercept_": np.array([b - slope * (center / scale) for slope, b, center, scale in maps]),
            }
