"""Sharing out a budget, computed: by the largest gain per cost with a bound of the optimum, or by a dynamic program."""

import heapq

import numpy as np

__all__ = ["exact_samples", "greedy_samples", "program_steps", "share_solved"]

_ROUNDING = 1e-9  # .3 / .1 is three attempts
_OVERHEAD = 100  # steps that a line of the program takes at least
_FEW = 1e4  # samples to add one by one


def share_solved(rates, n_samples):
    """Return how likely each problem is solved by so many samples."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n_samples > 0, -np.expm1(n_samples * np.log1p(-rates)), 0.0)


def program_steps(budget, cost):
    """Return the size of the dynamic program, NaN where costs are not whole."""
    if (cost != np.floor(cost)).any():
        return np.nan
    room = max(np.floor(budget) + 1, _OVERHEAD)
    return float((room * (budget // cost + 1)).sum())


def greedy_samples(rates, budget, cost):
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
            bound = float(share_solved(rates, n_samples).sum() + np.exp(more.max()) * spare)
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


def exact_samples(rates, budget, cost):
    """Return the optimum by a dynamic program over whole units of the budget."""
    room = int(budget)
    best = np.zeros(room + 1)
    chosen = np.zeros((len(rates), room + 1), np.int64)
    for i, (rate, price) in enumerate(zip(rates, cost, strict=True)):
        before, best = best, best.copy()
        if rate == 0:
            continue
        for k in range(1, room // price + 1):
            value = float(share_solved(rate, np.int64(k)))
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
