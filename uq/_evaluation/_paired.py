"""Exact law of the difference of two proportions seen on the same items.

Of n items, t are right for A alone and u for B alone; delta = P(A alone) - P(B alone).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from .._base.citation import cites
from .._base.laws import Law

__all__ = ["McNemarLaw"]

# the share of error spent on confining the nuisance parameter (Berger and Boos 1994, doi:10.2307/2290928)
_GAMMA = 1e-6
# tables are ordered by an approximate lower limit at this quantile, that of a two-sided 95 % interval
_Z = 1.96
# so many counts of discordant items are summed one by one, as up to 20,000 items bring at the most
_MANY = 3000


@cites("mcnemar1947", "berger1994", "buehler1957")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class McNemarLaw(Law):
    """Exact law of the paired difference of proportions.

    At a difference of 0 the p-value is McNemar's exact one: given t + u discordant items, t is binomial with
    probability 1/2. At any other difference it is unconditional. Tables are put in one fixed order, that of an
    approximate lower limit, and the p-value is the probability of a table at least as high as the one seen, maximised
    over the discordance rate; the rate ranges over its 1 - 1e-6 confidence set, and 1e-6 is added (no p-value off 0 is
    smaller). Because the order does not depend on the hypothesised difference, the p-value rises with it and inverts
    to a limit (Buehler 1957, doi:10.1080/01621459.1957.10501404).

    Just beside 0 the two kinds of p-value need not agree. The interval is the wider of what they say: it ends at 0
    where McNemar's test alone keeps 0, and includes 0 where McNemar's test alone rejects it.
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

    def _p_at_zero(self):
        return float(_binomial_sf(self.only_a, self.only_a + self.only_b, 0.5))

    def p_greater(self, null):
        if null == 0:
            return self._p_at_zero()
        if null >= 1:
            return 1.0
        if null < -1:
            return 0.0
        p = min(1.0, _tail(self.only_a, self.only_b, self.n)(null) + _GAMMA)
        return p if null < 0 else max(p, self._p_at_zero())

    def lower(self, alpha):
        """Return the least difference that the one-sided test at level alpha does not reject."""
        low = _unconditional_limit(self.only_a, self.only_b, self.n, float(alpha))
        return 0.0 if low > 0 and self._p_at_zero() > alpha else low


@lru_cache(maxsize=256)
def _unconditional_limit(t, u, n, alpha):
    """Return the largest difference found, to within 1e-10, that the unconditional test rejects at level alpha."""
    tail = _tail(t, u, n)
    low, high = -1.0, 1.0

    def excess(null):
        nonlocal low, high
        value = float(np.log(tail(null) + _GAMMA) - np.log(alpha))
        if value > 0:
            high = min(high, null)
        else:
            low = max(low, null)
        return value

    if excess(-1.0) > 0:
        return -1.0
    # the limit that orders the tables is near the one that is sought
    guess = _approximate_limit(t - u, t + u, n, special.ndtri(1 - alpha))
    step = 0.05 * (abs((t - u) / n - guess) + 1 / n)
    guess = min(max(guess, -1.0), 1.0)
    if excess(guess) > 0:
        step = -step
    while -1 < guess < 1 and (high == guess if step < 0 else low == guess):  # until it has crossed
        guess = min(max(guess + step, -1.0), 1.0)
        excess(guess)
        step *= 4
    if high - low > 1e-10:
        optimize.brentq(excess, low, high, xtol=2e-11, rtol=1e-12)
    step = 5e-11  # what is returned is a difference that was rejected, close to one that was not
    while high - low > 1e-10:
        excess(max(high - step, 0.5 * (low + high)))
        if high - low > 1e-10:
            excess(min(low + step, 0.5 * (low + high)))
        step *= 4
    return float(low)


def _binomial_sf(k, n, p):
    """Return P(X >= k) for X ~ Bin(n, p), elementwise, at the ends as well; between the integers it is smooth in k."""
    k, n, p = np.broadcast_arrays(k, n, p)
    inside = (k > 0) & (k < n + 1)
    value = special.betainc(np.where(inside, k, 1.0), np.where(inside, n - k + 1.0, 1.0), p)
    return np.where(k <= 0, 1.0, np.where(inside, value, 0.0))


