"""Upper bounds for one side of the interval; a lower bound is the upper one of the negated scores.

Everything that decides which bound is computed depends on n, m, the level and the declared support alone.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from uq._base.random import spawn_seeds

from ._levels import ceil_product
from ._order_law import least_calibration, least_rank, order_cdf, order_pmf
from ._rank_law import draw_ranks

__all__ = [
    "Bound",
    "Outcomes",
    "Side",
    "drawn_quantile",
    "order_bound",
    "partition_bound",
    "partition_is_finite",
    "rounding",
]

PIECES = 8  # a fixed number of streams, so that draws do not depend on n_jobs


@dataclass(frozen=True)
class Side:
    """What one side is asked: sorted scores, the end of their support, the size of the batch, the level, the draws."""

    scores: Any
    top: float
    m: int
    level: Fraction
    seed: int = 0
    n_resamples: int = 9999
    n_jobs: int | None = None

    @property
    def n(self):
        """Number of calibration scores."""
        return len(self.scores)

    def score(self, rank):
        """Return S_(rank), the end of the support for rank n + 1."""
        return float(self.scores[rank - 1]) if rank <= self.n else self.top


@dataclass(frozen=True)
class Outcomes:
    """Predictions and their scales: an outcome is mu + sigma * score; `value` is the statistic of the predictions."""

    mu: Any
    sigma: Any
    value: float

    def negated(self):
        """Return the same for negated scores."""
        return Outcomes(-self.mu, self.sigma, -self.value)


@dataclass(frozen=True)
class Bound:
    """An upper bound, its level where it is known, how it came about, and what would make it finite."""

    value: float
    attained: float | None
    method: str
    exact: bool = False
    finite_from: int | None = None
    by_draws: bool = False


def rounding(values, additions):
    """Return what a mean of values can gain by so many additions, here and in whatever way the caller adds up."""
    largest = max(abs(float(np.min(values))), abs(float(np.max(values))))
    return 0.0 if additions < 1 else (8 + additions) * 2.0**-52 * largest


# ---- one sorted score


def order_bound(side, k, method, outcomes=None):
    """Bound the k-th smallest of the batch's scores, or of its outcomes."""
    n, m = side.n, side.m
    order = k
    if outcomes is not None:
        # at least `order` of the outcomes lie below their own bounds, and k + m - order bounds below the result
        order = m if method == "bonferroni" else (k + m + 1) // 2
    if method == "bonferroni":
        each = 1 - (1 - side.level) / m
        rank, finite_from = min(ceil_product(each, n + 1), n + 1), ceil(each / (1 - each))
    elif method == "monte_carlo":
        rank, finite_from = _drawn_rank(side, order), None
    else:
        rank = least_rank(n, m, order, side.level)
        finite_from = least_calibration(m, order, side.level) if rank > n else None
    attained, value = order_cdf(n, m, order, rank), side.score(rank)
    if outcomes is not None:
        place = k + m - order - 1
        value = float(np.partition(outcomes.mu + outcomes.sigma * value, place)[place])
    drawn = method == "monte_carlo"
    return Bound(value, attained, method, not drawn and (outcomes is None or m == 1), finite_from, drawn)


def _drawn_rank(side, order):
    """Draw R_k from its law; the place with the +1 makes the draws part of the promise."""
    law = order_pmf(side.n, side.m, order)
    drawn = np.searchsorted(np.cumsum(law), np.random.default_rng(side.seed).random(side.n_resamples), side="right") + 1
    return min(_place(side, drawn), side.n + 1)


def _place(side, drawn):
    place = ceil_product(side.level, side.n_resamples + 1)
    return int(np.partition(drawn, place - 1)[place - 1]) if place <= side.n_resamples else 2**62


def drawn_quantile(side, h):
    """Return the quantile of h(R) over drawn rank vectors; 2^62 where the draws cannot resolve the level."""
    counts = np.diff(np.linspace(0, side.n_resamples, PIECES + 1).astype(int))
    seeds = spawn_seeds(np.random.default_rng(side.seed), PIECES)
    parts = Parallel(n_jobs=side.n_jobs)(
        delayed(_draw)(side.n, side.m, int(count), seed, h) for count, seed in zip(counts, seeds, strict=True) if count
    )
    return _place(side, np.concatenate(parts))


def _draw(n, m, count, seed, h):
    """Return h of so many drawn rank vectors, a few million ranks at a time."""
    rng = np.random.default_rng(seed)
    most = max(1, 2 * 10**6 // m)
    return np.concatenate([h(draw_ranks(n, m, min(most, count - i), rng)) for i in range(0, count, most)])


# ---- disjoint batches


def partition_is_finite(side):
    """Tell whether there are batches enough for a finite bound."""
    batches = side.n // side.m
    return ceil_product(side.level, batches + 1) <= batches


def partition_bound(side, values, moved=0.0, scale=1.0):
    """Bound the statistic by its values on disjoint calibration batches, with which the test batch is exchangeable."""
    place = ceil_product(side.level, len(values) + 1)
    if place > len(values):
        return Bound(inf, 1.0, "partition", True, side.m * (ceil(1 / (1 - side.level)) - 1))
    value = float(np.partition(values, place - 1)[place - 1])
    distinct = len(np.unique(values)) == len(values)  # ties only add coverage
    return Bound(moved + scale * value, place / (len(values) + 1), "partition", exact=distinct)
