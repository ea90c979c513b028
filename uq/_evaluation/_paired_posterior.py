"""Posterior law of the difference of two proportions seen on the same items.

Of n items, t are right for A alone and u for B alone; delta = P(A alone) - P(B alone).
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from .._base.citation import cites
from .._base.laws import Law

__all__ = ["DirichletLaw"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(100)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


def _hill(log_height, low, high):
    """Return (left, top, right) of a log-concave function on [low, high]: it falls to e^-50 of its top or they end."""
    left, right = low, high
    for _ in range(12):
        grid = np.linspace(left, right, 33)
        heights = log_height(grid)
        i = int(np.argmax(heights))
        before, after = max(i - 1, 0), min(i + 1, 32)
        left, right = grid[before], grid[after]
        if heights[i] < min(heights[before], heights[after]) + 0.1:
            break
    top, height = grid[i], heights[i]
    ends = []
    for outer in (low, high):
        inner = top
        for _ in range(12):
            grid = np.linspace(outer, inner, 33)
            heights = log_height(grid)
            i = int(np.argmax(heights > height - 50))
            outer, inner = grid[max(i - 1, 0)], grid[i]
            if i == 0 or heights[i - 1] > height - 100:
                break
        ends.append(outer)
    return ends[0], top, ends[1]


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
        if abs(x) >= 1:
            return float(x > 0)
        # P(delta <= x) = integral over q of the density of q times P(r <= (1 + x / q) / 2). The integrand is
        # log-concave in q, being a marginal of a log-concave density on a half-plane, and smooth but where x = q.
        d = self.only_a + self.only_b

        a, b = self.only_a + 1, self.only_b + 1

        def log_integrand(q):
            share = np.clip((1 + x / q) / 2, 0.0, 1.0)
            within = special.betainc(a, b, share)
            # where it vanishes among the doubles, the first term of its series shows the way up
            vanishing = special.xlogy(a, share) + special.xlog1py(b, -share) - np.log(a) - special.betaln(a, b)
            within = np.where(within > 0, np.log(np.where(within > 0, within, 1.0)), vanishing)
            return special.xlogy(d + 1, q) + special.xlog1py(self.n - d + 1, -q) + within

        low, top, high = _hill(log_integrand, max(-x, 1e-300), 1.0)
        edges = np.sort([low, top, high, x] if low < x < high else [low, top, high])
        start, width = edges[:-1, None], np.diff(edges)[:, None]
        q = start + width * _NODES
        density = stats.beta.pdf(q, d + 2, self.n - d + 2)
        within = special.betainc(a, b, np.clip((1 + x / q) / 2, 0.0, 1.0))
        return min(1.0, float((width * _WEIGHTS * density * within).sum()))

    def lower(self, alpha):
        return float(optimize.brentq(lambda x: self._cdf(x) - alpha, -1.0, 1.0, xtol=1e-13, rtol=1e-13))

    def upper(self, alpha):
        mirror = DirichletLaw(only_a=self.only_b, only_b=self.only_a, n=self.n)
        return -mirror.lower(alpha)

    def p_greater(self, null):
        return self._cdf(min(max(null, -1.0), 1.0))

    def p_less(self, null):
        return DirichletLaw(only_a=self.only_b, only_b=self.only_a, n=self.n).p_greater(-null)
