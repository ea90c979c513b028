"""Which parameters of a batch predictor go together."""

import numpy as np

from uq._base.exceptions import InputError

from ._statistics import as_statistic
from ._weighted_law import weighted_cost

__all__ = ["check_combination", "check_support", "check_weight_work", "check_weights", "turned_round"]

MOST_WORK, MOST_CELLS = 2 * 10**9, 5 * 10**7


def check_combination(statistic, ordering, method):
    """Raise where parameters do not go together."""
    ordered = not (isinstance(ordering, str) and ordering == "auto")
    if not as_statistic(statistic).linear and (ordered or method == "bound"):
        what = "an ordering" if ordered else "method='bound'"
        raise InputError(f"BatchPredictor: {what} is for statistic='mean' and 'sum'; got {statistic!r}.")
    if ordered and method in ("partition", "bonferroni"):
        raise InputError(f"BatchPredictor: method={method!r} takes no ordering; got {ordering!r}.")
    if not isinstance(ordering, str) and method == "bound":
        raise InputError("BatchPredictor: method='bound' takes ordering='rank' or 'capped'; got weights.")


def check_support(support):
    """Return (low, high)."""
    try:
        low, high = (float(end) for end in support)
    except (TypeError, ValueError):
        raise InputError(f"BatchPredictor: support must be a pair (low, high) of numbers; got {support!r}.") from None
    if not low < high:
        raise InputError(f"BatchPredictor: support must be (low, high) with low < high; got ({low:g}, {high:g}).")
    return low, high


def check_weights(ordering, n):
    """Raise unless there is one weight per rank, in order."""
    weights = np.asarray(ordering)
    if weights.shape != (n + 1,) or weights.dtype.kind not in "iu":
        raise InputError(
            f"BatchPredictor: ordering must be 'auto', 'rank', 'capped' or {n + 1} integer weights, one per rank "
            f"1 ... n_calibration + 1; got an array of shape {weights.shape} and type {weights.dtype}."
        )
    if weights[0] < 0 or (np.diff(weights.astype(np.int64)) < 0).any():
        raise InputError("BatchPredictor: ordering must hold non-negative, non-decreasing weights; got others.")


def check_weight_work(ordering, m):
    """Raise where the law of the weighted sum would take minutes or gigabytes."""
    weights = np.asarray(ordering).astype(np.int64)
    work, cells = weighted_cost(weights, m), (m + 1) * (m * int(weights[-1] - weights[0]) + 1)
    if work > MOST_WORK or cells > MOST_CELLS:
        raise InputError(
            f"BatchPredictor: ordering must be coarser for n_test = {m}: the law of its sum takes {work:.2g} steps and "
            f"{cells:.2g} numbers, and at most {MOST_WORK:.2g} and {MOST_CELLS:.2g} are done. Divide the weights."
        )


def turned_round(ordering):
    """Return the ordering of the negated scores."""
    if isinstance(ordering, str):
        return ordering
    weights = np.asarray(ordering).astype(np.int64)
    return weights[-1] - weights[::-1]
