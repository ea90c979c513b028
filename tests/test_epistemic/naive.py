"""Slow answers that are right on sight: loops over pairs of responses, worlds with a known truth."""

import itertools

import numpy as np

__all__ = ["World", "all_pairs", "error_of_pairs", "responses", "rows_of_counts"]


def responses(counts):
    """Return the responses behind counts, one after the other."""
    return [k for k, c in enumerate(np.asarray(counts, int)) for _ in range(c)]


def all_pairs(counts):
    """Return the share of each ordered pair of different responses, by enumeration."""
    k = len(counts)
    out = np.zeros((k, k))
    pairs = list(itertools.permutations(responses(counts), 2))
    for a, b in pairs:
        out[a, b] += 1 / len(pairs)
    return out


def error_of_pairs(counts, p):
    """Return the mean of (p_k - 1[Y1 = k]) (p_k - 1[Y2 = k]) over all pairs of different responses."""
    out = np.zeros(len(counts))
    pairs = list(itertools.permutations(responses(counts), 2))
    for a, b in pairs:
        out += [(p[k] - (a == k)) * (p[k] - (b == k)) / len(pairs) for k in range(len(counts))]
    return out


def rows_of_counts(rng, p, n):
    """Return counts of n responses for each row of p."""
    return np.array([rng.multinomial(n, row) for row in p])


class World:
    """Groups of inputs that look alike; p(.|x) differs within them, and has zeros."""

    def __init__(self, seed, n_groups=4, n_inputs=6, k=3):
        rng = np.random.default_rng(seed)
        p = rng.dirichlet(np.full(k, 0.7), (n_groups, n_inputs))
        p *= rng.random(p.shape) < 0.7
        p[..., 0] += p.sum(axis=-1) == 0
        self.p = p / p.sum(axis=-1, keepdims=True)
        self.weight = rng.dirichlet(np.ones(n_inputs), n_groups)
        self.joint = np.einsum("gi,gik,gil->gkl", self.weight, self.p, self.p)
        self.mean = np.einsum("gi,gik->gk", self.weight, self.p)

    def covariance(self):
        """Return the covariance of p(.|x) of each group, from its definition."""
        gap = self.p - self.mean[:, None]
        return np.einsum("gi,gik,gil->gkl", self.weight, gap, gap)

    def draw(self, rng, n):
        """Return groups and p(.|x) of n inputs."""
        g = rng.integers(0, len(self.p), n)
        at = (np.cumsum(self.weight[g], axis=1) < rng.random((n, 1))).sum(axis=1)
        return g, self.p[g, np.minimum(at, self.p.shape[1] - 1)]
