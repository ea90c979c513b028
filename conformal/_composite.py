"""Statistics that a user builds step by step: their greatest value within a rank sum, by the plain dynamic program.

With u_i(x) the best value after i steps with ranks that sum to x, u_(i+1)(x) = max_r step(u_i(x - r), S_(r)). That is
the greatest value over all rank vectors if a step rises with both arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, ClassVar

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import check_number

from ._mean_bound import capped_quantile, chosen_ordering, rank_quantile
from ._one_sided import Bound, order_bound
from ._statistics import Statistic

__all__ = ["Compositional", "composite_best", "composite_bound", "composite_work"]


@dataclass(frozen=True)
class Compositional(Statistic):
    """A statistic of a batch built value by value: ``u = init``, then ``u = step(u, s)`` for each score s.

    Parameters
    ----------
    step : callable
        ``step(u, s)``, element by element on arrays that broadcast, non-decreasing in `u` and in `s`: a sum of a
        monotone function of the scores, a soft maximum, a product of non-negative numbers.
    init : float
        Value before the first score.
    finish : callable, optional
        ``finish(u, m)``, non-decreasing in `u`: what is made of the last value for a batch of m.

    Raises
    ------
    InputError
        From `BatchPredictor.predict_interval`, where a step falls on the grid of values that the program visits. That
        is a check and no proof: a step that falls elsewhere goes unnoticed, and then nothing is promised.

    Notes
    -----
    The exact program takes m^2 n^2 steps for n calibration scores, and many fewer rows are feasible than for a mean.
    Batches of calibration rows (``method="partition"``) need no program.

    Examples
    --------
    The share of a batch beyond 1, through a sum of steps (which are monotone):

    >>> import numpy as np
    >>> from conformal import BatchPredictor, Compositional
    >>> share = Compositional(lambda u, s: u + (s > 1), 0., lambda u, m: u / m)
    >>> scores = np.random.default_rng(0).normal(size=100)
    >>> BatchPredictor(share, alternative="less").fit(scores).predict_interval(n_test=10).upper
    0.4
    """

    step: Callable[..., Any]
    init: float
    finish: Callable[..., Any] | None = None

    kind: ClassVar[str] = "composite"

    def __post_init__(self):
        object.__setattr__(self, "init", check_number(self.init, "Compositional", "init"))
        if not callable(self.step) or not (self.finish is None or callable(self.finish)):
            raise InputError(
                f"Compositional: step must be callable, finish callable or None; got {self.step!r}, {self.finish!r}."
            )

    def evaluate(self, values):
        """Return the statistic of each row of values, shape (..., m)."""
        u = np.full(values.shape[:-1], self.init)
        for i in range(values.shape[-1]):
            u = _numbers(self.step(u, values[..., i]), u.shape)
        return self.finished(u, values.shape[-1])

    def finished(self, u, m):
        """Return what is reported for the last value."""
        return u if self.finish is None else _numbers(self.finish(u, m), np.shape(u))


def composite_work(n, m):
    """Return how many steps the program takes at most."""
    return (m * n) ** 2


def composite_bound(side, statistic, sign, ordering, method):
    """Bound the statistic (sign 1) or its negative (sign -1, negated scores) within the quantile of the rank sum."""
    if method == "bonferroni":
        alone = order_bound(side, 1, "bonferroni")
        value = sign * alone.value if isfinite(alone.value) else 0.0
        worst = sign * float(statistic.evaluate(np.full(side.m, value))) if isfinite(alone.value) else inf
        return Bound(worst, None, "bonferroni", finite_from=alone.finite_from)
    ordering, drawn = chosen_ordering(side, ordering), method == "monte_carlo"
    label = f"{'monte_carlo' if drawn else 'exact'}, {ordering} ordering"
    quantile, attained = (capped_quantile if ordering == "capped" else rank_quantile)(side, drawn)
    if quantile is None:
        if isfinite(side.top):
            value = sign * float(statistic.evaluate(np.full(side.m, sign * side.top)))
            return Bound(value, 1.0, label, by_draws=drawn)
        needed = -(-(side.level * side.m) // (1 - side.level))
        return Bound(inf, 1.0, label, finite_from=int(needed) if needed > side.n else None, by_draws=drawn)
    usable = side.scores if ordering == "capped" else np.append(side.scores, side.top)[: quantile - side.m + 1]
    if not isfinite(usable[-1]):
        return Bound(inf, 1.0, label)
    return Bound(
        sign * composite_best(sign * usable, side.m, quantile, statistic, sign), attained, label, by_draws=drawn
    )


def composite_best(scores, m, q, statistic, sign):
    """Return the greatest (sign 1) or least (sign -1) value over rank vectors with sum at most q.

    Parameters
    ----------
    scores : ndarray of shape (k,)
        In the order of the ranks: rising for the greatest value, falling for the least.
    m, q : int
    statistic : Compositional
    sign : {1, -1}
    """
    n, step = len(scores), statistic.step
    best, low = np.array([statistic.init]), 0  # sums low, low + 1, ...
    for i in range(1, m + 1):
        high = min(i * n, q - (m - i))
        order = np.argsort(best, kind="stable")
        new, before = np.full(high - i + 1, -sign * np.inf), None
        for r in range(1, n + 1):
            found = np.empty(len(best))
            found[order] = _rising(step, best[order], scores[r - 1], before if r > 1 else None, sign)
            before = found[order]
            start = low + r - i
            stop = min(start + len(best), len(new))
            if stop > start:
                part = new[start:stop]
                new[start:stop] = (
                    np.maximum(part, found[: stop - start]) if sign > 0 else np.minimum(part, found[: stop - start])
                )
        best, low = new, i
    return float(statistic.finished(best.max() if sign > 0 else best.min(), m))


def _rising(step, u, s, before, sign):
    """Return the next values for sorted `u`; raise where they fall as u rises, or as the score does."""
    found = _numbers(step(u, s), u.shape)
    if (np.diff(found) < 0).any() or (before is not None and (sign * (found - before) < 0).any()):
        raise InputError(
            "BatchPredictor: the step of a Compositional must not fall where its value or the score rises; it does at "
            f"score {s:g}. The greatest value of such a statistic cannot be found this way."
        )
    return found


def _numbers(values, shape):
    try:
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
    except (TypeError, ValueError):
        values = np.full(shape, np.nan)
    if np.isnan(values).any():
        raise InputError("BatchPredictor: step and finish of a Compositional must return numbers, one for each value.")
    return values
