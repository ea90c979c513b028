"""From the calibration rows to the interval of one batch: an upper bound, a lower one, and what both promise."""

from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

import numpy as np

from uq._base.results import Interval

from ._band_law import band_level, band_ranks
from ._composite import composite_bound
from ._levels import as_fraction, side_level
from ._mean_bound import sum_bound
from ._one_sided import Bound, Outcomes, Side, order_bound, partition_bound, partition_is_finite, rounding

__all__ = ["Batch", "Calibration", "Question", "batch_interval"]


@dataclass(frozen=True)
class Calibration:
    """What `fit` keeps: sorted scores, the same in the order of the rows, what they were made of, a seed."""

    scores: Any
    rows: Any
    predictions: Any
    scales: Any
    seed: int
    tied: bool


@dataclass(frozen=True)
class Question:
    """The parameters, as they were when `fit` checked them."""

    statistic: Any
    alternative: str
    support: tuple[float, float]
    ordering: Any
    method: str
    n_resamples: int
    n_jobs: int | None

    @property
    def free(self):
        """Whether method and ordering are left to us."""
        return self.method == "auto" and isinstance(self.ordering, str) and self.ordering == "auto"


@dataclass(frozen=True)
class Batch:
    """Rows of which the truth is unknown: how many, their predictions and scales, what each counts."""

    m: int
    mu: Any = None
    sigma: Any = None
    weights: Any = None

    def coefficients(self, statistic):
        """Return what each outcome counts in the sum, and what its score does; one number where all are alike."""
        outcome = statistic.coefficient(self.m)
        if self.weights is not None:
            outcome = self.weights / (self.weights.sum() if statistic.mean else 1.0)
        score = outcome if self.sigma is None else outcome * self.sigma
        return outcome, (score if np.ptp(score) else float(np.max(score)))


def batch_interval(calibration, question, batch, level):
    """Return the Interval of the statistic of one batch, and what its infinite ends would need."""
    statistic, (low, high), m = question.statistic, question.support, batch.m
    if statistic.kind == "band":
        return _band(calibration, question, m, level)
    settings = (m, side_level(level, question.alternative), calibration.seed, question.n_resamples, question.n_jobs)
    values = _batch_values(calibration, statistic, batch)
    outcomes = None if batch.mu is None else _outcomes(statistic, batch)
    k_low, k_high = statistic.ranks(m)
    bounds = {}
    if question.alternative != "less":  # the upper bound of everything negated
        side = Side(-calibration.scores[::-1], -low, *settings)
        negated = None if outcomes is None else outcomes.negated()
        bounds["lower"] = _one_side(side, -1, m + 1 - k_low, question, batch, negated, lambda: -values())
    if question.alternative != "greater":
        side = Side(calibration.scores, high, *settings)
        bounds["upper"] = _one_side(side, 1, k_high, question, batch, outcomes, values)
    slack = _slack(calibration, statistic, batch)
    ends = (
        -bounds["lower"].value - slack if "lower" in bounds else -inf,
        bounds["upper"].value + slack if "upper" in bounds else inf,
    )
    # the middle of an even batch lies between two order statistics, whose bounds are not its own
    exact = all(
        b.exact and (b.method == "partition" or (k_low == k_high and not calibration.tied)) for b in bounds.values()
    )
    drawn = any(b.by_draws for b in bounds.values())
    interval = Interval(
        # sides computed in different ways could cross; the interval between them covers all the more
        lower=min(ends),
        upper=max(ends),
        confidence_level=level,
        alternative=question.alternative,
        attained_level=_attained(bounds.values()),
        guarantee="exact" if exact else "asymptotic" if drawn else "finite-sample",
        method=_method(bounds),
    )
    return interval, [_needs(name, bound) for name, bound in bounds.items() if np.isinf(bound.value)]


def _one_side(side, sign, k, question, batch, outcomes, values):
    statistic, method, ordering = question.statistic, question.method, question.ordering
    together = statistic.kind != "order" or outcomes is not None  # what batches of old rows know more about
    if question.free and together and side.m > 1 and batch.weights is None and partition_is_finite(side):
        method = "partition"
    if method == "partition":
        return _by_partition(side, statistic, batch, outcomes, values())
    if statistic.kind == "composite":
        if outcomes is not None:
            least = partition_bound(side, [])
            return Bound(inf, 1.0, "exact", finite_from=least.finite_from)
        return composite_bound(side, statistic, sign, ordering, method)
    if statistic.kind == "order":
        return order_bound(side, k, "exact" if method == "auto" else method, outcomes)
    coefficients, moved = batch.coefficients(statistic)[1], 0.0 if outcomes is None else outcomes.value
    if not isinstance(ordering, str) and sign < 0:
        ordering = ordering[-1] - ordering[::-1]  # the ordering of the negated scores
    if question.free and side.m == 1:
        alone = order_bound(side, 1, "exact")
        return Bound(
            moved + coefficients * alone.value, alone.attained, "exact", exact=True, finite_from=alone.finite_from
        )
    bound = sum_bound(side, coefficients, ordering, method)
    return Bound(moved + bound.value, bound.attained, bound.method, bound.exact, bound.finite_from, bound.by_draws)


