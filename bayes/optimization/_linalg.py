"""Triangular algebra of symmetric positive definite matrices, straight from LAPACK: the wrappers cost more than it."""

import numpy as np
from scipy.linalg import lapack

__all__ = ["NotPositiveDefiniteError", "cholesky", "cholesky_with_jitter", "solve_lower", "solve_upper"]

JITTER = 1e-12, 1e-4  # the least and the most, as parts of the signal variance


class NotPositiveDefiniteError(Exception):
    """No jitter that is small beside the signal made the matrix positive definite."""


def cholesky(K):
    """Return the lower factor (C-ordered) of a symmetric matrix, or None where it is not positive definite."""
    if not len(K):
        return np.empty((0, 0))
    # the transpose is in Fortran's order, so that nothing is copied twice
    R, info = lapack.dpotrf(K.T, lower=0, clean=1)
    return R.T if info == 0 else None


def cholesky_with_jitter(K, noise, signal_variance):
    """Return the lower factor of K + diag(noise) + jitter I, and the jitter.

    None is tried where the noise is no less than it; else a little, ten times more each time.
    """
    total = np.array(K)
    diagonal = total.diagonal() + noise
    least, most = JITTER[0] * signal_variance, JITTER[1] * signal_variance
    jitter = least if noise.size and noise.min() < least else 0.0
    while jitter <= most * (1 + 1e-9):
        np.fill_diagonal(total, diagonal + jitter)
        L = cholesky(total)
        if L is not None:
            return L, jitter
        jitter = 10 * max(jitter, least / 10)
    raise NotPositiveDefiniteError


def solve_lower(L, b):
    """Return L^{-1} b for b of shape (n,) or (n, k)."""
    return lapack.dtrtrs(L.T, b, lower=0, trans=1)[0] if len(b) else np.array(b, dtype=float)


def solve_upper(L, b):
    """Return L^{-T} b for b of shape (n,) or (n, k)."""
    return lapack.dtrtrs(L.T, b, lower=0, trans=0)[0] if len(b) else np.array(b, dtype=float)
