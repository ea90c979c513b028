"""Bounds of a sum of coefficients times scores, through the sum of the ranks or of integer weights of the ranks."""

from fractions import Fraction
from functools import partial
from math import ceil, inf, isfinite, log2

import numpy as np

from ._bounds import best_weighted_sum, concave_bound
from ._dynamic import best_sum
from ._item_bound import item_bound
from ._one_sided import Bound, drawn_quantile, order_bound, rounding
from ._sum_law import rank_sum_cdf, rank_sum_quantile
from ._weighted_law import weighted_law, weighted_quantile

__all__ = ["capped_quantile", "chosen_ordering", "program_work", "rank_quantile", "sum_bound"]

EXACT_WORK = 2 * 10**9  # additions of the dynamic program, about a second


def program_work(n, m):
    """Return the number of additions of the dynamic program of a mean."""
    return n**2 * log2(2 * m)


def sum_bound(side, coefficients, ordering, method):
    """Bound sum_j c_j S_j.

    Parameters
    ----------
    side : Side
    coefficients : float or ndarray of shape (m,)
        Non-negative; one number where they are all alike. Under "monte_carlo" the program gives way to the bound where
        it would take too long.
    ordering : {"auto", "rank", "capped"} or ndarray of int
    method : {"auto", "exact", "bound", "monte_carlo", "bonferroni"}
    """
    alike, m = np.ndim(coefficients) == 0, side.m
    total = coefficients * m if alike else float(np.sum(coefficients))
    slack = total * rounding(np.append(side.scores, side.top if isfinite(side.top) else 0.0), m - 1)
    if method == "bonferroni":
        alone = order_bound(side, 1, "bonferroni")  # each score below one bound, and so their sum
        return Bound(total * alone.value + slack, None, "bonferroni", finite_from=alone.finite_from)
    ordering = chosen_ordering(side, ordering)
    if not isinstance(ordering, str):
        return _by_weights(side, total, ordering, method)
    if method == "bound" and m == 1:  # one score: nothing to take a majorant for
        method = "exact"
    if method == "auto":
        method = "exact" if program_work(side.n, m) <= EXACT_WORK and alike else "bound"
    drawn = method == "monte_carlo"
    concave = method == "bound" or (drawn and program_work(side.n, m) > EXACT_WORK)
    label = f"{method}{' (bound)' if drawn and concave else ''}, {ordering} ordering"
    quantile, attained = (capped_quantile if ordering == "capped" else rank_quantile)(side, drawn)
    if quantile is None:
        needed = ceil(side.level * m / (1 - side.level))
        value = total * side.top + slack if total else 0.0
        return Bound(value, 1.0, label, finite_from=needed if needed > side.n else None, by_draws=drawn)
    # no rank can exceed the quantile less the other m - 1, which are at least 1
    usable = side.scores if ordering == "capped" else np.append(side.scores, side.top)[: quantile - m + 1]
    if not isfinite(usable[-1]):
        return Bound(inf, 1.0, label)
    if not alike:
        value = item_bound(usable, coefficients, quantile)
    elif concave:
        value = total * concave_bound(usable, m, quantile)
    else:
        value = coefficients * best_sum(usable, m, quantile)
    return Bound(value + slack, attained, label, by_draws=drawn)


def chosen_ordering(side, ordering):
    """Return the cap where there are rows enough for it, else the ranks where the support ends, for "auto"."""
    if not isinstance(ordering, str) or ordering != "auto":
        return ordering
    return "rank" if isfinite(side.top) and Fraction(side.n, side.n + side.m) < side.level else "capped"


def rank_quantile(side, drawn):
    """Return the quantile of the rank sum and the level that it attains."""
    n, m = side.n, side.m
    if drawn:
        quantile = min(drawn_quantile(side, _rank_sum), m * (n + 1))
    else:
        quantile = rank_sum_quantile(n, m, side.level)
    return quantile, rank_sum_cdf(n, m, quantile)


def capped_quantile(side, drawn):
    """Return the quantile of the rank sum where no rank is n + 1, given which ranks are uniform over 1 ... n."""
    n, m = side.n, side.m
    share = Fraction(n, n + m)
    if share < side.level:
        return None, None
    if n == 1:
        return m, float(share)
    if drawn:
        quantile = drawn_quantile(side, partial(_capped_sum, n=n))
        if quantile > m * n:
            return None, None
    else:
        quantile = rank_sum_quantile(n - 1, m, side.level / share)
    return quantile, float(share) * rank_sum_cdf(n - 1, m, quantile)


def _rank_sum(ranks):
    return ranks.sum(axis=1)


def _capped_sum(ranks, n):
    return np.where(ranks[:, -1] > n, 2**62, ranks.sum(axis=1))


def _weight_sum(ranks, weights):
    return weights[ranks - 1].sum(axis=1)


def _by_weights(side, total, weights, method):
    m, drawn, attained = side.m, method == "monte_carlo", None
    if drawn:
        quantile = min(drawn_quantile(side, partial(_weight_sum, weights=weights)), m * int(weights[-1]))
    else:
        quantile = weighted_quantile(weights, m, side.level)
        attained = min(1.0, float(weighted_law(weights, m)[: quantile - m * int(weights[0]) + 1].sum()))
    reachable = weights + (m - 1) * int(weights[0]) <= quantile
    usable = np.append(side.scores, side.top)[reachable]
    label = f"{'monte_carlo' if drawn else 'exact'}, weights"
    if not np.isfinite(usable).all():
        return Bound(inf, 1.0, label)
    mean = best_weighted_sum(usable, weights[reachable], m, quantile) / m
    return Bound(total * (mean + rounding(usable, m - 1)), attained, label, by_draws=drawn)
