"""The Ladder: a leaderboard that moves only when somebody is better by a whole step."""

import math
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_bounds, check_number

from ._counts import log_ladder
from ._intervals import hoeffding_width
from ._mechanism import LEAST, Mechanism, Reply, to_unit

__all__ = ["Ladder"]


@cites("blum2015", "hoeffding1963")
@dataclass(frozen=True, slots=True, eq=False)
class Ladder(Mechanism):
    """Tell of each submission only whether it beats the best so far by a step, and the new best if so.

    Parameters
    ----------
    n_queries : int
        Most submissions.
    step : float, optional
        By how much the mean loss must fall to count; in (0, 1). The one with the smallest tolerance where None.
    confidence_level : float, default .95
        Probability that the best loss is right at every time.

    Raises
    ------
    InputError
        For a count, a level or a step out of range; `check` for bounds other than (0, 1).

    Notes
    -----
    Queries are losses in [0, 1], small ones better: rows that are wrong, not rows that are right; `Holdout.score` takes
    functions that give losses, and refuses accuracy and negated losses. The answer is the best loss so far, rounded to
    a multiple of the step, not the loss of the submission. Since it only falls, no more than C(k - 1 + G, G) different
    submissions can ever be reached with k queries and G values on the grid, and Hoeffding's bound holds for all of them
    at once.

    **Guarantee.** Finite-sample: with probability `confidence_level`, every answer lies within the tolerance of the
    smallest expected loss among the submissions so far, however they were chosen, if the rows are independent. Nothing
    is said about a submission that did not lead.

    References
    ----------
    Blum and Hardt (2015), arXiv:1502.04585.

    Examples
    --------
    >>> from uq.reuse import Ladder
    >>> ladder = Ladder(n_queries=10_000)
    >>> round(ladder.certificate(10_000), 3)
    0.135
    """

    n_queries: int
    step: float | None = None
    _: KW_ONLY
    confidence_level: float = 0.95

    def __post_init__(self):
        if self.step is not None:
            object.__setattr__(self, "step", check_number(self.step, "Ladder", "step", low=LEAST, high=1))
        self._check_common()

    def start(self, n):
        """Return the state of a holdout that nobody has asked yet."""
        return {**Mechanism.start(self, n), "best": None}

    def check(self, state, guess, bounds):
        """Raise InputError for bounds other than (0, 1): losses of different scales have no best one."""
        if check_bounds(bounds, "Ladder") != (0, 1):
            raise InputError(f"Ladder: bounds must be (0, 1); got {bounds}. Scale the losses to [0, 1].")

    def answer(self, state, guess, mean, bounds, rng=None):
        """Return the best loss so far."""
        if state["closed"]:
            return self._refused(state)
        step = self._step(state["n"])
        loss, best, source = to_unit(mean, bounds), state["best"], "best"
        if best is None or loss < best * step - step:
            rung = math.floor(loss / step + 0.5)
            if best is None or rung < best:
                best, source = rung, "holdout"
        return Reply(min(1.0, best * step), self._certificate(state["n"]), source, {**state, "best": best})

    def _certificate(self, n):
        return min(1.0, _tolerance(self.n_queries, self._step(n), 1 - self.confidence_level, n))

    def _step(self, n):
        return _best_step(self.n_queries, 1 - self.confidence_level, n) if self.step is None else self.step


def _tolerance(k, step, alpha, n):
    n_values = math.floor(1 / step + 0.5) + 1
    return hoeffding_width(n, log_ladder(k, n_values), alpha) + step


@lru_cache(maxsize=4096)
def _best_step(k, alpha, n):
    low, high = 1e-7, 1 - 1e-9
    for _ in range(6):  # the number of rungs is whole, so that the curve has small teeth
        grid = np.geomspace(low, high, 60)
        at = int(np.argmin([_tolerance(k, step, alpha, n) for step in grid.tolist()]))
        low, high = grid[max(at - 2, 0)], grid[min(at + 2, 59)]
    return float(grid[at])
