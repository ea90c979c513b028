"""Slow answers that are right on sight, to check the fast ones with. Each says what it enumerates."""

import numpy as np
from scipy import stats

__all__ = ["fieller_kept"]


def fieller_kept(numerator, denominator, sd, rho, df, level, n_grid=4001):
    """Test every ratio of a grid over the whole line; return the grid and which ratios are not rejected."""
    grid = np.tan(np.linspace(-np.pi / 2, np.pi / 2, n_grid + 2)[1:-1])
    variance = sd[0] ** 2 - 2 * grid * rho * sd[0] * sd[1] + grid**2 * sd[1] ** 2
    t = (numerator - grid * denominator) / np.sqrt(variance)
    return grid, 2 * stats.t.sf(np.abs(t), df) >= 1 - level
