"""Right answers among several samples, problem by problem: what comes in, checked once."""

from numbers import Integral

import numpy as np

from uq._base.containers import as_numeric, dimensions
from uq._base.exceptions import InputError
from uq._base.validation import check_same_length, check_vector, is_binary

__all__ = ["check_counts", "check_k", "unique_pairs"]

MOST = 2.0**52  # sums of two such whole numbers are exact


def check_counts(n_correct, n_trials, owner):
    """Return (n_correct, n_trials) as float64 vectors of whole numbers, 0 <= n_correct <= n_trials, 1 <= n_trials."""
    c = as_numeric(n_correct, owner, "n_correct")
    if c.ndim == 2 and c.shape[1] > 1 and is_binary(c):
        raise InputError(
            f"{owner}: n_correct must hold one count per problem; got a table of 0 and 1, of shape {c.shape}. For "
            f"outcomes of samples pass n_correct=outcomes.sum(axis=1) and n_trials=outcomes.shape[1]."
        )
    c = check_vector(c, owner, "n_correct")
    n_trials = _plain(n_trials)
    n = check_vector(np.full(len(c), n_trials) if np.isscalar(n_trials) else n_trials, owner, "n_trials")
    check_same_length(owner, n_correct=c, n_trials=n)
    if (n != np.rint(n)).any() or n.min() < 1 or n.max() > MOST:
        raise InputError(
            f"{owner}: n_trials must be whole numbers of at least 1, the samples drawn for each problem, and at most "
            f"2**52; got values from {n.min():g} to {n.max():g}. Leave out problems that were never sampled."
        )
    wrong = (c != np.rint(c)) | (c < 0) | (c > n)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{owner}: n_correct must be whole numbers from 0 to n_trials; got {c[row]:g} of {n[row]:g} in row {row} "
            "(counting from 0). Counts belong to one problem each: n_trials is not the number of problems."
        )
    return c, n


def _plain(x):
    """Return the number in an array, or tensor, without dimensions; anything else as it is."""
    return x.item() if getattr(x, "ndim", None) == 0 and hasattr(x, "item") else x


def check_k(k, owner, *, named=False):
    """Return `k` as a float64 vector of whole numbers of at least 1, and whether it was one number.

    Where the answers are `named` by k, no number may come twice.
    """
    k = _plain(k)
    single = dimensions(k) == 0 if not isinstance(k, (str, bytes, dict, set)) else False
    if single and (not isinstance(k, Integral) or isinstance(k, (bool, np.bool_))):
        raise InputError(f"{owner}: k must be a whole number of at least 1, or several of them; got {k!r:.100}.")
    ks = check_vector([float(k)] if single and abs(int(k)) < 2**63 else k, owner, "k")
    if (ks != np.rint(ks)).any() or ks.min() < 1 or ks.max() > MOST:
        raise InputError(
            f"{owner}: k must be a whole number of at least 1 and at most 2**52, or several of them; got values from "
            f"{ks.min():g} to {ks.max():g}."
        )
    if named and len(np.unique(ks)) < len(ks):
        twice = [f"{v:g}" for v, many in zip(*np.unique(ks, return_counts=True), strict=True) if many > 1]
        raise InputError(
            f"{owner}: k must hold different numbers, as each names one answer; got {', '.join(twice[:5])} more than "
            "once. Leave out what repeats (sorted(set(k)))."
        )
    return ks, single


def unique_pairs(n, c):
    """Return the distinct (n, c), the place of each problem among them, and how many problems share each."""
    low, width = n.min(), c.max() + 1
    if (n.max() - low + 1) * width <= max(4096, 8 * len(n)):
        codes = ((n - low) * width + c).astype(np.intp)
        many = np.bincount(codes)
        found = np.flatnonzero(many)
        place = (np.cumsum(many > 0) - 1)[codes]
        return low + found // width, found % width, place, many[found]
    order = np.lexsort((c, n))
    n, c = n[order], c[order]
    first = np.concatenate([[True], (n[1:] != n[:-1]) | (c[1:] != c[:-1])])
    place = np.empty(len(n), dtype=np.intp)
    place[order] = np.cumsum(first) - 1
    return n[first], c[first], place, np.bincount(place)
