"""Moves along the ridge on which every judge's share of votes stays: merit and judges change in step.

For any T whose rows sum to 1, pi T and the inverse of T applied to the judges' matrices give the same shares of votes
(`identifiability` tells why that matters). Gibbs steps creep along this ridge where judges are few or weak. Here T is
the exponential of a generator that passes u from label m to n, and v back; the step is proposed with the true scores
integrated out and accepted by the Metropolis rule. T^-1 is as likely a proposal as T, so the rule needs the target and
the Jacobian alone.
"""

import numpy as np
from scipy.special import gammaln

from ._draws import LEAST

__all__ = ["Step", "Stride", "dirichlet_gain", "move"]

WANTED = 0.35  # share of proposals to accept
FIRST = 0.3


class Step:
    """One T per chain (and cell): ``u`` goes from label `m` to `n`, ``v`` back."""

    def __init__(self, m, n, u, v):
        total = u + v
        near = np.abs(total) < 1e-9
        total_or_1 = np.where(near, 1.0, total)
        forth = np.where(near, 1.0, -np.expm1(-total) / total_or_1)
        back = np.where(near, 1.0, np.expm1(total) / total_or_1)
        self.m, self.n = m, n
        self.log_det = -total
        self._t = forth * u, forth * v  # T = [[1 - t0, t0], [t1, 1 - t1]]
        self._inverse = back * u, back * v  # T^-1 = [[1 + i0, -i0], [-i1, 1 + i1]]

    def shares(self, pi_m, pi_n):
        """Return the two shares of pi T."""
        t0, t1 = self._t
        passed = t0 * pi_m - t1 * pi_n
        return pi_m - passed, pi_n + passed

    def rows(self, row_m, row_n):
        """Return the two rows of T^-1 theta; their entries may be negative. The chains come last."""
        i0, i1 = self._inverse
        gap = row_m - row_n
        return row_m + i0 * gap, row_n - i1 * gap


class Stride:
    """Lengths of the steps, one per chain (and cell) and pair of labels; they change while learning."""

    def __init__(self, shape, n_levels):
        self.log_length = np.full((*shape, n_levels, n_levels), np.log(FIRST))
        self.visits = np.zeros_like(self.log_length)
        self.n_levels = n_levels
        self._at: tuple = ()

    def propose(self, rng):
        """Return a step."""
        shape = self.log_length.shape[:-2]
        m = rng.integers(0, self.n_levels, shape)
        n = (m + rng.integers(1, self.n_levels, shape)) % self.n_levels
        self._at = (*np.indices(shape), np.minimum(m, n), np.maximum(m, n))
        u, v = rng.standard_normal((2, *shape)) * np.exp(self.log_length[self._at])
        return Step(m, n, u, v)

    def keep(self, chains, axis):
        """Go on with these chains."""
        self.log_length, self.visits = (np.take(x, chains, axis=axis) for x in (self.log_length, self.visits))

    def learn(self, accepted):
        """Lengthen the strides that were accepted, shorten the others."""
        self.visits[self._at] += 1
        change = np.minimum(0.7, 3.0 / np.sqrt(self.visits[self._at])) * (accepted - WANTED)
        self.log_length[self._at] = np.clip(self.log_length[self._at] + change, -8.0, 1.0)


def move(log_array, change, chains, m, n, ok):
    """Apply `change` to the labels m and n of a log-array (..., chains, label) in place, where nothing turns negative.

    `ok`, of the shape of the chains, becomes False where something does; there the array stays as it is.
    """
    chains = chains if isinstance(chains, tuple) else (chains,)
    old = log_array[..., *chains, m], log_array[..., *chains, n]
    new = change(*map(np.exp, old))
    leading = tuple(range(old[0].ndim - ok.ndim))
    ok &= (np.minimum(*new) > 0).all(axis=leading)
    for label, before, after in zip((m, n), old, new, strict=True):
        log_array[..., *chains, label] = np.where(ok, np.log(np.where(ok, after, 1.0)), before)


def dirichlet_gain(log_new, log_old, a_new, a_old, axis):
    """Return log Dir(new; a_new) - log Dir(old; a_old) along `axis`; the a of one law have the same sum."""
    a_new, a_old = np.maximum(a_new, LEAST), np.maximum(a_old, LEAST)
    gain = (a_new - 1) * log_new - (a_old - 1) * log_old - gammaln(a_new) + gammaln(a_old)
    return gain.sum(axis=axis)
