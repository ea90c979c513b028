"""How many items it takes to see a difference: power of the paired t test."""

import math

from scipy import special, stats

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_alternative, check_level, check_number

__all__ = ["paired_t_power", "required_items"]

MOST_ITEMS = 2**53


@cites("johnson1940", "miller2024")
def required_items(effect, std, power=0.8, confidence_level=0.95, *, alternative="two-sided") -> int:
    """Return the least number of items on which a paired t test detects `effect` with probability `power`.

    Parameters
    ----------
    effect : float
        True mean of the paired differences A - B, in the unit of the scores; not 0. Its sign matters only for one-sided
        alternatives.
    std : float
        Standard deviation of the paired differences, above 0. For 0/1 scores of which A alone is right on a share p10
        of the items and B alone on p01 it is ``sqrt(p10 + p01 - (p10 - p01)**2)``.
    power : float, default .8
        In (0, 1).
    confidence_level : float, default .95
        One less the level of the test.
    alternative : {"two-sided", "less", "greater"}, default "two-sided"
        "greater" tests whether A - B is greater than 0.

    Returns
    -------
    int
        At least 2.

    Raises
    ------
    InputError
        For an effect of 0 or one that points away from `alternative`, a std of 0, a power or level outside (0, 1), and
        an effect so small that more than 2**53 items would be needed.

    Notes
    -----
    The power is that of the noncentral t law with n - 1 degrees of freedom and noncentrality effect / std * sqrt(n).
    For large n the answer is near ((z_level + z_power) * std / effect)**2.

    **Guarantee.** Exact for independent normal differences with the given effect and std; asymptotic for others. It
    plans a study and covers nothing if effect and std are wrong; clustered items need more by the design effect.

    References
    ----------
    Johnson and Welch (1940), Applications of the non-central t-distribution, doi:10.1093/biomet/31.3-4.362.

    Examples
    --------
    >>> from uq import required_items
    >>> required_items(effect=.5, std=1.)
    34
    >>> required_items(effect=.02, std=.3, power=.9)
    2367
    """
    owner = "required_items"
    effect = check_number(effect, owner, "effect")
    std = check_number(std, owner, "std", low=0, remedy="Without variation one item shows any difference.")
    power = check_number(power, owner, "power", low=0, high=1, remedy="A power of 80 % is written .8.")
    level = check_level(confidence_level, owner)
    alternative = check_alternative(alternative, owner)
    if effect == 0:
        raise InputError(f"{owner}: effect must not be 0; got 0. No number of items detects what is not there.")
    if (alternative == "greater" and effect < 0) or (alternative == "less" and effect > 0):
        raise InputError(
            f"{owner}: effect must have the sign of alternative {alternative!r}; got {effect:g}. "
            "Give the effect that the test looks for, or use the other alternative."
        )
    sides = 2 if alternative == "two-sided" else 1
    # beyond 1e100 two items are enough at any level, and squares must not overflow
    size = min(abs(effect) / std, 1e100) if std > 1e-200 * abs(effect) else 1e100
    z = float(stats.norm.isf((1 - level) / sides) + stats.norm.ppf(power))
    start = (max(z, 0.0) / size) ** 2 if size > 1e-100 else math.inf
    if not start < MOST_ITEMS:
        raise InputError(
            f"{owner}: effect must not be vanishingly small beside std; got {effect:g} and {std:g}, "
            "for which more than 2**53 items would be needed."
        )
    return _least(lambda n: paired_t_power(n, size, 1 - level, sides) >= power, max(2, math.ceil(start)))


def paired_t_power(n, size, alpha, sides):
    """Return the power of the t test of n paired differences whose mean is `size` standard deviations."""
    df, shift = n - 1, size * math.sqrt(n)
    critical = float(stats.t.isf(alpha / sides, df))
    missed = _noncentral_t_cdf(critical, df, shift)
    wrong_side = _noncentral_t_cdf(-critical, df, shift) if sides == 2 else 0.0
    return 1 - missed + wrong_side


def _noncentral_t_cdf(t, df, shift):
    value = float(special.nctdtr(df, shift, t))
    if math.isnan(value):
        # SciPy's series gives up far out, where the numerator of T is as good as constant
        return float(stats.chi2.sf(df * (shift / t) ** 2, df)) if t > 0 else 0.0
    return value


def _least(enough, start):
    """Return the least n >= 2 with `enough(n)`, which is monotone, by doubling away from `start` and bisection."""
    low, high, step = start - 1, start, 1
    while not enough(high):
        low, high, step = high, high + step, 2 * step
    step = 1
    while low >= 2 and enough(low):
        low, high, step = max(1, low - step), low, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle >= 2 and enough(middle) else (middle, high)
    return high
