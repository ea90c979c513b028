"""P(IK): does the model know? The probability of a right answer, read off an embedding of the question."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy import special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.sklearn import HasMethods, Range, StrOptions, as_generator, validate_params
from uq._base.validation import check_groups, check_number, check_vector, check_weights

from ._folds import make_folds
from ._probe_core import cross_validate, fit_path, span

__all__ = ["KnowledgeProbe"]

HUGE = 1e150  # beyond which squares overflow
TOL = 1e-14


@cites("kadavath2022")
class KnowledgeProbe(ClassifierMixin, BaseEstimator):
    """Probability that a model answers a question right, from an embedding of the question.

    A logistic regression of the number of right answers among the trials, with an L2 penalty, on standardised features.

    Parameters
    ----------
    alpha : float, array-like of float or "auto", default "auto"
        Penalty ``alpha |w|^2`` on the weights of standardised features, beside the log loss summed over trials
        (scikit-learn's C is 1 / (2 alpha)); the intercept is free. An array is a grid to choose from by
        cross-validated log loss, "auto" the grid of half decades from 1e-4 to 1e4.
    cv : int, splitter or iterable, default 5
        Folds for that choice; whole clusters where `groups` are given. Unused for one alpha.
    random_state : int, RandomState, Generator or None, default None
        For dealing the folds.

    Attributes
    ----------
    alpha_ : float
    cv_log_loss_ : dict
        Mean log loss per held-out trial of the alphas that were tried; empty for one alpha.
    coef_ : ndarray of shape (1, n_features)
        In the units of the features.
    intercept_ : ndarray of shape (1,)
    classes_ : ndarray of shape (2,)
        The labels of `y`; 0 (wrong) and 1 (right) under `n_trials`.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    InputError
        From `fit` for bad parameters, weights, groups and counts, a `y` that is all right or all wrong, and, in
        scikit-learn's words, an `X` that is no finite matrix.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : for 0/1 outcomes without counts.

    Notes
    -----
    c right answers of m say the same as m rows with c ones, and cost one row. The grid is walked from the strongest
    penalty down, and left when the loss has risen twice in a row.

    **Guarantee.** None. The penalty that cross-validation likes is good on average; whether .8 means 80 % has to be
    checked on other questions (`latent_brier_score`, `reliability_curve`), and mended there (`TemperatureScaling`).
    Questions from another source than those of `fit` are answered by extrapolation.

    References
    ----------
    .. [1] S. Kadavath, T. Conerly, A. Askell et al. (2022). Language models (mostly) know what they know.
       arXiv:2207.05221.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import KnowledgeProbe
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 20))
    >>> right = rng.binomial(30, 1 / (1 + np.exp(-X[:, 0])))  # of 30 answers per question
    >>> probe = KnowledgeProbe(random_state=0).fit(X, right, n_trials=30)
    >>> probe.predict_proba(X[:2]).round(2)
    array([[0.48, 0.52],
           [0.51, 0.49]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [StrOptions({"auto"}), Range(Real, 0, None, closed="neither"), "array-like"],
        "cv": [Range(Integral, 2, None, closed="left"), HasMethods(["split", "get_n_splits"]), HasMethods("__iter__")],
        "random_state": ["random_state", HasMethods("spawn")],
    }

    def __init__(self, alpha="auto", cv=5, random_state=None):
        self.alpha = alpha
        self.cv = cv
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X, y, n_trials=None, groups=None, sample_weight=None):
        """Learn the weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, one row per question.
        y : array-like of shape (n_samples,)
            Number of right answers of `n_trials`; without `n_trials` labels of two classes, such as 0 and 1.
        n_trials : int or array-like of shape (n_samples,), optional
            Answers that were drawn per question.
        groups : array-like of shape (n_samples,), optional
            Cluster labels (the source of a question): never on both sides of a fold.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights; they multiply the log loss of their row.

        Returns
        -------
        self
        """
        owner = "KnowledgeProbe.fit"
        validate_params(self)
        rng = as_generator(self.random_state, "KnowledgeProbe")
        alphas = self._alphas()
        before = {name: getattr(self, name) for name in ("n_features_in_", "feature_names_in_") if hasattr(self, name)}
        try:
            X, y = self._validate(owner, X, y)
            n = len(X)
            weights = check_weights(sample_weight, owner, n)
            codes = None if groups is None else check_groups(groups, owner, n)[0]
            classes, right, trials = self._counts(y, n_trials, n, owner)
            m = trials if weights is None else trials * weights
            c = right * m / trials
            if not 0 < c.sum() < m.sum():
                raise InputError(
                    f"{owner}: y must hold right answers and wrong ones (two classes) with positive weight; got only "
                    f"{'right' if c.sum() > 0 else 'wrong'} ones ({classes[int(c.sum() > 0)]!r})."
                )
            folds = None
            if len(alphas) > 1:
                folds = make_folds(self.cv, (2 * right > trials).astype(np.int64), codes, rng, owner)
                _check_folds(folds, c, m, owner)
        except ValueError:
            for name in ("n_features_in_", "feature_names_in_"):
                if name in before:
                    setattr(self, name, before[name])
                elif hasattr(self, name):
                    delattr(self, name)
            raise
        share = m / m.sum()
        mean = share @ X
        Z = X - mean
        scale = np.sqrt(share @ (Z * Z))
        # a constant column is no more than its own rounding
        scale[scale <= np.maximum(1e-12 * np.abs(X).max(axis=0), 1 / HUGE)] = np.inf
        Z /= scale
        Z, V = span(Z)
        losses = {} if folds is None else cross_validate(Z, c, m, alphas, folds)
        alpha = alphas[0] if folds is None else min(losses, key=lambda a: (losses[a], -a))
        w, b = next(fit_path(Z, c, m, [alpha], TOL))
        w = (w if V is None else V @ w) / scale
        self.classes_, self.alpha_, self.cv_log_loss_ = classes, alpha, losses
        self.coef_, self.intercept_ = w[None, :], np.array([b - mean @ w])
        return self

    def _validate(self, owner, *arrays, **options):
        """Check in scikit-learn's way, with our error."""
        try:
            with np.errstate(invalid="ignore", over="ignore"):  # infinities are told of in words
                checked = validate_data(self, *arrays, dtype=np.float64, **options)
        except OverflowError:  # an int beyond the floats
            raise InputError(
                f"{owner}: X must not exceed {HUGE:g} in size, whose squares overflow; rescale it."
            ) from None
        except ValueError as error:
            raise InputError(str(error)) from None
        X = checked[0] if isinstance(checked, tuple) else checked
        if np.abs(X).max() > HUGE:
            raise InputError(f"{owner}: X must not exceed {HUGE:g} in size, whose squares overflow; rescale it.")
        return checked

    def _alphas(self):
        if isinstance(self.alpha, str):
            return [float(10.0 ** (k / 2)) for k in range(8, -9, -1)]
        if isinstance(self.alpha, Real):
            return [check_number(self.alpha, "KnowledgeProbe", "alpha", low=0)]
        grid = np.unique(check_vector(self.alpha, "KnowledgeProbe", "alpha"))[::-1]
        if grid[-1] <= 0:
            raise InputError(f"KnowledgeProbe: alpha must be positive; got {grid[-1]:g} in the grid.")
        return grid.tolist()

    def _counts(self, y, n_trials, n, owner):
        """Return the classes, the number right and the number of trials of each row."""
        if n_trials is None:
            y = column_or_1d(y, warn=True)
            try:
                with np.errstate(invalid="ignore"):
                    check_classification_targets(y)
            except ValueError as error:
                raise InputError(f"{owner}: {error} For numbers of right answers pass n_trials.") from None
            classes, codes = np.unique(y, return_inverse=True)
            if len(classes) > 2:
                raise InputError(
                    f"Only binary classification is supported. The type of the target is multiclass: {owner} got "
                    f"{len(classes)} classes. For numbers of right answers pass n_trials."
                )
            if len(classes) < 2:
                raise InputError(f"{owner}: y must hold two classes; got only one class, {classes[0]!r}.")
            return classes, codes.astype(np.float64), np.ones(n)
        right = check_vector(y, owner, "y")
        trials = (
            np.full(n, check_number(n_trials, owner, "n_trials"))
            if isinstance(n_trials, Real)
            else check_vector(n_trials, owner, "n_trials")
        )
        if len(trials) != n:
            raise InputError(f"{owner}: n_trials must be one number, or one per row ({n}); got {len(trials)}.")
        if not (trials >= 1).all() or not np.isfinite(trials).all() or (trials != np.rint(trials)).any():
            raise InputError(
                f"{owner}: n_trials must be whole numbers of at least 1; got {trials.min():g} at the least."
            )
        if (right != np.rint(right)).any():
            raise InputError(
                f"{owner}: y must hold whole numbers of right answers where n_trials is given; got {right.min():g} to "
                f"{right.max():g}. Shares are multiplied by n_trials first."
            )
        if (right < 0).any() or (right > trials).any():
            row = int(np.flatnonzero((right < 0) | (right > trials))[0])
            raise InputError(
                f"{owner}: y must be the number of right answers, between 0 and n_trials; got {right[row]:g} of "
                f"{trials[row]:g} in row {row} (counting from 0)."
            )
        return np.array([0, 1]), right, trials

    def decision_function(self, X):
        """Return the log-odds of the second class (a right answer).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = self._validate("KnowledgeProbe", X, reset=False)
        return X @ self.coef_[0] + self.intercept_[0]

    def predict_proba(self, X):
        """Return the probabilities of the two classes: of a wrong and of a right answer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, 2)
        """
        eta = self.decision_function(X)
        return np.column_stack([special.expit(-eta), special.expit(eta)])

    def predict(self, X):
        """Return the likelier class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(np.intp)]


def _check_folds(folds, c, m, owner):
    for train, test in folds:
        if not 0 < c[train].sum() < m[train].sum() or not m[test].sum() > 0:
            raise InputError(
                f"{owner}: each training fold must hold right answers and wrong ones, and each held-out fold rows of "
                f"positive weight; one of {len(train)} and {len(test)} rows does not. Pass other folds, or one alpha."
            )
