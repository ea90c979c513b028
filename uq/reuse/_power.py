"""Power functions of a private interaction: the best power of a test of size m between two neighbouring data sets.

Each is concave with F(m) >= m, for one row *replaced*, in both orders. The functions return F and the m at which F(m) -
m is largest. Nothing is validated.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binom

__all__ = ["Power", "approximate_power", "gaussian_power", "peak_of", "randomized_response_power"]

MOST_RESPONSES = 40_000  # of more, the composition is bounded, not computed

Power = tuple[Callable[[float], float], float]


def gaussian_power(mu) -> Power:
    """Return F of mu-GDP, Phi(Phi^-1(m) + mu)."""
    # a peak of 0 would hide that everything is given away
    return (lambda m: float(ndtr(ndtri(m) + mu))), max(float(ndtr(-mu / 2)), 1e-300)


def approximate_power(epsilon, delta=0.0) -> Power:
    """Return F of (epsilon, delta)-DP."""
    e = math.exp(min(epsilon, 700.0))  # F is 1 long before

    def power(m):
        return min(1.0, delta + e * m, 1 - (1 - delta - m) / e)

    return power, (1 - delta) / (1 + e)


def randomized_response_power(epsilon, times) -> Power:
    """Return F of the composition of so many epsilon-randomised responses, which no epsilon-DP composition exceeds.

    Of more than `MOST_RESPONSES`, an upper bound: one response tells no more than a shift of a normal that has the same
    best error, and shifts add up in squares.
    """
    epsilon = min(epsilon, 700.0)
    if times > MOST_RESPONSES:
        shift = -2 * float(ndtri(1 / (1 + math.exp(epsilon))))
        return gaussian_power(min(math.sqrt(times) * shift, 1e3))
    j = np.arange(times, -1, -1)
    # the likelihood ratio grows with the number of true responses: tests of all sizes reject from the top
    size = np.r_[0.0, binom.sf(j - 1, times, 1 / (1 + math.exp(epsilon)))]
    power = np.r_[0.0, binom.sf(j - 1, times, 1 / (1 + math.exp(-epsilon)))]
    last = np.flatnonzero(np.r_[np.diff(size) > 0, True])  # of equal sizes the largest power
    size, power = size[last], np.minimum(power[last], 1.0)
    return (lambda m: float(np.interp(m, size, power))), float(size[np.argmax(power - size)])


def peak_of(power, most):
    """Return where a concave F(m) - m is largest on [0, most], by golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    low, high = 0.0, most
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    at_a, at_b = power(a) - a, power(b) - b
    for _ in range(90):
        if at_a < at_b:
            low, a, at_a = a, b, at_b
            b = low + ratio * (high - low)
            at_b = power(b) - b
        else:
            high, b, at_b = b, a, at_a
            a = high - ratio * (high - low)
            at_a = power(a) - a
    return max((low, a, b, high), key=lambda m: power(m) - m)
