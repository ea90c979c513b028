"""Knowledge gradient of an average: how much an evaluation in one environment, at one fidelity, betters the choice."""

import math

import numpy as np

from ._affine import affine_gain, many_affine_gains
from ._average import AveragedPosterior, AverageTargets
from ._maximize import N_CENTERS, maximize, sobol
from ._utility import Average, next_noise

__all__ = ["AverageGain", "AverageMean", "best_setting", "knowledge_gradient_of_average"]

_POOL, _JITTERS, _JITTER = 256, 16, 0.05
_ALL, _CANDIDATES, _PROMISING = 100, 128, 24
_OUTCOMES = (-2.0, -1.2, -0.4, 0.4, 1.2, 2.0)
_CELLS = 1_000_000  # of the covariances that are held at once


class AverageGain:
    """E[max of the next means of G] - max of the means of G, over settings B and the one that is evaluated.

    An observation at (x, w) moves the mean of G at B_i by cov(G(B_i), f(x, w)) / sqrt(var f(x, w) + noise) Z: lines in
    Z. Values are logarithms in model units.

    Parameters
    ----------
    average : AveragedPosterior
    B : ndarray of shape (b, p)
        What may be chosen, beside the setting that is evaluated.
    """

    def __init__(self, average, B):
        self._targets = AverageTargets(average, B)
        self.noise = next_noise(average.posterior)

    def at(self, z):
        """Return (log value, gradient (d,)) at one point z = (x, w)."""
        at = self._targets.at(z)
        total = at.var + self.noise
        if total == 0.0 or at.var == 0.0:  # what is known already cannot be learned
            return -np.inf, np.zeros(len(z))
        root = math.sqrt(total)
        b = at.cov / root
        gain = affine_gain(np.append(self._targets.mu, at.mu), b)
        if gain.log == -np.inf:
            return -np.inf, np.zeros(len(z))
        da, db = gain.slopes(gain.log)
        gradient = (db / root) @ at.dcov[gain.lines] - (db @ b[gain.lines]) / (2 * total) * at.dvar
        return gain.log, gradient + da[gain.lines == len(b) - 1].sum() * at.dmu

    def screen(self, Z):
        """Return the log values at the rows of Z, of shape (m,)."""
        step = max(1, _CELLS // (len(self._targets.mu) + 1))
        return np.concatenate([self._screen(Z[i : i + step]) for i in range(0, max(len(Z), 1), step)])

    def _screen(self, Z):
        var, mu, cov = self._targets.many(Z)
        total = var + self.noise
        a = np.column_stack([np.broadcast_to(self._targets.mu, (len(Z), len(self._targets.mu))), mu])
        known = (var == 0.0) | (total == 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = many_affine_gains(a, np.where(known[:, None], 0.0, cov / np.sqrt(total)[:, None]))
        return np.where(known, -np.inf, values)


class AverageMean:
    """The posterior mean of G, over all posteriors, as something to be maximised."""

    def __init__(self, averages):
        self._averages = averages

    def at(self, x):
        """Return the mean in model units at one x (p,), and its gradient."""
        parts = [average.mean_at(x) for average in self._averages]
        return sum(v for v, _ in parts) / len(parts), sum(slope for _, slope in parts) / len(parts)

    def screen(self, B):
        """Return the means at the rows of B."""
        return np.mean([average.mean_var(B)[0] for average in self._averages], axis=0)


def best_setting(gp, context, centers, rng):
    """Return (row (p,), mean in the units of y) of the params with the largest mean of G, evaluated or not."""
    utility = AverageMean([AveragedPosterior(posterior, context) for posterior in gp.posteriors_])
    cells = np.arange(int(context.space.size)) if context.space.enumerable and context.joint.enumerable else None
    none = np.empty((0, context.space.n_columns))
    row = maximize(utility, context.space, rng, centers=_ranked(utility, centers), blocked=none, cells=cells)
    return row, gp.offset_ + gp.scale_ * utility.at(row)[0]


def _ranked(utility, rows):
    return rows[np.argsort(-utility.screen(rows), kind="stable")]


def knowledge_gradient_of_average(gp, context, rng):
    """Return the utility of candidates (x, w), and rows to look around.

    The utility is the mean, over posteriors, of gains in the units of y.
    """
    parts, units, p = [], [], context.space.n_columns
    averages = [AveragedPosterior(posterior, context) for posterior in gp.posteriors_]
    seen = _ranked(AverageMean(averages), np.unique(gp.posteriors_[0].X[:, :p], axis=0))
    best, _ = best_setting(gp, context, seen, rng)
    pool = _pool(context.space, seen, best, rng)
    for average in averages:
        parts.append(AverageGain(average, _choices(average, pool, context.joint, rng)))
        units.append(math.log(average.posterior.scale))
    around = context.joint.place(rng.random((N_CENTERS, len(context.joint.names))))
    around[:, :p] = best
    around[0, p:] = context.nodes(exact=False)[0][0]
    return Average(parts, units), context.joint.snap(around)


def _pool(space, seen, best, rng):
    """Return settings, the best first, that may be the best once more is known."""
    if space.enumerable and space.size <= 4 * _ALL:
        return np.vstack([best, space.cells()])
    near = np.repeat(np.vstack([best, seen[:3]]), _JITTERS, axis=0)
    near = space.snap(near + _JITTER * rng.standard_normal(near.shape))
    return np.vstack([best, seen, near, space.place(sobol(len(space.names), _POOL, rng))])


def _choices(average, pool, joint, rng):
    """Return those of the pool that promise most now, and those that promising observations would make the best.

    The last ones count most: they are the best of the pool after each of six outcomes.
    """
    if len(pool) <= _ALL:
        return np.unique(pool, axis=0)
    mean, var = average.mean_var(pool)
    first = np.append(0, np.argsort(-(mean + np.sqrt(var)), kind="stable")[: _ALL // 4])
    gain = AverageGain(average, pool[first])
    candidates = joint.place(sobol(len(joint.names), _CANDIDATES, rng))
    candidates = candidates[np.argsort(-gain.screen(candidates), kind="stable")[:_PROMISING]]
    var, _, cov = AverageTargets(average, pool).many(candidates)
    slopes = cov[:, :-1] / np.sqrt(np.maximum(var + gain.noise, 1e-300))[:, None]
    best = [np.argmax(mean + z * slopes, axis=1) for z in _OUTCOMES]
    return np.unique(pool[np.concatenate([first, *best])], axis=0)
