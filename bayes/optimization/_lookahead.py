"""How much one more observation raises the best posterior mean over a set of points, in expectation: exact, in logs."""

from math import log, sqrt

import numpy as np

from ._affine import affine_gain, many_affine_gains
from ._utility import next_noise

__all__ = ["Lookahead"]

_CELLS = 2_000_000  # of the covariances that are held at once


class Lookahead:
    """E[max over B and x of the next mean] - max over B of the mean, of one posterior, in model units.

    An observation at x moves the mean at B_i by cov(B_i, x) / sqrt(var(x) + noise) Z: lines in Z. The result is their
    h(a, b), plus (mean at x - baseline)^+ where x itself may be chosen.

    Parameters
    ----------
    posterior : Posterior
    B : ndarray of shape (b, d)
        What may be chosen; without a row the baseline is 0, the level of the process before any data.
    includes_x : bool
        Whether the next point may be chosen as well.
    noise : float, optional
        Variance of the next observation's noise, in model units; that of a typical row by default.
    """

    def __init__(self, posterior, B, includes_x=True, noise=None):
        self._targets = posterior.targets(B)
        self._empty = len(B) == 0
        self._means = np.zeros(1) if self._empty else self._targets.mu
        self._includes_x = includes_x
        self.noise = next_noise(posterior) if noise is None else noise
        self.baseline = float(self._means.max())

    def at(self, x):
        """Return (log value, gradient (d,)) at one point x (d,)."""
        mu, var, dmu, dvar, cov, dcov = self._targets.at(x)
        total = var + self.noise
        if total == 0.0:  # what is known already cannot be learned
            return -np.inf, np.zeros(len(x))
        if self._empty:
            cov, dcov = np.zeros(1), np.zeros((1, len(x)))
        root = sqrt(total)
        a, b = self._means, cov / root
        if self._includes_x:
            a, b = np.append(a, mu), np.append(b, var / root)
        if var == 0.0:
            b = np.zeros(len(a))
        gain = affine_gain(a, b)
        value, is_best = gain.log, self._includes_x and gain.best == len(a) - 1
        if is_best and mu > self.baseline:
            value = np.logaddexp(value, log(mu - self.baseline))
        if value == -np.inf:
            return -np.inf, np.zeros(len(x))
        da, db = gain.slopes(value)
        return value, self._chain(gain.lines, da, db, b, is_best, value, root, dmu, dvar, dcov)

    def _chain(self, lines, da, db, b, is_best, value, root, dmu, dvar, dcov):
        """Return the gradient in x from those in the lines: b_i = cov_i / root, and b_x = var / root."""
        old = lines < len(dcov)
        gradient = (db[old] / root) @ dcov[lines[old]] - ((db @ b[lines]) / (2 * root * root)) * dvar
        if not old.all():
            gradient += da[~old][0] * dmu + (db[~old][0] / root) * dvar
        if is_best:
            gradient += np.exp(min(-value, 700.0)) * dmu
        return gradient

    def screen(self, A):
        """Return the log values at the rows of A, of shape (m,)."""
        step = max(1, _CELLS // (len(self._means) + 1))
        return np.concatenate([self._screen(A[i : i + step]) for i in range(0, max(len(A), 1), step)])

    def _screen(self, A):
        mu, var, cov = self._targets.many(A)
        if self._empty:
            cov = np.zeros((len(A), 1))
        a, b = np.broadcast_to(self._means, cov.shape), np.where(var[:, None] > 0, cov, 0.0)
        if self._includes_x:
            a, b = np.column_stack([a, mu]), np.column_stack([b, var])
        total = var + self.noise
        with np.errstate(divide="ignore", invalid="ignore"):
            values = many_affine_gains(a, np.where(total[:, None] > 0, b / np.sqrt(total)[:, None], 0.0))
            if self._includes_x:
                values = np.logaddexp(values, np.log(np.maximum(mu - self.baseline, 0.0)))
        return np.where(total > 0, values, -np.inf)
