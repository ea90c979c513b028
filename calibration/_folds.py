"""Folds for honest numbers: whole clusters, or rows with each class spread evenly."""

import numpy as np
from sklearn.model_selection import check_cv

from uq._base.exceptions import InputError

__all__ = ["make_folds"]


def make_folds(cv, strata, codes, rng, owner):
    """Return a list of (training rows, held-out rows).

    An int shuffles and deals: clusters by falling size, else rows by stratum, so that small classes and few rows need
    no warning; at most as many folds as there are clusters or rows. Anything else is scikit-learn's.
    """
    n = len(strata)
    if not isinstance(cv, (int, np.integer)):
        try:
            pairs = check_cv(cv).split(np.zeros(n), strata, codes)
            folds = [tuple(_rows(rows, n) for rows in pair) for pair in pairs]
        except (ValueError, TypeError, IndexError) as error:
            raise InputError(f"{owner}: cv cannot split these {n} rows: {error}") from error
        if not folds or any(not len(rows) for pair in folds for rows in pair):
            raise InputError(
                f"{owner}: cv must give at least one fold with training and held-out rows; got {folds!r:.200}."
            )
        for train, held in folds:
            if np.intersect1d(train, held).size or (
                codes is not None and np.intersect1d(codes[train], codes[held]).size
            ):
                raise InputError(
                    f"{owner}: cv must keep each row, and each group, on one side of every fold; for clusters use a "
                    "splitter that heeds groups, such as GroupKFold."
                )
        return folds
    units = np.arange(n) if codes is None else codes
    n_units = int(units.max()) + 1
    order = rng.permutation(n_units)
    # rows are dealt by stratum, clusters by size
    keys = strata[order] if codes is None else -np.bincount(codes)[order]
    order = order[np.argsort(keys, kind="stable")]
    n_folds = min(int(cv), n_units)
    fold = np.empty(n_units, dtype=np.intp)
    fold[order] = np.arange(n_units) % n_folds
    fold = fold[units]
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


def _rows(rows, n):
    return np.arange(n)[np.asarray(rows)]