@lru_cache(maxsize=4)
def _tail(t, u, n):
    """Return the function: difference -> the largest probability, over the rate, of a table as high as (t, u)."""
    d = t + u
    rate_low = special.betaincinv(d, n - d + 1, _GAMMA / 2) if d else 0.0
    rate_high = special.betainccinv(d + 1, n - d, _GAMMA / 2) if d < n else 1.0
    # a coarse look at all rates finds the highest hill, a fine one its top: the tail is smooth in the rate
    rates = np.linspace(max(rate_low, 1e-12), rate_high, 129 if n <= 300 else 33)
    # the discordant counts that any of these rates can bring, to within 1e-15
    sd_low, sd_high = np.sqrt(n * rate_low * (1 - rate_low)), np.sqrt(n * rate_high * (1 - rate_high))
    first = max(0, int(n * rate_low - 9 * sd_low - 40))
    last = min(n, int(n * rate_high + 9 * sd_high + 40))
    stride = 1
    if last - first > _MANY and min(t, u) > 5 * max(sd_low, sd_high):
        # at steps of half its width the sum of a bell curve is that of all its terms, to the last digit; the chance
        # given the count must not change faster, as it does where one model is alone in being right
        stride = max(1, int(min(sd_low, sd_high, np.sqrt(min(t, u))) / 2))
    counts = np.arange(first, last + 1, stride)
    ways = special.gammaln(n + 1) - special.gammaln(counts + 1) - special.gammaln(n - counts + 1)

    def pmf(rates):
        rates = rates[:, None]
        return stride * np.exp(ways + special.xlogy(counts, rates) + special.xlog1py(n - counts, -rates))

    least = _least_t(counts, n, _approximate_limit(t - u, d, n))
    if stride == 1:
        # a hair of slack keeps the seen table in; with strides the fraction stays, which can only raise the tail
        least = np.clip(np.ceil(least - 1e-7), 0, counts + 1)
    table = pmf(rates)
    at_least = _sf_along(counts, least) if stride == 1 else lambda share: _binomial_sf(least, counts, share[:, None])

    def reached(table, rates, null):
        return (table * at_least(np.clip((1 + null / rates) / 2, 0.0, 1.0))).sum(axis=1)

    def tail(null):
        # Above 0, a rate below the difference cannot be true: it is kept, all discordance on one side, which can only
        # raise the tail. Below 0 it is left out. Either way the tail rises with the difference.
        possible = rates >= -null
        coarse, values = rates[possible], reached(table[possible], rates[possible], null)
        if rate_low < abs(null) <= rate_high:  # a kink or the least possible rate, between those of the grid
            edge, place = np.array([abs(null)]), np.searchsorted(coarse, abs(null))
            coarse, values = np.insert(coarse, place, edge), np.insert(values, place, reached(pmf(edge), edge, null))
        if not len(coarse):
            return 0.0
        top = int(values.argmax())
        fine = np.linspace(coarse[max(top - 1, 0)], coarse[min(top + 1, len(coarse) - 1)], 33)
        return float(max(values[top], reached(pmf(fine), fine, null).max()))

    return tail


def _sf_along(counts, least):
    """Return the function: shares -> P(T >= least) for T ~ Bin(count, share), one row per share.

    From one count to the next, P(T >= k) of `count` trials gains share P(T = k - 1), or changes into
    P(T >= k + 1) of `count + 1` trials and loses (1 - share) P(T = k): one exponential each instead of an incomplete
    beta function, which stands at the start, at any other step of `least`, and now and then against rounding.
    """
    c, k, step = counts[:-1], least[:-1], np.diff(least)
    chosen = np.where(step == 0, k - 1, k)
    possible = (chosen >= 0) & (chosen <= c) & ((step == 0) | (step == 1))
    chosen = np.where(possible, chosen, 0.0)
    ways = special.gammaln(c + 1) - special.gammaln(chosen + 1) - special.gammaln(c - chosen + 1)
    sign = np.where(possible, np.where(step == 0, 1.0, -1.0), 0.0)
    anchor = np.concatenate([[True], (step != 0) & (step != 1)])
    anchor[::256] = True
    places = np.flatnonzero(anchor)
    segment = np.cumsum(anchor) - 1

    def at_least(shares):
        shares = shares[:, None]
        inside = np.clip(shares, 1e-300, 1 - 2**-53)  # the logarithms stay finite
        change = sign * np.exp(ways + k * np.log(inside) + (c - k + 1) * np.log1p(-inside))
        total = np.concatenate([np.zeros(shares.shape), np.cumsum(change, axis=1)], axis=1)
        known = _binomial_sf(least[places], counts[places], shares) - total[:, places]
        return np.clip(total + known[:, segment], 0.0, 1.0)

    return at_least


def _approximate_limit(difference, count, n, z=_Z):
    """Return the lower limit of Bonett and Price (2012, doi:10.3102/1076998611411915): one item added to each side."""
    m = n + 2
    shifted = difference / m
    return shifted - z * np.sqrt(((count + 2) / m - shifted**2) / m)


def _least_t(counts, n, limit):
    """Return, for each count of discordant items, the least t whose approximate limit reaches `limit`."""
    m = n + 2
    factor = 1 + _Z**2 / m
    square = _Z**2 / m * ((counts + 2) / m * factor - limit**2)
    root = (limit + np.sqrt(np.maximum(square, 0.0))) / factor
    # no real root: the limit is reached by every t or by none
    need = np.where(square >= 0, m * root, -np.inf if limit < 0 else np.inf)
    return (counts + need) / 2
