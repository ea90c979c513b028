"""Upper bounds for one side of the interval; a lower bound is the upper one of the negated scores.

Everything that decides which bound is computed depends on n, m, the level and the declared support alone.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf, isfinite, log2
from typing import Any

import numpy as np

from ._bounds import best_weighted_sum, concave_bound
from ._dynamic import best_sum
from ._levels import ceil_product
from ._order_law import least_calibration, least_rank, order_cdf
from ._rank_law import draw_ranks
from ._sum_law import rank_sum_cdf, rank_sum_quantile
from ._weighted_law import weighted_law, weighted_quantile

__all__ = ["Bound", "Side", "linear_bound", "order_bound", "partition_bound", "partition_is_finite", "rounding"]

N_DRAWS = 9999
EXACT_WORK = 2 * 10**9  # additions of the dynamic program, about a second


@dataclass(frozen=True)
class Side:
    """What one side is asked: the sorted scores, the end of their support, the size of the batch and the level."""

    scores: Any
    top: float
    m: int
    level: Fraction
    seed: int

    @property
    def n(self):
        """Number of calibration scores."""
        return len(self.scores)

    def score(self, rank):
        """Return S_(rank), the end of the support for rank n + 1."""
        return float(self.scores[rank - 1]) if rank <= self.n else self.top


@dataclass(frozen=True)
class Bound:
    """An upper bound, its level where it is known, how it came about, and the least n that would make it finite."""

    value: float
    attained: float | None
    method: str
    exact: bool = False
    finite_from: int | None = None


# ---- one sorted score


def order_bound(side, k, method, offsets=None):
    """Bound the k-th smallest of the batch's scores or, with sorted `offsets`, of offsets + scores."""
    n, m = side.n, side.m
    # with offsets: all but m - order outcomes lie below theirs, whatever the offsets are (order is fixed beforehand)
    order = k if offsets is None else (k + m + 1) // 2
    if method == "bonferroni":
        each = 1 - (1 - side.level) / m
        rank, finite_from = min(ceil_product(each, n + 1), n + 1), ceil(each / (1 - each))
    else:
        rank = least_rank(n, m, order, side.level) if method != "monte_carlo" else _drawn_rank(side, order)
        finite_from = least_calibration(m, order, side.level) if rank > n else None
    attained = order_cdf(n, m, order, rank)
    if offsets is None:
        return Bound(side.score(rank), attained, method, exact=True, finite_from=finite_from)
    # every outcome lies below its own bound under Bonferroni, too, but the rank says more: at least `order` of them do
    return Bound(float(offsets[k + m - order - 1]) + side.score(rank), attained, method, finite_from=finite_from)


def _drawn_rank(side, order):
    place = ceil_product(side.level, N_DRAWS + 1)
    if place > N_DRAWS:
        return side.n + 1
    drawn = np.concatenate([ranks[:, order - 1] for ranks in _draws(side)])
    return int(np.partition(drawn, place - 1)[place - 1])


