"""Binned errors by double loops, for the tests."""

import math

import numpy as np

__all__ = ["edge_bin", "pairs", "slow_error", "slow_square"]


def pairs(y, p, reduction):
    """Yield (class, p, hit, row) of every pair that is binned."""
    p = np.asarray(p, dtype=float)
    for i in range(len(p)):
        if p.ndim == 1:
            yield 0, p[i], float(y[i]), i
        elif reduction == "classwise":
            for k in range(p.shape[1]):
                yield k, p[i, k], float(y[i] == k), i
        else:
            top = int(p[i].argmax())
            yield top if reduction == "top_label" else 0, p[i, top], float(y[i] == top), i


def edge_bin(p, n_bins):
    """Return the bin of a float64 number, edge by edge."""
    return max(b for b in range(n_bins) if p >= b / n_bins)


def _cells(y, p, n_bins, reduction, weights):
    weights = np.ones(len(p)) if weights is None else weights
    cells = {}
    for k, q, hit, i in pairs(y, p, reduction):
        cells.setdefault((k, edge_bin(q, n_bins)), []).append((q - hit, weights[i], i, hit))
    return cells


def slow_error(y, p, n_bins, norm, reduction="confidence", weights=None):
    """Return the plain error: sums of weighted gaps over cells."""
    cells = _cells(y, p, n_bins, reduction, weights)
    total = sum(w for rows in cells.values() for _, w, _, _ in rows)
    terms = []
    for rows in cells.values():
        mass = sum(w for _, w, _, _ in rows)
        if mass > 0:
            terms.append((mass / total, abs(sum(w * r for r, w, _, _ in rows)) / mass))
    if norm == math.inf:
        return max(gap for _, gap in terms)
    return sum(share * gap**norm for share, gap in terms) ** (1 / norm)


def slow_square(y, p, n_bins, reduction="confidence", weights=None, groups=None):
    """Return the debiased square: the mean of w_i w_j r_i r_j over pairs of rows of different clusters."""
    cells = _cells(y, p, n_bins, reduction, weights)
    groups = np.arange(len(p)) if groups is None else groups
    total = sum(w for rows in cells.values() for _, w, _, _ in rows)
    value = 0.0
    for rows in cells.values():
        above = below = 0.0
        for a, (r, w, i, _) in enumerate(rows):
            for b, (s, v, j, _) in enumerate(rows):
                if a != b and groups[i] != groups[j]:
                    above, below = above + w * v * r * s, below + w * v
        if below > 0:
            value += sum(w for _, w, _, _ in rows) / total * above / below
    return value
