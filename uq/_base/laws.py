"""Where an Estimate's interval and its p-value come from. Each law answers both, so they can never contradict.

A law is four functions: the confidence limits ``lower(alpha)`` and ``upper(alpha)``, each missing the truth with
probability at most alpha, and the one-sided p-values ``p_greater(null)`` and ``p_less(null)`` that are their inverses:
``p_greater(lower(alpha)) = alpha`` and ``p_less(upper(alpha)) = alpha``. Two-sided answers put half of the error on
each side.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from .frozen import Frozen

__all__ = ["BetaLaw", "BinomialLaw", "FiellerLaw", "Law", "NormalLaw", "TLaw"]


class Law(Frozen):
    """Base of all laws; subclasses give `lower`, `upper`, `p_greater` and `p_less`."""

    __slots__ = ()
    support: tuple[float, float] = (-np.inf, np.inf)
    remedy: str = "more rows, or declared bounds, would make it finite."

    def interval(self, level, alternative):
        """Return (lower, upper); the end that is not asked for is the end of the support."""
        alpha = min(1 - level, 1 - 2**-53)  # 1 would ask for the far end of the support
        if alternative == "two-sided":
            lower, upper = self.lower(alpha / 2), self.upper(alpha / 2)
            # at the lowest levels both are the median, and rounding may change their places: no more is mended here
            changed = np.greater(lower, upper) & np.isclose(lower, upper, rtol=1e-12, atol=0)
            if changed.any():
                lower, upper = np.where(changed, upper, lower)[()], np.where(changed, lower, upper)[()]
            return lower, upper
        if alternative == "less":
            upper = self.upper(alpha)
            return np.full_like(upper, self.support[0])[()], upper
        lower = self.lower(alpha)
        return lower, np.full_like(lower, self.support[1])[()]

    def pvalue(self, null, alternative):
        """Return the p-value of the hypothesis that the estimand equals `null`."""
        if alternative == "greater":
            return self.p_greater(null)
        if alternative == "less":
            return self.p_less(null)
        return np.minimum(1.0, 2 * np.minimum(self.p_greater(null), self.p_less(null)))

    def lower(self, alpha):
        """Return the lower confidence limit at level 1 - alpha."""
        raise NotImplementedError

    def upper(self, alpha):
        """Return the upper confidence limit at level 1 - alpha."""
        raise NotImplementedError

    def p_greater(self, null):
        """Return the p-value against the estimand being greater than `null`."""
        raise NotImplementedError

    def p_less(self, null):
        """Return the p-value against the estimand being less than `null`."""
        raise NotImplementedError


class _Pivot(Law):
    """(estimate - estimand) / std_error has a known symmetric law. Without a usable error it says nothing."""

    __slots__ = ()
    estimate: Any
    std_error: Any
    remedy = (
        "one row, one cluster or scores without any variation say nothing about the error; "
        "more rows, or declared bounds, would make it finite."
    )

    def _isf(self, alpha):
        raise NotImplementedError

    def _sf(self, t):
        raise NotImplementedError

    def _half(self, alpha):
        se = np.asarray(self.std_error)
        usable = (se > 0) & np.isfinite(se)
        with np.errstate(over="ignore"):
            return np.where(usable, self._isf(alpha) * np.where(usable, se, 1.0), np.inf)[()]

    def _t(self, null):
        se = np.asarray(self.std_error)
        usable = (se > 0) & np.isfinite(se)
        with np.errstate(over="ignore"):  # a distance beyond the doubles is infinite, and its p-value 0
            return np.where(usable, (self.estimate - null) / np.where(usable, se, 1.0), 0.0), usable

    def lower(self, alpha):
        return self.estimate - self._half(alpha)

    def upper(self, alpha):
        return self.estimate + self._half(alpha)

    def p_greater(self, null):
        t, usable = self._t(null)
        return np.where(usable, self._sf(t), 1.0)[()]

    def p_less(self, null):
        t, usable = self._t(null)
        return np.where(usable, self._sf(-t), 1.0)[()]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalLaw(_Pivot):
    """The standardised error is standard normal."""

    estimate: Any
    std_error: Any

    def _isf(self, alpha):
        return -special.ndtri(alpha)

    def _sf(self, t):
        return special.ndtr(-t)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TLaw(_Pivot):
    """The standardised error is Student's t with `df` degrees of freedom."""

    estimate: Any
    std_error: Any
    df: Any

    def _isf(self, alpha):
        return stats.t.isf(alpha, self.df)

    def _sf(self, t):
        return stats.t.sf(t, self.df)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinomialLaw(Law):
    """Successes in `n` independent trials, by their exact tails ("clopper_pearson") or their score ("wilson")."""

    n_success: int
    n: int
    kind: str = "clopper_pearson"

    support = (0.0, 1.0)

    def lower(self, alpha):
        k, n = self.n_success, self.n
        if self.kind == "wilson":
            return self._wilson(-special.ndtri(alpha), -1)
        return 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, alpha))

    def upper(self, alpha):
        k, n = self.n_success, self.n
        if self.kind == "wilson":
            return self._wilson(-special.ndtri(alpha), +1)
        return 1.0 if k == n else float(special.betainccinv(k + 1, n - k, alpha))

    def _wilson(self, z, side):
        k, n = self.n_success, self.n
        # for alpha above 1/2 the limits change places, which keeps them the inverse of the score test
        if z < 0:
            side, z = -side, -z
        root = z * np.sqrt(k * (n - k) / n + z * z / 4)
        if side < 0:
            # the product of the two roots, which does not cancel near 0
            return float(0.0 if k == 0 else (k * k / n) / (k + z * z / 2 + root))
        return float(1.0 if k == n else (k + z * z / 2 + root) / (n + z * z))

    def p_greater(self, null):
        k, n = self.n_success, self.n
        if null <= 0:
            return 1.0 if k == 0 and null == 0 else 0.0
        if null >= 1:
            return 1.0
        if self.kind == "wilson":
            return float(special.ndtr(-(k - n * null) / np.sqrt(n * null * (1 - null))))
        return 1.0 if k == 0 else float(special.betainc(k, n - k + 1, null))

    def p_less(self, null):
        k, n = self.n_success, self.n
        if null >= 1:
            return 1.0 if k == n and null == 1 else 0.0
        if null <= 0:
            return 1.0
        if self.kind == "wilson":
            return float(special.ndtr((k - n * null) / np.sqrt(n * null * (1 - null))))
        return 1.0 if k == n else float(special.betaincc(k + 1, n - k, null))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BetaLaw(Law):
    """A beta posterior; limits are its quantiles, p-values its tails."""

    a: float
    b: float

    support = (0.0, 1.0)

    def lower(self, alpha):
        return float(special.betaincinv(self.a, self.b, alpha))

    def upper(self, alpha):
        return float(special.betainccinv(self.a, self.b, alpha))

    def p_greater(self, null):
        return float(special.betainc(self.a, self.b, min(max(null, 0.0), 1.0)))

    def p_less(self, null):
        return float(special.betaincc(self.a, self.b, min(max(null, 0.0), 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FiellerLaw(Law):
    """A ratio of two jointly normal estimates (Fieller 1954, doi:10.1111/j.2517-6161.1954.tb00159.x).

    The set of ratios that are not rejected is an interval only where the denominator differs from 0 at the level asked
    for; elsewhere it is unbounded and reported as (-inf, inf).

    The estimand is ``shift`` plus the ratio: an offset that is known stays out of the squares, where it would drown
    what varies.
    """

    numerator: float
    denominator: float
    var_numerator: float
    var_denominator: float
    cov: float = 0.0
    df: float = np.inf
    shift: float = 0.0

    remedy = (
        "the denominator is not distinguishable from 0 at this level; a lower level or more rows would bound the ratio."
    )

    def _t(self, null):
        null = null - self.shift
        sign = np.sign(self.denominator) or 1.0
        # far from 0 in units of the null, whose square would overflow
        unit = max(1.0, abs(null))
        one, null = 1.0 / unit, null / unit
        variance = one * one * self.var_numerator - 2 * one * null * self.cov + null * null * self.var_denominator
        difference = sign * (one * self.numerator - null * self.denominator)
        if variance <= 0:
            return np.inf * np.sign(difference) if difference else 0.0
        return difference / np.sqrt(variance)

    def _ends(self, alpha):
        """Return the roots of T(r)^2 = q^2, the smaller with T = q, the larger with T = -q; infinite if unbounded."""
        q = stats.t.isf(alpha, self.df)
        a = self.denominator**2 - q * q * self.var_denominator
        b = self.numerator * self.denominator - q * q * self.cov
        c = self.numerator**2 - q * q * self.var_numerator
        if not a > 0:
            return -np.inf, np.inf
        # b b - a c, written without the fourth powers that cancel
        inner = (
            self.denominator**2 * self.var_numerator
            - 2 * self.numerator * self.denominator * self.cov
            + self.numerator**2 * self.var_denominator
        ) - q * q * (self.var_numerator * self.var_denominator - self.cov**2)
        root = abs(q) * np.sqrt(max(inner, 0.0))
        # the root of larger size first, the other from their product: no cancellation
        big = (b + np.copysign(root, b)) / a
        small = c / (a * big) if big else 0.0
        low, high = min(big, small), max(big, small)
        return (low, high) if q >= 0 else (high, low)

    def lower(self, alpha):
        return float(self.shift + self._ends(alpha)[0])

    def upper(self, alpha):
        return float(self.shift + self._ends(alpha)[1])

    def p_greater(self, null):
        return float(stats.t.sf(self._t(null), self.df))

    def p_less(self, null):
        return float(stats.t.cdf(self._t(null), self.df))