# ---- what outcomes are made of


def _outcomes(statistic, batch):
    sigma = np.ones(batch.m) if batch.sigma is None else batch.sigma
    if statistic.kind == "sum":
        return Outcomes(batch.mu, sigma, float((batch.coefficients(statistic)[0] * batch.mu).sum()))
    return Outcomes(batch.mu, sigma, float(statistic.evaluate(batch.mu)))


def _batch_values(calibration, statistic, batch):
    """Return a function that gives the statistic of disjoint batches of calibration rows.

    With predictions it is by how much the statistic of the outcomes exceeds that of the predictions, in units of the
    batch's mean scale.
    """

    @cache
    def values():
        m, rows = batch.m, calibration.rows
        count = len(rows) // m
        order = np.random.default_rng(calibration.seed).permutation(len(rows))[: count * m]

        def batches(column):
            return column[order].reshape(count, m)

        if batch.mu is None or (statistic.kind == "sum" and batch.sigma is None):
            return statistic.evaluate(batches(rows))
        mu = batches(calibration.predictions)
        if batch.sigma is None:
            return statistic.evaluate(mu + batches(rows)) - statistic.evaluate(mu)
        sigma = batches(calibration.scales)
        return (statistic.evaluate(mu + sigma * batches(rows)) - statistic.evaluate(mu)) / sigma.mean(axis=-1)

    return values


def _by_partition(side, statistic, batch, outcomes, values):
    moved = 0.0 if outcomes is None else outcomes.value
    if statistic.kind == "sum":
        moved += statistic.coefficient(side.m) * side.m * rounding(side.scores, side.m - 1)
    return partition_bound(side, values, moved, 1.0 if batch.sigma is None else float(batch.sigma.mean()))


def _slack(calibration, statistic, batch):
    """Return what is lost by rounding: mu + (y - mu) is not quite y, and with tied outcomes a hair decides."""
    if batch.mu is None:
        return 0.0
    scale = 1.0 if batch.sigma is None else float(batch.sigma.max())
    hair = rounding(batch.mu, batch.m + 1) + scale * rounding(calibration.scores, batch.m + 1)
    return (
        float(np.sum(batch.coefficients(statistic)[0] * np.ones(batch.m))) * hair if statistic.kind == "sum" else hair
    )


# ---- two quantiles


def _band(calibration, question, m, level):
    (low, high), n, scores = question.support, len(calibration.scores), calibration.scores
    statistic = question.statistic
    k1, k2 = statistic.ranks(m)
    first, last = band_ranks(n, m, k1, k2, statistic.q1, statistic.q2, as_fraction(level))
    ends = float(scores[first - 2]) if first > 1 else low, float(scores[last - 1]) if last <= n else high
    interval = Interval(
        lower=ends[0],
        upper=ends[1],
        confidence_level=level,
        attained_level=band_level(n, m, k1, k2, first, last),
        guarantee="finite-sample" if calibration.tied else "exact",
        method="exact",
    )
    needs = [
        f"a finite {name} end needs more calibration rows or a finite {name} end of support"
        for name, end in zip(("lower", "upper"), ends, strict=True)
        if np.isinf(end)
    ]
    return interval, needs


# ---- words


def _needs(name, bound):
    ways = [f"{bound.finite_from} calibration rows"] if bound.finite_from else []
    if bound.by_draws:
        ways.append("method='exact', which resolves every level")
    elif bound.method != "partition":  # which looks at batches alone
        ways.append(f"a finite {name} end of support")
    return f"a finite {name} bound needs {' or '.join(ways) or 'a statistic that does not overflow'}"


def _attained(bounds):
    levels = [bound.attained for bound in bounds]
    return None if None in levels else max(0.0, 1.0 - sum(1.0 - level for level in levels))


def _method(bounds):
    names = {bound.method for bound in bounds.values()}
    return names.pop() if len(names) == 1 else "; ".join(f"{name}: {bound.method}" for name, bound in bounds.items())
