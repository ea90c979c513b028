"""The law of the rank sum: sum(R_j) - m is the Mann-Whitney statistic U of n and m points.

Its characteristic function is a product of sines, real once U is centred. With theta_k = 2 pi k / L and L > mn + 1,

    P(U <= t) = 1/2 + (x + sum_k phi(theta_k) sin(theta_k x) / sin(theta_k / 2)) / L,    x = t + 1/2 - mn/2,

over k = 1 ... (L - 1)/2. Most of these terms are nothing, and what is left out is bounded by proof:

- below theta = 2 pi / N, N = n + m, phi(theta) <= exp(-theta^2 Var(U) / 2), because -log(sin(x)/x) has a power series
  with positive coefficients;
- above it, put the pooled positions into groups p, p + d, ..., p + (g - 1) d with d theta / 2 within [pi/3, 2 pi/3],
  modulo pi. Given how many test points each group holds, they are uniform in it, independently between groups, and a
  test point alone in its group contributes a factor of at most rho: 1/2 for g = 2, 2/(g sqrt(3)) beyond. So |phi| is at
  most [x^m] ((1 + x)^g - g (1 - rho) x)^P (1 + x)^(N - gP) / C(N, m), P the number of groups, and
  [x^m] f(x) <= f(r) / r^m for every r > 0.

How many positions stay outside of the groups: the residue classes modulo d leave at most g - 1 each, and d may be the
least integer from 2 pi / (3 theta) on. Pairs leave the distance from N to the nearest multiple of 2d; with
c = 2 pi / theta, that least d leaves at most c/3 + 1, and a d next to N / (2t), t = ceil(3N / (4c)), at most 2t; the
smaller of the two is never more than sqrt(N/2) + 2.

Small m is counted in integers, and so are ties with the level.
"""

from functools import lru_cache
from math import ceil, comb, exp, isqrt, lgamma, log, pi, sqrt

import numpy as np
from scipy import special

from ._sum_count import FEW, rank_count

__all__ = ["rank_sum_cdf", "rank_sum_quantile"]

UNIT = 2.0**-53
TRUNCATION = 1e-14
# g and spread of the groups, the cheapest first
GROUPS = sorted(((2**a, 2**b) for a in range(2, 20) for b in range(20)), key=lambda pair: pair[0] * pair[1])


def rank_sum_quantile(n, m, level):
    """Return the least q with P(sum R_j <= q) >= level, for certain; a higher one only where nothing could decide."""
    low, high = -1, n * m
    while high - low > 1:
        middle = (low + high) // 2
        if _decide(min(n, m), max(n, m), middle, level):
            high = middle
        else:
            low = middle
    return high + m


def rank_sum_cdf(n, m, q):
    """Return P(sum R_j <= q)."""
    u = q - m
    if u < 0:
        return 0.0
    if u >= n * m:
        return 1.0
    if min(n, m) <= FEW:
        return rank_count(min(n, m), max(n, m), u) / comb(n + m, m)
    return min(max(_law(min(n, m), max(n, m)).cdf(u), 0.0), 1.0)


def _decide(m, n, u, level):
    """Return whether P(U <= u) >= level; None where that is beyond the last digit."""
    if 2 * level == 1:  # the law is symmetric; for odd mn there is a tie
        return 2 * u + 1 >= n * m
    if m > FEW:
        law = _law(m, n)
        distance = law.cdf(u) - float(level)
        if abs(distance) > law.error + 2 * UNIT:
            return distance > 0
        # at levels very near 1: U has sub-Gaussian tails with its own variance, as sinh(x)/x exp(-x^2/6) decreases
        x = u + 1 - n * m / 2
        if x > 0 and exp(-6 * x * x / (n * m * (n + m + 1))) < (1 - 1e-9) * float(1 - level):
            return True
    count = rank_count(m, n, u)
    return None if count is None else count * level.denominator >= level.numerator * comb(n + m, m)


class _Series:
    """The sine series with its certified error."""

    def __init__(self, m, n):
        self.m, self.n = m, n
        self.period = _prime_above(n * m + 1)
        count, phi, error, rest = _spectrum(m, n, self.period)
        wide = count * 2 * self.period >= 2**62
        self.k = np.arange(1, count + 1, dtype=object if wide else np.int64)
        half = pi * np.arange(1, count + 1) / self.period
        self.amplitude = phi / np.sin(half)
        # phi, the sine of the phase and the pairwise sum each with their roundings
        error = error + (80 + 2 * log(count + 1)) * UNIT
        self.error = float((np.abs(self.amplitude) * error).sum()) / self.period + 8 * UNIT + rest

    def cdf(self, u):
        x2 = 2 * u + 1 - self.m * self.n  # 2 x, an integer
        phase = ((self.k * x2) % (2 * self.period)).astype(np.float64)
        series = float((self.amplitude * np.sin(phase * (pi / self.period))).sum())
        return 0.5 + (x2 / 2 + series) / self.period


