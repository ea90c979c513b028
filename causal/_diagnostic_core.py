"""Does the group tell more about one column than the other column does? Two tests, slopes, and how far to trust them.

Everything here asks one question in one direction: a response is explained by smooth functions of a regressor; are the
group means of what is left still different from each other? Nothing is validated here.
"""

import numpy as np
from scipy import stats

from uq._base.groups import cluster_sums

__all__ = [
    "SLOPES",
    "controls",
    "dummies_pvalue",
    "independence_pvalues",
    "jackknife_coefficient",
    "mundlak_pvalue",
    "slopes",
]

SLOPES = ("pooled", "within groups", "between group means", "between groups, moments")

_TINY = 1e-10
_QUANTILES = (0.05, 0.35, 0.65, 0.95)


def independence_pvalues(response, regressor, groups):
    """Return the p-values of both tests that the groups say nothing about the response once the regressor is known."""
    return dummies_pvalue(response, regressor, groups), mundlak_pvalue(response, regressor, groups)


def controls(x):
    """Return an orthonormal basis of the natural cubic splines of x with four knots, shape (n, p), the constant first.

    Where x has few values, p is smaller; a column that the others explain already is left out.
    """
    z = (x - x.mean()) / x.std()
    knots = np.unique(np.quantile(z, _QUANTILES))
    columns = [np.ones(len(x)), z]
    if len(knots) > 2:
        last = _from_knot(z, knots[-2], knots[-1])
        columns += [_from_knot(z, knot, knots[-1]) - last for knot in knots[:-2]]
    return _orthonormal(np.column_stack(columns))


def _from_knot(z, knot, end):
    return (np.maximum(z - knot, 0.0) ** 3 - np.maximum(z - end, 0.0) ** 3) / (end - knot)


def _orthonormal(columns):
    """Return an orthonormal basis of the columns, in their order, without those that the ones before explain."""
    kept = np.empty((len(columns), 0))
    for column in columns.T:
        size = np.linalg.norm(column)
        for _ in range(2):  # twice is enough for full precision
            column = column - kept @ (kept.T @ column)
        left = np.linalg.norm(column)
        if left > _TINY * size:
            kept = np.column_stack([kept, column / left])
    return kept


def _without_group_means(columns, groups):
    sizes = np.bincount(groups)
    return columns - (cluster_sums(columns, groups) / sizes[:, None])[groups]


def dummies_pvalue(response, regressor, groups):
    """Return the p-value of the hypothesis that group dummies explain nothing beyond the controls.

    The quadratic form of the F test over an estimate of its mean that lets every row have its own variance (Brown and
    Forsythe 1974 for a design with covariates), with Satterthwaite's degrees of freedom from the variances of the
    groups. Where all variances are equal it is the F test; unlike that one, it holds its level where small groups are
    noisy. Groups of one row say nothing here and are left out. 1 where nothing can be said.
    """
    sizes = np.bincount(groups)
    kept = sizes[groups] > 1
    if not kept.any():
        return 1.0
    groups = np.unique(groups[kept], return_inverse=True)[1]
    response, regressor = response[kept], regressor[kept]
    sizes, n = np.bincount(groups), len(groups)
    g = len(sizes)
    if g < 2 or regressor.std() == 0:
        return 1.0
    basis = controls(regressor)
    inner = _orthonormal(_without_group_means(basis[:, 1:], groups))
    if n - g - inner.shape[1] < 1:
        return 1.0
    left = response - basis @ (basis.T @ response)
    full = _without_group_means(left[:, None], groups)[:, 0]
    full = full - inner @ (inner.T @ full)
    leverage = 1 / sizes[groups] + (inner**2).sum(axis=1)
    own = leverage - (basis**2).sum(axis=1)  # diagonal of the difference of the two projections
    quadratic = left @ left - full @ full
    free = 1 - leverage
    if not (free > _TINY).all() or not full @ full > _TINY**2 * (response @ response):
        return 1.0
    square = full**2 / free
    mean = own @ square
    # variances by group, and their squares without bias where the law is normal
    variance = np.bincount(groups, square) / sizes
    squared = variance**2 * (sizes - 1) / (sizes + 1)
    rows = variance[groups][:, None]
    others = np.column_stack([inner, basis])
    signs = np.concatenate([np.ones(g + inner.shape[1]), -np.ones(basis.shape[1])])
    corner = others.T @ (rows * others)
    edge = cluster_sums(rows * others, groups) / np.sqrt(sizes)[:, None]
    trace = squared.sum() + 2 * (edge**2 @ signs[g:]).sum() + signs[g:] @ corner**2 @ signs[g:]
    spread = (np.bincount(groups, own) ** 2 * squared / (sizes - 1)).sum()
    if not (mean > 0 and trace > 0 and spread > 0):
        return 1.0
    return float(stats.f.sf(quadratic / mean, mean**2 / trace, mean**2 / spread))


