"""What several posteriors say together: each set of hyperparameters counts the same."""

import numpy as np
from scipy.special import ndtr, ndtri

from ._linalg import solve_lower

__all__ = ["left_out", "mixture_quantiles", "pooled", "predictive"]

_BISECTIONS = 80


def predictive(posteriors, A):
    """Return means and variances of f, and the common noise, in model units: (s, m), (s, m), (s,)."""
    parts = [posterior.mean_var(A) for posterior in posteriors]
    noise = np.array([posterior.noise_variance for posterior in posteriors])
    return np.array([mu for mu, _ in parts]), np.array([var for _, var in parts]), noise


def pooled(mu, var):
    """Return mean and variance of the mixture of normal laws, over the first axis."""
    if len(mu) == 1:
        return mu[0], var[0]
    return mu.mean(axis=0), var.mean(axis=0) + mu.var(axis=0)


def mixture_quantiles(mu, sd, level):
    """Return the quantile of each mixture (s, m) of normal laws at one level, by bisection."""
    if len(mu) == 1:
        return mu[0] + ndtri(level) * sd[0]
    ends = mu + ndtri(level) * sd  # the mixture's quantile lies between those of its parts
    low, high = ends.min(axis=0), ends.max(axis=0)
    sd = np.maximum(sd, np.finfo(float).tiny)
    for _ in range(_BISECTIONS):
        middle = low + (high - low) / 2
        with np.errstate(over="ignore"):
            less = ndtr((middle - mu) / sd).mean(axis=0) < level
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return low + (high - low) / 2


def left_out(posterior):
    """Return mean and variance of each y given the other rows, hyperparameters held, in model units.

    With P the inverse covariance of y they are y_i - alpha_i / P_ii and 1 / P_ii.
    """
    root = solve_lower(posterior.L, np.eye(len(posterior.y)))
    precision = np.einsum("ij,ij->j", root, root)
    return posterior.y - posterior.alpha / precision, 1 / precision
