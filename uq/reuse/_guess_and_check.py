"""Guess-and-Check: the analyst says what the holdout will show; only a wrong guess costs anything."""

import math
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_count, check_number, check_option

from ._counts import log_checked, log_spent
from ._intervals import chernoff_allows, hoeffding_width
from ._mechanism import Mechanism, Reply, to_unit

__all__ = ["GuessAndCheck"]

METHODS = ("kl", "hoeffding")


class _Design(NamedTuple):
    """What is fixed before the first query."""

    tolerance: float
    width: float  # every mean that can be asked for keeps to it
    cells: int


@cites("rogers2020", "hoeffding1963")
@dataclass(frozen=True, slots=True, eq=False)
class GuessAndCheck(Mechanism):
    """Confirm guesses for next to nothing; answer wrong ones from the holdout, as long as failures are left.

    Parameters
    ----------
    n_queries : int or None
        Most queries that will be asked. None for no limit, which needs a `tolerance` and no `n_failures`.
    n_failures : int or None, default None
        Most guesses that may be wrong, before the holdout closes; 10 where None and `n_queries` is given.
    tolerance : float, optional
        Half-width to be promised, as a part of the width of the bounds. The smallest possible one where None. What a
        larger one has to spare goes to the guesses: `slack` tells how far one may be off.
    method : {"kl", "hoeffding"}, default "kl"
        How a guess is checked. "kl" lets more guesses near the bounds pass and costs nothing.
    confidence_level : float, default .95
        Probability that all answers are right at once.

    Raises
    ------
    InputError
        For counts, levels and a tolerance out of range; `start` and `certificate` for a tolerance that so few rows
        cannot keep.

    Notes
    -----
    A guess that lies close enough to the mean over the holdout is answered by itself, which tells the analyst one bit;
    any other by the mean rounded to a cell, which tells which. So few answers are possible that all queries they could
    ever lead to can be counted (exactly: sum over f of C(m, f + 1) L^f for m queries, f failures and L cells), and
    Hoeffding's bound holds for all of them at once. The number of cells is the best one. No noise is added: the same
    questions in the same order get the same answers.

    Without `n_queries`, query i after f failures may err with probability proportional to 1 / (i^2 (f + 1)^2) over the
    number of ways to get there, and each failure chooses its cells anew; a wrong guess costs more the later it comes.

    **Guarantee.** Finite-sample: with probability `confidence_level`, every answer lies within its tolerance of the
    expectation of its query (clipped to the bounds), however the analyst chose the queries, if the rows are independent
    and guesses come from other data. After a refusal nothing more is answered: going on would break this.

    References
    ----------
    Rogers, Roth, Smith, Srebro, Thakkar and Woodworth (2020), arXiv:1906.09231.
    Hoeffding (1963), doi:10.1080/01621459.1963.10500830.

    Examples
    --------
    >>> from uq.reuse import GuessAndCheck
    >>> mechanism = GuessAndCheck(n_queries=10_000, n_failures=10)
    >>> round(mechanism.certificate(10_000), 4)
    0.0863
    >>> round(mechanism.certificate(100_000), 4)
    0.0283
    """

    n_queries: int | None
    n_failures: int | None = None
    _: KW_ONLY
    tolerance: float | None = None
    method: str = "kl"
    confidence_level: float = 0.95
    needs_guess: ClassVar[bool] = True
    endless: ClassVar[bool] = True

    def __post_init__(self):
        owner = "GuessAndCheck"
        self._check_common()
        check_option(self.method, METHODS, owner, "method")
        if self.tolerance is not None:
            object.__setattr__(self, "tolerance", check_number(self.tolerance, owner, "tolerance", low=0, high=1))
        if self.n_queries is None:
            if self.n_failures is not None or self.tolerance is None:
                raise InputError(
                    f"{owner}: n_queries=None needs a tolerance, which then decides how many failures are possible, "
                    f"and no n_failures; got tolerance={self.tolerance!r}, n_failures={self.n_failures!r}."
                )
        elif self.n_failures is None:
            object.__setattr__(self, "n_failures", 10)
        else:
            object.__setattr__(self, "n_failures", check_count(self.n_failures, owner, "n_failures", low=0))

    def start(self, n):
        """Return the state of a holdout that nobody has asked yet; raise InputError for an impossible tolerance."""
        state = Mechanism.start(self, n)
        if self.n_queries is None:
            if self._anytime(state["n"], 1, 0, 0.0) is None:
                raise InputError(
                    f"GuessAndCheck: tolerance must be larger: {n} rows cannot promise {self.tolerance} even for the "
                    "first query. Take more rows or a larger tolerance."
                )
            return {**state, "log_cells": 0.0}
        self._design(n)
        return state

    def spend(self, state):
        """Debit one query and one failure; `answer` gives the failure back if the guess is right."""
        state = Mechanism.spend(self, state)
        return {**state, "failures": state["failures"] + 1}

    def answer(self, state, guess, mean, bounds, rng=None):
        """Return the guess if it is close enough, else the cell of the mean, else a refusal."""
        if state["closed"]:
            return self._refused(state)
        n, low, width = state["n"], bounds[0], bounds[1] - bounds[0]
        g, c = to_unit(guess, bounds), to_unit(mean, bounds)
        if self.n_queries is None:
            design = self._anytime(n, state["asked"], state["failures"] - 1, state["log_cells"])
            if design is None:
                return self._refused(state)
            may_fail = True
        else:
            design = self._design(n)
            may_fail = state["failures"] <= self.n_failures
        tolerance = min(1.0, design.tolerance) * width
        if self._close(g, c, design, n):
            return Reply(low + width * g, tolerance, "guess", {**state, "failures": state["failures"] - 1})
        if not may_fail:
            return self._refused(state)
        cell = min(int(c * design.cells), design.cells - 1)
        if "log_cells" in state:
            state = {**state, "log_cells": state["log_cells"] + math.log(design.cells)}
        return Reply(low + width * (cell + 0.5) / design.cells, tolerance, "holdout", dict(state))

    def _certificate(self, n):
        if self.n_queries is None:
            self.start(n)
            return self.tolerance
        return min(1.0, self._design(n).tolerance)

    def slack(self, n):
        """Return how far a guess may lie from the mean over `n` rows and pass (near the bounds, further under "kl")."""
        design = self._anytime(n, 1, 0, 0.0) if self.n_queries is None and self.start(n) else self._design(n)
        return design.tolerance - design.width

    def left(self, state):
        """Return how many queries and wrong guesses are left; without `n_queries`, as if all went one way."""
        if state["closed"]:
            return 0, 0
        if self.n_queries is None:
            return self._more(state, fail=False), self._more(state, fail=True)
        return Mechanism.left(self, state)[0], max(0, self.n_failures - state["failures"])

    def _close(self, g, c, design, n):
        if self.method == "hoeffding":
            return abs(g - c) <= design.tolerance - design.width
        return chernoff_allows(c, g, design.tolerance, 2 * design.width**2)

    def _design(self, n):
        design = _best_design(self.n_queries, self.n_failures, self.tolerance, 1 - self.confidence_level, n)
        if self.tolerance is not None and design.tolerance > self.tolerance:
            raise InputError(
                f"GuessAndCheck: tolerance must be at least {design.tolerance:.4g} for {n} rows, {self.n_queries} "
                f"queries and {self.n_failures} failures; got {self.tolerance}. Take more rows or allow fewer failures."
            )
        return design

    def _anytime(self, n, i, f, log_cells):
        """Return the design of query `i` after `f` failures, or None where the tolerance cannot be kept."""
        width = hoeffding_width(n, log_cells - log_spent(i, f), 1 - self.confidence_level)
        tolerance = self.tolerance or 0.0
        gap = tolerance - width
        return None if gap <= 0 else _Design(tolerance, width, math.ceil(1 / (2 * gap)))

    def _more(self, state, fail):
        """Return how many further queries can be answered if all guesses are wrong, or all right."""
        n, i, f, log_cells = state["n"], state["asked"], state["failures"], state["log_cells"]
        if not fail:
            low, high = 0, 1
            while high < 2**60 and self._anytime(n, i + high, f, log_cells):
                low, high = high, 2 * high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._anytime(n, i + middle, f, log_cells) else (low, middle)
            return low
        done = 0
        while design := self._anytime(n, i + done + 1, f + done, log_cells):
            log_cells += math.log(design.cells)
            done += 1
        return done


