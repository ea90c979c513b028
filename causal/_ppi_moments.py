"""The two sides of a prediction-powered estimate where only the moments of the rows are left.

The columns of labelled rows are ``X, f, y - f``, those of unlabelled ones ``X, f``: what the labels say about the
predictions is a column of its own, so that it keeps its digits where it is small. Effects have moments of each arm.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.moments import Moments

from ._functional import as_rows, carried, satterthwaite, snapped

__all__ = ["Collected", "LabelledMoments", "UnlabelledMoments"]


@dataclass(frozen=True, slots=True)
class Collected:
    """What is left of rows of one kind.

    Parameters
    ----------
    rows : Moments
    arms : tuple of (Moments or None), or None
        Of the rows of each arm, where there is a treatment.
    n_x : int or None
        Columns of X; None without X.
    names : tuple of str or None
    propensity, labelled : bool
    """

    rows: Any
    arms: Any
    n_x: Any
    names: Any
    propensity: bool
    labelled: bool

    @classmethod
    def of(cls, z, y=None, X=None, names=None, treatment=None, weights=None, propensity=None):
        """Return the moments of checked rows; `weights` are those of the caller."""
        outcome = [z] if y is None else [z, y - z]
        rows = Moments.of(np.column_stack(([] if X is None else [X]) + outcome), weights)
        arms = None
        if treatment is not None:
            w = weights
            if propensity is not None:
                w = (1.0 if w is None else w) / np.where(treatment == 1, propensity, 1 - propensity)
            columns = np.column_stack(outcome)
            arms = tuple(
                Moments.of(columns[treatment == arm], None if w is None else w[treatment == arm])
                if (treatment == arm).any()
                else None
                for arm in (0, 1)
            )
        n_x = None if X is None else X.shape[1]
        return cls(rows, arms, n_x, names, propensity is not None, y is not None)

    def even(self):
        """Tell whether all weights are alike."""
        total, squares = self.rows.second[0, 0], self.rows.fourth[0, 0, 0, 0]
        return abs(self.rows.n * squares - total**2) < 1e-12 * total**2

    def kind(self):
        """Return what parts must have in common, in words."""
        x = "no X" if self.n_x is None else f"X of {self.n_x} columns"
        names = "" if self.names is None else f" named {', '.join(self.names)}"
        arms = "no treatment" if self.arms is None else "a treatment"
        return f"{x}{names}, {arms}" + (" with propensities" if self.propensity else "")

    def merge(self, other):
        """Return the moments of both, which are of one kind."""
        arms = None
        if self.arms is not None:
            arms = tuple(_merged(a, b) for a, b in zip(self.arms, other.arms, strict=True))
        return Collected(self.rows.merge(other.rows), arms, self.n_x, self.names, self.propensity, self.labelled)

    def parts(self, verb):
        """Return (sign, least squares on moments) of each independent part."""
        if verb == "ate":
            return [(2 * arm - 1, _Part(self.arms[arm], None)) for arm in (0, 1)]
        return [(1, _Part(self.rows, self.n_x if verb == "ols" else None, self.n_x or 0))]


def _merged(a, b):
    return b if a is None else a if b is None else a.merge(b)


class _Part:
    """Least squares on moments: of an outcome on the first columns, or on the constant for a mean."""

    def __init__(self, moments, n_x, skip=0):
        self.moments, self.skip = moments, skip
        p = len(moments.shift)
        raw = np.zeros((p + 1, n_x or 1))
        raw[0 if n_x is None else np.arange(1, n_x + 1), np.arange(n_x or 1)] = 1.0
        self.design = moments.coordinates(raw)
        k = 1 if n_x is None else n_x + 1
        root, self.inverse = moments.factor(k)
        scaled = root @ self.design[:k]
        scale = np.abs(scaled).max(axis=0)
        q, triangle = np.linalg.qr(scaled / scale)
        inverse = np.linalg.solve(triangle, np.eye(len(triangle))) / scale[:, None]
        self.solve = inverse @ q.T @ self.inverse.T @ moments.second[:k]
        self.weights = np.zeros_like(self.design)
        self.weights[:k] = self.inverse @ q @ inverse.T
        self.spread = np.sqrt((inverse**2).sum(axis=1))
        k, self.n = raw.shape[1], moments.n
        share = moments.fourth[0, 0, 0, 0] / moments.second[0, 0] ** 2 if moments.n > 1 else 1.0
        self.rows = float(snapped(1 / share, self.n))
        self.effective = np.array([self.rows]) if n_x is None else self._carry()
        self.df = np.maximum(np.minimum(self.effective - 1, self.n - k), 1.0)
        if n_x is not None:
            share = k / self.n
        self.factor = 1 / (1 - share) if share < 1 else np.inf

    def _carry(self):
        """Return how many rows carry each coefficient, as `Functional.effective` does with the rows at hand."""
        total = np.einsum("ij,ik,kj->j", self.weights, self.moments.second, self.weights)
        unit = self.weights / np.sqrt(total)
        return snapped(1 / np.array([self.moments.quartic(a, a, a, a) for a in unit.T]), self.n)

    def outcome(self, *coefficients):
        """Return (coefficients of least squares, residual, rounding) of a combination of the outcome columns."""
        raw = np.zeros((len(self.moments.shift) + 1, 1))
        raw[1 + self.skip : 1 + self.skip + len(coefficients), 0] = coefficients
        there = self.moments.coordinates(raw)[:, 0]
        theta = self.solve @ there
        size = np.sqrt(max(there @ self.moments.second @ there, 0.0))
        return theta, there - self.design @ theta, 4 * np.finfo(float).eps * self.spread * size

    def products(self, first, second):
        """Return the covariances (k, k) of two outcomes' coefficients from their residuals, (m, k) each."""
        k = self.weights.shape[1]
        if not np.isfinite(self.factor):
            return np.full((k, k), np.inf)
        w, out = self.weights, np.empty((k, k))
        for i in range(k):
            for j in range(k):
                out[i, j] = self.moments.quartic(w[:, i], w[:, j], first[:, i], second[:, j])
        return self.factor * out


