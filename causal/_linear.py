"""The linear correction: the line of predictions on truth, turned around."""

import numpy as np

from uq._base.citation import cite_methods, cites
from uq._base.laws import FiellerLaw

from ._debiaser import Debiaser, scaled
from ._estimate import influence_norms
from ._line import learn_line

__all__ = ["LinearDebiaser"]

cite_methods(
    **{"linear debiasing, delta": "pettersson2025", "linear debiasing, bootstrap": "pettersson2025"},
    **{"linear debiasing, fieller": ("pettersson2025", "fieller1954")},
)


@cites("pettersson2025", "fieller1954")
class LinearDebiaser(Debiaser):
    """Undo the shrinkage of predictions with one line: means, effects and regressions of the outcome from them.

    A model that minimises squared error predicts too close to the mean, and an effect on its predictions is too small.
    This learns the line of the predictions on the truth, ``y_pred = intercept + slope y`` (not of the truth on the
    predictions, which is recalibration and mends nothing here), and turns it around.

    Parameters
    ----------
    nondifferential : bool, default False
        State that the predictions err alike in both arms, given the outcome, as they do in the calibration rows; `fit`
        then does not warn that nothing tested it.
    n_resamples : int, default 999
        For ``method="bootstrap"``.
    random_state : None, int, numpy.random.RandomState or Generator, optional
        For ``method="bootstrap"``.

    Attributes
    ----------
    slope_, intercept_ : float
        Of the predictions on the truth; the slope is the factor by which an effect on raw predictions is too small.
    vcov_ : ndarray of shape (2, 2)
        Covariance of (`intercept_`, `slope_`), HC1 or cluster-robust.
    calibration_ratio_ : float
        `slope_` over its standard error.
    n_calibration_ : int

    Raises
    ------
    InputError
        From `fit`, for NaN, infinite or no rows, lengths that differ, predictions or truth that do not vary or do not
        move together; from the verbs, for a treatment other than 0 and 1 or with one arm, propensities outside (0, 1),
        and columns of X that are combinations of others.

    Warns
    -----
    UntestedAssumptionWarning
        From `fit`, without `groups` and without ``nondifferential=True``.
    SmallSampleWarning
        From the verbs, where the slope is less than 4 standard errors above 0; `method="fieller"` is for that. Also
        where 20 rows or more count as fewer, by clusters, weights or arms.

    See Also
    --------
    SplineDebiaser : no linearity assumed; for 300 calibration rows and more.
    TweedieDebiaser : normal errors assumed.
    PredictionPowered : needs truth for part of the trial itself, and assumes none of this.
    shrinkage_diagnostic : whether a correction is due at all.

    Notes
    -----
    There are two worlds, and calibration rows without groups look alike in both. If the predictions depend on the
    treatment only through the outcome (errors alike in both arms), effects on predictions are too small and this
    corrects them. If the outcome depends on the treatment only through the predictions, effects on predictions are
    right, and a correction applied all the same makes them wrong by one over the slope: it doubles an effect where the
    slope is one half.

    **Guarantee.** Asymptotic, in the first world: if E[y_pred | y] is a line that is the same in calibration and
    trial rows (no law of the errors is assumed), estimates are consistent and intervals cover with their level as
    both sets grow, the error of the calibration step included; rows or clusters are independent. Sizes of
    clusters matter: with 19 calibration clusters of 3 rows and one of 60 nominal 95 % covered 92 %. "fieller" takes
    the ratio exactly and stays valid where the slope is weak, but its variances are estimated all the same: far
    from the mean of 12 calibration rows (6 standard deviations) nominal 95 % covered 91 %. Nothing is promised
    where the line differs between arms or from calibration to trial, in the second world, or for single outcomes.

    References
    ----------
    .. [1] M. Pettersson, C. Jerzak, A. Daoud (2025). Debiasing machine learning predictions for causal inference
       without additional ground truth data. arXiv:2508.01341.
    .. [2] E. Fieller (1954). Some problems in interval estimation. doi:10.1111/j.2517-6161.1954.tb00159.x.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import LinearDebiaser
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=500)
    >>> y_pred = .5 * y + .5 * rng.normal(size=500)
    >>> debiaser = LinearDebiaser(nondifferential=True).fit(y_pred, y)
    >>> treatment = rng.integers(0, 2, 2000)
    >>> outcome = treatment + rng.normal(size=2000)  # an effect of 1, which nobody measured
    >>> trial = .5 * outcome + .5 * rng.normal(size=2000)
    >>> print(debiaser.ate(trial, treatment))
    1.046, 95 % interval [0.8964, 1.195], std. error 0.07607
    n = 2000; method: linear debiasing, delta, guarantee: asymptotic
    """

    _name = "linear debiasing"
    _remedy = "use method='fieller', whose interval holds all the same, or give more calibration rows."

    def __init__(self, nondifferential=False, n_resamples=999, random_state=None):
        self.nondifferential = nondifferential
        self.n_resamples = n_resamples
        self.random_state = random_state

    def _learn(self, owner, z, y, weights, scales):
        return learn_line(owner, z, y, weights)

    def _attributes(self, core, line, scales, rows):
        (_, scale), (origin, unit) = scales
        slope = line.slope_influence * (scale / unit)
        influence = scaled(np.column_stack([scale * line.intercept_influence - origin * slope, slope]), rows, 2)
        with np.errstate(over="ignore", invalid="ignore"):
            return {"vcov_": np.full((2, 2), np.inf) if np.isinf(influence).any() else influence.T @ influence}

    def _fieller_law(self, rows, functional):
        """Return the law of (sums - intercept) / slope from the joint law of what stands above and below the bar."""
        (center, scale), (origin, unit) = self._scales
        line, z = self._core, (rows.z - center) / scale
        sums = round(functional.coefficients[0].sum())  # 1 for a mean, 0 for an effect
        below = scaled(line.slope_influence[:, None], self._rows, 2)
        # origin + unit (Z - intercept) / slope: the origin, which may be large, stays outside of the ratio
        above = -unit * sums * scaled(line.intercept_influence[:, None], self._rows, 2)
        numerator = float(functional.value(z)[0] - line.intercept * sums) * unit
        trial = unit * functional.influence(z, rows.groups)
        with np.errstate(over="ignore"):
            terms = {
                "var_numerator": float(np.hypot(influence_norms(above)[0], influence_norms(trial)[0]) ** 2),
                "var_denominator": float(influence_norms(below)[0] ** 2),
                "cov": float(above[:, 0] @ below[:, 0]),
                "shift": origin * sums,
            }
        return lambda value, std_error, df: FiellerLaw(numerator=numerator, denominator=line.slope, df=df, **terms)
