"""Before the first look: which mechanism keeps what tolerance."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.record import Result, format_number, format_percent
from uq._base.validation import check_count, check_level

from ._gaussian import GaussianMechanism
from ._guess_and_check import GuessAndCheck
from ._ladder import Ladder
from ._mechanism import Mechanism, references_of
from ._splitting import SampleSplitting
from ._thresholdout import Thresholdout

__all__ = ["Plan", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan(Result):
    """Mechanisms and the tolerances that they keep, the smallest first.

    Parameters
    ----------
    mechanisms : tuple of mechanism
        Ready to be used; their class names are in the table.
    tolerance : ndarray of shape (n_mechanisms,)
        Of every answer, as a part of the width of the bounds; 1 says nothing.
    answers : tuple of str
        What is answered.
    bound : tuple of str
        Where the tolerance comes from.
    n : int
        Rows of the holdout.
    n_queries : int
    n_failures : int
    confidence_level : float
        Probability that all answers are right at once.
    guarantee : str

    Examples
    --------
    >>> from uq.reuse import plan
    >>> table = plan(100_000, 1000)
    >>> table.best
    GuessAndCheck(n_queries=1000, n_failures=10, tolerance=None, method='kl', confidence_level=0.95)
    >>> table.tolerance.round(3)
    array([0.026, 0.05 , 0.06 , 0.077, 0.141, 0.23 ])
    """

    mechanisms: tuple[Mechanism, ...] = field(repr=False)
    tolerance: Any
    answers: tuple[str, ...]
    bound: tuple[str, ...]
    n: int
    n_queries: int
    n_failures: int
    confidence_level: float
    guarantee: str = "finite-sample"

    @property
    def _references(self):
        return references_of(*(type(each).__name__ for each in self.mechanisms))

    @property
    def best(self) -> Mechanism:
        """The mechanism with the smallest tolerance among those that answer more than who leads."""
        return next(each for each in self.mechanisms if not isinstance(each, Ladder))

    def _table(self):
        return {
            "mechanism": [type(each).__name__ for each in self.mechanisms],
            "tolerance": self.tolerance,
            "answers": list(self.answers),
            "bound": list(self.bound),
        }

    def _title(self):
        return (
            f"{self.n_queries} queries to {self.n} rows, all answers within the tolerance with probability "
            f"{format_percent(self.confidence_level)}"
        )

    def __repr__(self):
        best = self.best
        tolerance = format_number(self.tolerance[[each is best for each in self.mechanisms]][0])
        return f"<{self._title()}: {type(best).__name__} {tolerance}, {self._caption()}>"

    def _draw(self, ax):
        names = [f"{type(each).__name__}\n({bound})" for each, bound in zip(self.mechanisms, self.bound, strict=True)]
        ax.barh(range(len(names)), self.tolerance)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set(xlabel="tolerance, in widths of the bounds", title=f"{self.n_queries} queries to {self.n} rows")
        return ax


@cites(
    "rogers2020", "hoeffding1963", "dwork2015", "dong2022", "blum2015", "dworkholdout2015", "dworkgeneralization2015"
)
def plan(n: int, n_queries: int, confidence_level: float = 0.95, n_failures: int | None = None) -> Plan:
    """Return what every certified mechanism promises for so many adaptive queries to so many rows.

    Parameters
    ----------
    n : int
        Rows of the holdout.
    n_queries : int
        Most queries that will be asked, each depending on all answers so far.
    confidence_level : float, default .95
        Probability that all answers are right at once.
    n_failures : int, optional
        Most guesses that may be wrong (`GuessAndCheck`, `Thresholdout`); 10 where None, and never more than queries.

    Returns
    -------
    Plan
        A table, smallest tolerance first.

    Raises
    ------
    InputError
        For counts and levels out of range.

    Notes
    -----
    `GuessAndCheck` stands there with its smallest tolerance, which leaves little room for guesses (see its `slack`),
    `Thresholdout` with threshold 0, its best case. `Ladder` answers only who leads, and how well.
    `PrivateMultiplicativeWeights` needs a universe, and is not listed. The Gaussian mechanism stands there twice: under
    the transfer bound of this project and under a published one.

    **Guarantee.** Finite-sample, for each mechanism as its docstring states it, if the mechanism is chosen before the
    rows are looked at. Whoever compares answers of several mechanisms on the same rows has no guarantee.

    Examples
    --------
    >>> from uq.reuse import plan
    >>> print(plan(10_000, 100, n_failures=5))
    100 queries to 10000 rows, all answers within the tolerance with probability 95 %
            mechanism  tolerance           answers               bound
        GuessAndCheck    0.05304  guesses, 5 wrong            counting
               Ladder     0.0895      the best one            counting
    GaussianMechanism     0.1002               all      transfer bound
         Thresholdout     0.1861  guesses, 5 wrong      transfer bound
      SampleSplitting     0.2036               all           Hoeffding
    GaussianMechanism      0.247               all  Rogers et al. 2020
    guarantee: finite-sample
    """
    n = check_count(n, "plan", "n")
    m = check_count(n_queries, "plan", "n_queries")
    level = check_level(confidence_level, "plan")
    failures = min(10 if n_failures is None else check_count(n_failures, "plan", "n_failures", low=0), m)
    wrong = f"guesses, {failures} wrong"
    rows = [
        (GuessAndCheck(m, failures, confidence_level=level), wrong, "counting"),
        (GaussianMechanism(m, confidence_level=level), "all", "transfer bound"),
        (GaussianMechanism(m, bound="rogers", confidence_level=level), "all", "Rogers et al. 2020"),
        (Ladder(m, confidence_level=level), "the best one", "counting"),
    ]
    if failures:
        rows.append((Thresholdout(m, failures, 0.0, confidence_level=level), wrong, "transfer bound"))
    if n >= m:
        rows.append((SampleSplitting(m, confidence_level=level), "all", "Hoeffding"))
    tolerance = np.array([mechanism.certificate(n) for mechanism, _, _ in rows])
    rows = [rows[i] for i in np.argsort(tolerance, kind="stable")]
    mechanisms, answers, bound = zip(*rows, strict=True)
    return Plan(
        mechanisms=mechanisms,
        tolerance=np.sort(tolerance),
        answers=answers,
        bound=bound,
        n=n,
        n_queries=m,
        n_failures=failures,
        confidence_level=level,
    )
