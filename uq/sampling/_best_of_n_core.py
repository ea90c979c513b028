"""The best of n, computed: averages over all subsets of the draws of a prompt, or sums over a law that is known."""

import numpy as np
from scipy.special import gammaln

from uq._evaluation._bca import spread

__all__ = ["from_draws", "from_law", "subset_weights"]


def subset_weights(m, n):
    """Return P(the i-th smallest of m is the largest of n drawn without replacement), i = 1 ... m."""
    i = np.arange(m, n - 1, -1.0)
    # from the largest down: each is the one above times (i - n) / (i - 1)
    down = np.cumprod(np.r_[n / m, (i[:-1] - n) / (i[:-1] - 1)]) if len(i) > 1 else np.array([n / m])
    return np.r_[np.zeros(n - 1), down[::-1]]


def _blocks(rewards):
    """Return the order, the block of ties of each sorted row, and where blocks begin and end."""
    order = np.argsort(rewards, kind="stable")
    fresh = np.r_[True, np.diff(rewards[order]) > 0]
    starts = np.flatnonzero(fresh)
    return order, np.cumsum(fresh) - 1, starts, np.r_[starts[1:], len(rewards)]


def from_draws(table, truth, sizes):
    """Return the columns of a `BestOfN` from draws, (prompts, draws), and the degrees of freedom."""
    m, prompts = table.shape[1], len(table)
    ordered = [_blocks(row) for row in table]
    ties = [len(starts) < m for _, _, starts, _ in ordered]
    out: dict[str, list] = {
        "expected_max": [],
        "std_error": [],
        "expected_y": [],
        "std_error_y": [],
        "win_rate": [],
        "kl": [],
    }
    for n in sizes:
        weights = subset_weights(m, n)
        gold: list | None = None if truth is None else []
        # P(all n of m - 1 others are among the lowest c), c = 0 ... m - 1
        inside = np.exp(_log_choose(np.arange(m), n) - _log_choose(m - 1, n)) if n < m and any(ties) else None
        # without ties
        plain = n / (n + 1), 0.0 if all(ties) else _divergence(np.arange(1, m + 1) / m, np.arange(m) / m, n)
        best, wins, kls = [], [], []
        for p, (order, block, starts, ends) in enumerate(ordered):
            rewards = table[p][order]
            best.append(float(weights @ rewards))
            if gold is not None:
                level = np.add.reduceat(weights, starts) / (ends - starts)
                gold.append(float(level[block] @ truth[p][order]))
            wins.append(_win_rate(m, n, starts, ends, inside) if ties[p] else plain[0])
            kls.append(_divergence(ends / m, starts / m, n) if ties[p] else plain[1])
        out["win_rate"].append(np.mean(wins))
        out["kl"].append(np.mean(kls))
        parts = [("expected_max", "std_error", best, table), ("expected_y", "std_error_y", gold, truth)]
        for name, error, values, columns in parts:
            if values is None:
                continue
            out[name].append(np.mean(values))
            if prompts > 1:
                out[error].append(_error_of_mean(np.array(values)))
            else:
                order, block, starts, ends = ordered[0]
                out[error].append(_jackknife(columns[0][order], block, starts, ends, n))
    return {name: np.array(v) if v else None for name, v in out.items()}, max(1, (prompts if prompts > 1 else m) - 1)


def _error_of_mean(values):
    return spread(values, ddof=1) / np.sqrt(len(values))


def _jackknife(values, block, starts, ends, n):
    """Return the jackknife error of the weighted sum from one prompt, sorted by reward; inf where n leaves no draw."""
    m = len(values)
    if n >= m:
        return np.inf
    weights = subset_weights(m - 1, n)
    if len(starts) == m:
        # without row i the rows above it move down by one
        lower, upper = np.cumsum(weights * values[:-1]), np.cumsum((weights * values[1:])[::-1])[::-1]
        return _error_of_mean(np.r_[0.0, lower] + np.r_[upper, 0.0]) * (m - 1)
    above = np.r_[0.0, np.cumsum(weights)]
    # without row i of a block, the block holds one less and all blocks above move down by one
    size = ends - starts
    full = (above[np.minimum(ends, m - 1)] - above[starts]) / size  # a block below the one that lost a row
    moved = (above[ends - 1] - above[np.maximum(starts - 1, 0)]) / size  # a block above it
    lost = (above[ends - 1] - above[starts]) / np.maximum(size - 1, 1)
    sums = np.add.reduceat(values, starts)
    lower = np.r_[0.0, np.cumsum(full * sums)][:-1]
    upper = np.r_[np.cumsum((moved * sums)[::-1])[::-1][1:], 0.0]
    rest = np.where(size > 1, 1.0, 0.0)[block] * lost[block] * (sums[block] - values)
    left_out = lower[block] + rest + upper[block]
    return _error_of_mean(left_out) * (m - 1)


def _win_rate(m, n, starts, ends, inside):
    """Return the average over all rivals and all sets of n among the others."""
    if inside is None:
        low, high, single = starts / m, ends / m, ends - starts == 1
        # a reward seen once stands for rewards without ties around it
        below = np.where(single, (high ** (n + 1) - low ** (n + 1)) / (n + 1), (high - low) * (high**n + low**n) / 2)
        return float(np.clip(1 - below.sum(), 0.5, n / (n + 1)))
    at, under = inside[ends - 1], inside[starts]  # all n at or below, and all n strictly below the rival's reward
    return float(np.clip(1 - ((ends - starts) / m) @ ((at + under) / 2), 0.5, n / (n + 1)))


def _log_choose(m, n):
    m = np.asarray(m, float)
    some = m >= n
    safe = np.where(some, m, n)
    return np.where(some, gammaln(safe + 1) - gammaln(n + 1) - gammaln(safe - n + 1), -np.inf)


def _divergence(top, bottom, n):
    """Return KL of the best of n from one, for levels between these values of the distribution function."""
    share = top - bottom
    with np.errstate(divide="ignore"):  # the lowest level has all of the mass up to it
        log_mass = n * np.log(top) + np.log(-np.expm1(n * np.log1p(-np.minimum(share / top, 1.0))))
    return max(float(np.exp(log_mass) @ np.maximum(log_mass - np.log(share), -745.0)), 0.0)


def from_law(rewards, truth, weights, sizes):
    """Return the columns of a `BestOfN` from the rewards of one prompt and their probabilities."""
    kept = weights > 0
    order, _, starts, _ = _blocks(rewards[kept])
    share = weights[kept][order]
    share = share / share.sum()
    level = np.add.reduceat(share, starts)
    top = np.cumsum(level) / level.sum()
    bottom = np.r_[0.0, top[:-1]]
    values = rewards[kept][order][starts]
    gold = None if truth is None else np.add.reduceat(share * truth[kept][order], starts) / level
    out: dict[str, list] = {name: [] for name in ("expected_max", "expected_y", "win_rate", "kl")}
    for n in sizes.astype(float):
        with np.errstate(divide="ignore"):
            mass = np.exp(n * np.log(top)) * -np.expm1(n * np.log1p(-np.minimum(level / top, 1.0)))
        mass = mass / mass.sum()
        out["expected_max"].append(mass @ values)
        out["win_rate"].append(min(mass @ (bottom + level / 2), n / (n + 1)))
        out["kl"].append(_divergence(top, top - level, n))
        if gold is not None:
            out["expected_y"].append(mass @ gold)
    zero = np.zeros(len(sizes))
    columns = {name: np.array(v) if v else None for name, v in out.items()}
    return columns | {"std_error": zero, "std_error_y": None if gold is None else zero}
