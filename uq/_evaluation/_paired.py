"""Laws of the difference of two proportions seen on the same items: exact (McNemar) and posterior (Dirichlet).

Of n items, t are right for A alone and u for B alone; delta = P(A alone) - P(B alone).
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from .._base.citation import cites
from .._base.laws import Law

__all__ = ["DirichletLaw", "McNemarLaw"]

# the share of error spent on confining the nuisance parameter (Berger and Boos 1994, doi:10.2307/2290928)
_GAMMA = 1e-4


@cites("mcnemar1947", "berger1994")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class McNemarLaw(Law):
    """Exact law of the paired difference of proportions.

    At a difference of 0 the p-value is McNemar's exact one: given t + u discordant items, t is binomial with
    probability 1/2. At any other difference it is unconditional: the probability of a standardised difference at least
    as large, maximised over the discordance rate q, where q ranges over its 1 - 1e-4 confidence set and 1e-4 is added.
    p-values are made monotone in the hypothesised difference, so that they invert to intervals.
    """

    only_a: int
    only_b: int
    n: int

    support = (-1.0, 1.0)

    def _mirror(self):
        return McNemarLaw(only_a=self.only_b, only_b=self.only_a, n=self.n)

    def upper(self, alpha):
        return -self._mirror().lower(alpha)

    def p_less(self, null):
        return self._mirror().p_greater(-null)

    def p_greater(self, null):
        at_zero = _binomial_sf(self.only_a, self.only_a + self.only_b, 0.5)
        if null == 0:
            return float(at_zero)
        if null >= 1:
            return 1.0
        if null <= -1:
            return 1.0 if null == -1 and self.only_b == self.n else 0.0
        tail = self._unconditional(null)
        return float(min(at_zero, tail) if null < 0 else max(at_zero, tail))

    def _unconditional(self, null):
        return min(1.0, _tail_sup(self.only_a, self.only_b, self.n, null) + _GAMMA)

    def lower(self, alpha):
        """Return the least difference that the one-sided test at level alpha does not reject."""
        if self.p_greater(-1.0) > alpha or alpha <= _GAMMA:
            return -1.0
        at_zero = self.p_greater(0.0)
        low, high = (-1.0, 0.0) if at_zero > alpha else (0.0, 1.0)
        estimate = (self.only_a - self.only_b) / self.n
        scale = np.sqrt(max(self.only_a + self.only_b, 1)) / self.n
        # the tail is not quite monotone: look outward in for the first difference that is not rejected
        for z in (12, 8, 6, 5, 4, 3.5, 3, 2.6, 2.3, 2, 1.7, 1.4, 1.1, 0.8, 0.5, 0.2, 0):
            point = estimate - z * scale
            if not low < point < high:
                continue
            if self.p_greater(point) > alpha:
                high = point
                break
            low = point
        if low == 0.0 and self._unconditional(1e-12) > alpha:
            return 0.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            if high - low < 1e-9 or middle in (low, high):
                break
            if self.p_greater(middle) > alpha:
                high = middle
            else:
                low = middle
        # every difference below 0 is rejected and McNemar's test keeps 0 itself
        return 0.0 if high == 0.0 else float(low)


def _binomial_sf(k, n, p):
    """Return P(X >= k) for X ~ Bin(n, p), elementwise, at the ends as well."""
    k, n, p = np.broadcast_arrays(k, n, p)
    inside = (k >= 1) & (k <= n)
    value = special.betainc(np.where(inside, k, 1.0), np.where(inside, n - k + 1.0, 1.0), p)
    return np.where(k <= 0, 1.0, np.where(inside, value, 0.0))


def _tail_sup(t, u, n, null):
    """Return the largest probability, over q, of a standardised difference at least as large as the one seen."""
    d = t + u
    rate_low = special.betaincinv(d, n - d + 1, _GAMMA / 2) if d else 0.0
    rate_high = special.betainccinv(d + 1, n - d, _GAMMA / 2) if d < n else 1.0
    # the tail is smooth in the rate, and smoother the more items there are
    rates = np.linspace(max(rate_low, abs(null)), max(rate_high, abs(null)), 97 if n <= 300 else 25)
    z = _standardised(t - u, d, n, null)
    # the discordant counts that any of these rates can bring, to within 1e-15
    low = max(0, int(n * rates[0] - 9 * np.sqrt(n * rates[0]) - 9))
    high = min(n, int(n * rates[-1] + 9 * np.sqrt(n * rates[-1]) + 40))
    counts = np.arange(low, high + 1)
    # for each count the least t whose standardised difference reaches z; a hair of slack keeps the seen table in
    need = null * n + z * np.sqrt(_variance(counts, n, null) * n)
    least = np.ceil((counts + need) / 2 - 1e-7)
    log_pmf = (
        special.gammaln(n + 1)
        - special.gammaln(counts + 1)
        - special.gammaln(n - counts + 1)
        + special.xlogy(counts, rates[:, None])
        + special.xlog1py(n - counts, -rates[:, None])
    )
    share = np.clip((1 + null / np.maximum(rates, 1e-300)) / 2, 0.0, 1.0)
    return float((np.exp(log_pmf) * _binomial_sf(least, counts, share[:, None])).sum(axis=1).max())


def _variance(count, n, null):
    # 1/n keeps the order sensible where no discordant item was seen
    return np.maximum(count / n, abs(null)) - null * null + 1 / n


def _standardised(difference, count, n, null):
    return (difference - n * null) / np.sqrt(_variance(count, n, null) * n)


@cites("bowyer2025")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DirichletLaw(Law):
    """Posterior of the paired difference under a uniform Dirichlet prior on the four outcomes of an item.

    The discordance rate is q ~ Beta(t + u + 2, n - t - u + 2) and, independently, A's share of it is
    r ~ Beta(t + 1, u + 1); delta = q (2 r - 1). P(delta > 0) = 1 - I_{1/2}(t + 1, u + 1) in closed form.
    """

    only_a: int
    only_b: int
    n: int

    support = (-1.0, 1.0)

    def moments(self):
        """Return the posterior mean and standard deviation."""
        a, b, total = self.only_a + 1.0, self.only_b + 1.0, self.n + 4.0
        mean = (a - b) / total
        return mean, np.sqrt(((a + b) / total - mean**2) / (total + 1))

    def _cdf(self, x):
        if x == 0:
            return float(special.betainc(self.only_a + 1, self.only_b + 1, 0.5))
        nodes, weights = np.polynomial.legendre.leggauss(256)
        discordant = self.only_a + self.only_b
        q = special.betaincinv(discordant + 2, self.n - discordant + 2, (nodes + 1) / 2)
        share = np.clip((1 + x / q) / 2, 0.0, 1.0)
        return float(weights @ special.betainc(self.only_a + 1, self.only_b + 1, share) / 2)

    def lower(self, alpha):
        return float(optimize.brentq(lambda x: self._cdf(x) - alpha, -1.0, 1.0, xtol=1e-13, rtol=1e-13))

    def upper(self, alpha):
        mirror = DirichletLaw(only_a=self.only_b, only_b=self.only_a, n=self.n)
        return -mirror.lower(alpha)

    def p_greater(self, null):
        return self._cdf(min(max(null, -1.0), 1.0))

    def p_less(self, null):
        return DirichletLaw(only_a=self.only_b, only_b=self.only_a, n=self.n).p_greater(-null)