class LabelledMoments:
    """As `Labelled`, without the rows."""

    ids = n_groups = None
    kind = "rows"

    def __init__(self, collected, verb):
        self._parts = collected.parts(verb)
        self.n, self.scalar = sum(part.n for _, part in self._parts), verb != "ols"
        self.names = collected.names if verb == "ols" else None
        self.count = self.n
        parts = [part for _, part in self._parts]
        if verb == "ols":
            self.units = as_rows(parts[0].effective, parts[0].rows)
        else:
            self.units = np.array([carried([part.rows for part in parts])])
        self.plain = verb == "mean" and collected.even()
        # columns f and y - f: y is (1, 1) of them
        self._f = [part.outcome(1.0, 0.0) for _, part in self._parts]
        self._y = [part.outcome(1.0, 1.0) for _, part in self._parts]
        self.value_f, self.value_y = (
            sum(sign * found[0] for (sign, _), found in zip(self._parts, each, strict=True))
            for each in (self._f, self._y)
        )
        self.k = len(self.value_f)
        self.rounding_f, self._rounding_y = (sum(found[2] for found in each) for each in (self._f, self._y))
        self.cross, self.square = self._diagonal(self._y, self._f), self._diagonal(self._f, self._f)

    def _diagonal(self, these, those):
        k = len(self.value_f)
        total = np.zeros(k)
        for (_, part), a, b in zip(self._parts, these, those, strict=True):
            first, second = (np.tile(found[1][:, None], k) for found in (a, b))
            total += np.diag(part.products(first, second))
        return total

    def _each(self, power):
        """Return the covariance of each part."""
        out = []
        for _, part in self._parts:
            residual = np.stack([part.outcome(1.0 - lam, 1.0)[1] for lam in power], axis=1)
            out.append(_no_negative(part.products(residual, residual)))
        return out

    def cov(self, power):
        """Return the covariance matrix of this side."""
        return sum(self._each(power))

    def df(self, power):
        """Return the degrees of freedom of its diagonal."""
        return _degrees(self._parts, self._each(power))

    def rounding(self, power):
        """Return the error that is nothing but rounding, shape (k,)."""
        return self._rounding_y + power * self.rounding_f

    def influence(self, power):
        """Return None: a moment knows no rows."""
        return None


class UnlabelledMoments:
    """As `Unlabelled`, without the rows."""

    ids = n_groups = None

    def __init__(self, collected, verb):
        self._parts = collected.parts(verb)
        self.n = sum(part.n for _, part in self._parts)
        self.plain = verb == "mean" and collected.even()
        found = [part.outcome(1.0) for _, part in self._parts]
        self.value = sum(sign * one[0] for (sign, _), one in zip(self._parts, found, strict=True))
        residuals = [np.tile(one[1][:, None], len(self.value)) for one in found]
        self._each = [_no_negative(p.products(r, r)) for (_, p), r in zip(self._parts, residuals, strict=True)]
        self.gram = sum(self._each)

    @property
    def square(self):
        """Return the variances of the coefficients."""
        return np.diag(self.gram)

    def cov(self, power):
        """Return the covariance matrix of this side."""
        with np.errstate(invalid="ignore"):
            return np.where(np.outer(power, power) == 0, 0.0, np.outer(power, power) * self.gram)

    def df(self, power):
        """Return the degrees of freedom of its diagonal."""
        return _degrees(self._parts, self._each)

    def influence(self, power):
        """Return None: a moment knows no rows."""
        return None


def _no_negative(cov):
    """Return a covariance whose diagonal rounding has not made negative."""
    at = np.arange(len(cov))
    cov[at, at] = np.maximum(cov[at, at], 0.0)
    return cov


def _degrees(parts, covariances):
    dfs = [part.df for _, part in parts]
    return dfs[0] if len(dfs) == 1 else satterthwaite([np.diag(cov) for cov in covariances], dfs)
