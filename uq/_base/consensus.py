"""One order for many draws: by expected rank, or Kemeny's (fewest pairs the wrong way), exact where that can be had.

Nothing is validated here; `win[i, j]` is the probability that i is better than j, ``win + win.T = 1``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from .citation import cite_methods
from .record import Result, format_number
from .tied_ranks import expected_ranks, tied_positions, win_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PointRanking", "best_order", "kendall_loss", "kendall_order"]

cite_methods(Kemeny="kemeny1959")

EXACT_SIZE = 15  # 2**15 subsets x 15 candidates: hundredths of a second, 4 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointRanking(Result):
    """One order of the candidates, best first, and the loss that it minimises.

    Iterating over it gives the names.

    Parameters
    ----------
    names : tuple of str
        Best first.
    order : ndarray of shape (n_candidates,)
        Their columns.
    loss : {"spearman", "kendall"}
    expected_loss : float
        Mean over the draws of the sum of squared differences of ranks ("spearman") or of the number of pairs that stand
        the other way ("kendall"; a tie counts 1/2).
    is_optimal : bool
        Whether it is proven that no order is better.
    """

    names: tuple[str, ...]
    order: Any
    loss: str
    expected_loss: float
    is_optimal: bool

    @property
    def method(self) -> str:
        """Name of the order: "Kemeny" for the loss "kendall", else "expected ranks"."""
        return "Kemeny" if self.loss == "kendall" else "expected ranks"

    def __iter__(self) -> "Iterator[str]":
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, place) -> str:
        return self.names[place]

    def _table(self):
        return {"rank": list(range(1, len(self.names) + 1)), "name": list(self.names)}

    def _title(self):
        proof = "" if self.is_optimal else ", not proven optimal"
        return f"ranking of least expected {self.loss} loss ({format_number(self.expected_loss)}{proof})"

    def __repr__(self):
        return f"<PointRanking: {' > '.join(self.names)}; {self._title()}>"


def best_order(merit, loss):
    """Return the order of least expected loss (larger merit is better), its loss, and whether that is proven least."""
    first, last = tied_positions(merit)
    expected = expected_ranks(first, last)
    if loss == "kendall":
        win = win_matrix(merit)
        order, optimal = kendall_order(win, expected)
        return order, kendall_loss(win, order), optimal
    order = np.argsort(expected, kind="stable")
    distance = (first + last)[:, order] / 2 - np.arange(1, len(order) + 1)
    return order, float((distance**2).sum(axis=1).mean()), True


def kendall_loss(win, order):
    """Return the expected number of pairs that a draw orders the other way than `order`; a tie counts 1/2."""
    return float(np.triu(win[np.ix_(order, order)].T, 1).sum())


def kendall_order(win, expected_rank):
    """Return the order (best first) of least expected Kendall distance, and whether it is proven to be the least.

    Candidates that beat each other in a circle (strong components of "is more likely better") are ordered among
    themselves: between two such sets all majorities point the same way, so that no better order mixes them. A set of up
    to 15 is solved by dynamic programming over its subsets, a larger one by local search from the expected ranks.
    """
    majority = win > 0.5
    _, labels = connected_components(majority, directed=True, connection="strong")
    order, optimal = [], True
    for members in _best_first(majority, labels, expected_rank):
        if len(members) <= EXACT_SIZE:
            best = _exact(win[np.ix_(members, members)])
        else:
            best = _local_search(win[np.ix_(members, members)])
            bound = np.triu(np.minimum(win, win.T)[np.ix_(members, members)], 1).sum()
            optimal &= kendall_loss(win, members[best]) <= bound + 1e-9
        order.extend(members[best])
    return np.array(order), bool(optimal)


def _best_first(majority, labels, expected_rank):
    """Yield the strong components, each behind all that beat it, its members by expected rank."""
    by_rank = np.lexsort((np.arange(len(labels)), expected_rank))
    components = [by_rank[labels[by_rank] == label] for label in range(labels.max() + 1)]
    member = labels[:, None] == np.arange(len(components))
    beats = member.T.astype(float) @ majority @ member > 0
    np.fill_diagonal(beats, False)
    key = [(expected_rank[members].mean(), members[0]) for members in components]
    waiting = np.ones(len(components), bool)
    while waiting.any():
        free = np.flatnonzero(waiting & ~beats[waiting].any(axis=0))
        chosen = min(free, key=key.__getitem__)
        waiting[chosen] = False
        yield components[chosen]


def _exact(win):
    """Return the best order by dynamic programming: the last of a set is preceded by the best order of the others."""
    k = len(win)
    if k == 1:
        return np.array([0])
    # behind[s, j]: the loss of placing j right behind all members of the set s
    behind = np.zeros((1 << k, k))
    for i in range(k):
        behind[1 << i : 2 << i] = behind[: 1 << i] + win[:, i]
    loss = np.zeros(1 << k)
    last = np.zeros(1 << k, np.int64)
    sets = np.arange(1 << k)
    size = np.bitwise_count(sets)
    for n_members in range(1, k + 1):
        chosen = sets[size == n_members]
        options = np.full((len(chosen), k), np.inf)
        for j in range(k):
            has = (chosen >> j) & 1 == 1
            rest = chosen[has] ^ (1 << j)
            options[has, j] = loss[rest] + behind[rest, j]
        # of orders that are equally good take that in which the earlier candidate stands earlier
        last[chosen] = k - 1 - np.argmin(options[:, ::-1].round(12), axis=1)
        loss[chosen] = options[np.arange(len(chosen)), last[chosen]]
    order, s = [], (1 << k) - 1
    while s:
        order.append(int(last[s]))
        s ^= 1 << order[-1]
    return np.array(order[::-1])


def _local_search(win):
    """Return an order that moving any one candidate to any other place cannot better; the start is the given order."""
    order = np.arange(len(win))
    improved = True
    while improved:
        improved = False
        for candidate in range(len(win)):
            others = order[order != candidate]
            # placed behind the first m of the others: they cost P(candidate better), the rest cost P(worse)
            before = np.concatenate([[0.0], np.cumsum(win[candidate, others])])
            after = np.concatenate([np.cumsum(win[others, candidate][::-1])[::-1], [0.0]])
            cost = before + after
            here = int(np.flatnonzero(order == candidate)[0])
            best = int(np.argmin(cost))
            if cost[best] < cost[here] - 1e-12:
                order = np.insert(others, best, candidate)
                improved = True
    return order
