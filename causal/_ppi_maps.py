"""Maps from an outcome column to the value of a functional and its influence values, each as fast as it can be."""

from dataclasses import replace

import numpy as np

from ._estimate import rounding_of
from ._functional import Functional, as_rows, ate_functional, carrying_units, mean_functional, ols_functional, snapped

__all__ = ["MANY_ROWS", "effect", "mean", "regression", "well_inverted"]

MANY_ROWS = 20_000  # from here on least squares goes through the cross-products of the columns
BLOCK = 4096  # rows at a time stay in the cache
WELL_CONDITIONED = 1e-6  # least eigenvalue of their correlations: one step of refinement then restores all digits


class _Map:
    """A `Functional`, asked for value and influence values together."""

    def __init__(self, functional, *, plain=False):
        self.functional, self.plain = functional, plain
        self.n, self.names, self.scalar = functional.n, functional.names, functional.parts is not None

    def __call__(self, f, groups):
        return self.functional.value(f), self.functional.influence(f, groups)

    def units(self, weights, groups):
        return self.functional.units(weights, groups)

    def df(self, influence, groups):
        return self.functional.df(influence, groups)

    def rounding(self, f):
        return rounding_of(self.functional, f)


class _PlainMean:
    """The mean of n rows, at the speed of reading them."""

    plain, scalar, names = True, True, None

    def __init__(self, n):
        self.n = n

    def __call__(self, f, groups):
        mean = f.mean()
        if self.n == 1:
            return mean[None], np.full((1, 1), np.inf)
        values = np.subtract(f[:, None], mean)
        values *= 1 / np.sqrt(self.n * (self.n - 1.0))
        return mean[None], values

    def units(self, weights, groups):
        return np.array([float(self.n)])

    def df(self, influence, groups):
        return np.array([max(self.n - 1.0, 1.0)])

    def rounding(self, f):
        return 4 * np.finfo(float).eps * np.abs(f).mean()[None]


class _CrossProducts:
    """Least squares of many rows: the inverse of the cross-products, and one step of refinement."""

    plain, scalar = False, False

    def __init__(self, X, weights, names, inverse):
        self.X, self.weights, self.names, self.inverse = X, weights, names, inverse
        self.n = len(X) if weights is None else int((weights > 0).sum())

    def __call__(self, f, groups):
        X = self.X
        theta = self.inverse @ _cross(X, f, self.weights)
        residual = f - X @ theta
        correction = self.inverse @ _cross(X, residual, self.weights)
        residual -= X @ correction
        if self.weights is not None:
            residual *= self.weights
        residual *= np.sqrt(self.n / (self.n - X.shape[1]))
        values = np.empty(X.shape, order="F")  # column by column, since short rows are slow
        columns = np.matmul(self.inverse, X.T, out=values.T)
        columns *= residual
        return theta + correction, values

    def units(self, weights, groups):
        return as_rows(self._effective(), carrying_units(weights, groups, len(self.X)))

    def _effective(self):
        X, weights, unit = self.X, self.weights, self.inverse / np.sqrt(np.diag(self.inverse))[:, None]
        squares = np.zeros(X.shape[1])
        for here in _blocks(len(X)):
            carries = (unit @ X[here].T) ** 2
            if weights is not None:
                carries *= weights[here]
            squares += np.einsum("ij,ij->i", carries, carries)
        return snapped(1 / squares, self.n)

    def df(self, influence, groups):
        return np.maximum(np.minimum(self._effective() - 1, self.n - self.X.shape[1]), 1.0)

    def rounding(self, f):
        total = np.zeros(self.X.shape[1])
        for here in _blocks(len(f)):
            size = np.abs(f[here])
            total += np.abs(self.inverse @ self.X[here].T) @ (
                size if self.weights is None else size * self.weights[here]
            )
        return 4 * np.finfo(float).eps * total


def _blocks(n):
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def _cross(X, f, weights):
    return X.T @ (f if weights is None else f * (weights if f.ndim == 1 else weights[:, None]))


def well_inverted(X, weights):
    """Return the inverse of X'WX, or None where it would lose many digits."""
    with np.errstate(all="ignore"):
        cross = _cross(X, X, weights)
        scale = np.sqrt(np.diag(cross))
        scaled = cross / scale / scale[:, None]
        if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] < WELL_CONDITIONED:
            return None
        return np.linalg.inv(scaled) / scale / scale[:, None]


def mean(rows):
    """Return the map of the mean."""
    if rows.weights is None and rows.groups is None:
        return _PlainMean(len(rows.z))
    return _Map(_with_kish_factor(mean_functional(len(rows.z), rows.weights)))


def effect(rows, treatment, propensity):
    """Return the map of the average treatment effect."""
    return _Map(_with_kish_factor(ate_functional(treatment, rows.weights, propensity)))


def regression(rows, X, names):
    """Return the map of least squares."""
    if len(X) >= MANY_ROWS and rows.groups is None:
        inverse = well_inverted(X, rows.weights)
        if inverse is not None:
            return _CrossProducts(X, rows.weights, names, inverse)
    return _Map(ols_functional(X, rows.weights, names))


def _with_kish_factor(functional: Functional):
    """Return the functional with n / (n - 1) of the effective number of rows, which moments know as well."""
    shares, parts = functional.coefficients[0], functional.parts
    with np.errstate(divide="ignore"):
        factor = 1 / np.maximum(1 - np.bincount(parts, shares**2), 0.0)
    return replace(functional, factor=factor[parts])
