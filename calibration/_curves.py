"""Three estimates of the share of events given the forecast, from the rows and from replicates of their cells."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from uq._base.grid import bin_masses, bin_matrix, cell_centers, cells_for, coefficients, heat

from ._bands import merge, rank_starts
from ._bins import uniform_bins
from ._isotone import blocks
from ._smooth import smooth_error

__all__ = ["CELLS", "BinsCurve", "CurveCells", "IsotonicCurve", "KernelCurve", "make_cells"]

CELLS = 4096  # replicates are drawn for at most so many forecasts, nearby ones pooled
POINTS = 512
KERNEL_POINTS = 200
NARROWEST = 1e-3  # a bandwidth below which the picture would be rows, not a curve


@dataclass(frozen=True)
class CurveCells:
    """Forecasts p in order, with the sums of outcomes and weights at each, and where it begins."""

    p: Any
    sums: Any
    totals: Any
    first: Any

    def of(self, p):
        """Return the cell of each of these forecasts."""
        return np.searchsorted(self.first, p, side="right") - 1


def make_cells(unique, sums, totals, bins=None, *, equal_width=False):
    """Return the unique forecasts as they are, or pooled (within their bin) where there are more than 4096.

    Pooled are neighbours by rank, which resolves rare events too, or within a 4096th of [0, 1], for a kernel whose
    bandwidth is a width. The curve that is judged must be that of the same cells: pooling moves an isotonic fit.
    """
    if len(unique) <= CELLS:
        return CurveCells(unique, sums, totals, unique)
    if equal_width:
        label = (unique * CELLS).astype(np.intp)
        starts = np.flatnonzero(np.concatenate([[True], label[1:] != label[:-1]]))
    else:
        starts = rank_starts(totals, CELLS)
    if bins is not None:
        starts = np.union1d(starts, 1 + np.flatnonzero(bins[1:] != bins[:-1]))
    p, sums, pooled = merge(starts, unique * totals, sums, totals)
    return CurveCells(p / pooled, sums, pooled, unique[starts])


class IsotonicCurve:
    """The non-decreasing least squares fit; points are the ends of its blocks and some of the forecasts between."""

    def __init__(self, cells):
        self.fit, starts = blocks(cells.sums, cells.totals)
        last = len(cells.p) - 1
        index = np.unique(np.linspace(0, last, min(last + 1, POINTS)).round().astype(np.intp))
        index = np.union1d(index, np.concatenate([starts, starts[1:] - 1]))
        self.cells, self.x, self.y = cells, cells.p[index], self.fit[index]
        self.edges = np.append(cells.first[index], np.inf)

    def replicate(self, sums, totals):
        """Return the curve of each replicate at the points."""
        out = np.empty((len(sums), len(self.x)))
        for row, s, t in zip(out, sums, totals, strict=True):
            there = t > 0
            row[:] = np.interp(self.x, self.cells.p[there], blocks(s[there], t[there])[0])
        return out

    def agreeing(self, i, p):
        """Return the rows whose outcomes alone make the curve 0 or 1 at point i."""
        start, stop = (np.searchsorted(self.fit, self.y[i], side=side) for side in ("left", "right"))
        first = np.append(self.cells.first, np.inf)
        return (p >= first[start]) & (p < first[stop])


class BinsCurve:
    """Means over equal bins of the forecast."""

    def __init__(self, unique, sums, totals, n_bins):
        # a value between an edge and its rounding to single precision must not part a bin
        bins = np.maximum.accumulate(uniform_bins(unique, n_bins))
        starts = np.flatnonzero(np.concatenate([[True], bins[1:] != bins[:-1]]))
        x, s, t = merge(starts, unique * totals, sums, totals)
        self.x, self.y = x / t, np.clip(s / t, 0.0, 1.0)
        self.edges = np.append(unique[starts], np.inf)
        self.cells = make_cells(unique, sums, totals, bins)
        self._starts = self.cells.of(unique[starts])

    def replicate(self, sums, totals):
        """Return the means of each replicate; NaN where a bin is empty."""
        s, t = (np.add.reduceat(column, self._starts, axis=1) for column in (sums, totals))
        return np.where(t > 0, s / np.where(t > 0, t, 1.0), np.nan)

    def agreeing(self, i, p):
        """Return the rows of bin i."""
        return (p >= self.edges[i]) & (p < self.edges[i + 1])


class KernelCurve:
    """Ratio of two reflected Gaussian smooths, whose bandwidth is the smooth calibration error."""

    def __init__(self, cells, p, residuals, weights):
        self.cells = cells
        self.bandwidth = max(smooth_error(p, residuals, weights)[0], NARROWEST)
        self._size = cells_for(self.bandwidth, least=1024, fineness=32)
        centers = cell_centers(self._size)
        near = [np.abs(centers - end).argmin() for end in cells.p[[0, -1]]]
        index = np.unique(np.linspace(near[0], near[1], KERNEL_POINTS).round().astype(np.intp))
        hits, mass = (self._smooth(cells.p, column)[index] for column in (cells.sums, cells.totals))
        # between two heaps of forecasts, many bandwidths apart, there is nothing to smooth
        seen = mass > 1e-9 * mass.max()
        self._index, self.x = index[seen], centers[index[seen]]
        self.y = np.clip(hits[seen] / mass[seen], 0.0, 1.0)
        self.edges = np.concatenate([[-np.inf], (self.x[1:] + self.x[:-1]) / 2, [np.inf]])

    def _smooth(self, p, column):
        return heat(coefficients(bin_masses(p, column, self._size)), self.bandwidth)

    @cached_property
    def _kernel(self):
        """What each cell gives to each point: the grid is far finer than both, and smoothing symmetric."""
        peaks = np.zeros((len(self.x), self._size))
        peaks[np.arange(len(self.x)), self._index] = 1.0
        return bin_matrix(self.cells.p, self._size) @ heat(coefficients(peaks), self.bandwidth).T

    def replicate(self, sums, totals):
        """Return the curve of each replicate; NaN where no row is near."""
        hits, mass = sums @ self._kernel, totals @ self._kernel
        seen = mass > 1e-9 * mass.max(axis=1, keepdims=True)
        return np.where(seen, np.clip(hits / np.where(seen, mass, 1.0), 0.0, 1.0), np.nan)

    def agreeing(self, i, p):
        """Return all rows: only where all agree is a smooth 0 or 1."""
        return np.ones(len(p), dtype=bool)
