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

SAMPLE, VISITED, STEPS = 33, 65, 200  # how many scores, values and steps are looked at where no program runs

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
        From `BatchPredictor.predict_interval`, where `step` cannot take arrays, or where `step` or `finish` falls: on
        the values that the program visits or, where none runs, on those that up to 200 steps over a sample of the
        calibration scores reach. That is a check and no proof: what falls elsewhere goes unnoticed, and then nothing is
        promised. Under ``method="partition"`` nothing need rise, and nothing is checked.

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
            u = self.stepped(u, values[..., i], u.shape)
        return self.finished(u, values.shape[-1])

    def stepped(self, u, s, shape):
        """Return the next values; one that overflows is infinite, and no news."""
        try:
            with np.errstate(all="ignore"):
                return _numbers(self.step(u, s), shape)
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise InputError(
                "BatchPredictor: the step of a Compositional must work on arrays, element by element (use np.maximum "
                f"in place of max, np.where in place of if); it raised {type(error).__name__}: {error!s:.200}"
            ) from error

    def finished(self, u, m):
        """Return what is reported for the last value."""
        if self.finish is None:
            return u
        with np.errstate(all="ignore"):
            return _numbers(self.finish(u, m), np.shape(u))


def composite_work(n, m):
    """Return how many steps the program takes at most."""
    return (m * n) ** 2


def composite_bound(side, statistic, sign, ordering, method):
    """Bound the statistic (sign 1) or its negative (sign -1, negated scores) within the quantile of the rank sum."""
    if method == "bonferroni":
        _check_rises(statistic, side, sign)
        alone = order_bound(side, 1, "bonferroni")
        value = sign * alone.value if isfinite(alone.value) else 0.0
        worst = sign * float(statistic.evaluate(np.full(side.m, value))) if isfinite(alone.value) else inf
        return Bound(worst, None, "bonferroni", finite_from=alone.finite_from)
    ordering, drawn = chosen_ordering(side, ordering), method == "monte_carlo"
    label = f"{'monte_carlo' if drawn else 'exact'}, {ordering} ordering"
    quantile, attained = (capped_quantile if ordering == "capped" else rank_quantile)(side, drawn)
    if quantile is None:
        _check_rises(statistic, side, sign)
        if isfinite(side.top):
            value = sign * float(statistic.evaluate(np.full(side.m, sign * side.top)))
            return Bound(value, 1.0, label, by_draws=drawn)
        needed = -(-(side.level * side.m) // (1 - side.level))
        return Bound(inf, 1.0, label, finite_from=int(needed) if needed > side.n else None, by_draws=drawn)
    usable = side.scores if ordering == "capped" else np.append(side.scores, side.top)[: quantile - side.m + 1]
    if not isfinite(usable[-1]):
        _check_rises(statistic, side, sign)
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
    n = len(scores)
    best, low = np.array([statistic.init]), 0  # sums low, low + 1, ...
    for i in range(1, m + 1):
        high = min(i * n, q - (m - i))
        order = np.argsort(best, kind="stable")
        new, before = np.full(high - i + 1, -sign * np.inf), None
        for r in range(1, n + 1):
            found = np.empty(len(best))
            found[order] = _rising(statistic, best[order], scores[r - 1], before if r > 1 else None, sign)
            before = found[order]
            start = low + r - i
            stop = min(start + len(best), len(new))
            if stop > start:
                part = new[start:stop]
                new[start:stop] = (
                    np.maximum(part, found[: stop - start]) if sign > 0 else np.minimum(part, found[: stop - start])
                )
        best, low = new, i
    _check_finish(statistic, best, m)
    return float(statistic.finished(best.max() if sign > 0 else best.min(), m))


def _rising(statistic, u, s, before, sign):
    """Return the next values for sorted `u`; raise where they fall as u rises, or as the score does."""
    found = statistic.stepped(u, s, u.shape)
    low, high = (before, found) if sign > 0 else (found, before)
    if (found[1:] < found[:-1]).any() or (before is not None and (high < low).any()):
        raise _falls("step", f"its value or the score rises; it does at score {s:g}")
    return found


def _check_finish(statistic, u, m):
    if statistic.finish is not None:
        found = statistic.finished(np.sort(u), m)
        if (found[1:] < found[:-1]).any():
            raise _falls("finish", "its value rises; it does")


def _falls(what, where):
    return InputError(
        f"BatchPredictor: the {what} of a Compositional must not fall where {where}. The greatest value of such a "
        "statistic cannot be found this way."
    )


def _check_rises(statistic, side, sign):
    """Raise where `step` or `finish` falls on the values that steps over a sample of the scores reach."""
    ends = [side.top] if isfinite(side.top) else []
    scores = np.unique(sign * np.append(_spread(side.scores, SAMPLE), ends))
    u = np.array([statistic.init])
    for _ in range(min(side.m, STEPS)):
        before, reached = None, []
        for s in scores:
            before = _rising(statistic, u, s, before, 1)
            reached.append(before)
        u = _spread(np.unique(reached), VISITED)
    _check_finish(statistic, u, side.m)


def _spread(ordered, most):
    """Return at most so many of the sorted values, both ends among them."""
    if len(ordered) <= most:
        return ordered
    return ordered[np.round(np.linspace(0, len(ordered) - 1, most)).astype(int)]


def _numbers(values, shape):
    try:
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
    except (TypeError, ValueError):
        values = np.full(shape, np.nan)
    if np.isnan(values).any():
        raise InputError("BatchPredictor: step and finish of a Compositional must return numbers, one for each value.")
    return values
