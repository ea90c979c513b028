"""Prediction-powered inference: few rows with truth, many with predictions alone."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cite_methods, cites
from uq._base.exceptions import InputError
from uq._base.results import Estimate
from uq._base.sklearn import Range, StrOptions, validate_params
from uq._base.validation import check_number

from ._estimate import warn_few
from ._ppi_estimate import combined, enough, tuned
from ._ppi_logistic import powered_logistic
from ._ppi_moments import Collected
from ._ppi_quantile import FEW_LABELS, powered_quantile, tuned_quantile
from ._ppi_rows import check_clusters, take
from ._ppi_sides import Labelled, Unlabelled, separate
from ._ppi_verbs import added, all_added, rows_of_verb, side_of

__all__ = ["PredictionPowered"]

REFERENCES = ("angelopoulos2023", "angelopoulosduchi2023")
cite_methods(
    **{f"prediction-powered {verb}": REFERENCES for verb in ("mean", "ols", "ate", "quantile", "logistic")},
)


@cites("angelopoulos2023", "angelopoulosduchi2023", "zrnic2024")
class PredictionPowered(BaseEstimator):
    """Estimates from few rows with truth and many with predictions, valid however bad the predictions are.

    The predictions of the unlabelled rows give the precision, the labelled rows correct their error. Nothing is trained
    here, and nothing is assumed of the model but that it never saw the labels of `fit`.

    Parameters
    ----------
    power_tuning : "auto" or float in [0, 1], default "auto"
        How much the predictions count: 0 ignores them, 1 takes them in full. "auto" estimates what gives the least
        variance, one number per coefficient for `ols` and one for everything else. Below 50 effective labels (or
        labelled clusters; see Notes) "auto" is 1, and 1/2 for `quantile`, whose interval it would widen by a quarter
        and more: an estimated one would cost coverage. What was used stands on the result, as `power`.

    Attributes
    ----------
    n_labelled_, n_unlabelled_ : int
        Rows of positive weight seen by `fit` and `partial_fit`, and by `partial_estimate`.

    Raises
    ------
    InputError
        From `fit` and the verbs, for missing or infinite values, no rows, lengths that differ, weights that are
        negative or sum to 0, a treatment other than 0 and 1 or of one arm, columns of X that depend on each other or
        are not those of `fit`, groups or propensities on one side only,
        pandas columns whose rows come in different orders, and unlabelled rows that are labelled ones by their index.
    NotIdentifiedError
        From `logistic`, where the loss has no minimum.

    Warns
    -----
    SmallSampleWarning
        From the verbs, below 20 effective labels or labelled clusters.

    See Also
    --------
    dsl : known and unequal probabilities of being labelled.
    Classical : the labelled rows alone.
    LinearDebiaser : no labels from the population that the question is about.

    Notes
    -----
    Labelled rows must be a random sample of the population that the unlabelled rows come from, and none may be among
    these: what was labelled on purpose, or where the model was unsure, needs `dsl`. Rows with equal `groups` are one
    cluster, also where some are labelled and some are not. Groups are given to `fit` and to the verb, or to neither:
    errors that took one kind of rows for independent would be too small. Moments (`partial_fit`, `partial_estimate`,
    `merge`) know no clusters.

    ``theta = T_lab(y) + power (T_unl(y_pred) - T_lab(y_pred))`` for means, effects (Hajek, where propensities are
    given) and least squares; the quantile inverts the distribution function that comes out of this, and the logistic
    regression minimises the loss that does.

    Cross-prediction: train on folds of the labelled rows, give `fit` the out-of-fold predictions and the verbs those of
    all models, shape (n, n_folds). Their errors depend on each other through the shared training rows, which the
    error given here leaves out, as the original does: it suits stable learners. From 30 labels on and in 5 folds it
    lost nothing that shows: least squares of 5 or 40 columns, and the nearest neighbour, covered 93 to 98 % of 95 %.

    What counts are effective numbers: those of equal rows that would carry the estimate as well. Of weights (over
    propensities) and of the sizes of clusters that is ``(sum w)^2 / sum w^2``; two arms count as the smaller one where
    they differ much; a coefficient of `ols` is carried by the rows in which its column differs from what the others
    say of it (of normal columns one row in three, which counts as all three). Degrees of freedom are theirs as well.

    **Guarantee.** Asymptotic in the effective number of labels, for any model and any law with finite variance (the
    quantile: any law), with Student's t by Satterthwaite's rule; clusters by cluster-robust errors, for which their
    sizes matter: with 19 labelled clusters of 3 rows and one of 60 nominal 95 % covered 93 %. Least squares has HC1,
    whose errors are too short where single rows have leverage: with 60 labels and a regressor with the tails of 3
    degrees of freedom, its square the variance of the errors, 90 %. On skewed outcomes it falls short, as Student's t
    on the labels does, and tuning costs a point or two: with 50 labels nominal 95 % covered 92 % (exponential), 89 %
    (lognormal of sigma 1), 91 % (an event of 10 %), and with 60 that were sampled by their size and weighted 92 %. What
    no labelled row shows is not in the error: where no label differs from its prediction the error of means and least
    squares is infinite, and the quantile counts two more rows that do differ.

    References
    ----------
    .. [1] A. Angelopoulos, S. Bates, C. Fannjiang, M. Jordan, T. Zrnic (2023). Prediction-powered inference.
       arXiv:2301.09633.
    .. [2] A. Angelopoulos, J. Duchi, T. Zrnic (2023). PPI++: efficient prediction-powered inference. arXiv:2311.01453.
    .. [3] T. Zrnic, E. Candès (2024). Cross-prediction-powered inference. arXiv:2309.16598.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import PredictionPowered
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(1, 1, size=10_100)
    >>> y_pred = .5 + y + .5 * rng.normal(size=10_100)  # biased upwards
    >>> labelled = PredictionPowered().fit(y_pred[:100], y[:100])
    >>> print(labelled.mean(y_pred[100:]))
    1.008, 95 % interval [0.9101, 1.106], std. error 0.04929
    n = 10100; method: prediction-powered mean, guarantee: asymptotic
    >>> print(labelled.quantile(y_pred[100:], .9))
    2.35, 95 % interval [2.031, 2.689], std. error 0.08865
    n = 10100; method: prediction-powered quantile, guarantee: asymptotic

    The unlabelled rows in parts, of which only sums are kept:

    >>> for part in np.split(y_pred[100:], 10):
    ...     labelled = labelled.partial_estimate(part)
    >>> print(labelled.mean())
    1.008, 95 % interval [0.9101, 1.106], std. error 0.04929
    n = 10100; method: prediction-powered mean, guarantee: asymptotic
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "power_tuning": [StrOptions({"auto"}), Range(Real, 0, 1, closed="both")]
    }

    def __init__(self, power_tuning="auto"):
        self.power_tuning = power_tuning

    # ---- rows with truth

    def fit(self, y_pred, y, X=None, treatment=None, sample_weight=None, groups=None, propensity=None):
        """Keep the labelled rows; whatever was collected before is forgotten.

        Parameters
        ----------
        y_pred : array-like of shape (n_labelled,) or (n_labelled, 1)
            Predictions by a model that did not see these labels; out-of-fold ones under cross-prediction.
        y : array-like of shape (n_labelled,)
            What turned out to be true; within [0, 1] for `logistic`.
        X : array-like of shape (n_labelled, n_columns), optional
            For `ols` and `logistic`. NO INTERCEPT IS ADDED: give a column of ones where there is to be one.
        treatment : array-like of shape (n_labelled,), optional
            0 or 1, for `ate`.
        sample_weight : array-like of shape (n_labelled,), optional
            Sampling weights; a row of weight 0 is not there.
        groups : array-like of shape (n_labelled,), optional
            Clusters; the verbs then need those of the unlabelled rows, too.
        propensity : float or array-like of shape (n_labelled,), optional
            For `ate`: the known probability of treatment. An estimated one is taken as known; its error is left out.

        Returns
        -------
        self
        """
        owner = "PredictionPowered.fit"
        validate_params(self)
        taken = take(
            owner, y_pred, y=y, X=X, treatment=treatment, sample_weight=sample_weight, groups=groups,
            propensity=propensity, labelled=True,
        ).own()  # fmt: skip
        return self._keep(taken, None)

    def partial_fit(self, y_pred, y, X=None, treatment=None, sample_weight=None, propensity=None):
        """Add labelled rows, of which only moments are kept: enough for `mean`, `ols` and `ate`.

        After `fit`, the rows of `fit` become moments as well: `quantile`, `logistic` and `combine` need rows and fail
        from then on, and a `fit` with groups is refused.

        Parameters
        ----------
        y_pred, y, X, treatment, sample_weight, propensity
            As in `fit`, and the same ones in every part. Clusters cannot be known across parts. A part whose weights
            are all 0 adds nothing.

        Returns
        -------
        self
        """
        owner = "PredictionPowered.partial_fit"
        validate_params(self)
        new = take(
            owner, y_pred, y=y, X=X, treatment=treatment, sample_weight=sample_weight, propensity=propensity,
            labelled=True, part=True,
        )  # fmt: skip
        if new is None:
            return self._keep(getattr(self, "_labelled", None), getattr(self, "_unlabelled", None))
        old = self._collected(owner) if hasattr(self, "_labelled") else None
        return self._keep(added(owner, old, new.collected()), getattr(self, "_unlabelled", None))

    def partial_estimate(self, y_pred, X=None, treatment=None, sample_weight=None, propensity=None):
        """Add unlabelled rows, of which only moments are kept; then ask `mean`, `ols` or `ate` without rows.

        Parameters
        ----------
        y_pred : array-like of shape (n,), (n, 1) or (n, n_folds)
        X, treatment, sample_weight, propensity
            As in the verbs, and the same ones in every part. After a `fit` with groups it is refused.

        Returns
        -------
        self
        """
        owner = "PredictionPowered.partial_estimate"
        new = take(
            owner, y_pred, X=X, treatment=treatment, sample_weight=sample_weight, propensity=propensity, part=True
        )
        labelled = getattr(self, "_labelled", None)
        if new is None:
            return self._keep(labelled, getattr(self, "_unlabelled", None))
        new = new.collected()
        if labelled is not None:
            check_clusters(owner, labelled, new)
        return self._keep(labelled, added(owner, getattr(self, "_unlabelled", None), new))

    def merge(self, other):
        """Return a new estimator of the rows of both, labelled and unlabelled; `self` and `other` stay as they are.

        Where both have labelled rows, moments alone are left of them, also of those that went to `fit`: the new one
        answers `mean`, `ols` and `ate`; `quantile` and `logistic` fail, and so does `combine` with its estimates. A
        `fit` with groups is refused.

        Parameters
        ----------
        other : PredictionPowered
            Another one, of other rows, with the same parameters. What one of them has not seen changes nothing.

        Returns
        -------
        PredictionPowered
        """
        owner = "PredictionPowered.merge"
        if not isinstance(other, PredictionPowered):
            raise InputError(f"{owner}: other must be a PredictionPowered; got {type(other).__name__}.")
        if other is self:
            raise InputError(f"{owner}: other must be another estimator; got this one, whose rows would count twice.")
        if self.power_tuning != other.power_tuning:
            raise InputError(
                f"{owner}: power_tuning must be the same for both; got {self.power_tuning!r} and "
                f"{other.power_tuning!r}."
            )
        labelled = [part for part in (self, other) if getattr(part, "_labelled", None) is not None]
        labelled = [part._labelled if len(labelled) == 1 else part._collected(owner) for part in labelled]
        unlabelled = [part._unlabelled for part in (self, other) if getattr(part, "_unlabelled", None) is not None]
        merged = type(self)(power_tuning=self.power_tuning)
        if not labelled and not unlabelled:
            return merged
        return merged._keep(all_added(owner, labelled), all_added(owner, unlabelled))

    def _collected(self, owner):
        if self._labelled is None or isinstance(self._labelled, Collected):
            return self._labelled
        if self._labelled.rows.groups is not None:
            raise InputError(
                f"{owner}: groups must not have been given to fit; got rows in {self._labelled.rows.n_groups} "
                "clusters, which moments cannot keep apart. Give all labelled rows to one fit."
            )
        return self._labelled.collected()

    def _keep(self, labelled, unlabelled):
        self._labelled, self._unlabelled = labelled, unlabelled
        self.n_labelled_, self.n_unlabelled_ = (
            0 if part is None else part.rows.n if isinstance(part, Collected) else len(part.rows.z)
            for part in (labelled, unlabelled)
        )
        return self

    # ---- verbs

    def mean(self, y_pred=None, sample_weight=None, groups=None) -> Estimate:
        """Estimate the mean outcome of the population that the unlabelled rows come from.

        Parameters
        ----------
        y_pred : array-like of shape (n,), (n, 1) or (n, n_folds), optional
            Predictions of the unlabelled rows; without it, those of `partial_estimate`.
        sample_weight, groups : array-like of shape (n,), optional
            Groups where `fit` had them, and only there.

        Returns
        -------
        Estimate
            With `power`, the weight of the predictions that was used.
        """
        labelled, unlabelled, owner = self._both("mean", y_pred, sample_weight=sample_weight, groups=groups)
        return self._linear("mean", owner, labelled, unlabelled)

    def ols(self, y_pred=None, X=None, sample_weight=None, groups=None) -> Estimate:
        """Estimate the least squares coefficients of the outcome on X, which gets NO INTERCEPT.

        Parameters
        ----------
        y_pred : array-like of shape (n,), (n, 1) or (n, n_folds), optional
            Predictions of the unlabelled rows; without it, those of `partial_estimate`.
        X : array-like of shape (n, n_columns)
            The columns of `fit`, taken as they are: give a column of ones where there is to be an intercept.
        sample_weight, groups : array-like of shape (n,), optional
            Groups where `fit` had them, and only there.

        Returns
        -------
        Estimate
            One value per column, with the names of a frame's columns, `cov` (HC1, the sum of both kinds of rows;
            cluster-robust with groups), and `power` per coefficient.
        """
        labelled, unlabelled, owner = self._both("ols", y_pred, X=X, sample_weight=sample_weight, groups=groups)
        return self._linear("ols", owner, labelled, unlabelled)

    def ate(self, y_pred=None, treatment=None, sample_weight=None, groups=None, propensity=None) -> Estimate:
        """Estimate the effect of a treatment, where part of the trial is labelled.

        Parameters
        ----------
        y_pred : array-like of shape (n,), (n, 1) or (n, n_folds), optional
            Predictions of the unlabelled rows; without it, those of `partial_estimate`.
        treatment : array-like of shape (n,)
            0 or 1.
        sample_weight, groups : array-like of shape (n,), optional
            Groups where `fit` had them, and only there.
        propensity : float or array-like of shape (n,), optional
            Where `fit` had it.

        Returns
        -------
        Estimate
        """
        labelled, unlabelled, owner = self._both(
            "ate", y_pred, treatment=treatment, sample_weight=sample_weight, groups=groups, propensity=propensity
        )
        return self._linear("ate", owner, labelled, unlabelled)

    def quantile(self, y_pred, q=0.5, sample_weight=None, groups=None) -> Estimate:
        """Estimate a quantile of the outcome.

        Parameters
        ----------
        y_pred : array-like of shape (n,), (n, 1) or (n, n_folds)
            Predictions of the unlabelled rows.
        q : float, default .5
            In (0, 1).
        sample_weight, groups : array-like of shape (n,), optional
            Groups where `fit` had them, and only there.

        Returns
        -------
        Estimate
            Its interval holds every value at which the distribution function may cross q; its `std_error` is half the
            width of the interval of one standard deviation.
        """
        owner = "PredictionPowered.quantile"
        q = check_number(q, owner, "q", low=0, high=1)
        labelled, unlabelled, _ = self._both("quantile", y_pred, sample_weight=sample_weight, groups=groups)
        power = self._power(owner, labelled, few=FEW_LABELS)
        if power is None:
            power = tuned_quantile(labelled.rows, unlabelled.rows, unlabelled.folds, q)
        return powered_quantile(
            labelled.rows, unlabelled.rows, unlabelled.folds, q, power, "prediction-powered quantile"
        )

    def logistic(self, y_pred, X, sample_weight=None, groups=None) -> Estimate:
        """Estimate the coefficients (log-odds) of a logistic regression on X, which gets NO INTERCEPT.

        Parameters
        ----------
        y_pred : array-like of shape (n,), (n, 1) or (n, n_folds)
            Predictions of the unlabelled rows, within [0, 1].
        X : array-like of shape (n, n_columns)
            The columns of `fit`, taken as they are: give a column of ones where there is to be an intercept.
        sample_weight, groups : array-like of shape (n,), optional
            Groups where `fit` had them, and only there.

        Returns
        -------
        Estimate
        """
        labelled, unlabelled, owner = self._both("logistic", y_pred, X=X, sample_weight=sample_weight, groups=groups)
        for name, values in (
            ("y of fit", labelled.rows.y), ("y_pred of fit", labelled.rows.z), ("y_pred", unlabelled.rows.z)
        ):  # fmt: skip
            if values.min() < 0 or values.max() > 1:
                raise InputError(
                    f"{owner}: {name} must lie within [0, 1]; got values from {values.min():g} to {values.max():g}."
                )
        power = self._power(owner, labelled)
        return powered_logistic(owner, labelled, unlabelled, power, "prediction-powered logistic")

    def __sklearn_is_fitted__(self):
        return getattr(self, "_labelled", None) is not None

    def _both(self, verb, y_pred, **given):
        """Return labelled and unlabelled rows that have what a verb needs, and its full name."""
        check_is_fitted(self)
        owner = f"PredictionPowered.{verb}"
        return *rows_of_verb(owner, verb, self._labelled, self._unlabelled, y_pred, given), owner

    def _power(self, owner, labelled, stacklevel=4, few=1.0):
        """Return the lambda that is not to be tuned, or None, after a warning where labels are few."""
        warn_few(
            owner, labelled.units, labelled.count, f"labelled {labelled.kind}", stacklevel, labelled.names,
            getattr(labelled, "spared", False),
        )  # fmt: skip
        if self.power_tuning != "auto":
            return float(self.power_tuning)
        return None if enough(labelled.units).any() else few

    def _linear(self, verb, owner, labelled, unlabelled):
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            one, two = side_of(owner, verb, labelled, True), side_of(owner, verb, unlabelled, False)
            if isinstance(one, Labelled) and isinstance(two, Unlabelled):
                separate(one, two)
            power = self._power(owner, one, 5)
            power = np.where(enough(one.units), tuned(one, two), 1.0) if power is None else np.full(one.k, power)
            return combined(owner, one, two, power, method=f"prediction-powered {verb}")
