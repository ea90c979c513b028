"""Where a utility is largest: enumeration of small finite spaces; elsewhere many starts, gradients and single swaps.

A utility has ``at(x)`` -> (log value, gradient) for one row and ``screen(A)`` -> approximate log values of many, which
only rank. `Product` multiplies several.
"""

from functools import lru_cache

import numpy as np
from scipy.optimize import minimize
from scipy.stats import qmc

__all__ = ["Product", "maximize", "sobol"]

N_SOBOL, N_LOG2 = 256, 8
N_CENTERS, JITTERS = 4, (0.05, 0.05, 0.05, 0.05, 0.01, 0.01, 0.01, 0.002)  # far, near, and where little is left
N_POLISHED, N_EXACT = 4, 32
CLOSE = 1e-6  # rows of the unit cube that are no different suggestions
_ROUNDS = 10
_CHUNK = 2048
_SEARCH = {"maxiter": 40, "ftol": 1e-7, "gtol": 1e-3}  # of a logarithm
_WORST = 1e10  # for a search that cannot take infinity


class Product:
    """The product of utilities, in logs."""

    def __init__(self, *factors):
        self.factors = factors

    def at(self, x):
        """Return the log value at one point, and its gradient."""
        parts = [factor.at(x) for factor in self.factors]
        return sum(value for value, _ in parts), sum(slope for _, slope in parts)

    def screen(self, A):
        """Return the approximate log values of many points."""
        return sum(factor.screen(A) for factor in self.factors)


@lru_cache(maxsize=8)
def _sobol_net(n_columns, log2):
    net = qmc.Sobol(n_columns, scramble=False).random_base2(log2)
    net.flags.writeable = False
    return net


def sobol(n_columns, n, rng):
    """Return the first n points of Sobol's sequence, shifted by one random vector modulo 1."""
    net = _sobol_net(n_columns, max(int(np.ceil(np.log2(max(n, 1)))), 0))[:n]
    return (net + rng.random(n_columns)) % 1.0


def maximize(utility, space, rng, *, centers, blocked, cells=None):
    """Return the row of the space where the utility is largest, or None where a finite space has none left.

    Parameters
    ----------
    utility : object
    space : Space
    rng : Generator
    centers : ndarray of shape (k, n_columns)
        Rows to look around, the best first; they are candidates themselves.
    blocked : ndarray of shape (b, n_columns)
        Rows that must not come out.
    cells : ndarray of shape (m,), optional
        Indices of the cells of an enumerable space that may come out; all others are blocked.
    """
    if cells is not None:
        return _enumerate(utility, space.cells()[cells], rng)
    starts = _starts(space, rng, centers)
    scores = _screen(utility, starts)
    order = np.argsort(-scores, kind="stable")
    found = []
    for i in order[:N_POLISHED]:
        row = _polish(utility, space, starts[i])
        value = utility.at(row)[0]
        found.append((-np.inf if np.isnan(value) else value, row))
    found.sort(key=lambda pair: -pair[0])
    rest = (starts[i] for i in order)
    for row in (*(row for _, row in found), *rest):
        if not _is_blocked(row, blocked):
            return row
    return None


def _enumerate(utility, rows, rng):
    if not len(rows):
        return None
    scores = _screen(utility, rows)
    order = np.argsort(-scores, kind="stable")[:N_EXACT]
    exact = np.nan_to_num([utility.at(rows[i])[0] for i in order], nan=-np.inf, neginf=-np.inf, posinf=np.inf)
    if np.isneginf(exact).all():  # nothing to choose by
        return rows[rng.integers(len(rows))]
    return rows[order[int(np.argmax(exact))]]


def _screen(utility, rows):
    parts = [utility.screen(rows[i : i + _CHUNK]) for i in range(0, len(rows), _CHUNK)]
    return np.nan_to_num(np.concatenate(parts), nan=-np.inf, neginf=-np.inf, posinf=np.inf)


def _starts(space, rng, centers):
    starts = [space.place(sobol(len(space.names), N_SOBOL, rng))]
    if len(centers := centers[:N_CENTERS]):
        around = np.repeat(centers, len(JITTERS), axis=0)
        moved = around + np.tile(JITTERS, len(centers))[:, None] * rng.standard_normal(around.shape)
        # choices are left where they are but once in a while, then drawn anew
        drawn = space.place(rng.random((len(around), len(space.names))))
        anew = (rng.random((len(around), len(space.names))) < 0.2)[:, space.columns]
        starts += [space.snap(np.where(anew & ~space.continuous, drawn, moved)), centers]
    return np.vstack(starts)


def _polish(utility, space, row):
    """Climb: gradients in the real columns, then the best single swap of the others, until neither helps."""
    free = np.flatnonzero(space.continuous)
    discrete = len(free) < space.n_columns
    for _ in range(_ROUNDS if discrete else 1):
        if len(free):
            row = _climb(utility, row, free)
        if not discrete:
            break
        swaps = np.vstack([row[None], space.neighbours(row)])
        best = int(np.argmax(_screen(utility, swaps)))
        if best == 0:
            break
        row = swaps[best]
    return row


def _climb(utility, row, free):
    row = row.copy()

    def negative(values):
        row[free] = values
        value, slope = utility.at(row)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return _WORST, np.zeros(len(free))
        return -value, -slope[free]

    start = row[free]
    found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(free), options=_SEARCH)
    better = np.isfinite(found.fun) and found.fun <= negative(start)[0]
    row[free] = np.clip(found.x, 0.0, 1.0) if better else start
    return row


def _is_blocked(row, blocked):
    return len(blocked) > 0 and bool((np.abs(blocked - row).max(axis=1) < CLOSE).any())
