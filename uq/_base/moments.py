"""Moments of rows that come in parts: what least squares, means and their sandwich errors need, up to fourth order.

Rows are augmented by a constant, shifted and scaled, ``u = (1, (x - shift) / scale)``, and two tensors are kept: the
sum of ``w u u'`` and the sum of ``w^2 u u u u``. Another shift and scale is a linear map of u, applied to every axis;
merging is that and an addition. The shift is the mean of the first part, so that rows far from 0 lose no digits.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .frozen import Frozen

__all__ = ["Moments", "power_of_two"]

BLOCK = 1024
FLAT = 1e-13  # of the largest eigenvalue: what rounding leaves of none


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments(Frozen):
    """Sums over rows of p columns; ``m = p + 1`` counts the constant, which comes first.

    Parameters
    ----------
    n : int
        Rows of positive weight.
    shift, scale : ndarray of shape (p,)
        Scales are powers of two, so that scaling does not round.
    unit : float
        Of the weights, a power of two: tiny ones would have no squares.
    second : ndarray of shape (m, m)
        Sum of ``w u u'``, w in units.
    fourth : ndarray of shape (m, m, m, m)
        Sum of ``w^2 u u u u``, w in units.
    """

    n: int
    shift: Any
    scale: Any
    unit: float = 1.0
    second: Any
    fourth: Any

    @classmethod
    def of(cls, columns, weights=None):
        """Return the moments of rows (n, p), of which there is at least one."""
        unit = 1.0
        if weights is not None:
            unit = float(power_of_two(weights.max()))
            weights = weights / unit
        shift = columns.mean(axis=0)
        scale = power_of_two(np.abs(columns - shift).max(axis=0))
        m = columns.shape[1] + 1
        left, right = np.triu_indices(m)
        second, pairs = np.zeros((m, m)), np.zeros((len(left), len(left)))
        u = np.empty((m, min(BLOCK, len(columns))))
        u[0] = 1.0
        for start in range(0, len(columns), BLOCK):
            block = columns[start : start + BLOCK]
            here = u[:, : len(block)]
            np.divide((block - shift).T, scale[:, None], out=here[1:])
            weighted = here if weights is None else here * weights[start : start + BLOCK]
            second += weighted @ here.T
            products = weighted[left] * here[right]
            pairs += products @ products.T
        place = np.empty((m, m), np.intp)
        place[left, right] = place[right, left] = np.arange(len(left))
        n = len(columns) if weights is None else int((weights > 0).sum())
        fourth = pairs[place[:, :, None, None], place]
        return cls(n=n, shift=shift, scale=scale, unit=unit, second=second, fourth=fourth)

    def rebased(self, shift, scale, unit=None):
        """Return the same moments about another shift and scale, in another unit of the weights."""
        unit = self.unit if unit is None else unit
        ratio = self.unit / unit
        step = np.zeros((len(shift) + 1,) * 2)
        step[0, 0] = 1.0
        step[1:, 0] = (self.shift - shift) / scale
        step[np.arange(1, len(step)), np.arange(1, len(step))] = self.scale / scale
        fourth = ratio**2 * self.fourth
        for _ in range(4):  # the first axis goes to the end, so that each has its turn
            fourth = np.tensordot(fourth, step, axes=(0, 1))
        second = step @ (ratio * self.second) @ step.T
        return Moments(n=self.n, shift=shift, scale=scale, unit=unit, second=second, fourth=fourth)

    def merge(self, other):
        """Return the moments of the rows of both."""
        scale, unit = np.maximum(self.scale, other.scale), max(self.unit, other.unit)
        a, b = self.rebased(self.shift, scale, unit), other.rebased(self.shift, scale, unit)
        return replace(a, n=a.n + b.n, second=a.second + b.second, fourth=a.fourth + b.fourth)

    def coordinates(self, raw):
        """Return the coefficients on u of combinations whose coefficients on (1, x) are the columns of `raw`."""
        at = np.array(raw, dtype=np.float64)
        at[0] += self.shift @ at[1:]
        at[1:] *= self.scale[:, None]
        return at

    def factor(self, k):
        """Return (R, its pseudo-inverse) with ``R' R`` the second moments of the first k coordinates of u.

        R is to the rows what the triangle of a QR decomposition is: least squares on it has the conditioning of the
        rows, not its square. Directions in which the rows do not extend are left out.
        """
        values, vectors = np.linalg.eigh(self.second[:k, :k])
        kept = values > FLAT * values[-1]
        root, vectors = np.sqrt(values[kept]), vectors[:, kept]
        return root[:, None] * vectors.T, vectors / root

    def quartic(self, a, b, c, d):
        """Return the sum of ``w^2 (a.u) (b.u) (c.u) (d.u)`` for coefficients on u, w in units."""
        left = self.fourth
        for vector in (a, b, c):
            left = np.tensordot(vector, left, axes=1)
        return float(left @ d)


def power_of_two(x):
    """Return a power of two of the size of each value, at most twice as large; 1 for 0."""
    return np.where(x > 0, np.ldexp(1.0, np.minimum(np.frexp(x)[1], 1023)), 1.0)
