"""Other bounds of the literature for Gaussian answers to adaptive queries, each at its best noise.

They stand beside the transfer theorem in its documentation. Each returns a tolerance that holds for `k` answers at once
with probability 1 - alpha, capped at 1.

References
----------
Jung, Ligett, Neel, Roth, Sharifi-Malvajerdi and Shenfeld (2020), arXiv:1909.03577.
Bassily, Nissim, Smith, Steinke, Stemmer and Ullman (2016), arXiv:1511.02513.
"""

import math

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr, ndtri

__all__ = ["bassily_tolerance", "jung_tolerance"]


def jung_tolerance(n, k, alpha, *, curve="gaussian"):
    """Return the bound through posterior sensitivity; privacy by the exact curve ("gaussian") or by zCDP ("zcdp")."""

    def tolerance(x):
        mu, epsilon, c, share = math.exp(x[0]), math.exp(x[1]), math.exp(x[2]), 1 / (1 + math.exp(-x[3]))
        if epsilon > 5 or share * alpha * c >= 1:
            return 10.0
        scale = math.sqrt(k) / (n * mu)
        delta = _gaussian_delta(mu, epsilon) if curve == "gaussian" else _zcdp_delta(mu**2 / 2, epsilon)
        d = delta / ((1 - share) * alpha)
        noise = scale * -float(ndtri(share * alpha * c / (2 * k)))
        return noise + math.expm1(epsilon) + c + 2 * d

    return _least(tolerance, [(m, e, c, 0.0) for m in (-5, -3, -2, -1) for e in (-3, -2, -1) for c in (-4, -7)])


def bassily_tolerance(n, k, alpha):
    """Return the bound through the monitor, with its constants improved and privacy by zCDP."""
    times = math.floor(1 / alpha)

    def tolerance(x):
        rho, delta = math.exp(x[0]), math.exp(x[1])
        if delta >= math.sqrt(math.pi * rho):
            return 10.0
        epsilon = rho + 2 * math.sqrt(rho * math.log(math.sqrt(math.pi * rho) / delta))
        if epsilon > 5:
            return 10.0
        noise = math.sqrt(k / (2 * rho)) / n * math.sqrt(2 * math.log(4 * k / delta))
        return (math.expm1(epsilon) + 2 * times * delta + noise) / (1 - (1 - alpha) ** times)

    return _least(tolerance, [(r, d) for r in (-12, -9, -6, -4) for d in (-8, -12, -16)])


def _gaussian_delta(mu, epsilon):
    """Return delta(epsilon) of mu-GDP."""
    a, b = float(log_ndtr(-epsilon / mu + mu / 2)), epsilon + float(log_ndtr(-epsilon / mu - mu / 2))
    return math.exp(a) * -math.expm1(min(b - a, 0.0))


def _zcdp_delta(rho, epsilon):
    return math.sqrt(math.pi * rho) * math.exp(-((max(epsilon - rho, 0.0) / (2 * math.sqrt(rho))) ** 2))


def _least(function, starts):
    first = sorted(starts, key=function)[:3]
    options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000}
    return min(
        1.0, min(float(minimize(function, np.array(x), method="Nelder-Mead", options=options).fun) for x in first)
    )