def mundlak_pvalue(response, regressor, groups):
    """Return the p-value of the hypothesis that the group mean of the regressor explains nothing beyond it.

    One added column (Mundlak 1978), its error from leaving out one group at a time (CV3), Student's t with one degree
    of freedom less than there are groups. 1 where nothing can be said.
    """
    g = int(groups.max()) + 1
    basis = controls(regressor)
    added = (np.bincount(groups, regressor) / np.bincount(groups))[groups]
    design = np.column_stack([basis, added - basis @ (basis.T @ added)])
    size = np.linalg.norm(design[:, -1])
    left = response - basis @ (basis.T @ response)
    if g < 3 or not size > 1e-6 * np.linalg.norm(regressor) or not left @ left > _TINY**2 * (response @ response):
        return 1.0
    design[:, -1] /= size
    estimate, error = jackknife_coefficient(design, response, groups)
    if not (np.isfinite(error) and error > 0):
        return 1.0
    return float(2 * stats.t.sf(abs(estimate / error), g - 1))


def jackknife_coefficient(design, response, groups):
    """Return the last coefficient of least squares and its error from leaving out one group at a time."""
    p, g = design.shape[1], int(groups.max()) + 1
    products = np.stack([cluster_sums(design * design[:, [j]], groups) for j in range(p)], axis=1)
    sums = cluster_sums(design * response[:, None], groups)
    whole, total = products.sum(axis=0), sums.sum(axis=0)
    estimate = np.linalg.solve(whole, total)[-1]
    rest = whole - products
    if np.linalg.cond(rest).max() > 1e12:
        return estimate, np.inf
    left_out = np.linalg.solve(rest, (total - sums)[..., None])[:, -1, 0]
    return estimate, np.sqrt((g - 1) / g * ((left_out - estimate) ** 2).sum())


def slopes(response, regressor, groups):
    """Return slopes in the order of `SLOPES`, their errors from leaving out one group at a time, and the reliability.

    Returns
    -------
    estimates, errors : ndarray of shape (4,)
        The last one is the ratio of the covariance to the variance between groups by moments; NaN where that variance
        is not positive. Errors are infinite where a left-out group leaves nothing.
    reliability : float
        Share of the variance of the regressor's group means that is no noise of the rows.
    """
    sizes = np.bincount(groups).astype(float)
    x, y = ((np.bincount(groups, v) / sizes) for v in (regressor, response))
    inner, across = regressor - x[groups], response - y[groups]
    # per group: its size and what sums to the squares within and between
    within = np.bincount(groups, inner**2), np.bincount(groups, inner * across)
    own = np.stack([np.ones_like(sizes), sizes, sizes**2, *within, *(sizes * v for v in (x, y, x * x, x * y))])
    total = own.sum(axis=1)
    whole, reliability = _slopes(total)
    with np.errstate(invalid="ignore", over="ignore"):
        left_out, _ = _slopes(total[:, None] - own)
        errors = np.sqrt((len(sizes) - 1) / len(sizes) * ((left_out - whole[:, None]) ** 2).sum(axis=1))
    return whole, np.where(np.isfinite(errors), errors, np.inf), float(reliability)


def _slopes(sums):
    """Return the four slopes (4, ...) and the reliability from the sums over groups."""
    g, n, squares, within_x, within_xy, x, y, xx, xy = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        between_x, between_xy = xx - x * x / n, xy - x * y / n
        typical = (n - squares / n) / (g - 1)  # size of a group
        noise_x, noise_xy = within_x / (n - g) / typical, within_xy / (n - g) / typical
        signal = between_x / (g - 1) / typical - noise_x
        parts = [
            (between_xy + within_xy, between_x + within_x),
            (within_xy, within_x),
            (between_xy, between_x),
            (between_xy / (g - 1) / typical - noise_xy, signal),
        ]
        estimates = np.stack([np.where(below > _TINY, above / below, np.nan) for above, below in parts])
        known = np.isfinite(signal) & (signal > 0)
        reliability = np.where(known, signal / np.where(known, signal + noise_x, 1.0), 0.0)
    return estimates, reliability
