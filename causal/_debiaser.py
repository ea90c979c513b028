"""What all debiasers share: one fit boundary, three verbs, and an error that counts the calibration step."""

import warnings
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.exceptions import ExtrapolationWarning, InputError, SmallSampleWarning, UntestedAssumptionWarning
from uq._base.groups import cluster_sums
from uq._base.results import Estimate
from uq._base.sklearn import Range, as_generator, validate_params
from uq._base.validation import check_option, check_vector

from ._bootstrap import bootstrap_values
from ._checks import check_design, check_propensity, check_rows, check_treatment, check_truth
from ._estimate import FEW, draws_estimate, influence_norms, linear_estimate, rounding_of, warn_few
from ._functional import ate_functional, carrying_units, hc1_factor, mean_functional, ols_functional
from ._line import learn_line, line_ratio

__all__ = ["METHODS", "Debiaser", "scaled"]

METHODS = ("delta", "fieller", "bootstrap")
WEAK = 4.0  # t-ratio of the calibration slope below which a first-order error is not to be trusted


class Debiaser(BaseEstimator):
    """A column of predictions turned into one that may stand in for the outcome in means, effects and regressions.

    A subclass learns a `core` from standardised columns: an object with ``f(z)``, ``spread(z, C)``, ``slope``,
    ``n_parameters``; see `_linear.LinearCore`.
    """

    _name = ""
    _guarantee = "asymptotic"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "nondifferential": ["boolean"],
        "n_resamples": [Range(Integral, 19, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    }

    def fit(self, y_pred, y, sample_weight=None, groups=None):
        """Learn the correction from calibration rows, which the model must not have been trained on.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
            Predictions.
        y : array-like of shape (n_samples,)
            What turned out to be true.
        sample_weight : array-like of shape (n_samples,), optional
            Sampling weights; a row of weight 0 is not there.
        groups : array-like of shape (n_samples,), optional
            Cluster labels (regions, surveys, earlier trials). Errors are robust to dependence within them, and
            `shrinkage_diagnostic` can test with them what the correction assumes.

        Returns
        -------
        self
        """
        owner = f"{type(self).__name__}.fit"
        validate_params(self)
        rows = check_truth(owner, y_pred, y, sample_weight, groups)
        scales = _scales(rows.z), _scales(rows.y)
        standard = tuple((v - center) / scale for v, (center, scale) in zip((rows.z, rows.y), scales, strict=True))
        z, y = standard
        with np.errstate(under="ignore"):
            line = learn_line(owner, z, y, rows.weights)
            core = self._learn(owner, z, y, rows.weights, scales)
            found = self._attributes(core, line, scales, rows)
        for name, value in found.items():
            setattr(self, name, value)
        (center, scale), (origin, unit) = scales
        self.slope_ = line.slope * (scale / unit)
        self.intercept_ = center + scale * line.intercept - self.slope_ * origin
        self.calibration_ratio_ = line_ratio(line, scaled(line.slope_influence[:, None], rows, 2))
        self._rows, self._core, self._scales, self._standard = rows, core, scales, standard
        self.n_calibration_ = len(rows.z)
        if groups is None and not self.nondifferential:
            warnings.warn(
                f"{type(self).__name__}: calibration rows without groups cannot tell whether a correction is due. It "
                "is if the predictions err alike in both arms given the outcome; if the outcome depends on the "
                "treatment through the predictions alone, a correction spoils an effect that was right and may double "
                "it. Give groups= and ask shrinkage_diagnostic, or state the first with nondifferential=True.",
                UntestedAssumptionWarning,
                stacklevel=2,
            )
        for words, category in self._concerns(rows):
            warnings.warn(f"{type(self).__name__}: {words}", category, stacklevel=2)
        return self

    def transform(self, y_pred) -> np.ndarray:
        """Return the debiased column, for what is linear in the outcome; it is no prediction of single outcomes.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
            Predictions of other rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Passed to other software, it brings none of the error of the calibration step:
            `add_calibration_variance` adds it.
        """
        check_is_fitted(self)
        owner = f"{type(self).__name__}.transform"
        return self._finite(owner, self._transform(self._checked(check_vector(y_pred, owner, "y_pred"), 3)))

    def mean(self, y_pred, sample_weight=None, groups=None, method="delta") -> Estimate:
        """Estimate the mean outcome of other rows.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
            Predictions, from the same model as those of `fit`.
        sample_weight : array-like of shape (n_samples,), optional
        groups : array-like of shape (n_samples,), optional
            Cluster labels.
        method : {"delta", "fieller", "bootstrap"}, default "delta"
            As in `ate`.

        Returns
        -------
        Estimate
        """
        owner = f"{type(self).__name__}.mean"
        rows = self._asked(owner, y_pred, sample_weight, groups, method)
        return self._answer(owner, rows, lambda weights: mean_functional(len(rows.z), weights), method)

    def ols(self, y_pred, X, sample_weight=None, groups=None, method="delta") -> Estimate:
        """Estimate the coefficients of the least squares of the outcome on the columns of X.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
            Predictions, from the same model as those of `fit`.
        X : array-like of shape (n_samples, n_columns)
            The design AS IT IS: NO INTERCEPT IS ADDED. Put a column of ones where one is meant, as in statsmodels. A
            frame's columns name the coefficients.
        sample_weight : array-like of shape (n_samples,), optional
        groups : array-like of shape (n_samples,), optional
            Cluster labels.
        method : {"delta", "bootstrap"}, default "delta"
            As in `ate`.

        Returns
        -------
        Estimate
            One value per column, with `cov` and, from a frame, `names`. The error of the rows here is HC1 (with groups
            cluster-robust), to which that of the calibration step is added.
        """
        owner = f"{type(self).__name__}.ols"
        rows = self._asked(owner, y_pred, sample_weight, groups, method, X=X)
        if method == "fieller":
            raise InputError(f"{owner}: method='fieller' bounds one ratio: mean and ate offer it; use 'delta'.")
        matrix, names = check_design(owner, X, rows)
        return self._answer(owner, rows, lambda weights: ols_functional(matrix, weights, names), method)

    def ate(
        self, y_pred, treatment, sample_weight=None, groups=None, propensity=None, method="delta"
    ) -> Estimate:  # fmt: skip
        """Estimate the average treatment effect: mean of the treated minus mean of the others.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
            Predictions, from the same model as those of `fit`.
        treatment : array-like of shape (n_samples,)
            1 for the treated, 0 for the others; both must be there.
        sample_weight : array-like of shape (n_samples,), optional
        groups : array-like of shape (n_samples,), optional
            Cluster labels. Calibration clusters and these are taken as independent of each other.
        propensity : float or array-like of shape (n_samples,), optional
            Probability of treatment of each row, in (0, 1), known from the design; each arm is weighted by one over the
            probability of its own arm (Hajek). If you estimated it, that estimation is not in the error, which is then
            mostly too long, but need not be.
        method : {"delta", "fieller", "bootstrap"}, default "delta"
            - "delta": first order, Student's t with Satterthwaite's degrees of freedom.
            - "fieller": `LinearDebiaser` alone; takes the ratio exactly where "delta" takes a tangent, and is infinite
              where predictions hardly move with the truth. The variances are estimated all the same.
            - "bootstrap": calibration rows (or clusters) and these are drawn independently and everything is refitted;
              percentiles. Such an estimate carries no influence values.

        Returns
        -------
        Estimate
        """
        owner = f"{type(self).__name__}.ate"
        rows = self._asked(owner, y_pred, sample_weight, groups, method, treatment=treatment, propensity=propensity)
        arm = check_treatment(owner, treatment, rows)
        p = check_propensity(owner, propensity, rows)
        return self._answer(owner, rows, lambda weights: ate_functional(arm, weights, p), method)

    # ---- behind the verbs

    def _asked(self, owner, y_pred, sample_weight, groups, method, **beside):
        check_is_fitted(self)
        check_option(method, METHODS, owner, "method")
        if method == "fieller" and not hasattr(self, "_fieller_law"):
            raise InputError(
                f"{owner}: method='fieller' needs an estimate that is a ratio, which the one of LinearDebiaser is and "
                "this one is not; use 'delta' or 'bootstrap'."
            )
        return check_rows(owner, y_pred, sample_weight, groups, **beside)

    def _answer(self, owner, rows, functional, method):
        self._checked(rows.z, 4)
        if method != "fieller" and self._weak():
            warnings.warn(
                f"{owner}: {self._weakness()}",
                SmallSampleWarning,
                stacklevel=3,
            )
        self._warn_uneven(owner, self._units(), self._rows, "calibration ")
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            plan = functional(rows.weights)
            self._warn_uneven(
                owner, plan.units(rows.weights, rows.groups), rows, "", plan.names, plan.spared(rows.groups)
            )  # fmt: skip
            f = self._finite(owner, self._transform(rows.z))
            fit = self._spread(rows.z, plan.coefficients)
            apply = plan.influence(f, rows.groups)
            df = np.full(fit.shape[1], self._df())
            estimate = linear_estimate(
                owner, plan, f, fit, apply, df, plan.df(apply, rows.groups), method=f"{self._name}, {method}",
                guarantee=self._guarantee, n=len(rows.z), n_groups=rows.n_groups, fit_rows=self._rows.source,
                apply_rows=rows.source, law=self._fieller_law(rows, plan) if method == "fieller" else None,
                flat=self._flat(rows, plan),
            )  # fmt: skip
        return self._bootstrapped(estimate, rows, functional) if method == "bootstrap" else estimate

    def _bootstrapped(self, estimate, rows, functional):
        """Return the estimate with the errors of refits in place of first-order ones."""
        if not np.isfinite(estimate.std_error).all():  # one row of an arm, say: resampling it says no more
            return estimate
        (center, scale), (origin, unit) = self._scales
        z, y = self._standard
        refit = self._refit(z, y, (rows.z - center) / scale)
        rng = as_generator(self.random_state, type(self).__name__)

        def column(weights):
            return origin + unit * refit(weights)

        draws = bootstrap_values(column, functional, self._rows, rows, self.n_resamples, rng)
        return draws_estimate(estimate, draws)

    def _units(self):
        """Return how many calibration rows, or clusters, carry a mean."""
        return carrying_units(self._rows.weights, self._rows.groups, len(self._rows.z))

    def _df(self):
        """Return the degrees of freedom that the calibration rows leave."""
        return max(self._units() - self._core.n_parameters, 1.0)

    def _warn_uneven(self, owner, units, rows, kind, *which):
        """Warn where enough rows are worth few; that there are few of them the caller can see."""
        if len(rows.z) >= FEW:
            count, what = (len(rows.z), "rows") if rows.groups is None else (rows.n_groups, "clusters")
            warn_few(owner, units, count, kind + what, 5, *which)

    def _flat(self, rows, plan):
        """Tell where the predictions of these rows do not vary: how much they would is then unknown, not 0."""
        (center, scale), _ = self._scales
        z, origin = (rows.z - center) / scale, abs(center) / scale
        return ~(influence_norms(plan.influence(z, rows.groups)) > rounding_of(plan, np.abs(z) + origin))

    def _transform(self, z):
        """Return the debiased column (n,) of checked predictions."""
        (center, scale), (origin, unit) = self._scales
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return origin + unit * self._core.f((z - center) / scale)

    def _spread(self, z, coefficients):
        """Return how the calibration rows (or clusters) move a functional: influence values (n_calibration, k).

        Parameters
        ----------
        z : ndarray of shape (n,)
        coefficients : ndarray of shape (k, n)
            The functional is ``coefficients @ self._transform(z)``.
        """
        (center, scale), (_, unit) = self._scales
        return unit * scaled(self._core.spread((z - center) / scale, coefficients), self._rows, self._core.n_parameters)

    def _finite(self, owner, f):
        if not np.isfinite(f).all():
            raise InputError(
                f"{owner}: the debiased column exceeds the floats: the predictions hardly move with the truth, or lie "
                "too far beyond the calibration rows. Give more calibration rows, or rescale."
            )
        return f

    def _weakness(self):
        if self.calibration_ratio_ <= -WEAK:
            return (
                "the predictions are reversed: they fall where the truth rises (the calibration slope is "
                f"{self.calibration_ratio_:.1f} standard errors from 0). Turn their sign, unless this is meant."
            )
        return (
            "the predictions hardly move with the truth (the calibration slope is "
            f"{self.calibration_ratio_:.1f} standard errors from 0, where {WEAK:g} are needed): {self._remedy}"
        )

    def _weak(self):
        return self.calibration_ratio_ < WEAK

    def _curved(self):
        return False

    def _checked(self, z, stacklevel):
        """Return z, after a warning where the correction has to be extrapolated."""
        if not self._curved():
            return z
        low, high = self.support_
        beyond = int(((z < low) | (z > high)).sum())
        # of rows of the same law 2 / (n + 1) lie beyond, on average
        if beyond > len(z) * max(0.01, 4 / (self.n_calibration_ + 1)):
            warnings.warn(
                f"{type(self).__name__}: {beyond} of {len(z)} predictions lie beyond those of the calibration rows, "
                f"[{low:g}, {high:g}], where the correction is a line by decree. Calibrate on rows like these.",
                ExtrapolationWarning,
                stacklevel=stacklevel,
            )
        return z

    def _concerns(self, rows):
        """Yield (words, category) of what `fit` warns of."""
        return ()

    _remedy = "give more calibration rows, or a better model."

    def _learn(self, owner, z, y, weights, scales):
        """Return the core learned from standardised columns; scales are their (center, unit)."""
        raise NotImplementedError

    def _attributes(self, core, line, scales, rows):
        """Return what the caller may look at, beside the line."""
        return {}

    def _refit(self, z, y, z_apply):
        """Return ``refit(weights)``, which learns anew and returns the debiased column of z_apply."""
        owner = type(self).__name__
        return lambda weights: self._learn(owner, z, y, weights, self._scales).f(z_apply)


def scaled(values, rows, n_parameters):
    """Return influence values of calibration rows, summed over clusters, with the factor of HC1 or its sister."""
    if rows.groups is not None:
        values = cluster_sums(values, rows.groups)
    factor = hc1_factor(len(rows.z), n_parameters, None if rows.groups is None else len(values))
    return np.full(values.shape, np.inf) if np.isinf(factor) else values * np.sqrt(factor)


def _scales(values):
    """Return a center and the largest distance from it: squares of what is left neither overflow nor vanish."""
    center = float(values.mean())
    return center, float(np.abs(values - center).max())
