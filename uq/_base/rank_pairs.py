"""Pairs of candidates whose order is settled or open, and the runs of the ranking in which all of them are open.

`settled[i, j]` tells that i is better than j, `order` is best first. Nothing but `method` is validated here.
"""

import warnings

import numpy as np

from .exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning
from .tied_ranks import simultaneous_signs
from .validation import check_option

__all__ = ["choose_method", "compare_all", "open_pairs", "open_runs"]


def choose_method(method, guarantee, owner):
    """Return "credible" or "simultaneous"; resampled estimates have no credible ranks."""
    check_option(method, ("auto", "credible", "simultaneous"), owner, "method")
    if method == "auto":
        return "credible" if guarantee == "posterior" else "simultaneous"
    if method == "credible" and guarantee != "posterior":
        raise InputError(
            f"{owner}: method must be 'auto' or 'simultaneous' for resampled estimates; got 'credible'. "
            "Quantiles of resampled ranks cover too rarely near ties."
        )
    return method


def compare_all(merit, center, level, df, names, stacklevel):
    """Return 1 where the row's candidate is better at the simultaneous level, -1 where worse, else 0; warn if blind."""
    signs, unvaried, critical = simultaneous_signs(merit, center, level, df)
    if not np.isfinite(critical):
        behind = "" if df == np.inf else f" from {df + 1:g} items or clusters"
        warnings.warn(
            f"every rank is possible: {len(merit)} draws{behind} do not resolve the level {level:g}. "
            "More draws, or more items, would.",
            InfiniteBoundWarning,
            stacklevel=stacklevel + 1,
        )
    elif unvaried.any():
        i, j = np.argwhere(unvaried)[0]
        warnings.warn(
            f"{int(unvaried.sum()) // 2} pairs (first {names[i]!r} and {names[j]!r}) differ by the same "
            "amount in every draw, which says nothing about the error of their difference; their order is left "
            "open. More items, or an exact test of the pair (estimate_difference), would settle it.",
            SmallSampleWarning,
            stacklevel=stacklevel + 1,
        )
    return signs


def open_pairs(settled, order, names):
    """Return the pairs of names whose order is open: of the better ranked candidates first, the better name first."""
    is_open = ~(settled | settled.T)[np.ix_(order, order)]
    return tuple((names[order[i]], names[order[j]]) for i, j in np.argwhere(np.triu(is_open, 1)))


def open_runs(settled, order, names):
    """Return the longest runs of the order in which no pair is settled, best first; they may overlap."""
    settled = (settled | settled.T)[np.ix_(order, order)]
    runs, end = [], 0
    for start in range(len(order)):
        stop = max(start + 1, end)
        while stop < len(order) and not settled[stop, start:stop].any():
            stop += 1
        if stop > end:
            runs.append(tuple(names[j] for j in order[start:stop]))
            end = stop
    return tuple(runs)
