"""The arithmetic of pair distributions: symmetric joints, their moments, their repair. Nothing is validated here.

J has shape (n, K, K), J[i, k, l] = P(Y1 = k, Y2 = l | x_i); m are its marginals, d its diagonals, both (n, K).
Everything runs over blocks of rows that fit into a cache, so that a joint of many rows is read once.
"""

import numpy as np

from ._pair_rounding import kept

__all__ = [
    "blocks",
    "cells",
    "chebyshev",
    "confidence_ratio",
    "covariance",
    "least_eigenvalue",
    "log_cells",
    "log_variance",
    "mutual_information",
    "pair_variance",
    "projected",
    "symmetric",
    "symmetric_softmax",
    "variances",
]

_BLOCK = 1 << 16  # numbers per block: a few arrays of half a megabyte
_SUMS_TO_ONE = 1e-12  # closer than this, a row is left as it came


def blocks(n, size):
    """Yield slices of rows, `size` numbers each, that fit into a cache."""
    step = max(1, _BLOCK // size)
    for start in range(0, n, step):
        yield slice(start, start + step)


def symmetric(joint):
    """Return (J + J')/2 with rows that sum to 1, its marginals, the sums, the largest asymmetries and the least entry.

    Entries below 0 become 0: the caller has decided from the least one whether they are rounding.
    """
    n, k, _ = joint.shape
    out, marginal = np.empty((n, k, k)), np.empty((n, k))
    sums, asymmetry, least = np.empty(n), np.empty(n), np.inf
    ones = np.ones(k)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused by its sum
        for rows in blocks(n, k * k):
            part, x = joint[rows], out[rows]
            low = part.min()
            least = min(least, low) if low == low else low
            np.add(part, part.transpose(0, 2, 1), out=x)
            x *= 0.5
            asymmetry[rows] = 2 * np.abs(x - part).reshape(len(x), -1).max(axis=1)
            if low < 0:
                np.maximum(x, 0.0, out=x)
            m = np.matmul(x.reshape(-1, k), ones).reshape(-1, k)
            total = m @ ones
            scale = np.where(np.abs(total - 1) <= _SUMS_TO_ONE, 1.0, total)
            if (scale != 1).any():
                x /= scale[:, None, None]
                m /= scale[:, None]
            marginal[rows], sums[rows] = m, total
    return out, marginal, sums, asymmetry, least


def symmetric_softmax(logits):
    """Return J, m, log m, log d, the sizes of logits and the largest asymmetries, in log space throughout.

    The size of a cell is 2 a + |L_kk| + b: a is the mean size of the logits that make up m, b of those of all pairs.
    """
    n, k, _ = logits.shape
    joint, log_marginal, log_self, asymmetry = np.empty((n, k, k)), np.empty((n, k)), np.empty((n, k)), np.empty(n)
    size = np.empty((n, k))
    for rows in blocks(n, k * k):
        x = logits[rows].copy()
        large = np.abs(x, where=np.isfinite(x), out=np.zeros_like(x))
        flat = x.reshape(len(x), -1)
        flat -= flat.max(axis=1, keepdims=True)
        flat -= np.log(np.exp(flat).sum(axis=1, keepdims=True))
        swapped = x.transpose(0, 2, 1)
        asymmetry[rows] = np.abs(np.exp(x) - np.exp(swapped)).reshape(len(x), -1).max(axis=1)
        log_self[rows] = np.diagonal(x, axis1=1, axis2=2)
        both = np.logaddexp(x, swapped) - np.log(2)
        top = both.max(axis=2)
        shift = np.where(np.isfinite(top), top, 0.0)
        share = np.exp(both - shift[:, :, None])
        total = share.sum(axis=2)
        with np.errstate(divide="ignore"):
            log_marginal[rows] = shift + np.log(total)
        joint[rows] = np.exp(both)
        size[rows] = np.diagonal(large, axis1=1, axis2=2)
        share *= np.maximum(large, large.transpose(0, 2, 1))
        mean = share.sum(axis=2) / np.where(total > 0, total, 1.0)
        size[rows] += 2 * mean + np.einsum("ij,ij->i", np.exp(log_marginal[rows]), mean)[:, None]
    return joint, np.exp(log_marginal), log_marginal, log_self, size, asymmetry


def covariance(joint, marginal):
    """Return J - m m', of shape (n, K, K)."""
    return joint - marginal[:, :, None] * marginal[:, None, :]


def pair_variance(m, d):
    """Return the variance of p(y|x) among inputs that look alike: d - m^2."""
    return d - m * m


def log_variance(log_m, log_d):
    """Return d - m^2 from logarithms; the larger of the two terms stands outside, so that nothing overflows."""
    twice = 2 * log_m
    with np.errstate(invalid="ignore", under="ignore"):
        above = -np.exp(log_d) * np.expm1(np.minimum(twice - log_d, 0.0))
        below = np.exp(twice) * np.expm1(np.minimum(log_d - twice, 0.0))
    return np.where(np.isneginf(log_m), 0.0, np.where(log_d >= twice, above, below))


def confidence_ratio(m, d):
    """Return m^2 / d as m (m / d), whose square cannot underflow first; 0 where m is 0."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(m == 0, 0.0, m * (m / d))


def cells(m, d, slack, coarse=False):
    """Return variances and confidences (n, K); a variance that is negative by rounding alone counts as 0.

    Where log(m^2 / d) exceeds `slack`, a number or (n, K), it stays as it is, and the confidence is NaN.
    """
    variance, confidence = np.empty(m.shape), np.empty(m.shape)
    for rows in blocks(*m.shape):
        x, y = m[rows], d[rows]
        ratio = confidence_ratio(x, y)
        ratio[y < 0] = np.nan
        variance[rows], confidence[rows] = kept(pair_variance(x, y), ratio, _of(slack, rows), coarse)
    return variance, confidence


def variances(m, d, slack):
    """Return the variances of `cells` alone, at the cost of reading the two."""
    out = np.empty(m.shape)
    for rows in blocks(*m.shape):
        x, y = m[rows], d[rows]
        v = np.subtract(y, x * x, out=out[rows])
        below = v < 0
        if below.any():
            v[below & (confidence_ratio(x, y) <= np.exp(_of(slack, rows))) & (y >= 0)] = 0.0
    return out


def _of(slack, rows):
    return slack if np.ndim(slack) == 0 else slack[rows]


def log_cells(log_m, log_d, slack, coarse=False):
    """Return what `cells` does, from logarithms."""
    none = np.isneginf(log_m)
    with np.errstate(invalid="ignore", over="ignore"):
        ratio = np.where(none, 0.0, np.exp(2 * log_m - log_d))
    return kept(log_variance(log_m, log_d), ratio, slack, coarse)


def chebyshev(m, variance, level, alternative):
    """Return the ends of intervals around m that hold for every law with this variance, within [0, 1].

    Both sides by Chebyshev's inequality, one side by Cantelli's.
    """
    half = np.sqrt(np.maximum(variance, 0.0) * ((1.0 if alternative == "two-sided" else level) / (1 - level)))
    lower = np.zeros(len(m)) if alternative == "less" else np.maximum(m - half, 0.0)
    return lower, np.ones(len(m)) if alternative == "greater" else np.minimum(m + half, 1.0)


def mutual_information(joint, marginal):
    """Return I(Y1; Y2) of each row, in nats."""
    n, k, _ = joint.shape
    out = np.empty(n)
    for rows in blocks(n, k * k):
        x, m = joint[rows], marginal[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            log_m = np.log(m)
            terms = x * (np.log(x) - log_m[:, :, None] - log_m[:, None, :])
        out[rows] = np.where(x > 0, terms, 0.0).reshape(len(x), -1).sum(axis=1)
    return np.maximum(out, 0.0)


def least_eigenvalue(joint, marginal):
    """Return the least eigenvalue of each covariance."""
    n, k, _ = joint.shape
    out = np.empty(n)
    for rows in blocks(n, k * k):
        out[rows] = np.linalg.eigvalsh(covariance(joint[rows], marginal[rows]))[:, 0]
    return out


def projected(joint, marginal, tolerance, also=None):
    """Return the joint whose covariance is the nearest positive semi-definite one; its marginals stay.

    Rows whose least eigenvalue is above -tolerance, a number or one per row, stay as they are, but for those marked by
    `also`. Entries of the others may be below 0.
    """
    out, n = joint.copy(), len(joint)
    tolerance = np.broadcast_to(tolerance, n)
    k = np.arange(joint.shape[1])
    for rows in blocks(n, joint.shape[1] ** 2):
        m = marginal[rows]
        values, vectors = np.linalg.eigh(covariance(joint[rows], m))
        bad = values[:, 0] < -tolerance[rows]
        if also is not None:
            bad |= also[rows]
        if not bad.any():
            continue
        positive, v, m = np.maximum(values[bad], 0.0), vectors[bad], m[bad]
        part = (v * positive[:, None, :]) @ v.transpose(0, 2, 1) + m[:, :, None] * m[:, None, :]
        # what is added has no negative variance, and what is left has none
        part[:, k, k] = np.maximum(part[:, k, k], np.maximum(joint[rows][bad][:, k, k], m * m))
        out[rows][bad] = part
    return out
