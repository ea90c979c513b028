"""Slice sampling, one coordinate after the other: needs no gradient, no tuning, and no normalising constant."""

import math

import numpy as np

__all__ = ["slice_sample"]


def slice_sample(log_density, start, free, bounds, rng, *, n_draws, burn, thin, width=1.5):
    """Draw from a density on a box by univariate slice sampling with stepping out and shrinking.

    Parameters
    ----------
    log_density : callable
        theta -> log density up to a constant; -inf is allowed.
    start : ndarray of shape (p,)
    free : ndarray of bool, shape (p,)
        Coordinates that move.
    bounds : ndarray of shape (p, 2)
    rng : Generator
    n_draws, burn, thin : int
        Draws kept, sweeps before the first, and sweeps from one to the next.
    width : float
        First guess of how wide the slices are.

    Returns
    -------
    ndarray of shape (n_draws, p)
    """
    theta = np.array(start, dtype=float)
    moving = np.flatnonzero(free)
    height = log_density(theta)
    draws = np.empty((n_draws, len(theta)))
    for sweep in range(burn + thin * n_draws):
        for j in moving:
            height = _move(log_density, theta, j, height, bounds[j], width, rng)
        kept, rest = divmod(sweep - burn + 1, thin)
        if sweep >= burn and not rest:
            draws[kept - 1] = theta
    return draws


def _move(log_density, theta, j, height, limits, width, rng):
    """Move coordinate j in place and return the log density there."""
    here = theta[j]

    def at(value):
        theta[j] = value
        return log_density(theta)

    level = height - rng.standard_exponential()
    low = here - width * rng.random()
    high = low + width
    # to the ends of the box at the most, so the loops end
    while low > limits[0] and at(low) > level:
        low -= width
    while high < limits[1] and at(high) > level:
        high += width
    low, high = max(low, limits[0]), min(high, limits[1])
    while True:
        value = low + (high - low) * rng.random()
        height = at(value)
        if height > level or math.isclose(low, high, rel_tol=1e-15, abs_tol=1e-15):
            return height
        if value < here:
            low = value
        else:
            high = value
