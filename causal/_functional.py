"""Means, effects and regression coefficients as one thing: linear functionals of the outcome column.

Each is a contrast of weighted least squares, ``theta = L (X'WX)^-1 X'W f``: the mean has one column of ones, the
average treatment effect the two arms, with weights divided by the probability of the arm. So one class gives the value,
the weight of each row (which the calibration step needs) and the influence values (from which all variances come).
Nothing is validated here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.groups import cluster_sums

__all__ = [
    "Functional",
    "as_rows",
    "ate_functional",
    "carried",
    "carrying_units",
    "effective_number",
    "hc1_factor",
    "mean_functional",
    "of_one_cluster",
    "ols_functional",
    "satterthwaite",
    "snapped",
]


NORMAL = 3.0  # of rows with a normal regressor one in three carries its coefficient (the kurtosis)


@dataclass(frozen=True, slots=True)
class Functional:
    """A linear functional of an outcome column on given rows.

    Parameters
    ----------
    coefficients : ndarray of shape (k, n)
        ``theta = coefficients @ f``.
    fitted : callable
        ``fitted(f)`` returns what least squares explains of f, shape (n,).
    factor : float or ndarray of shape (n,)
        What squared influence values are multiplied by in small samples, without clusters. Infinite where the rows say
        nothing about the variation.
    n : int
        Rows of positive weight.
    n_columns : int
        Columns of the design.
    parts : ndarray of int, shape (n,), or None
        The arm of each row, where the variance is a sum over arms (Welch 1947); None for least squares as a whole.
        Clusters that lie within arms are summed over arms as rows are.
    names : tuple of str or None
    weights : ndarray of shape (n,), or None
        Of least squares as a whole.
    design : ndarray of shape (n, k), or None
        Of least squares as a whole.
    """

    coefficients: Any
    fitted: Any
    factor: Any
    n: int
    n_columns: int
    parts: Any = None
    names: tuple[str, ...] | None = None
    weights: Any = None
    design: Any = None

    def value(self, f):
        """Return theta, shape (k,)."""
        return self.coefficients @ f

    def influence(self, f, groups=None):
        """Return influence values whose squares sum to the variance: (n, k), or (n_groups, k) with codes `groups`."""
        values = self.coefficients.T * (f - self.fitted(f))[:, None]
        if groups is None:
            with np.errstate(invalid="ignore"):
                values *= np.sqrt(np.broadcast_to(self.factor, len(f)))[:, None]
            # a row that is alone has no residual; its arm has no variance that anybody could know
            return np.where(np.isnan(values), np.inf, values)
        values = cluster_sums(values, groups)
        g, n, q = len(values), self.n, self.n_columns
        arms, counts = self._arms(groups, g)
        if arms is not None:
            # as for rows, one over what a cluster leaves to the others of its arm; G / (G - 1) where all are alike
            factor = _left_out(self._masses(groups)[np.arange(g), arms])[:, None] if counts.min() > 1 else np.inf
        elif counts is not None and counts.min() == 1:
            factor = np.inf
        else:
            factor = hc1_factor(n, q, g)
        with np.errstate(invalid="ignore"):
            values = values * np.sqrt(factor)
        return np.where(np.isnan(values), np.inf, values)

    def _arms(self, groups, n_groups):
        """Return the arm of each cluster (None where a cluster has rows of two) and how many clusters each arm has."""
        if self.parts is None:
            return None, None
        codes, parts = np.unique(self.parts, return_inverse=True)
        there = np.zeros((n_groups, len(codes)), bool)
        there[groups, parts] = True
        nested = (there.sum(axis=1) == 1).all()
        return (there.argmax(axis=1) if nested else None), there.sum(axis=0)

    def effective(self, groups=None):
        """Return how many rows (or clusters) carry each coefficient, shape (k,), of both arms as of one."""
        if self.parts is None:
            with np.errstate(under="ignore"):
                scale = np.abs(self.coefficients).max(axis=1, keepdims=True)
                values = (self.coefficients / scale).T ** 2  # times w: what a row knows of its coefficient
                if self.weights is not None:
                    values /= self.weights[:, None]
            return effective_number(values if groups is None else cluster_sums(values, groups))
        if groups is None:
            return np.array([carried(self._numbers())])
        masses = self._masses(groups)
        return effective_number((masses / effective_number(masses)).sum(axis=1, keepdims=True))

    def units(self, weights, groups):
        """Return how many rows (or clusters) these are worth to each coefficient, shape (k,)."""
        effective = self.effective(groups)
        if self.parts is not None:
            return effective
        return as_rows(effective, carrying_units(weights, groups, self.coefficients.shape[1]))

    def spared(self, groups):
        """Tell which coefficients are those of dummies of single clusters, of whose error nobody expects to be told."""
        return np.False_ if self.design is None else of_one_cluster(self.design, groups)

    def _masses(self, groups):
        """Return the share that each cluster has of each arm."""
        codes, parts = np.unique(self.parts, return_inverse=True)
        shares = np.abs(self.coefficients[0])
        return np.stack([np.bincount(groups, shares * (parts == arm)) for arm in range(len(codes))], axis=1)

    def _numbers(self):
        """Return how many rows carry each arm."""
        shares = np.abs(self.coefficients[0])
        return snapped(1 / np.bincount(self.parts, shares**2), np.bincount(self.parts))

    def df(self, influence, groups=None):
        """Return the degrees of freedom of the variance, shape (k,).

        They are those of as many rows (or clusters) as carry the coefficient: where few do, the many others say nothing
        of its error.
        """
        k = influence.shape[1]
        if self.parts is None:
            most = self.n - self.n_columns if groups is None else len(influence) - 1
            return np.maximum(np.minimum(self.effective(groups) - 1, most), 1.0)
        if groups is None:
            arms, numbers = self.parts, self._numbers()
        else:
            arms, _ = self._arms(groups, len(influence))
            if arms is None:
                return np.full(k, max(self.effective(groups)[0] - 1, 1.0))
            numbers = effective_number(self._masses(groups))
        square = influence**2
        variances = [square[arms == arm].sum(axis=0) for arm in range(len(numbers))]
        return satterthwaite(variances, [np.full(k, max(number - 1, 1.0)) for number in numbers])


def effective_number(values):
    """Return how many rows carry the sum of each column (n, k) of numbers that are not negative: Kish's number.

    ``(sum v)^2 / sum v^2`` is n for equal values and near 1 where one outweighs the others. For the weights of a mean
    it is the number of rows of equal weight that would have its error.
    """
    with np.errstate(under="ignore", invalid="ignore", divide="ignore"):
        values = values / values.max(axis=0)
        number = values.sum(axis=0) ** 2 / (values**2).sum(axis=0)
    return snapped(np.where(np.isnan(number), 1.0, number), (values > 0).sum(axis=0))


def snapped(number, count):
    """Return the count where rounding alone separates it from the number."""
    return np.where(np.abs(number - count) <= 1e-9 * count, count, number) * 1.0


def carried(numbers):
    """Return how many rows carry a difference of means that `numbers` rows carry each.

    Twice the number of either arm where they are alike, near that of the smaller one where they are not.
    """
    errors = 1 / np.asarray(numbers)
    total = float(errors.sum() ** 2 / (errors**3).sum())
    return float(snapped(total, np.round(total)))


def as_rows(effective, rows):
    """Return how many rows with normal regressors would have as many carry a coefficient; at most those there are."""
    return np.minimum(NORMAL * effective, rows)


def carrying_units(weights, groups, n):
    """Return how many of n rows (or clusters, by codes) of these weights carry a mean."""
    if groups is None:
        return float(n if weights is None else effective_number(weights[:, None])[0])
    return float(effective_number(np.bincount(groups, weights)[:, None])[0])


def satterthwaite(variances, dfs):
    """Return the degrees of freedom of a sum of independent variance estimates (Satterthwaite 1946).

    Parameters
    ----------
    variances, dfs : sequence of ndarray of shape (k,)
    """
    variances, dfs = np.stack(variances), np.stack(dfs)
    total = variances.sum(axis=0)
    usable = np.isfinite(total) & (total > 0)
    share = np.where(usable, variances, 1.0) / np.where(usable, total, 1.0)
    df = 1.0 / (share**2 / dfs).sum(axis=0)
    return np.where(usable, df, dfs.min(axis=0))


def hc1_factor(n, k, g=None):
    """Return what HC1 multiplies the variance of n rows and k coefficients by; its sister for g clusters is Stata's."""
    if n <= k or g == 1:
        return np.inf  # without rows to spare there is no residual, and no error that anybody could know
    return n / (n - k) if g is None else g / (g - 1) * ((n - 1) / (n - k))