@lru_cache(maxsize=16)
def _law(m, n):
    return _Series(m, n)


def _spectrum(m, n, period):
    """Return how many terms are kept, phi at each, its relative error, and a bound on all that is left out."""
    total = n + m
    deviation = sqrt(n * m * (total + 1) / 12)
    weight = 0.5 * (log(period) + 2)  # above the sum of 1/(L sin(pi k / L))
    narrow = ceil(9 * period / (2 * pi * deviation))
    rest = weight * (_outer(m, n, 2) + exp(-40.5))
    if rest <= TRUNCATION and total * narrow <= 0.8 * period:
        logs = _log_phi_by_cumulants(m, n, 2 * pi * np.arange(1, narrow + 1) / period)
        return narrow, np.exp(logs), 400 * UNIT * (1 - logs), rest
    count, rest = _fewest(m, n, period, weight)
    return count, _phi_by_sines(m, n, count, period), (32 * m + 32) * UNIT, rest


def _fewest(m, n, period, weight):
    """Return how many terms are enough, and a bound on the others; all of them where no groups leave out so little."""
    total = n + m
    for g, spread in GROUPS:
        if 8 * g * spread >= total:
            break
        rest = weight * _outer(m, n, g, spread)
        if rest <= TRUNCATION:
            return ceil(2 * g * spread * period / total), rest
    return (period - 1) // 2, 0.0


def _outer(m, n, g, spread=1):
    """Bound |phi(theta)| above 2 pi/N (g = 2) or above 4 pi g spread/N (g > 2)."""
    total = n + m
    if g == 2:
        groups, rho = (total - isqrt(total // 2) - 3) // 2, 0.5
    else:  # d < N/(6 g spread) + 1 leaves less than N/(6 spread) + g over
        groups, rho = (total - total // (6 * spread) - g) // g, 2 / (g * sqrt(3))
    if groups < 1:
        return 1.0
    r = m / n * 2.0 ** np.arange(0, 0.5 * log(total) + 10)  # any r gives a bound
    log_group = g * np.log1p(r) + np.log1p(-g * (1 - rho) * np.exp(np.log(r) - g * np.log1p(r)))
    bound = groups * log_group + (total - g * groups) * np.log1p(r) - m * np.log(r)
    bound = float(bound.min()) - (lgamma(total + 1) - lgamma(n + 1) - lgamma(m + 1))
    return float(np.exp(min(bound + 1e-6, 0.0)))


def _log_phi_by_cumulants(m, n, theta):
    """Sum log phi = -sum_j zeta(2j) / (j (2 pi)^(2j)) theta^(2j) sum_i ((n+i)^(2j) - i^(2j)), all terms of one sign."""
    total = n + m
    square = (theta * total / (2 * pi)) ** 2
    n_powers = 1 + ceil(log(1e-19 / m) / log(square[-1]))
    sums = np.zeros(n_powers)
    for start in range(1, m + 1, 2**18):
        i = np.arange(start, min(start + 2**18, m + 1), dtype=np.float64)
        high, low = ((n + i) / total) ** 2, (i / total) ** 2
        power_high, power_low = high.copy(), low.copy()
        for j in range(n_powers):
            sums[j] += (power_high - power_low).sum()
            power_high *= high
            power_low *= low
    logs, power = np.zeros(len(theta)), np.ones(len(theta))
    for j in range(1, n_powers + 1):
        power = power * square
        logs -= special.zeta(2 * j) / j * sums[j - 1] * power
    return logs


def _phi_by_sines(m, n, count, period):
    """Multiply sin((n+i) theta/2) i / (sin(i theta/2) (n+i)); the partial products are laws too, so none exceeds 1."""
    phi = np.empty(count)
    for start in range(0, count, 2**16):
        k = np.arange(start + 1, min(start + 2**16, count) + 1, dtype=np.int64)
        product = np.ones(len(k))
        for i in range(1, m + 1):
            product *= _sine(k * (n + i), period) / _sine(k * i, period) * (i / (n + i))
        phi[start : start + len(k)] = product
    return phi


def _sine(j, period):
    """Return sin(pi j / L) with full relative accuracy for any integer j."""
    turns, j = np.divmod(j, period)
    return np.sin(np.minimum(j, period - j) * (pi / period)) * (1 - 2 * (turns % 2))


def _prime_above(x):
    x += 1 + x % 2
    while not _is_prime(x):
        x += 2
    return x


def _is_prime(x):
    """Miller-Rabin, deterministic below 3e24 with these bases."""
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    if x < 2 or any(x % p == 0 for p in bases):
        return x in bases
    s = ((x - 1) & -(x - 1)).bit_length() - 1
    for base in bases:
        y = pow(base, (x - 1) >> s, x)
        if y not in (1, x - 1) and not any((y := y * y % x) == x - 1 for _ in range(s - 1)):
            return False
    return True
