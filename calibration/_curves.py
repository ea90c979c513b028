"""Three estimates of the share of events given the forecast, from the rows and from replicates of their cells."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.grid import bin_masses, bin_matrix, cell_centers, cells_for, coefficients, heat

from ._bands import merge
from ._bins import uniform_bins
from ._isotone import blocks
from ._smooth import smooth_error

__all__ = ["CELLS", "BinsCurve", "Cells", "IsotonicCurve", "KernelCurve", "make_cells"]

CELLS = 4096  # replicates are drawn for at most so many forecasts, nearby ones pooled
POINTS = 512
KERNEL_POINTS = 200
NARROWEST = 1e-3  # a bandwidth below which the picture would be rows, not a curve


@dataclass(frozen=True)
class Cells:
    """Forecasts p in order, with the sums of outcomes and weights at each, and where it begins."""

    p: Any
    sums: Any
    totals: Any
    first: Any

    def of(self, p):
        """Return the cell of each of these forecasts."""
        return np.searchsorted(self.first, p, side="right") - 1


def make_cells(unique, sums, totals, bins=None):
    """Return the unique forecasts as they are, or pooled within a 4096th (and within their bin) where there are more.

    The outcome of a pooled row is then drawn from the mean of its cell: off by 2.5e-4 at most, and right on average.
    """
    if len(unique) <= CELLS:
        return Cells(unique, sums, totals, unique)
    label = (unique * CELLS).astype(np.intp)
    changes = label[1:] != label[:-1]
    if bins is not None:
        changes |= bins[1:] != bins[:-1]
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    p, sums, pooled = merge(starts, unique * totals, sums, totals)
    return Cells(p / pooled, sums, pooled, unique[starts])


class IsotonicCurve:
    """The non-decreasing least squares fit; points are the ends of its blocks and some of the forecasts between."""

    def __init__(self, unique, sums, totals):
        self.fit, starts = blocks(sums, totals)
        last = len(unique) - 1
        index = np.unique(np.linspace(0, last, min(last + 1, POINTS)).round().astype(np.intp))
        index = np.union1d(index, np.concatenate([starts, starts[1:] - 1]))
        self.unique, self.x, self.y = unique, unique[index], self.fit[index]
        self.edges = np.append(self.x, np.inf)
        self.bins = None

    def prepare(self, cells):
        """Keep where the cells of replicates lie."""
        self._p = cells.p

    def replicate(self, sums, totals):
        """Return the curve of each replicate at the points."""
        out = np.empty((len(sums), len(self.x)))
        for row, s, t in zip(out, sums, totals, strict=True):
            there = t > 0
            row[:] = np.interp(self.x, self._p[there], blocks(s[there], t[there])[0])
        return out

    def agreeing(self, i, p):
        """Return the rows whose outcomes alone make the curve 0 or 1 at point i."""
        same = self.x[self.y == self.y[i]]
        return (p >= same[0]) & (p <= same[-1])


class BinsCurve:
    """Means over equal bins of the forecast."""

    def __init__(self, unique, sums, totals, n_bins):
        # a value between an edge and its rounding to single precision must not part a bin
        self.bins = np.maximum.accumulate(uniform_bins(unique, n_bins))
        starts = np.flatnonzero(np.concatenate([[True], self.bins[1:] != self.bins[:-1]]))
        x, s, t = merge(starts, unique * totals, sums, totals)
        self.x, self.y = x / t, np.clip(s / t, 0.0, 1.0)
        self._first = unique[starts]
        self.edges = np.append(self._first, np.inf)

    def prepare(self, cells):
        """Keep where the bins begin among the cells."""
        self._starts = cells.of(self._first)

    def replicate(self, sums, totals):
        """Return the means of each replicate; NaN where a bin is empty."""
        s, t = (np.add.reduceat(column, self._starts, axis=1) for column in (sums, totals))
        return np.where(t > 0, s / np.where(t > 0, t, 1.0), np.nan)

    def agreeing(self, i, p):
        """Return the rows of bin i."""
        return (p >= self.edges[i]) & (p < self.edges[i + 1])


class KernelCurve:
    """Ratio of two reflected Gaussian smooths, whose bandwidth is the smooth calibration error."""

    def __init__(self, unique, sums, totals, p, residuals, weights):
        self.bandwidth = max(smooth_error(p, residuals, weights)[0], NARROWEST)
        self._size = cells_for(self.bandwidth, least=1024, fineness=32)
        centers = cell_centers(self._size)
        near = [np.abs(centers - end).argmin() for end in (unique[0], unique[-1])]
        index = np.unique(np.linspace(near[0], near[1], KERNEL_POINTS).round().astype(np.intp))
        hits, mass = (self._smooth(unique, column)[index] for column in (sums, totals))
        # between two heaps of forecasts, many bandwidths apart, there is nothing to smooth
        seen = mass > 1e-9 * mass.max()
        self._index, self.x = index[seen], centers[index[seen]]
        self.y = np.clip(hits[seen] / mass[seen], 0.0, 1.0)
        self.edges = np.concatenate([[-np.inf], (self.x[1:] + self.x[:-1]) / 2, [np.inf]])
        self.bins = None

    def _smooth(self, p, column):
        return heat(coefficients(bin_masses(p, column, self._size)), self.bandwidth)

    def prepare(self, cells):
        """Keep where the cells of replicates lie."""
        self._matrix = bin_matrix(cells.p, self._size)

    def replicate(self, sums, totals):
        """Return the curve of each replicate; NaN where no row is near."""
        both = np.stack([columns @ self._matrix for columns in (sums, totals)])
        hits, mass = heat(coefficients(both), self.bandwidth)[..., self._index]
        seen = mass > 1e-9 * mass.max(axis=1, keepdims=True)
        return np.where(seen, np.clip(hits / np.where(seen, mass, 1.0), 0.0, 1.0), np.nan)

    def agreeing(self, i, p):
        """Return all rows: only where all agree is a smooth 0 or 1."""
        return np.ones(len(p), dtype=bool)
