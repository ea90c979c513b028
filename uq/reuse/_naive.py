"""Naive reuse: what everybody does, and what it would promise if nobody looked at the answers."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from uq._base.citation import cites

from ._intervals import hoeffding_width
from ._mechanism import Mechanism, Reply, to_unit

__all__ = ["NaiveReuse"]


@cites("hoeffding1963")
@dataclass(frozen=True, slots=True, eq=False)
class NaiveReuse(Mechanism):
    """Answer every query by the plain mean over the holdout.

    Parameters
    ----------
    n_queries : int
        Most queries that will be asked.
    confidence_level : float, default .95
        Of a tolerance that holds only for queries that were all fixed before the first answer.

    Raises
    ------
    InputError
        For a count or a level out of range.

    Notes
    -----
    **Guarantee.** None. The tolerance is Hoeffding's for `n_queries` queries (Bonferroni), which is right
    for queries that do not depend on earlier answers. An analyst who lets a hundred features vote by how they agreed
    with the labels of 1000 rows is off by half as much again, every time.

    References
    ----------
    Hoeffding (1963), doi:10.1080/01621459.1963.10500830.

    Examples
    --------
    >>> from uq.reuse import NaiveReuse
    >>> naive = NaiveReuse(n_queries=100)
    >>> round(naive.certificate(1000), 4), naive.guarantee
    (0.0644, 'none')
    """

    n_queries: int
    _: KW_ONLY
    confidence_level: float = 0.95

    def __post_init__(self):
        self._check_common()

    @property
    def guarantee(self):
        """Nothing is promised to who looks at the answers."""
        return "none"

    def answer(self, state, guess, mean, bounds, rng=None):
        """Return the mean."""
        if state["closed"]:
            return self._refused(state)
        low, width = bounds[0], bounds[1] - bounds[0]
        tolerance = width * self._certificate(state["n"])
        return Reply(low + width * to_unit(mean, bounds), tolerance, "holdout", dict(state))

    def _certificate(self, n):
        return min(1.0, hoeffding_width(n, float(np.log(self.n_queries)), 1 - self.confidence_level))
