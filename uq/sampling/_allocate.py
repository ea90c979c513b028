"""How to share out a budget of samples over problems whose success rates are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.record import Result, format_count, format_number
from uq._base.validation import check_option

from ._allocate_core import exact_samples, greedy_samples, program_steps, share_solved
from ._scalars import check_each
from ._verified import check_price, check_shares

__all__ = ["Allocation", "allocate_samples"]

METHODS = ("auto", "greedy", "exact")
_MOST_STEPS = 20_000_000  # of the dynamic program
_MOST_SAMPLES = 1e12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation(Result):
    """How many samples each problem gets, and how many problems they solve on average.

    Parameters
    ----------
    n_samples : ndarray of int, shape (n_problems,)
    expected_solved : float
        Sum of 1 - (1 - rate)^n_samples.
    bound : float
        No allocation within the budget solves more than this on average; equal to `expected_solved` where `guarantee`
        is "exact".
    spent, budget : float
    rates, cost : ndarray of shape (n_problems,)
    guarantee : {"exact", "none"}
        "exact" where the allocation is optimal.
    method : str

    Examples
    --------
    >>> from uq.sampling import allocate_samples
    >>> allocate_samples([.9, .5, .1, 0], budget=10).n_samples
    array([2, 3, 5, 0])
    """

    n_samples: Any
    expected_solved: float
    bound: float
    spent: float
    budget: float
    rates: Any
    cost: Any
    guarantee: str
    method: str

    def _table(self):
        return {
            "rate": self.rates,
            "cost": self.cost,
            "n_samples": self.n_samples,
            "solved": share_solved(self.rates, self.n_samples),
        }

    def _title(self):
        at_most = "" if self.guarantee == "exact" else f" (at most {format_number(self.bound)})"
        problems = format_count(len(self.rates), "problems")
        return (
            f"{format_number(self.expected_solved)} of {problems} solved on average{at_most}, "
            f"{format_number(self.spent)} of {format_number(self.budget)} spent"
        )

    def __repr__(self):
        return f"<{self._title()}; {self._caption()}>"

    def _draw(self, ax):
        ax.plot(self.rates, self.n_samples, "o")
        ax.set(xlabel="success rate of one sample", ylabel="samples", title=self._title())
        return ax


@cites("snell2024")
def allocate_samples(rates, budget, cost=1.0, *, method="auto") -> Allocation:
    """Share out a budget of samples so that as many problems as possible are solved on average.

    Parameters
    ----------
    rates : array-like of shape (n_problems,)
        P(one sample solves the problem), in [0, 1].
    budget : float
        What may be spent; not negative.
    cost : float or array-like of shape (n_problems,), default 1
        Of one sample; positive.
    method : {"auto", "greedy", "exact"}, default "auto"
        "greedy" gives each sample to where it adds most per cost. "exact" is a dynamic program, for costs in whole
        numbers. "auto" is "greedy" where that is optimal (equal costs), "exact" where it is small, else "greedy".

    Returns
    -------
    Allocation

    Raises
    ------
    InputError
        For rates outside [0, 1], a cost that is not positive, a budget for more than 1e12 samples, or "exact" with
        costs that are not whole or a program of more than 20 million steps.

    Notes
    -----
    The k-th sample of a problem adds rate (1 - rate)^(k - 1), less with every one, so that for equal costs the largest
    gains first are optimal. For unequal costs they are optimal for exactly what they spend, but not for what is left
    when the next one does not fit: then smaller ones are taken that do, and `bound` adds to the gains before that
    sample the share of it that the rest of the budget would pay for.

    **Guarantee.** Exact where `guarantee` says so, for the rates given and samples that are independent and checked
    without error; elsewhere the optimum lies between `expected_solved` and `bound`. Nothing covers the error of
    estimated rates: an allocation by estimates promises itself too much.

    References
    ----------
    Snell, Lee, Xu and Kumar (2024), Scaling LLM test-time compute optimally can be more effective than scaling model
    parameters, arXiv:2408.03314.

    Examples
    --------
    >>> from uq.sampling import allocate_samples
    >>> shared = allocate_samples([.9, .5, .1], budget=10, cost=[3, 1, 1])
    >>> shared.n_samples, round(shared.expected_solved, 3), shared.guarantee
    (array([1, 3, 4]), 2.119, 'exact')
    """
    owner = "allocate_samples"
    check_option(method, METHODS, owner, "method")
    rates = check_shares(rates, owner, "rates")
    budget = check_price(budget, owner, "budget")
    cost = np.full(len(rates), check_each(cost, owner, "cost", low=1e-150, high=1e150, n=len(rates)))
    if budget / cost.min() > _MOST_SAMPLES:
        raise InputError(
            f"{owner}: budget must not exceed {_MOST_SAMPLES:g} samples of the cheapest problem; got "
            f"{budget / cost.min():g}. Whatever can be solved is solved long before."
        )
    equal = bool((cost == cost[0]).all())
    steps = program_steps(budget, cost)
    if method == "exact" and not equal and not steps <= _MOST_STEPS:
        what = "costs in whole numbers" if np.isnan(steps) else f"at most {_MOST_STEPS} steps"
        raise InputError(
            f"{owner}: method='exact' needs {what}; got {cost[:5]} and a budget of {budget:g}. Change the unit, or "
            "take method='greedy', which says how far from the optimum it can be."
        )
    if not equal and method != "greedy" and steps <= _MOST_STEPS:
        n_samples = exact_samples(rates, budget, np.minimum(cost, np.floor(budget) + 1).astype(np.int64))
        name, bound = "exact", None
    else:
        n_samples, bound = greedy_samples(rates, budget, cost)
        name = "greedy"
    solved = float(share_solved(rates, n_samples).sum())
    if equal or bound is None or bound <= solved:
        bound = solved
    return Allocation(
        n_samples=n_samples,
        expected_solved=solved,
        bound=bound,
        spent=float(n_samples @ cost),
        budget=budget,
        rates=rates,
        cost=cost,
        guarantee="exact" if bound == solved else "none",
        method=name,
    )
