"""What a candidate is worth in each draw: its mean true score, with ties that rounding cannot break."""

import numpy as np

__all__ = ["settle_ties", "utilities"]

ROUNDING = 1e-12  # of the range of the levels; means of items at hand differ by more, or by nothing


def utilities(target, problem, found):
    """Return the utilities (chain, draw, K), of all items or of those at hand, given what a sampler returned."""
    if target == "population":
        return problem.per_candidate(found["pi"] @ problem.levels)
    levels = problem.levels
    stored = 8 * np.finfo(float).eps * np.abs(levels).max()
    return settle_ties(problem.per_candidate(found["sample"]), ROUNDING * (levels[-1] - levels[0]) + stored)


def settle_ties(values, least):
    """Return values (..., K) in which neighbours that differ by no more than `least` are equal, to the lower one."""
    order = np.argsort(values, axis=-1, kind="stable")
    ascending = np.take_along_axis(values, order, axis=-1)
    start = np.zeros(values.shape, np.intp)
    start[..., 1:] = np.where(np.diff(ascending, axis=-1) > least, np.arange(1, values.shape[-1]), 0)
    start = np.maximum.accumulate(start, axis=-1)
    out = np.empty_like(values)
    np.put_along_axis(out, order, np.take_along_axis(ascending, start, axis=-1), axis=-1)
    return out
