"""The score of a smoothed sample, and of one whose points carry marks: ``T(z) = M'(z) / p(z)``.

p is the Gaussian kernel density of the points, M the same sum with a mark per point; with marks of 1, T is the score
``p' / p``, with squared errors it is ``(p v)' / p``. Everything happens on one grid: the points are binned, smoothed
and differentiated through a cosine transform, and T is interpolated, so that n points and N evaluations cost
O(n + N + M log M). What one point contributes to a weighted sum of T is the transpose of the same steps.

Nothing is validated here.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from uq._base.grid import bin_matrix, cells_for, coefficients, heat

__all__ = ["MAX_CELLS", "Grid", "Score", "fit_score"]

MAX_CELLS = 1 << 20
_FINENESS = 64  # cells per bandwidth
_PAD = 8  # bandwidths beyond the points: mirror images are out of sight
_FLOOR = 1e-9  # of the highest density: below it rounding is all that is left
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells over all points and some bandwidths more."""

    low: float
    width: float
    size: int

    @classmethod
    def around(cls, z, bandwidth):
        """Return the grid for points z."""
        low = z.min() - _PAD * bandwidth
        width = z.max() + _PAD * bandwidth - low
        return cls(low, width, cells_for(bandwidth / width, least=512, most=MAX_CELLS, fineness=_FINENESS))

    def matrix(self, z):
        """Return the sparse matrix (n, size) that bins points of the grid, and interpolates at them."""
        return bin_matrix((z - self.low) / self.width, self.size, cubic=True)

    def smooth(self, masses, bandwidth, order=0):
        """Return a derivative (by z) of the smoothed masses at the cell centers; masses may have columns first."""
        return heat(coefficients(masses), bandwidth / self.width, order) / self.width**order


@dataclass(frozen=True)
class Score:
    """T on a grid; beyond the points it goes on in a line, with the slope that a normal sample would have.

    Parameters
    ----------
    grid : Grid
    bins : sparse matrix of shape (n, size)
        Of the points.
    z, shares, marks : ndarray of shape (n,)
        Points, their weights (which sum to 1), and their marks.
    bandwidth, mean, variance : float
    moving : bool
        Whether the bandwidth is a multiple of the standard deviation, and moves with it.
    low, high : float
        Ends of the points of positive weight.
    density, values : ndarray of shape (size,)
        p (not below its floor) and T at the cell centers.
    """

    grid: Grid
    bins: Any
    z: Any
    shares: Any
    marks: Any
    bandwidth: float
    mean: float
    variance: float
    moving: bool
    low: float
    high: float
    density: Any
    values: Any

    @property
    def tail(self):
        """Return by how much T falls per unit beyond the points."""
        return float(self.shares @ self.marks) / self.variance

    @cached_property
    def ends(self):
        """Return T at the outermost points."""
        return self.grid.matrix(np.array([self.low, self.high])) @ self.values

    def at(self, z):
        """Return T at any z, shape (n,)."""
        out = np.empty(len(z))
        for start in range(0, len(z), _BLOCK):
            part = z[start : start + _BLOCK]
            inside = np.clip(part, self.low, self.high)
            out[start : start + _BLOCK] = self.grid.matrix(inside) @ self.values - self.tail * (part - inside)
        return out

    def at_binned(self, z, matrix):
        """Return T at z whose matrix is known: what `at` does, many times over."""
        values = matrix @ self.values
        for outside, edge, value in (
            (z < self.low, self.low, self.ends[0]),
            (z > self.high, self.high, self.ends[1]),
        ):
            values[outside] = value - self.tail * (z[outside] - edge)
        return values

    def binned(self, z, coefficients):
        """Return a functional (k, n) of T at z as one of the cells (k, size), and what multiplies the tails (k,)."""
        cells, beyond = np.zeros((len(coefficients), self.grid.size)), np.zeros(len(coefficients))
        for start in range(0, len(z), _BLOCK):
            part, weights = z[start : start + _BLOCK], coefficients[:, start : start + _BLOCK]
            inside = np.clip(part, self.low, self.high)
            cells += (self.grid.matrix(inside).T @ weights.T).T
            beyond -= weights @ (part - inside)
        return cells, beyond

    def spread(self, z, coefficients, shift=None, tilt=None, error=None):
        """Return what each point contributes to ``coefficients @ T(z)`` at first order, shape (n, k).

        Parameters
        ----------
        z : ndarray of shape (N,)
        coefficients : ndarray of shape (k, N)
        shift, tilt, error : ndarray of shape (n,), optional
            Where marks are squared errors: the errors, and the influence of each point on the two parameters of
            ``error = y - shift - tilt z``.
        """
        cells, beyond = self.binned(z, coefficients)
        h, grid = self.bandwidth, self.grid
        above = cells / self.density
        # sum_j C_j K'(z_j - x) / p(z_j), at the cells and then at the points
        slopes = -(self.bins @ grid.smooth(above, h, 1).T)
        levels = self.bins @ grid.smooth(above * self.values, h).T
        out = self.shares[:, None] * (self.marks[:, None] * slopes - levels)
        out -= self.shares[:, None] * out.sum(axis=0)
        if error is not None:
            pull = 2 * self.shares * error
            out -= np.outer(shift, pull @ slopes) + np.outer(tilt, (pull * self.z) @ slopes)
        of_variance = self.shares * ((self.z - self.mean) ** 2 - self.variance)
        if self.moving:
            bend = grid.smooth(self.bins.T @ (self.shares * self.marks), h, 3)
            bend -= self.values * grid.smooth(self.bins.T @ self.shares, h, 2)
            out += np.outer(of_variance * h / (2 * self.variance), h * (above @ bend))
        height = self.tail * self.variance
        of_tail = self.shares * (self.marks - height) / self.variance - of_variance * self.tail / self.variance
        return out + np.outer(of_tail, beyond)


def fit_score(z, shares, marks, bandwidth, *, factor=None, grid=None, bins=None):
    """Return the Score of weighted points with marks.

    Parameters
    ----------
    z, shares, marks : ndarray of shape (n,)
    bandwidth : float or None
    factor : float, optional
        Where `bandwidth` is None: in standard deviations.
    grid, bins
        Of an earlier fit to the same points with other weights.
    """
    mean = shares @ z
    variance = float(shares @ (z - mean) ** 2)
    moving = bandwidth is None
    if moving:
        bandwidth = factor * np.sqrt(variance)
    there = z[shares > 0]
    if grid is None:
        grid = Grid.around(z, bandwidth)
        bins = grid.matrix(z)
    density = grid.smooth(bins.T @ shares, bandwidth)
    density = np.maximum(density, _FLOOR * density.max())
    values = grid.smooth(bins.T @ (shares * marks), bandwidth, 1) / density
    return Score(
        grid, bins, z, shares, marks, float(bandwidth), float(mean), variance, moving, float(there.min()),
        float(there.max()), density, values,
    )  # fmt: skip
