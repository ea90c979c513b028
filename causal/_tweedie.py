"""Tweedie's correction: the score of the predictions says how far normal errors have shrunk them."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np

from uq._base.citation import cite_methods, cites
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.sklearn import Range, StrOptions

from ._debiaser import Debiaser
from ._score import MAX_CELLS
from ._tweedie_core import learn_tweedie, scott_factor

__all__ = ["TweedieDebiaser"]

cite_methods(
    **{"Tweedie debiasing, delta": "pettersson2025", "Tweedie debiasing, bootstrap": "pettersson2025"},
)
FEW = 100
_ATOM = 0.05
_WIDEST = 1e100  # far beyond any use, and far from where numbers overflow


@cites("pettersson2025", "efron2011")
class TweedieDebiaser(Debiaser):
    """Undo the shrinkage of predictions with normal errors: ``f(z) = z - sigma^2 s(z)``, s their score.

    Where the outcome is the prediction plus an independent normal error, f of the prediction has the outcome for its
    conditional mean, E[f(y_pred) | y] = y, whatever the law of the predictions. The score s, the slope of their
    log density, comes from a Gaussian kernel density of the calibration predictions.

    Parameters
    ----------
    scale : {"residual", "moment"}, default "residual"
        Where the size of the correction comes from. "residual": sigma is the standard deviation of y - y_pred about its
        mean in the calibration rows. "moment": such that f has the slope 1 on y there; this makes good for the
        smoothing of the density, overcorrects by some percent in small samples, and by more where the errors are not
        independent of the predictions.
    noise : {"constant", "local"}, default "constant"
        "local": the variance v of the errors may depend on the prediction; the correction is (p v)' / p, with p v the
        kernel density weighted by squared errors. First order in v: what is left grows with its curvature.
    recalibrate : {"linear"} or None, default "linear"
        "linear": least squares of the truth on the predictions takes their place first, as E[y | y_pred] = y_pred is
        presumed. None: they are taken as they are, and a mean error of theirs stays in levels.
    bandwidth : {"scott"} or float, default "scott"
        Of the kernel, in units of `y_pred`; Scott's is n^(-1/5) standard deviations.
    nondifferential : bool, default False
        State that the predictions err alike in both arms, given the outcome, as they do in the calibration rows; `fit`
        then does not warn that nothing tested it.
    n_resamples : int, default 999
        For ``method="bootstrap"``.
    random_state : None, int, numpy.random.RandomState or Generator, optional
        For ``method="bootstrap"``.

    Attributes
    ----------
    sigma_ : float
        Standard deviation of the errors, after recalibration, in units of `y`.
    multiplier_ : float
        By how much "moment" changed the correction; 1 for "residual".
    bandwidth_ : float
        In units of `y_pred`.
    support_ : (float, float)
        Ends of the calibration predictions; beyond, f goes on as a line with the slope that a normal law would have.
    slope_, intercept_ : float
        Of the line of the predictions on the truth, what `LinearDebiaser` turns around.
    calibration_ratio_ : float
        `slope_` over its standard error.
    n_calibration_ : int

    Raises
    ------
    InputError
        As those of `LinearDebiaser`; for a bandwidth too small for the range of the predictions.

    Warns
    -----
    UntestedAssumptionWarning
        From `fit`, without `groups` and without ``nondifferential=True``.
    SmallSampleWarning
        From `fit`, below 100 rows; from the verbs, where the predictions hardly move with the truth.
    UserWarning
        From `fit`, where more than 5 % of the predictions are the same number: such a law has no score.
    ExtrapolationWarning
        From `transform` and the verbs, where clearly more rows than chance would put there lie beyond `support_`.

    See Also
    --------
    LinearDebiaser : the same where the predictions are normal, and the better choice for few rows.
    SplineDebiaser : needs no normal errors and no density.

    Notes
    -----
    What LinearDebiaser says of the two worlds holds here, too: without `groups`, nothing in the calibration rows tells
    whether a correction is due, and in the wrong world it makes a right effect wrong.

    The error counts all of the calibration step at first order: recalibration, sigma (or the moment), and the score
    with its bandwidth.

    **Guarantee.** None at the level that is stated. In the first world, with independent normal errors, f is unbiased
    for the score of the predictions' law; the kernel density gives that of a smoother law, and with Scott's bandwidth
    this bias shrinks no faster than the error (for a normal law the correction is too small by a share of
    1 / (1 + n^(2/5))). Intervals cover about as they say where calibration is what the error is made of (300 rows,
    say), and fall short for large trials on mixtures; "moment" mends most of it. Predictions with a jump or atoms in
    their law, skewed errors, or other worlds void it.

    References
    ----------
    .. [1] M. Pettersson, C. Jerzak, A. Daoud (2025). Debiasing machine learning predictions for causal inference
       without additional ground truth data. arXiv:2508.01341.
    .. [2] B. Efron (2011). Tweedie's formula and selection bias. doi:10.1198/jasa.2011.tm11181.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import TweedieDebiaser
    >>> rng = np.random.default_rng(0)
    >>> y_pred = rng.normal(size=1000) * rng.choice([.5, 1.5], 1000)
    >>> y = y_pred + rng.normal(size=1000)  # Berkson: the truth scatters about the prediction
    >>> debiaser = TweedieDebiaser(nondifferential=True).fit(y_pred, y)
    >>> print(debiaser.mean(rng.normal(size=1000) * rng.choice([.5, 1.5], 1000)))
    -0.02561, 95 % interval [-0.1859, 0.1346], std. error 0.0817
    n = 1000; method: Tweedie debiasing, delta, guarantee: none
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Debiaser._parameter_constraints,
        "scale": [StrOptions({"residual", "moment"})],
        "noise": [StrOptions({"constant", "local"})],
        "recalibrate": [StrOptions({"linear"}), None],
        "bandwidth": [StrOptions({"scott"}), Range(Real, 0, None, closed="neither")],
    }
    _name = "Tweedie debiasing"
    _guarantee = "none"

    def __init__(
        self,
        scale="residual",
        noise="constant",
        recalibrate="linear",
        bandwidth="scott",
        nondifferential=False,
        n_resamples=999,
        random_state=None,
    ):
        self.scale = scale
        self.noise = noise
        self.recalibrate = recalibrate
        self.bandwidth = bandwidth
        self.nondifferential = nondifferential
        self.n_resamples = n_resamples
        self.random_state = random_state

    def _options(self, owner, z, weights, scales):
        (center, unit), (origin, other) = scales
        options: dict[str, Any] = {"scale": self.scale, "local": self.noise == "local"}
        if self.recalibrate is None:
            options["identity"] = (center - origin) / other, unit / other
        if self.bandwidth == "scott":
            options["factor"] = scott_factor(weights, len(z))
        else:
            if self.bandwidth > _WIDEST * unit:
                raise InputError(
                    f"{owner}: bandwidth must be at most {_WIDEST:g} standard deviations of y_pred, {unit:.3g} each; "
                    f"got {self.bandwidth!r:.100}. It is in the unit of y_pred; 'scott' takes one that suits."
                )
            options["bandwidth"] = self.bandwidth / unit
            least = 64 * (z.max() - z.min()) / MAX_CELLS
            if options["bandwidth"] < least:
                raise InputError(
                    f"{owner}: bandwidth must be at least {2 * least * unit:g} for predictions of this range; got "
                    f"{self.bandwidth!r}. A density so rough has no score worth the name."
                )
        return options

    def _learn(self, owner, z, y, weights, scales):
        return learn_tweedie(owner, z, y, weights, **self._options(owner, z, weights, scales))

    def _attributes(self, core, line, scales, rows):
        (_, unit), (_, other) = scales
        plain = (1.0 if core.error is not None else core.noise) / core.slope
        return {
            "sigma_": other * float(np.sqrt(core.noise)),
            "multiplier_": core.factor / plain if plain else 1.0,
            "bandwidth_": unit * core.score.bandwidth,
            "support_": (float(rows.z.min()), float(rows.z.max())),
        }

    def _curved(self):
        return True

    def _concerns(self, rows):
        n = len(rows.z)
        if n < FEW:
            yield (
                f"{n} rows are few for a density; give at least {FEW}, or use LinearDebiaser, which needs none.",
                SmallSampleWarning,
            )
        values, counts = np.unique(rows.z, return_counts=True)
        if counts.max() > max(_ATOM * n, 3):
            yield (
                f"the prediction {values[counts.argmax()]:g} occurs in {counts.max()} of {n} rows: a law with such "
                "atoms has no score. Use LinearDebiaser or SplineDebiaser, or predictions neither rounded nor clipped.",
                UserWarning,
            )

    def _refit(self, z, y, z_apply):
        owner, core = type(self).__name__, self._core
        options = self._options(owner, z, self._rows.weights, self._scales)
        grid = core.score.grid
        known = grid.low, grid.low + grid.width
        matrix = grid.matrix(np.clip(z_apply, *known))

        def refit(weights):
            core = learn_tweedie(owner, z, y, weights, **options, reuse=(grid, self._core.score.bins))
            return core.offset + core.slope * z_apply - core.factor * core.score.at_binned(z_apply, matrix)

        return refit
