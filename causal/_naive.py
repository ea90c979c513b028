"""What one would have done without this library: believe the predictions, or throw them away."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cite_methods, cites
from uq._base.exceptions import InputError
from uq._base.results import Estimate

from ._checks import check_design, check_propensity, check_rows, check_treatment, check_truth
from ._estimate import FEW, linear_estimate, warn_few
from ._functional import ate_functional, mean_functional, ols_functional

__all__ = ["Classical", "Naive"]

cite_methods(**{"classical": ("student1908", "mackinnon1985")})


class Naive(BaseEstimator):
    """Predictions in place of the outcome, as if they were it: the estimate that a debiaser is held against.

    Attributes
    ----------
    n_calibration_ : int
        Rows of `fit`, which nothing is learned from.

    Raises
    ------
    InputError
        As those of `LinearDebiaser`.

    See Also
    --------
    LinearDebiaser, PredictionPowered : what to use in its place.
    compare_estimators : several side by side.

    Notes
    -----
    **Guarantee.** None. The intervals are those of means, effects and coefficients of the predictions, which are not
    those of the outcome: a model that minimises squared error predicts too close to the mean, and an effect on its
    predictions is too small by the slope of the predictions on the truth, unless the outcome depends on the treatment
    through the predictions alone.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import Naive
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=500)
    >>> y_pred = .5 * y + .5 * rng.normal(size=500)
    >>> treatment = rng.integers(0, 2, 2000)
    >>> outcome = treatment + rng.normal(size=2000)  # an effect of 1
    >>> trial = .5 * outcome + .5 * rng.normal(size=2000)
    >>> print(Naive().fit(y_pred, y).ate(trial, treatment))
    0.5253, 95 % interval [0.4641, 0.5865], std. error 0.0312
    n = 2000; method: naive, guarantee: none
    """

    def __init__(self):
        pass

    def fit(self, y_pred, y, sample_weight=None, groups=None):
        """Check the calibration rows, as the other estimators do; nothing is learned.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
        y : array-like of shape (n_samples,)
        sample_weight, groups : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        rows = check_truth("Naive.fit", y_pred, y, sample_weight, groups)
        self.n_calibration_, self._source = len(rows.z), rows.source
        self._units = len(rows.z) if groups is None else rows.n_groups
        return self

    def mean(self, y_pred, sample_weight=None, groups=None) -> Estimate:
        """Return the mean prediction; arguments as in `LinearDebiaser.mean`."""
        check_is_fitted(self)
        rows = check_rows("Naive.mean", y_pred, sample_weight, groups)
        return self._answer("Naive.mean", rows, mean_functional(len(rows.z), rows.weights))

    def ols(self, y_pred, X, sample_weight=None, groups=None) -> Estimate:
        """Return the least squares of the predictions on X, which gets NO INTERCEPT; as in `LinearDebiaser.ols`.

        Errors are HC1, or cluster-robust with groups.
        """
        check_is_fitted(self)
        rows = check_rows("Naive.ols", y_pred, sample_weight, groups, X=X)
        matrix, names = check_design("Naive.ols", X, rows)
        return self._answer("Naive.ols", rows, ols_functional(matrix, rows.weights, names))

    def ate(self, y_pred, treatment, sample_weight=None, groups=None, propensity=None) -> Estimate:
        """Return the effect on the predictions; arguments as in `LinearDebiaser.ate`."""
        check_is_fitted(self)
        rows = check_rows("Naive.ate", y_pred, sample_weight, groups, treatment=treatment, propensity=propensity)
        arm = check_treatment("Naive.ate", treatment, rows)
        p = check_propensity("Naive.ate", propensity, rows)
        return self._answer("Naive.ate", rows, ate_functional(arm, rows.weights, p))

    def _answer(self, owner, rows, functional):
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            apply = functional.influence(rows.z, rows.groups)
            fit = np.zeros((self._units, apply.shape[1]))
            df = functional.df(apply, rows.groups)
            return linear_estimate(
                owner, functional, rows.z, fit, apply, df, df, method="naive", guarantee="none", n=len(rows.z),
                n_groups=rows.n_groups, fit_rows=self._source, apply_rows=rows.source,
            )  # fmt: skip