@lru_cache(maxsize=4096)
def _best_design(n_queries, n_failures, tolerance, alpha, n):
    """Return the design with the smallest tolerance; where one is given and possible, with the smallest width."""
    if n_failures == 0:  # no answer comes out of a cell
        least = hoeffding_width(n, float(log_checked(n_queries, 0, 0.0)), alpha)
        return _Design(least if tolerance is None else max(tolerance, least), least, 1)

    def width(cells):
        return hoeffding_width(n, float(log_checked(n_queries, n_failures, math.log(cells))), alpha)

    cells, step = _least(lambda cells: width(cells) + 1 / (2 * cells)), 0
    best = _Design(width(cells) + 1 / (2 * cells), width(cells), cells)
    if tolerance is None or tolerance < best.tolerance:
        return best
    low, high = 0, cells  # the fewest cells that keep the tolerance leak the least
    while high - low > 1:
        step = (low + high) // 2
        low, high = (low, step) if width(step) + 1 / (2 * step) <= tolerance else (step, high)
    return _Design(tolerance, width(high), high)


def _least(function, most=2**40):
    """Return the integer from 1 to `most` where a function that falls and then rises is least."""
    grid = np.unique(np.round(np.geomspace(1, 2**20, 61)).astype(int)).tolist()
    values = [function(cells) for cells in grid]
    at = int(np.argmin(values))
    low, high = grid[max(at - 1, 0)], grid[at + 1] if at + 1 < len(grid) else most
    while high - low > 2:
        a, b = low + (high - low) // 3, high - (high - low) // 3
        low, high = (low, b) if function(a) <= function(b) else (a, high)
    return min(range(low, high + 1), key=function)
