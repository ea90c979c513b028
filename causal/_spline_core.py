"""Splines of one column that solve ``E[f(z) | y] = y``, by two-stage least squares."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.exceptions import InputError

from ._line import learn_line

__all__ = ["SplineCore", "knots_of", "learn_spline", "natural_basis", "solve"]

_ENDS = (0.05, 0.95)
_RANK = 1e-8


def natural_basis(x, knots):
    """Return the natural cubic splines with these knots at x, shape (n, n_knots): 1, x, and what bends.

    Beyond the outer knots they are lines, which cubes of large numbers could not tell.
    """
    low, high = knots[0], knots[-1]
    t = (knots - low) / (high - low)
    u = (x - low) / (high - low)
    inside = np.clip(u, 0.0, 1.0)
    columns = [np.ones(len(x)), u]
    cubes = [np.maximum(inside - k, 0.0) ** 3 / (1.0 - k) for k in t[:-1]]
    for j in range(len(t) - 2):
        beyond = 3.0 * (t[-2] - t[j])  # slope at the last knot; before the first it is 0
        columns.append(cubes[j] - cubes[-1] + beyond * np.maximum(u - 1.0, 0.0))
    return np.column_stack(columns)


def knots_of(x, weights, n_knots):
    """Return at most so many different quantiles at equal steps from .05 to .95."""
    levels = np.linspace(*_ENDS, n_knots)
    order = np.argsort(x)
    below = np.cumsum(np.ones(len(x)) if weights is None else weights[order])
    below /= below[-1]
    # the mean of both where a level is met exactly, which rounding must not decide
    ends = [x[order][np.searchsorted(below, levels + tiny)] for tiny in (-1e-12, 1e-12)]
    return np.unique((ends[0] + ends[1]) / 2)


@dataclass(frozen=True, slots=True)
class SplineCore:
    """``f(z) = basis(z) @ beta``, and the influence (n, p) of each calibration row on beta."""

    knots: Any
    beta: Any
    influence: Any
    slope: float

    @property
    def n_parameters(self):
        """Return the number of coefficients."""
        return len(self.beta)

    def f(self, z):
        """Return the debiased column."""
        return natural_basis(z, self.knots) @ self.beta

    def spread(self, z, coefficients):
        """Return (n_calibration, k)."""
        return self.influence @ (coefficients @ natural_basis(z, self.knots)).T


def learn_spline(owner, z, y, weights, n_knots):
    """Return the SplineCore with at most so many knots, fewer where the rows cannot tell as many apart."""
    slope = learn_line(owner, z, y, weights).slope
    for many in range(n_knots, 2, -1):
        if many + 1 >= len(z):
            continue
        knots, others = knots_of(z, weights, many), knots_of(y, weights, many + 1)
        if len(knots) == many and len(others) >= many:
            found = solve(natural_basis(z, knots), natural_basis(y, others), y, weights)
            if found is not None:
                beta, influence = found
                return SplineCore(knots, beta, influence, slope)
    # two knots, whose instruments are 1 and y: the line turned around
    knots = np.array([z.min(), z.max()])
    ones = np.ones(len(y))
    found = solve(natural_basis(z, knots), np.column_stack([ones, y]), y, weights, rank=0.0)
    if found is None:
        raise InputError(f"{owner}: y_pred must move with y; got a covariance of 0 up to rounding.")
    beta, influence = found
    return SplineCore(knots, beta, influence, slope)


def solve(basis, instruments, y, weights, rank=_RANK):
    """Return beta of two-stage least squares and the influence of each row on it; None if it is not identified.

    Notes
    -----
    The influence is that of the minimiser of g' S^-1 g with g = Q'(B beta - y), S = Q'Q, in all three places where the
    rows enter, so that it holds where no beta makes g vanish in the population (Hall and Inoue 2003).
    """
    root = np.full((len(y), 1), len(y) ** -0.5) if weights is None else np.sqrt(weights / weights.sum())[:, None]
    b, target = basis * root, y * root[:, 0]
    u, size, _ = np.linalg.svd(instruments * root, full_matrices=False)
    u = u[:, size > 1e-10 * size[0]]
    first = u.T @ b
    left, strength, right = np.linalg.svd(first, full_matrices=False)
    if len(strength) < b.shape[1] or not strength[-1] > rank * strength[0]:
        return None
    beta = right.T @ ((left.T @ (u.T @ target)) / strength)
    residual = b @ beta - target
    left_over = u @ (u.T @ residual)
    fitted = u @ first
    rows = fitted * residual[:, None] + (b - fitted) * left_over[:, None]
    return beta, -(rows @ right.T) / strength**2 @ right