@cites("student1908", "mackinnon1985")
class Classical(BaseEstimator):
    """The rows with truth alone, no model: what predictions must improve upon.

    Attributes
    ----------
    n_calibration_ : int

    Raises
    ------
    InputError
        As those of `LinearDebiaser`; from `ate` and `ols`, where `fit` was given no treatment or no X.

    Warns
    -----
    SmallSampleWarning
        From the verbs, where 20 rows or more count as fewer, by clusters, weights, arms or leverage.

    See Also
    --------
    PredictionPowered : the same rows, with predictions for many more.

    Notes
    -----
    The predictions are taken and ignored, so that the estimator stands in for any other of this package.

    **Guarantee.** Asymptotic: means and effects have Welch's error and degrees of freedom, exact for normal outcomes of
    one variance per arm up to Satterthwaite's approximation; least squares has HC1; with groups, cluster-robust errors.
    Degrees of freedom are those of the rows (or clusters) that carry the estimate: few where weights, sizes of
    clusters, arms or leverage differ much. HC1 is too short under leverage all the same: 92 % in place of 95 % with 60
    rows and a regressor with the tails of 3 degrees of freedom, its square the variance of the errors. For the
    population that the labelled rows were drawn from, whatever the model.

    References
    ----------
    .. [1] Student (1908). The probable error of a mean. doi:10.1093/biomet/6.1.1.
    .. [2] J. MacKinnon, H. White (1985). Some heteroskedasticity-consistent covariance matrix estimators with improved
       finite sample properties. doi:10.1016/0304-4076(85)90158-7.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import Classical
    >>> rng = np.random.default_rng(0)
    >>> treatment = rng.integers(0, 2, 100)
    >>> y = treatment + rng.normal(size=100)
    >>> y_pred = .5 * y + .5 * rng.normal(size=100)
    >>> print(Classical().fit(y_pred, y, treatment=treatment).ate())
    1.006, 95 % interval [0.6129, 1.4], std. error 0.1981
    n = 100; method: classical, guarantee: asymptotic
    """

    def __init__(self):
        pass

    def fit(self, y_pred, y, X=None, treatment=None, sample_weight=None, groups=None, propensity=None):
        """Keep the rows with truth, for the verbs to answer from.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,) or (n_samples, 1)
            Not used.
        y : array-like of shape (n_samples,)
        X : array-like of shape (n_samples, n_columns), optional
            For `ols`. NO INTERCEPT IS ADDED.
        treatment : array-like of shape (n_samples,), optional
            For `ate`.
        sample_weight, groups : array-like of shape (n_samples,), optional
        propensity : float or array-like of shape (n_samples,), optional
            For `ate`: the known probability of treatment.

        Returns
        -------
        self
        """
        owner = "Classical.fit"
        if y is None:
            raise InputError(f"{owner}: y must hold what turned out to be true, one number per row; got None.")
        rows = check_rows(
            owner, y_pred, sample_weight, groups, y, X=X, treatment=treatment, propensity=propensity
        )  # fmt: skip
        design = None if X is None else check_design(owner, X, rows)
        arm = None if treatment is None else check_treatment(owner, treatment, rows)
        p = check_propensity(owner, propensity, rows)
        if p is not None and arm is None:
            raise InputError(f"{owner}: propensity must come with treatment; got treatment=None.")
        if design is not None:
            design = design[0].copy(), design[1]
        # the caller may go on writing to theirs
        self._arm, self._propensity = (None if own is None else own.copy() for own in (arm, p))
        self._rows, self._design = rows, design
        self.n_calibration_ = len(rows.z)
        return self

    def mean(self, y_pred=None, sample_weight=None, groups=None) -> Estimate:
        """Return the mean outcome of the rows of `fit`; all arguments are ignored."""
        check_is_fitted(self)
        self._ignored("mean", y_pred)
        return self._answer("Classical.mean", mean_functional(len(self._rows.z), self._rows.weights))

    def ols(self, y_pred=None, X=None, sample_weight=None, groups=None) -> Estimate:
        """Return the least squares of the outcome on the X of `fit`, with HC1 errors; all arguments are ignored."""
        check_is_fitted(self)
        self._ignored("ols", y_pred)
        if self._design is None:
            raise InputError("Classical.ols: X must be given to fit, for the rows with truth; got X=None there.")
        matrix, names = self._design
        return self._answer("Classical.ols", ols_functional(matrix, self._rows.weights, names))

    def ate(self, y_pred=None, treatment=None, sample_weight=None, groups=None, propensity=None) -> Estimate:
        """Return the effect in the rows of `fit`; all arguments are ignored."""
        check_is_fitted(self)
        self._ignored("ate", y_pred)
        if self._arm is None:
            raise InputError(
                "Classical.ate: treatment must be given to fit, for the rows with truth; got treatment=None there."
            )
        return self._answer("Classical.ate", ate_functional(self._arm, self._rows.weights, self._propensity))

    def _ignored(self, verb, y_pred):
        """Check what is ignored all the same: a mistake in it is one for every estimator that it goes to."""
        if y_pred is not None:
            check_rows(f"Classical.{verb}", y_pred)

    def _answer(self, owner, functional):
        rows = self._rows
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if len(rows.y) >= FEW:
                count, kind = (len(rows.y), "rows") if rows.groups is None else (rows.n_groups, "clusters")
                units = functional.units(rows.weights, rows.groups)
                warn_few(
                    owner, units, count, f"labelled {kind}", 4, functional.names, functional.spared(rows.groups)
                )  # fmt: skip
            fit = functional.influence(rows.y, rows.groups)
            df = functional.df(fit, rows.groups)
            return linear_estimate(
                owner, functional, rows.y, fit, np.zeros((0, fit.shape[1])), df, df, method="classical",
                guarantee="asymptotic", n=len(rows.y), n_groups=rows.n_groups, fit_rows=rows.source,
            )  # fmt: skip
