"""Slow answers that are right on sight, to check the fast ones with. Each says what it enumerates."""

import numpy as np
from scipy import stats

__all__ = ["fieller_kept", "shared_covariance"]


def fieller_kept(numerator, denominator, sd, rho, df, level, n_grid=4001):
    """Test every ratio of a grid over the whole line; return the grid and which ratios are not rejected."""
    grid = np.tan(np.linspace(-np.pi / 2, np.pi / 2, n_grid + 2)[1:-1])
    variance = sd[0] ** 2 - 2 * grid * rho * sd[0] * sd[1] + grid**2 * sd[1] ** 2
    t = (numerator - grid * denominator) / np.sqrt(variance)
    return grid, 2 * stats.t.sf(np.abs(t), df) >= 1 - level


def shared_covariance(a, b, ids_a, ids_b):
    """Add up, label by label, the influence values of two estimates; return the sums of their products (k_a, k_b).

    `ids` are pairs: labels of the fit rows, labels of the apply rows. A row used in both counts with both its values.
    """
    sums = []
    for influence, (fit_ids, apply_ids) in ((a, ids_a), (b, ids_b)):
        of_label: dict = {}
        for labels, values in ((fit_ids, influence.fit), (apply_ids, influence.apply)):
            for label, value in zip(labels, values, strict=True):
                of_label[label] = of_label.get(label, 0.0) + value
        sums.append(of_label)
    shared = sums[0].keys() & sums[1].keys()
    return sum((np.outer(sums[0][i], sums[1][i]) for i in shared), np.zeros((a.fit.shape[1], b.fit.shape[1])))
