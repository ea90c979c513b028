"""The product that every formula of repeated sampling is made of, as a sum of logarithms without cancellation.

With falling factorials, C(n-c, k) / C(n, k) is the product of 1 - b/(n-i) over i < a, where a and b are the smaller and
the larger of c and k; the beta-binomial failure B(a, b+k) / B(a, b) is that of 1 - a/(a+b+i) over i < k. Both are

    product over j < count of 1 - x / (start + j).

Differences of log-gamma functions give the same and lose all digits where the product is near 1.
"""

import numpy as np

__all__ = ["log_failure", "log_product"]

DIRECT = 512  # terms that are added one by one; the rest is smooth
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)


def log_failure(n, c, k):
    """Return log C(n-c, k) / C(n, k), the chance that k of n samples miss all c; -inf where they cannot.

    All of one shape, float64 arrays of whole numbers with c, k <= n (or -inf is the answer).
    """
    a, b = np.minimum(c, k), np.maximum(c, k)
    possible = a + b <= n
    return np.where(possible, log_product(b, np.where(possible, n - a + 1, b + 1), np.where(possible, a, 0)), -np.inf)


def log_product(x, start, count):
    """Return the sum over j < count of log(1 - x / (start + j)), for start > x >= 0; all of one shape."""
    x, start, count = (np.asarray(v, dtype=np.float64).reshape(-1) for v in (x, start, count))
    order = np.argsort(-count, kind="stable")
    x, start, sizes = x[order], start[order], count[order]
    total = np.zeros(len(x))
    # the longest first, so that those still being added to are the first ones
    for j in range(int(min(DIRECT, sizes.max(initial=0.0)))):
        left = np.searchsorted(-sizes, -j, side="left")
        total[:left] += np.log1p(-x[:left] / (start[:left] + j))
    left = np.searchsorted(-sizes, -DIRECT, side="left")
    if left:
        total[:left] += _tail(x[:left], start[:left] + DIRECT, sizes[:left] - DIRECT)
    out = np.empty(len(x))
    out[order] = total
    return out


def _tail(x, start, count):
    """Return the sum by its integral between half steps, corrected to the third derivative (Euler-Maclaurin)."""
    low, high = start - x - 0.5, start - x + count - 0.5  # of what is left of u = start + j when x is taken away
    # in the logarithm of u - x the integrand is smooth over all sizes
    half = np.log1p(count / low) / 2
    t = np.log(low)[:, None] + half[:, None] * (1 + _NODES)
    size = np.exp(t)
    with np.errstate(over="ignore"):  # x of any size over a small rest
        integral = -half * ((size * np.log1p(x[:, None] / size)) @ _WEIGHTS)
    return integral - (_first(high, x) - _first(low, x)) / 24 + 7 * (_third(high, x) - _third(low, x)) / 5760


def _first(v, x):
    return x / (v * (v + x))


def _third(v, x):
    return 2 * (1 / v**3 - 1 / (v + x) ** 3)
