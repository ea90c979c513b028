"""What the samples of given problems leave open: variances and covariances of the estimates of one problem."""

import numpy as np

from uq._base.exceptions import InputError

from ._log_product import log_failure

__all__ = ["random_cov", "within_cov"]


def within_cov(rule, n, c, ks, many, owner):
    """Return the covariance of the means over problems, of shape (k, k); `many` problems share each pair of counts.

    With g_k the estimate of the chance of k failures, g_k g_l - g_(k+l) is an unbiased estimate of the covariance of
    g_k and g_l. Where k + l samples were not drawn it is the jackknife's, and infinite where leaving out a single
    sample leaves fewer than k.
    """
    most = rule.most(n)
    g = [rule.failure(n, c, k) for k in ks]
    cov = np.empty((len(ks), len(ks)))
    for i, k in enumerate(ks):
        for j, other in enumerate(ks[: i + 1]):
            known = k + other <= most
            values = np.empty(len(n))
            values[known] = (g[i] * g[j])[known] - rule.failure(n[known], c[known], k + other)
            if not known.all():
                if rule.sampling != "fixed":
                    raise InputError(
                        f"{owner}: problems='fixed' needs k of at most half the cap to know its error; got {k:g} with "
                        f"a cap of {rule.cap:g}. Ask for a smaller k, or for problems='random'."
                    )
                values[~known] = _jackknife(n[~known], c[~known], k, other)
            # rounding may leave a hair below 0 where nothing varies
            values = np.maximum(values, 0.0)
            cov[i, j] = cov[j, i] = float(many @ values) / float(many.sum()) ** 2
    return cov


def _jackknife(n, c, k, other):
    enough = n > max(k, other)
    m, right = n[enough], c[enough]
    product = np.zeros(len(m))
    changes = []
    for size in (k, other):
        full = np.exp(log_failure(m, right, np.full(len(m), size)))
        one = np.exp(log_failure(m - 1, np.maximum(right - 1, 0.0), np.full(len(m), size)))
        none = np.exp(log_failure(m - 1, np.minimum(right, m - 1), np.full(len(m), size)))
        changes.append((one - full, none - full))
    product = right * changes[0][0] * changes[1][0] + (m - right) * changes[0][1] * changes[1][1]
    values = np.full(len(n), np.inf)
    values[enough] = (m - 1) / m * product
    return values


def random_cov(g, place, many, codes):
    """Return the covariance of means over problems drawn at random, or over clusters of them; infinite for one unit.

    `g` holds the values per distinct pair, of shape (pairs, k).
    """
    total = float(many.sum())
    d = g - (many @ g) / total
    if codes is None:
        if total == 1:
            return np.full((g.shape[1],) * 2, np.inf)
        return (d * many[:, None]).T @ d / (total * (total - 1))
    sums = np.column_stack([np.bincount(codes, weights=column[place]) for column in d.T])
    return len(sums) / (len(sums) - 1) * (sums.T @ sums) / total**2
