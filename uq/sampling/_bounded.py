"""Resampled values of what cannot leave a range, and of what is bracketed by an estimate below and one above it."""

from dataclasses import dataclass

import numpy as np

from uq._base.draws_law import DrawsLaw
from uq._base.laws import Law

__all__ = ["BoundedDrawsLaw", "BracketLaw"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoundedDrawsLaw(DrawsLaw):
    """A `DrawsLaw` whose estimand is known to lie within `support`; draws that do not vary say no more than that."""

    support: tuple[float, float] = (-np.inf, np.inf)

    remedy = (
        "on too many resamples the quantity has no finite value (an item that was never solved), or they are too few "
        "or too alike for this level; more runs of each item, a baseline or more resamples would make it finite."
    )

    def lower(self, alpha):
        return np.clip(DrawsLaw.lower(self, alpha), *self.support)[()]

    def upper(self, alpha):
        return np.clip(DrawsLaw.upper(self, alpha), *self.support)[()]

    def p_greater(self, null):
        inside = DrawsLaw.p_greater(self, null)
        return np.where(null < self.support[0], 0.0, np.where(null >= self.support[1], 1.0, inside))[()]

    def p_less(self, null):
        inside = DrawsLaw.p_less(self, null)
        return np.where(null > self.support[1], 0.0, np.where(null <= self.support[0], 1.0, inside))[()]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BracketLaw(Law):
    """Upper limits from draws of an estimate that is too large on average, lower ones from one that is too small, too.

    A value is below the lower limit only where both laws say so.
    """

    below: BoundedDrawsLaw
    above: BoundedDrawsLaw
    support: tuple[float, float] = (-np.inf, np.inf)

    remedy = BoundedDrawsLaw.remedy

    def lower(self, alpha):
        return min(self.below.lower(alpha), self.above.lower(alpha))

    def upper(self, alpha):
        return self.above.upper(alpha)

    def p_greater(self, null):
        return max(self.below.p_greater(null), self.above.p_greater(null))

    def p_less(self, null):
        return self.above.p_less(null)
