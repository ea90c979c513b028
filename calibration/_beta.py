"""Beta calibration: two slopes, one for each end of the scale, and an intercept."""

import math
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, log_expit

from uq._base.citation import cites
from uq._base.newton import fit_logistic, logistic_loss
from uq._base.sklearn import StrOptions

from ._platt import SEPARABLE, normal_weights, separated, smoothed
from ._recalibrator import OneVsRest

__all__ = ["BetaCalibration"]

LOG2 = math.log(2)


@cites("kull2017")
class BetaCalibration(OneVsRest):
    """Fit log-odds = a log(p) - b log(1 - p) + c with a, b >= 0, which bends either end of the scale by itself.

    Parameters
    ----------
    parameters : {"abm", "ab", "am"}, default "abm"
        "abm" fits a, b and c. "ab" keeps 1/2 where it is, c = (a - b) log 2. "am" has a = b, Platt's curve through the
        log-odds with a slope that is never negative.
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds.
    smooth_targets : bool, default False
        Fit (N1 + 1) / (N1 + 2) and 1 / (N0 + 2) in place of 1 and 0, as Platt scaling does.

    Attributes
    ----------
    a_, b_, c_ : ndarray of shape (n_maps,)
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
        Where the scores separate the outcomes, so that no finite optimum exists; the targets are smoothed then.

    See Also
    --------
    PlattScaling : one slope.
    IsotonicCalibration : any increasing curve, for many rows.

    Notes
    -----
    The optimum under a, b >= 0 is exact: where the free one is not feasible, the faces a = 0, b = 0 and a = b = 0 are
    fitted, and the best feasible one taken. y may hold shares in [0, 1]. More than two classes are fitted one against
    the rest and normalised. Probabilities within 2^-53 of 0 or 1 count as that close.

    **Guarantee.** Asymptotic: on calibration rows that are i.i.d. with the later ones, the parameters converge to those
    of least log loss in the family, which contains the identity; the expected excess over them is about the number of
    parameters / (2 n). The curve never decreases. Whether the result is calibrated depends on the truth being in the
    family; nothing is promised for it.

    References
    ----------
    .. [1] M. Kull, T. Silva Filho, P. Flach (2017). Beyond sigmoids. Electronic Journal of Statistics 11(2), 5052-5080.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import BetaCalibration
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(5000)
    >>> y = rng.random(5000) < p**2
    >>> beta = BetaCalibration().fit(p, y)
    >>> beta.predict_proba([.1, .5, .9]).round(3)
    array([0.01 , 0.254, 0.816])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "parameters": [StrOptions({"abm", "ab", "am"})],
        "input": [StrOptions({"prob", "logit"})],
        "smooth_targets": ["boolean"],
    }

    def __init__(self, parameters="abm", input="prob", smooth_targets=False):
        self.parameters = parameters
        self.input = input
        self.smooth_targets = smooth_targets

    def _fit_one(self, scores, y, weights):
        runs_away = self._runs_away(scores, y)
        words = SEPARABLE if runs_away and not self.smooth_targets else ""
        target = smoothed(y, weights) if runs_away or self.smooth_targets else y
        share = normal_weights(weights)
        low, high = _features(scores)
        one = np.ones(len(y))
        if self.parameters == "am":
            slope, c = _best_face([low + high, one], target, share, 1)
            return (slope, slope, c), words
        if self.parameters == "ab":
            a, b = _best_face([low + LOG2, high - LOG2], target, share, 2)
            return (a, b, (a - b) * LOG2), words
        return tuple(_best_face([low, high, one], target, share, 2)), words

    def _runs_away(self, scores, y):
        if self.parameters != "ab":
            return separated(scores, y, monotone=True)
        # the curve is fixed at 1/2: it can only split the outcomes there
        some, others = scores[y > 0], scores[y < 1]
        return not ((some < 0).any() or (others > 0).any())

    def _apply(self, one, scores):
        a, b, c = one
        low, high = _features(scores)
        return expit(a * low + b * high + c)

    def _attributes(self, maps):
        return dict(zip(("a_", "b_", "c_"), np.array(maps, dtype=np.float64).T.copy(), strict=True))


def _features(scores):
    """Return log(p) and -log(1 - p) of log-odds, of any size but the absurd."""
    scores = np.clip(scores, -1e100, 1e100)
    return log_expit(scores), -log_expit(-scores)


def _best_face(columns, target, weights, n_slopes):
    """Return the coefficients of least loss of which the first `n_slopes` are not negative."""
    best, least = np.zeros(len(columns)), math.inf
    free = range(n_slopes)
    faces = [()] + [(j,) for j in free] + ([tuple(free)] if n_slopes > 1 else [])
    for fixed in faces:
        kept = [j for j in range(len(columns)) if j not in fixed]
        theta = np.zeros(len(columns))
        if kept:
            some = [columns[j] for j in kept]
            # in units of the largest, so that neither tiny nor huge log-odds spoil the search
            units = np.array([float(np.abs(column).max()) or 1.0 for column in some])
            found, _ = fit_logistic([column / unit for column, unit in zip(some, units, strict=True)], target, weights)
            theta[kept] = found / units
        if (theta[:n_slopes] < 0).any():
            continue
        if not fixed:
            return theta.tolist()
        loss = logistic_loss(theta, columns, target, weights)[0]
        if loss < least:
            best, least = theta, loss
    return best.tolist()
