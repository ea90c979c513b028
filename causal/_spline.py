"""A correction of any shape: the spline of the predictions that has the truth for its conditional mean."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from uq._base.citation import cite_methods, cites
from uq._base.exceptions import SmallSampleWarning
from uq._base.sklearn import Range, StrOptions

from ._debiaser import Debiaser
from ._spline_core import learn_spline

__all__ = ["SplineDebiaser"]

cite_methods(
    **{"spline debiasing, delta": ("pettersson2025", "newey2003")},
    **{"spline debiasing, bootstrap": ("pettersson2025", "newey2003")},
)
FEW = 100


@cites("pettersson2025", "newey2003")
class SplineDebiaser(Debiaser):
    """Undo the shrinkage of predictions without assuming a line or normal errors.

    Looks for the function f with E[f(y_pred) | y] = y among the natural cubic splines of the predictions, with splines
    of the truth as instruments (two-stage least squares). `LinearDebiaser` is the same with two knots.

    Parameters
    ----------
    n_knots : int or "auto", default "auto"
        Knots of f, at equal steps of the quantiles from .05 to .95. "auto": 2 below 50 rows, 3 below 300, 4
        below 1,000, 5 from there on. Fewer where the predictions or the truth have too few different values, or the
        moments do not tell as many apart. The equation is ill-posed: more knots mean less bias and far more variance.
    nondifferential : bool, default False
        State that the predictions err alike in both arms, given the outcome, as they do in the calibration rows; `fit`
        then does not warn that nothing tested it.
    n_resamples : int, default 999
        For ``method="bootstrap"``.
    random_state : None, int, numpy.random.RandomState or Generator, optional
        For ``method="bootstrap"``.

    Attributes
    ----------
    knots_ : ndarray of shape (n_knots,)
        In units of `y_pred`.
    support_ : (float, float)
        Ends of the calibration predictions; f is a line beyond the outer knots.
    slope_, intercept_ : float
        Of the line of the predictions on the truth, what `LinearDebiaser` turns around.
    calibration_ratio_ : float
        `slope_` over its standard error.
    n_calibration_ : int

    Raises
    ------
    InputError
        As those of `LinearDebiaser`.

    Warns
    -----
    UntestedAssumptionWarning
        From `fit`, without `groups` and without ``nondifferential=True``.
    SmallSampleWarning
        From `fit`, below 100 rows, where a line is the better choice; from the verbs, where the predictions hardly move
        with the truth.
    ExtrapolationWarning
        From `transform` and the verbs, where clearly more rows than chance would put there lie beyond `support_`.

    See Also
    --------
    LinearDebiaser : for fewer than 300 calibration rows.

    Notes
    -----
    What LinearDebiaser says of the two worlds holds here, too: without `groups`, nothing in the calibration rows tells
    whether a correction is due, and in the wrong world it makes a right effect wrong.

    Errors are those of two-stage least squares, HC1 or cluster-robust, and of the form that stays right where no spline
    solves the equation; knots are taken as given ("bootstrap" draws them anew).

    **Guarantee.** Asymptotic, in the first world: if the function lies among the splines, estimates are consistent and
    intervals cover with their level as both sets grow, the error of the calibration step included. If it does not, the
    intervals are those of the nearest spline: for a trial much larger than the calibration set, what is missing may
    exceed the error. Nothing is promised in the second world, where the law of predictions given truth differs between
    arms or from calibration to trial, or for single outcomes.

    References
    ----------
    .. [1] M. Pettersson, C. Jerzak, A. Daoud (2025). Debiasing machine learning predictions for causal inference
       without additional ground truth data. arXiv:2508.01341.
    .. [2] W. Newey, J. Powell (2003). Instrumental variable estimation of nonparametric models.
       doi:10.1111/1468-0262.00459.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import SplineDebiaser
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=1000)
    >>> y_pred = np.tanh(.5 * y + .3 * rng.normal(size=1000))
    >>> debiaser = SplineDebiaser(nondifferential=True).fit(y_pred, y)
    >>> treatment = rng.integers(0, 2, 2000)
    >>> outcome = .5 * treatment + rng.normal(size=2000)
    >>> trial = np.tanh(.5 * outcome + .3 * rng.normal(size=2000))
    >>> print(debiaser.ate(trial, treatment))
    0.5238, 95 % interval [0.4234, 0.6242], std. error 0.05117
    n = 2000; method: spline debiasing, delta, guarantee: asymptotic
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Debiaser._parameter_constraints,
        "n_knots": [StrOptions({"auto"}), Range(Integral, 2, 20, closed="both")],
    }
    _name = "spline debiasing"

    def __init__(self, n_knots="auto", nondifferential=False, n_resamples=999, random_state=None):
        self.n_knots = n_knots
        self.nondifferential = nondifferential
        self.n_resamples = n_resamples
        self.random_state = random_state

    def _learn(self, owner, z, y, weights, scales):
        n_knots = self.n_knots
        if n_knots == "auto":
            # beyond, laws whose moments die out fast (the normal) pay more in variance than any law gains in bias
            n_knots = 2 + int(np.searchsorted([50, 300, 1000], len(z), side="right"))
        return learn_spline(owner, z, y, weights, n_knots)

    def _attributes(self, core, line, scales, rows):
        center, unit = scales[0]
        return {
            "knots_": center + unit * core.knots,
            "support_": (float(rows.z.min()), float(rows.z.max())),
        }

    def _curved(self):
        return len(self.knots_) > 2

    def _concerns(self, rows):
        if len(rows.z) < FEW:
            yield (
                f"{len(rows.z)} rows are few for a curve; give at least {FEW}, or use LinearDebiaser.",
                SmallSampleWarning,
            )
