"""From the calibration rows to the interval of one batch: an upper bound, a lower one, and what both promise."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from uq._base.results import Interval

from ._batch_checks import turned_round
from ._levels import side_level
from ._one_sided import Side, linear_bound, order_bound, partition_bound, partition_is_finite, rounding

__all__ = ["Calibration", "batch_interval"]


@dataclass(frozen=True)
class Calibration:
    """What `fit` keeps: sorted scores, the same in the order of the rows, the predictions behind them, a seed."""

    scores: Any
    rows: Any
    predictions: Any
    seed: int


def batch_interval(calibration, statistic, m, offsets, *, level, alternative, support, ordering, method):
    """Return the Interval of the statistic of m scores (or of offsets + scores), and what infinite ends would need."""
    scores, (low, high), share = calibration.scores, support, side_level(level, alternative)
    # the mean of outcomes is that of the residuals, moved; an order statistic has to know the predictions
    inside = offsets is not None and not statistic.linear
    shift = 0.0 if offsets is None else statistic.evaluate(offsets)
    values = _batch_values(calibration, statistic, m, inside)
    k_low, k_high = (1, 1) if statistic.linear else statistic.ranks(m)
    bounds = {}
    if alternative != "less":  # the upper bound of everything negated
        side = Side(-scores[::-1], -low, m, share, calibration.seed)
        batch = (np.sort(-offsets), -shift) if inside else None
        turned = turned_round(ordering)
        bounds["lower"] = _one_side(side, statistic, m + 1 - k_low, batch, lambda: -values(), turned, method)
    if alternative != "greater":
        side = Side(scores, high, m, share, calibration.seed)
        batch = (np.sort(offsets), shift) if inside else None
        bounds["upper"] = _one_side(side, statistic, k_high, batch, values, ordering, method)
    scale, slack = statistic.scale(m), 0.0
    if offsets is not None:
        # y_pred + (y - y_pred) is not quite y, and with tied outcomes a hair decides
        slack = scale * (rounding(offsets, m + 1) + rounding(scores, m + 1))
    moved = 0.0 if inside else shift
    ends = (
        moved - slack - bounds["lower"].value * scale if "lower" in bounds else -np.inf,
        moved + slack + bounds["upper"].value * scale if "upper" in bounds else np.inf,
    )
    # the middle of an even batch lies between two order statistics, whose bounds are not its own
    exact = all(b.exact and (b.method == "partition" or k_low == k_high) for b in bounds.values())
    interval = Interval(
        # sides computed in different ways could cross; the interval between them covers all the more
        lower=min(ends),
        upper=max(ends),
        confidence_level=level,
        alternative=alternative,
        attained_level=_attained(bounds.values()),
        guarantee="exact" if exact else "finite-sample",
        method=_method(bounds),
    )
    return interval, [_needs(name, bound) for name, bound in bounds.items() if np.isinf(bound.value)]


def _one_side(side, statistic, k, batch, values, ordering, method):
    """Bound one side; `batch` is (sorted predictions, their statistic) for an order statistic of outcomes."""
    free = method == "auto" and isinstance(ordering, str) and ordering == "auto"
    if free and side.m > 1 and (statistic.linear or batch) and partition_is_finite(side):
        method = "partition"
    if method == "partition":
        moved = 0.0 if batch is None else batch[1]
        return partition_bound(side, values(), moved + (rounding(side.scores, side.m) if statistic.linear else 0.0))
    if statistic.linear and not (free and side.m == 1):
        return linear_bound(side, ordering, method)
    return order_bound(side, k, "exact" if method == "auto" else method, None if batch is None else batch[0])


def _batch_values(calibration, statistic, m, inside):
    """Return a function that gives the mean, or the order statistic, of disjoint batches of calibration rows.

    With predictions inside, it is by how much the statistic of the outcomes exceeds that of the predictions.
    """

    @cache
    def values():
        count = len(calibration.rows) // m
        order = np.random.default_rng(calibration.seed).permutation(len(calibration.rows))[: count * m]
        residuals = calibration.rows[order].reshape(count, m)
        if not inside:
            return statistic.evaluate(residuals) / statistic.scale(m)
        predictions = calibration.predictions[order].reshape(count, m)
        return statistic.evaluate(predictions + residuals) - statistic.evaluate(predictions)

    return values


def _needs(name, bound):
    ways = [f"{bound.finite_from} calibration rows"] if bound.finite_from else []
    if bound.method != "partition":  # which looks at batches alone
        ways.append(f"a finite {name} end of support")
    return f"a finite {name} bound needs {' or '.join(ways)}"


def _attained(bounds):
    levels = [bound.attained for bound in bounds]
    return None if None in levels else max(0.0, 1.0 - sum(1.0 - level for level in levels))


def _method(bounds):
    names = {bound.method for bound in bounds.values()}
    return names.pop() if len(names) == 1 else "; ".join(f"{name}: {bound.method}" for name, bound in bounds.items())
