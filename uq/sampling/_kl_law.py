"""The law of a mean of independent values in [0, 1] that need not have one mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import rel_entr

from uq._base.bounds import kl_lower_of_mean, kl_upper_of_mean
from uq._base.citation import cites
from uq._base.laws import Law

__all__ = ["KLLaw", "Laws"]


@cites("hoeffding1963")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KLLaw(Law):
    """Hoeffding's bound in its sharp form: P(mean >= x) <= exp(-n kl(x, m)), m the mean of the n expectations."""

    estimate: Any
    n: float

    support = (0.0, 1.0)
    remedy = "more samples would make it shorter."

    def lower(self, alpha):
        """Return the lower confidence limit at level 1 - alpha."""
        return kl_lower_of_mean(self.estimate, self.n, alpha)

    def upper(self, alpha):
        """Return the upper confidence limit at level 1 - alpha."""
        return kl_upper_of_mean(self.estimate, self.n, alpha)

    def p_greater(self, null):
        """Return the p-value against the mean being greater than `null`."""
        return self._p(null, np.greater(self.estimate, null), null < 0)

    def p_less(self, null):
        """Return the p-value against the mean being less than `null`."""
        return self._p(null, np.less(self.estimate, null), null > 1)

    def _p(self, null, beyond, impossible):
        if impossible:
            return np.zeros_like(self.estimate)[()]
        m = min(max(null, 0.0), 1.0)
        distance = rel_entr(self.estimate, m) + rel_entr(np.subtract(1.0, self.estimate), 1 - m)
        return np.where(beyond, np.exp(-self.n * np.maximum(distance, 0.0)), 1.0)[()]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laws(Law):
    """Several laws of one number each, side by side."""

    laws: tuple[Law, ...]

    @property
    def support(self):  # type: ignore[override]
        """The range that all share."""
        return self.laws[0].support

    @property
    def remedy(self):  # type: ignore[override]
        """What would make an infinite bound finite."""
        return self.laws[0].remedy

    def interval(self, level, alternative):
        """Return the ends of each law's own interval."""
        ends = np.array([law.interval(level, alternative) for law in self.laws], dtype=np.float64)
        return ends[:, 0], ends[:, 1]

    def lower(self, alpha):
        """Return the lower confidence limits at level 1 - alpha."""
        return np.array([law.lower(alpha) for law in self.laws])

    def upper(self, alpha):
        """Return the upper confidence limits at level 1 - alpha."""
        return np.array([law.upper(alpha) for law in self.laws])

    def p_greater(self, null):
        """Return the p-values against each estimand being greater than `null`."""
        return np.array([law.p_greater(null) for law in self.laws])

    def p_less(self, null):
        """Return the p-values against each estimand being less than `null`."""
        return np.array([law.p_less(null) for law in self.laws])