def _draws(side):
    """Yield N_DRAWS rows of sorted ranks in pieces of bounded memory."""
    rng = np.random.default_rng(side.seed)
    piece = max(1, 4 * 10**6 // side.m)
    for start in range(0, N_DRAWS, piece):
        yield draw_ranks(side.n, side.m, min(piece, N_DRAWS - start), rng)


# ---- disjoint batches


def partition_is_finite(side):
    """Tell whether there are batches enough for a finite bound."""
    batches = side.n // side.m
    return ceil_product(side.level, batches + 1) <= batches


def partition_bound(side, values, moved=0.0):
    """Bound the statistic by its values on disjoint calibration batches, with which the test batch is exchangeable."""
    place = ceil_product(side.level, len(values) + 1)
    if place > len(values):
        return Bound(inf, 1.0, "partition", True, side.m * (ceil(1 / (1 - side.level)) - 1))
    value = float(np.partition(values, place - 1)[place - 1])
    return Bound(value + moved, place / (len(values) + 1), "partition", exact=True)


# ---- the mean


def linear_bound(side, ordering, method):
    """Bound the mean of the batch's scores through the sum of their ranks, or of integer weights of their ranks."""
    if method == "bonferroni":
        alone = order_bound(side, 1, "bonferroni")  # each score below one bound, and so their mean
        return Bound(alone.value, None, "bonferroni", finite_from=alone.finite_from)
    if method == "bound" and side.m == 1:  # one score: nothing to take a majorant for
        method = "exact"
    if isinstance(ordering, str) and ordering == "auto":
        ordering = "rank" if isfinite(side.top) else "capped"
    if method == "auto":
        work = side.n**2 * log2(2 * side.m)
        method = "exact" if work <= EXACT_WORK or not isinstance(ordering, str) else "bound"
    if not isinstance(ordering, str):
        return _weighted_bound(side, ordering, method)
    if ordering == "capped":
        quantile, attained = _capped_quantile(side, method)
        usable = side.scores
        if quantile is None:
            needed = ceil(side.level * side.m / (1 - side.level))
            return Bound(side.top, 1.0, f"{method}, capped ordering", finite_from=needed)
    else:
        quantile, attained = _rank_quantile(side, method)
        # no rank can exceed the quantile less the other m - 1, which are at least 1
        usable = np.append(side.scores, side.top)[: quantile - side.m + 1]
    if not isfinite(usable[-1]):
        return Bound(inf, 1.0, f"{method}, {ordering} ordering")
    if method == "bound":
        mean = concave_bound(usable, side.m, quantile)
    else:
        mean = best_sum(usable, side.m, quantile) / side.m
    return Bound(mean + rounding(usable, side.m), attained, f"{method}, {ordering} ordering")


def _rank_quantile(side, method):
    n, m = side.n, side.m
    if method == "monte_carlo":
        quantile = _drawn_quantile(side, lambda ranks: ranks.sum(axis=1), m * (n + 1))
    else:
        quantile = rank_sum_quantile(n, m, side.level)
    return quantile, rank_sum_cdf(n, m, quantile)


def _capped_quantile(side, method):
    """Return the quantile of the rank sum where no rank is n + 1, given which ranks are uniform over 1 ... n."""
    n, m = side.n, side.m
    share = Fraction(n, n + m)
    if share < side.level:
        return None, None
    if n == 1:
        return m, float(share)
    if method == "monte_carlo":
        quantile = _drawn_quantile(
            side, lambda ranks: np.where(ranks[:, -1] > n, m * (n + 2), ranks.sum(axis=1)), m * (n + 2)
        )
        if quantile > m * n:
            return None, None
    else:
        quantile = rank_sum_quantile(n - 1, m, side.level / share)
    return quantile, float(share) * rank_sum_cdf(n - 1, m, quantile)


def _drawn_quantile(side, h, beyond):
    place = ceil_product(side.level, N_DRAWS + 1)
    if place > N_DRAWS:
        return beyond
    drawn = np.concatenate([h(ranks) for ranks in _draws(side)])
    return int(np.partition(drawn, place - 1)[place - 1])


def _weighted_bound(side, weights, method):
    weights = np.asarray(weights).astype(np.int64)
    scores, attained = np.append(side.scores, side.top), None
    label = f"{method}, weights"
    if method == "monte_carlo":
        quantile = _drawn_quantile(side, lambda ranks: weights[ranks - 1].sum(axis=1), side.m * int(weights[-1]))
    else:
        quantile = weighted_quantile(weights, side.m, side.level)
        attained = float(weighted_law(weights, side.m)[: quantile - side.m * int(weights[0]) + 1].sum())
    reachable = weights + (side.m - 1) * int(weights[0]) <= quantile
    if not np.isfinite(scores[reachable]).all():
        return Bound(inf, 1.0, label)
    usable = scores[reachable]
    mean = best_weighted_sum(usable, weights[reachable], side.m, quantile) / side.m
    return Bound(mean + rounding(usable, side.m), attained, label)


def rounding(scores, m):
    """Return what the mean of m numbers can gain by rounding, here and in NumPy's pairwise sum."""
    largest = max(abs(float(scores[0])), abs(float(scores[-1])))
    return 0.0 if m == 1 else (24 + 2 * log2(m)) * 2.0**-52 * largest
