"""The bound of the literature for Gaussian answers to adaptive queries that `plan` offers beside ours. No validation.

It returns a tolerance that holds for `k` answers at once with probability 1 - alpha, capped at 1.

References
----------
Rogers, Roth, Smith, Srebro, Thakkar and Woodworth (2020), arXiv:1906.09231.
"""

import math
from functools import lru_cache

from scipy.optimize import brentq, minimize_scalar

__all__ = ["rogers_scale", "rogers_tolerance"]


def rogers_tolerance(n, k, alpha, scale=None):
    """Return the bound through mutual information, with noise of its best scale where None.

    Half of alpha goes to the noise, by a union bound with standard deviation 1 / (n sqrt(2 rho)) per answer (the code
    that came with the paper has half of this width), half to the transfer, by Markov's inequality.
    """
    scale = rogers_scale(n, k, alpha) if scale is None else scale
    # noise of the size of the bounds, or none
    return min(1.0, _rogers(n, k, alpha, scale)) if 1e-150 < scale < 1 else 1.0


def _rogers(n, k, alpha, scale):
    a = k / (n * scale**2)  # twice the information, in nats, that all answers have about the rows: k rho n
    # min over y of (a - ln(1 - y)) / y is the u > 1 with u - ln u = 1 + a, at y = 1 - 1 / u
    u = 1.0 if a < 1e-14 else brentq(lambda u: u - math.log(u) - 1 - a, 1.0, 4 + 2 * a)
    return math.sqrt(u / (2 * n * alpha)) + scale * math.sqrt(2 * math.log(4 * k / alpha))


@lru_cache(maxsize=4096)
def rogers_scale(n, k, alpha):
    """Return the standard deviation of the noise that makes the bound of Rogers et al. least."""
    best = minimize_scalar(
        lambda x: _rogers(n, k, alpha, math.exp(x)), bounds=(-math.log(n) - 3, 3.0), method="bounded"
    )
    return math.exp(float(best.x))
