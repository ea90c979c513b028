"""The law of a mean of bounded scores, by betting."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from uq._base.betting import fixed_bets, log_capital, lower_limit, outward, to_unit
from uq._base.citation import cites
from uq._base.exceptions import EmptyIntervalWarning
from uq._base.laws import Law

__all__ = ["BettingLaw"]


@cites("waudbysmith2024")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BettingLaw(Law):
    """The mean of independent scores in [low, high], bounded by betting on their order.

    The p-value of a null is 1 over the largest capital of a gambler who bets against it, and the limits are where that
    is alpha: valid at every level and every number of rows, shortest near ``1 - tuned_alpha`` on each side. Both sides
    together may reject every mean, with probability at most the error; the interval is then the one point that is
    rejected last, which keeps the intervals of all levels nested, and from level .9 on a warning says so.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Scores mapped to [0, 1], or the mean scores of clusters, in an order that does not depend on them.
    weights : ndarray of shape (n,), optional
        Sizes of the clusters over the largest, in (0, 1]. Sizes must be fixed by design or say nothing about the
        scores.
    low, high : float
        The range of the scores before they were mapped.
    tuned_alpha : float, default .025
        Error on one side for which the bets are tuned: each side of a two-sided 95 % interval.
    """

    values: Any
    weights: Any = None
    low: float = 0.0
    high: float = 1.0
    tuned_alpha: float = 0.025

    remedy = "more rows would make it shorter."

    @classmethod
    def from_unit_values(cls, values, *, low=0.0, high=1.0, weights=None, tuned_alpha=0.025):
        """Build the law of scores in [low, high] that have been mapped to [0, 1]; equal weights become none."""
        if weights is not None and np.ptp(weights) == 0:
            weights = None
        return cls(values=values, weights=weights, low=low, high=high, tuned_alpha=tuned_alpha)

    @property
    def support(self):  # type: ignore[override]
        """The range of the scores."""
        return self.low, self.high

    def interval(self, level, alternative):
        """Return (lower, upper), never crossed."""
        # not super(): a dataclass with slots is another class than the one that stands here
        lower, upper = Law.interval(self, level, alternative)
        if lower <= upper:
            return lower, upper
        # at low levels it happens now and then to the best of data
        if level >= 0.9:
            warnings.warn(
                f"the two sides of the betting interval reject every mean at level {level:g}, which has probability at "
                f"most {1 - level:g} if the rows share one mean. Look for a drift along the rows, or shuffle them.",
                EmptyIntervalWarning,
                stacklevel=4,
            )
        x, bets = self._side(+1)
        y, _ = self._side(-1)

        def balance(m):
            return log_capital(x, bets, m, self.weights) - log_capital(y, bets, 1 - m, self.weights)

        # the same point at every level: where the two p-values are equal
        m = optimize.brentq(balance, 0.0, 1.0, xtol=1e-16)
        point = self.low * (1 - m) + self.high * m
        return point, point

    def lower(self, alpha):
        """Return the lower confidence limit at level 1 - alpha."""
        return float(outward(self._limit(+1, alpha), self.low, self.high, -1))

    def upper(self, alpha):
        """Return the upper confidence limit at level 1 - alpha."""
        return float(outward(1 - self._limit(-1, alpha), self.low, self.high, +1))

    def p_greater(self, null):
        """Return the p-value against the mean being greater than `null`."""
        return self._p(+1, null - self.low, null)

    def p_less(self, null):
        """Return the p-value against the mean being less than `null`."""
        return self._p(-1, self.high - null, null)

    def _p(self, side, distance, null):
        # a null outside of the range is either impossible or cannot be rejected on this side
        if distance < 0:
            return 0.0
        if not self.low <= null <= self.high:
            return 1.0
        m = float(to_unit(np.float64(null), self.low, self.high))
        x, bets = self._side(side)
        return float(min(1.0, np.exp(-log_capital(x, bets, m if side > 0 else 1 - m, self.weights))))

    def _limit(self, side, alpha):
        x, bets = self._side(side)
        return lower_limit(x, bets, alpha, self.weights)

    def _side(self, side):
        """Return the scores, or their mirror image, and the bets on them."""
        x = self.values if side > 0 else 1 - self.values
        return x, fixed_bets(x, self.tuned_alpha, self.weights)
