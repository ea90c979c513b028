"""Sample splitting: every query has rows of its own."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from uq._base.bounds import kl_lower_of_mean, kl_upper_of_mean
from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_option

from ._intervals import hoeffding_width
from ._mechanism import Mechanism, Reply, to_unit

__all__ = ["SampleSplitting"]

METHODS = ("kl", "hoeffding")


@cites("hoeffding1963")
@dataclass(frozen=True, slots=True, eq=False)
class SampleSplitting(Mechanism):
    """Answer each query by the mean over rows that no other query has seen.

    Parameters
    ----------
    n_queries : int
        Most queries that will be asked; each gets ``n // n_queries`` rows, in their order.
    method : {"kl", "hoeffding"}, default "kl"
        Width of the answers: "kl" is smaller for means near the bounds, and never larger.
    confidence_level : float, default .95
        Probability that all answers are right at once.

    Raises
    ------
    InputError
        For a count, a level or a method out of range; `start` and `certificate` for fewer rows than queries.

    Notes
    -----
    **Guarantee.** Finite-sample: with probability `confidence_level`, every answer lies within its tolerance of the
    expectation of its query (clipped to the bounds), however the analyst chose the queries, if the rows are independent
    and in an order that has nothing to do with their values. `certificate` is the largest tolerance; under "kl" that of
    an answer depends on its mean.

    References
    ----------
    Hoeffding (1963), doi:10.1080/01621459.1963.10500830.

    Examples
    --------
    >>> from uq.reuse import SampleSplitting
    >>> round(SampleSplitting(n_queries=10).certificate(10_000), 4)
    0.0547
    """

    n_queries: int
    _: KW_ONLY
    method: str = "kl"
    confidence_level: float = 0.95

    def __post_init__(self):
        check_option(self.method, METHODS, "SampleSplitting", "method")
        self._check_common()

    def start(self, n):
        """Return the state of a holdout that nobody has asked yet."""
        state = Mechanism.start(self, n)
        self._rows_each(state["n"])
        return state

    def rows(self, state):
        """Return the rows that belong to the query just debited."""
        each = self._rows_each(state["n"])
        return slice((state["asked"] - 1) * each, state["asked"] * each)

    def answer(self, state, guess, mean, bounds, rng=None):
        """Return the mean over the rows of the query."""
        if state["closed"]:
            return self._refused(state)
        each, low, width = self._rows_each(state["n"]), bounds[0], bounds[1] - bounds[0]
        c, tolerance = to_unit(mean, bounds), self._certificate(state["n"])
        if self.method == "kl":
            alpha = (1 - self.confidence_level) / (2 * self.n_queries)
            ends = kl_lower_of_mean(c, each, alpha), kl_upper_of_mean(c, each, alpha)
            tolerance = min(tolerance, float(max(c - ends[0], ends[1] - c)))
        return Reply(low + width * c, width * tolerance, "holdout", dict(state))

    def _certificate(self, n):
        return min(1.0, hoeffding_width(self._rows_each(n), float(np.log(self.n_queries)), 1 - self.confidence_level))

    def _rows_each(self, n):
        if n < self.n_queries:
            raise InputError(
                f"SampleSplitting: n must be at least n_queries ({self.n_queries}), a row for each; got {n}. Ask less, "
                "or take a mechanism that lets queries share rows."
            )
        return n // self.n_queries
