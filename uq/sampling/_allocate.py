"""How to share out a budget of samples over problems whose success rates are known."""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.record import Result, format_count, format_number
from uq._base.validation import check_option

from ._scalars import check_each
from ._verified import check_price, check_shares

__all__ = ["Allocation", "allocate_samples"]

METHODS = ("auto", "greedy", "exact")
_MOST_STEPS = 20_000_000  # of the dynamic program
_MOST_SAMPLES = 1e12
_ROUNDING = 1e-9  # .3 / .1 is three attempts
_OVERHEAD = 100  # steps that a line of the program takes at least
_FEW = 1e4  # samples to add one by one


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
            "solved": _solved(self.rates, self.n_samples),
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
    steps = _steps(budget, cost)
    if method == "exact" and not equal and not steps <= _MOST_STEPS:
        what = "costs in whole numbers" if np.isnan(steps) else f"at most {_MOST_STEPS} steps"
        raise InputError(
            f"{owner}: method='exact' needs {what}; got {cost[:5]} and a budget of {budget:g}. Change the unit, or "
            "take method='greedy', which says how far from the optimum it can be."
        )
    if not equal and method != "greedy" and steps <= _MOST_STEPS:
        n_samples = _exact(rates, budget, np.minimum(cost, np.floor(budget) + 1).astype(np.int64))
        name, bound = "exact", None
    else:
        n_samples, bound = _greedy(rates, budget, cost)
        name = "greedy"
    solved = float(_solved(rates, n_samples).sum())
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


def _solved(rates, n_samples):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n_samples > 0, -np.expm1(n_samples * np.log1p(-rates)), 0.0)


def _steps(budget, cost):
    """Return the size of the dynamic program, NaN where costs are not whole."""
    if (cost != np.floor(cost)).any():
        return np.nan
    room = max(np.floor(budget) + 1, _OVERHEAD)
    return float((room * (budget // cost + 1)).sum())


def _greedy(rates, budget, cost):
    """Return samples by largest gain per cost, those that still fit after it, and the bound of the optimum."""
    with np.errstate(divide="ignore"):
        first, fade = np.log(rates) - np.log(cost), np.log1p(-rates)
    slack = _ROUNDING * cost.min() + 4 * np.finfo(float).eps * budget
    n_samples = np.zeros(len(rates), np.int64)
    open_, bound = np.flatnonzero(rates > 0), None
    while open_.size:
        left = budget - float(n_samples @ cost)
        open_ = open_[cost[open_] <= left + slack]
        if not open_.size or (bound is not None and left / cost[open_].min() < _FEW):
            break
        part = first[open_], fade[open_], cost[open_]
        n_samples[open_] = _fill(*part, n_samples[open_], left + float(n_samples[open_] @ cost[open_]), slack)
        more = _gain(*part[:2], n_samples[open_])
        if bound is None:
            spare = max(budget - float(n_samples @ cost), 0.0)
            bound = float(_solved(rates, n_samples).sum() + np.exp(more.max()) * spare)
        open_ = open_[more > -np.inf]
    _add_one_by_one(first, fade, cost, n_samples, open_, budget - float(n_samples @ cost), slack)
    return n_samples, bound


def _gain(first, fade, taken):
    """Return the logarithm of the gain per cost of the next sample of each problem."""
    with np.errstate(invalid="ignore"):
        return np.where(taken > 0, first + taken * fade, first)


def _fill(first, fade, cost, taken, budget, slack):
    """Return at least `taken` samples, those of largest gain, up to the first one that does not fit."""
    taken = _above(first, fade, taken, budget, cost)
    while True:
        gain, left = _gain(first, fade, taken), budget - float(taken @ cost)
        top = gain.max()
        if not np.isfinite(top) or left + slack < cost.min():
            return taken
        # gains that differ by rounding are alike: they fall too slowly to be told apart, sample by sample
        least = top - 8 * np.finfo(float).eps * max(1.0, abs(top))
        alike = np.flatnonzero(gain >= least)
        most = np.floor(np.maximum(left + slack, 0.0) / cost[alike]) + 1
        with np.errstate(over="ignore"):
            run = np.minimum(np.floor((gain[alike] - least) / -fade[alike]) + 1, most)
        price = float(run @ cost[alike])
        if price <= left + slack:
            taken[alike] += run.astype(np.int64)
            continue
        some = np.floor(run * (max(left, 0.0) / price))
        taken[alike] += some.astype(np.int64)
        rest = alike[some < run]
        rest = rest[np.argsort(-_gain(first[rest], fade[rest], taken[rest]), kind="stable")]
        fits = np.cumsum(cost[rest]) <= budget - float(taken @ cost) + slack
        taken[rest[fits]] += 1
        return taken


def _add_one_by_one(first, fade, cost, n_samples, open_, left, slack):
    """Add to `n_samples` what still fits, the largest gain first."""
    heap = list(zip(-_gain(first[open_], fade[open_], n_samples[open_]), open_.tolist(), strict=True))
    heapq.heapify(heap)
    while heap:
        gain, i = heapq.heappop(heap)
        if gain == np.inf:  # nothing is left to gain
            break
        if cost[i] > left + slack:
            continue  # never again: what is left only shrinks
        n_samples[i] += 1
        left -= cost[i]
        heapq.heappush(heap, (-float(_gain(first[i], fade[i], n_samples[i])), i))


def _above(first, fade, taken, budget, cost):
    """Return the samples whose gain per cost exceeds a threshold, chosen so that they nearly use up the budget."""
    most = np.maximum(np.floor(budget / cost), taken) + 1

    def counts(threshold):
        with np.errstate(over="ignore"):
            k = np.floor((threshold - first) / fade) + 1
        return np.clip(np.where(first > threshold, np.maximum(k, 1.0), 0.0), taken, most)

    high = float(first.max())
    low, width = high - 1.0, 1.0
    while counts(low) @ cost <= budget:
        if width > 2 * most.max() * 745:
            return counts(low).astype(np.int64)
        width *= 2
        low = high - width
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if counts(middle) @ cost <= budget:
            high = middle
        else:
            low = middle
    return counts(high).astype(np.int64)


def _exact(rates, budget, cost):
    """Return the optimum by a dynamic program over whole units of the budget."""
    room = int(budget)
    best = np.zeros(room + 1)
    chosen = np.zeros((len(rates), room + 1), np.int64)
    for i, (rate, price) in enumerate(zip(rates, cost, strict=True)):
        before, best = best, best.copy()
        if rate == 0:
            continue
        for k in range(1, room // price + 1):
            value = float(_solved(rate, np.int64(k)))
            offer = before[: room + 1 - k * price] + value
            better = offer > best[k * price :]
            best[k * price :][better] = offer[better]
            chosen[i, k * price :][better] = k
            if value == 1.0:
                break
    out = np.zeros(len(rates), np.int64)
    left = room
    for i in range(len(rates) - 1, -1, -1):
        out[i] = chosen[i, left]
        left -= int(out[i] * cost[i])
    return out