def of_one_cluster(X, groups):
    """Tell which columns (n, k) are zero outside of one cluster, shape (k,); without clusters none is."""
    if groups is None:
        return np.zeros(X.shape[1], bool)
    return (cluster_sums((X != 0) * 1.0, groups) > 0).sum(axis=0) == 1


def mean_functional(n, weights=None):
    """Return the (weighted) mean of n rows."""
    shares = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    used = n if weights is None else int((weights > 0).sum())

    def fitted(f):
        return np.broadcast_to(shares @ f, len(f))

    return Functional(shares[None], fitted, _left_out(shares), used, 1, np.zeros(n, np.intp))


def ate_functional(treatment, weights=None, propensity=None):
    """Return mean of the treated minus mean of the others, each row over the probability of its own arm (Hajek).

    Parameters
    ----------
    treatment : ndarray of 0.0 and 1.0, shape (n,)
    weights : ndarray of shape (n,), optional
    propensity : ndarray of shape (n,), optional
        Known probabilities of treatment, in (0, 1).
    """
    treated = treatment == 1
    w = np.ones(len(treated)) if weights is None else weights
    if propensity is not None:
        w = w / np.where(treated, propensity, 1 - propensity)
    arm = treated.astype(np.intp)
    total = np.bincount(arm, w, minlength=2)
    shares = w / total[arm]

    def fitted(f):
        return np.bincount(arm, shares * f, minlength=2)[arm]

    coefficients = np.where(treated, shares, -shares)[None]
    return Functional(coefficients, fitted, _left_out(shares), int((w > 0).sum()), 2, arm)


def _left_out(shares):
    """Return 1 / (1 - leverage), which makes the variance of a mean n / (n - 1) times the naive one (HC2)."""
    with np.errstate(divide="ignore"):
        return 1.0 / np.maximum(1.0 - shares, 0.0)


def ols_functional(X, weights=None, names=None):
    """Return all coefficients of the (weighted) least squares of an outcome on the columns of X, as they are."""
    root = None if weights is None else np.sqrt(weights)
    q, r = np.linalg.qr(X if root is None else X * root[:, None])
    inverse = np.linalg.solve(r, np.eye(len(r)))
    coefficients = inverse @ (q.T if root is None else q.T * root)
    n = len(X) if weights is None else int((weights > 0).sum())
    k = X.shape[1]

    def fitted(f):
        return X @ (coefficients @ f)

    return Functional(coefficients, fitted, hc1_factor(n, k), n, k, None, names, weights, X)
