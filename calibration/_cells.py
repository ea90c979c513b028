"""Sums over the cells of a binned forecast, and the calibration errors that follow from them alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from ._bins import BLOCK, auto_bins, quantile_bins, uniform_bins

__all__ = ["FEW", "Cells", "assign", "binned_error", "cells_of_rows", "forecast_cells", "pair_terms", "uniform_sums"]

FEW = 5  # rows of a bin below which the estimate of its variance is poor


@dataclass(frozen=True)
class Cells:
    """One entry per bin (of each class, where there are several), r = p - y.

    `units` counts rows, or clusters; `weight` is sum w, `residual` sum w r, `own_weight` and `own_residual` the sums of
    squares of w and of w r over units: what pairs of a unit with itself contribute. `outcome` is sum w y.
    """

    units: Any
    weight: Any
    residual: Any
    own_weight: Any = None
    own_residual: Any = None
    outcome: Any = None


def cells_of_rows(bins, n_cells, p, y, weights, groups, squares):
    """Return the sums over rows, whose cells are known."""
    count = np.bincount(bins, minlength=n_cells)
    wr, wy = (p - y, y) if weights is None else (weights * (p - y), weights * y)
    weight = np.bincount(bins, weights, n_cells).astype(np.float64)
    residual, outcome = np.bincount(bins, wr, n_cells), np.bincount(bins, wy, n_cells)
    if not squares:
        return Cells(count, weight, residual)
    if groups is None:
        own_weight = weight if weights is None else np.bincount(bins, weights * weights, n_cells)
        return Cells(count, weight, residual, own_weight, np.bincount(bins, wr * wr, n_cells), outcome)
    many = int(groups.max()) + 1
    keys, units = np.unique(bins * many + groups, return_inverse=True)
    cell = keys // many
    own_weight = np.bincount(cell, np.bincount(units, weights) ** 2, n_cells)
    own_residual = np.bincount(cell, np.bincount(units, wr) ** 2, n_cells)
    return Cells(np.bincount(cell, minlength=n_cells), weight, residual, own_weight, own_residual, outcome)


def _plain_cells(p, y, n_bins, classwise, counts):
    """Sum over uniform bins in one pass that needs no memory: blocks of rows, with or without one column per class.

    Without `counts` the first cell is given all rows: norm 1 needs no more than their total, and less time.
    """
    k = p.shape[1] if classwise else 1
    first = np.arange(k) * n_bins
    count, total, outcome = np.zeros(k * n_bins, dtype=np.intp), np.zeros(k * n_bins), np.zeros(k * n_bins)
    rows = max(1, BLOCK // k)
    for start in range(0, len(p), rows):
        block, truth = p[start : start + rows], y[start : start + rows]
        cells = uniform_bins(block, n_bins)
        if classwise:
            cells += first
            hits = np.take_along_axis(cells, truth[:, None], axis=1)[:, 0]
            outcome += np.bincount(hits, minlength=len(count))
            block, cells = block.reshape(-1), cells.reshape(-1)
            total += np.bincount(cells, block, len(count))
        else:
            total += np.bincount(cells, block - truth, len(count))
        if counts:
            count += np.bincount(cells, minlength=len(count))
    if not counts:
        count[0] = len(p) * k
    return Cells(count, count.astype(np.float64), total - outcome)


def assign(forecast, n_bins, strategy, reduction):
    """Return the cell of each row, or of each row and class, and how many cells there are."""
    of_class = None
    columns: list[Any]
    if reduction == "classwise" and not forecast.binary:
        columns = [(np.ascontiguousarray(column), slice(None)) for column in forecast.p.T]
    elif reduction == "top_label" and not forecast.binary:
        of_class = forecast.p.argmax(axis=1)
        p, _ = forecast.confidence()
        order = np.argsort(of_class, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(of_class))[:-1])
        columns = [(p[rows], rows) for rows in parts if len(rows)]
    else:
        columns = [(forecast.confidence()[0], slice(None))]
    cells, n_cells = [], 0
    for p, rows in columns:
        many = auto_bins(len(p)) if strategy == "auto" else n_bins
        weights = None if forecast.weights is None else forecast.weights[rows]
        bins = uniform_bins(p, many) if strategy == "uniform" else quantile_bins(p, many, weights)
        cells.append(bins + n_cells)
        n_cells += many
    if of_class is None:
        return cells[0] if len(cells) == 1 else np.stack(cells, axis=1), n_cells
    flat = np.empty(len(forecast.p), dtype=np.intp)
    for (_, rows), part in zip(columns, cells, strict=True):
        flat[rows] = part
    return flat, n_cells


def forecast_cells(forecast, n_bins, strategy, reduction, squares=False, counts=True):
    """Return the cells of checked rows; without `counts` no more than norm 1 needs."""
    weights, groups = forecast.weights, forecast.groups if squares else None
    classwise = reduction == "classwise" and not forecast.binary
    if strategy == "uniform" and weights is None and not squares and (forecast.binary or reduction != "top_label"):
        p, y = (forecast.p, forecast.y) if classwise else forecast.confidence()
        return _plain_cells(p, y, n_bins, classwise, counts)
    cells, n_cells = assign(forecast, n_bins, strategy, reduction)
    if not classwise:
        p, y = forecast.confidence()
        return cells_of_rows(cells, n_cells, p, y, weights, groups, squares)
    k = forecast.p.shape[1]
    y = (forecast.y[:, None] == np.arange(k)).astype(np.float64)
    weights, groups = (None if a is None else np.repeat(a, k) for a in (weights, groups))
    return cells_of_rows(cells.reshape(-1), n_cells, forecast.p.reshape(-1), y.reshape(-1), weights, groups, squares)


def pair_terms(cells):
    """Return, for each cell, the mean of r_i r_j over pairs of different units; 0 where there is no pair."""
    weight = np.where(cells.weight > 0, cells.weight, 1.0)
    pairs = 1 - cells.own_weight / weight**2
    some = (cells.units > 1) & (pairs > 1e-12)
    mean = (cells.residual / weight) ** 2 - cells.own_residual / weight**2
    return np.where(some, mean / np.where(some, pairs, 1.0), 0.0)


def binned_error(cells, norm, debias=False):
    """Return the error in this norm; of norm 2 the mean square, signed where debiased."""
    weight, total = np.where(cells.weight > 0, cells.weight, 1.0), cells.weight.sum()
    gap = np.abs(cells.residual) / weight
    if norm == 1:
        value = np.abs(cells.residual).sum() / total
        return float(value if not debias else 2 * value - cells.weight @ _folded(gap, _variance(cells, debias)) / total)
    if norm == 2:
        squares = gap**2
        if debias == "outcome":
            squares = np.where(cells.units > 1, squares - _variance(cells, debias), 0.0)
        elif debias:
            squares = pair_terms(cells)
        return float(cells.weight @ squares / total)
    return float(gap.max())


def _variance(cells, debias):
    """Return the estimated variance of each cell's mean residual, 0 where one unit says nothing about it."""
    weight = np.where(cells.weight > 0, cells.weight, 1.0)
    if debias == "outcome":
        share = cells.outcome / weight
        return share * (1 - share) / np.maximum(cells.units - 1, 1) * (cells.units > 1)
    some = (cells.units > 1) & (cells.own_weight < weight**2 * (1 - 1e-12))
    return np.where(some, np.maximum((cells.residual / weight) ** 2 - pair_terms(cells), 0.0), 0.0)


def _folded(gap, variance):
    """Return E|N(gap, variance)|."""
    sd = np.sqrt(np.where(variance > 0, variance, 1.0))
    z = gap / sd
    return np.where(variance > 0, sd * np.sqrt(2 / np.pi) * np.exp(-z * z / 2) + gap * (1 - 2 * ndtr(-z)), gap)


def uniform_sums(p, y, n_bins):
    """Return counts, sums and sums of squares of p, each of shape (n_bins, 2), in blocks that stay in the cache."""
    size = 2 * n_bins
    counts, first, second = np.zeros(size, dtype=np.int64), np.zeros(size), np.zeros(size)
    for start in range(0, len(p), BLOCK):
        block = p[start : start + BLOCK]
        cells = 2 * uniform_bins(block, n_bins) + y[start : start + BLOCK].astype(np.intp)
        counts += np.bincount(cells, minlength=size)
        first += np.bincount(cells, block, size)
        second += np.bincount(cells, block * block, size)
    return tuple(a.reshape(n_bins, 2) for a in (counts, first, second))
