"""Means, effects and regression coefficients as one thing: linear functionals of the outcome column.

Each is a contrast of weighted least squares, ``theta = L (X'WX)^-1 X'W f``: the mean has one column of ones, the
average treatment effect the two arms, with weights divided by the probability of the arm. So one class gives the value,
the weight of each row (which the calibration step needs) and the influence values (from which all variances come).
Nothing is validated here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Functional", "ate_functional", "cluster_sums", "mean_functional", "ols_functional", "satterthwaite"]


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
    """

    coefficients: Any
    fitted: Any
    factor: Any
    n: int
    n_columns: int
    parts: Any = None
    names: tuple[str, ...] | None = None

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
            factor = (counts / np.maximum(counts - 1, 0))[arms][:, None] if counts.min() > 1 else np.inf
        elif g == 1 or (counts is not None and counts.min() == 1):
            factor = np.inf
        else:
            # HC1's sister under clusters, as Stata and statsmodels have it
            factor = g / (g - 1) * ((n - 1) / (n - q) if n > q else np.inf)
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

    def df(self, influence, groups=None):
        """Return the degrees of freedom of the variance, shape (k,)."""
        k = influence.shape[1]
        square = influence**2
        if groups is not None:
            arms, counts = self._arms(groups, len(influence))
            if arms is None:
                return np.full(k, float(max(len(influence) - 1, 1)))
            variances = [square[arms == arm].sum(axis=0) for arm in range(len(counts))]
            return satterthwaite(variances, [np.full(k, float(max(count - 1, 1))) for count in counts])
        if self.parts is None:
            return np.full(k, float(max(self.n - self.n_columns, 1)))
        used = (self.coefficients != 0).any(axis=0)
        variances, dfs = [], []
        for part in np.unique(self.parts):
            rows = self.parts == part
            variances.append(square[rows].sum(axis=0))
            dfs.append(np.full(k, float(max((rows & used).sum() - 1, 1))))
        return satterthwaite(variances, dfs)


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


def cluster_sums(values, groups):
    """Return the sums of the rows (n, k) of each cluster, shape (n_groups, k); codes 0 ... G-1."""
    return np.stack([np.bincount(groups, column) for column in values.T], axis=1)


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

    return Functional(coefficients, fitted, n / (n - k) if n > k else np.inf, n, k, None, names)
