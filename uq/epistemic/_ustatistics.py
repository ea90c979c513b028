"""Unbiased squares from counts: all pairs of different responses, never a response with itself. Nothing is checked."""

import numpy as np

__all__ = ["pair_targets", "squared_errors"]


def pair_targets(counts):
    """Return W of shape (n, K, K), the shares of pairs of different responses; its mean given p is p p'."""
    total = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    k = np.arange(counts.shape[1])
    pairs[:, k, k] -= counts
    pairs /= (total * (total - 1))[:, None, None]
    return pairs


def squared_errors(counts, p):
    """Return estimates of (p - p(.|x))^2 of shape (n, K), unbiased and therefore below 0 at times."""
    total = counts.sum(axis=1, keepdims=True)
    return p * p - 2 * p * (counts / total) + counts * (counts - 1) / (total * (total - 1))
