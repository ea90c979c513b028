"""The boundary of this room: rows with truth, rows to apply to, arms, propensities and designs, checked before work.

A row of weight 0 is not there, so it is dropped here; what comes out are float64 arrays that need no further care.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.alignment import check_order
from uq._base.containers import column_names, dimensions, index_of
from uq._base.exceptions import InputError
from uq._base.validation import (
    check_binary,
    check_groups,
    check_matrix,
    check_same_length,
    check_vector,
    check_weights,
)

from ._influence import Source

__all__ = ["Rows", "check_design", "check_propensity", "check_rows", "check_treatment", "check_truth"]

_TINY = 1e-150  # squares of smaller numbers underflow
_NEAREST = 1e-12  # how close a propensity may come to 0 and 1


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of positive weight.

    Parameters
    ----------
    z : ndarray of shape (n,)
        Predictions.
    weights : ndarray of shape (n,) or None
        The largest is 1.
    groups : ndarray of int or None
        Codes 0 ... G-1.
    ids : array or None
        Labels of the clusters, else the caller's row labels.
    kept : ndarray of bool or None
        Which of the caller's rows these are; None for all.
    y : ndarray of shape (n,) or None
    order : (str, index) or None
        Which column of the caller has row labels, and these, for all rows.
    """

    z: Any
    weights: Any = None
    groups: Any = None
    ids: Any = None
    kept: Any = None
    y: Any = None
    order: Any = None

    @property
    def n_groups(self):
        """Return the number of clusters, or None."""
        return None if self.groups is None else int(self.groups.max()) + 1

    @property
    def source(self):
        """Return who these rows, or clusters, are."""
        return Source.of(self.ids, self.z, self.groups)

    def of(self, array):
        """Return these rows of an array that belongs to the caller's rows."""
        return array if array is None or self.kept is None else array[self.kept]


def check_rows(owner, y_pred, sample_weight=None, groups=None, y=None, **beside):
    """Return the rows that take part, from what the caller gave; of what lies beside them the order is checked."""
    order = check_order(owner, y_pred=y_pred, y=y, sample_weight=sample_weight, groups=groups, **beside)
    z = check_vector(y_pred, owner, "y_pred")
    n = len(z)
    if y is not None:
        y = check_vector(y, owner, "y")
        check_same_length(owner, y_pred=z, y=y)
    weights = check_weights(sample_weight, owner, n)
    codes: Any = None
    labels: Any = None
    if groups is not None:
        codes, labels = check_groups(groups, owner, n, min_groups=1)
    index = index_of(y_pred)
    if y is not None:
        z, y = z.copy(), y.copy()  # rows of a fit are kept, and the caller may go on writing to theirs
    if weights is None:
        return Rows(z, None, codes, labels if groups is not None else index, None, y, order)
    with np.errstate(under="ignore"):
        weights = weights / weights.max()
    kept = weights > 0
    if groups is not None:
        used, codes = np.unique(codes[kept], return_inverse=True)
        ids = labels[used]
    else:
        ids = None if index is None else index[kept]
    if kept.all():
        kept = None
    rows = Rows(z, weights, codes, ids, kept, y, order)
    return rows if kept is None else Rows(z[kept], weights[kept], codes, ids, kept, rows.of(y), order)


def check_truth(owner, y_pred, y, sample_weight=None, groups=None):
    """Return the rows of a fit, both of whose columns must vary."""
    if y is None:
        raise InputError(f"{owner}: y must hold what turned out to be true, one number per row; got None.")
    rows = check_rows(owner, y_pred, sample_weight, groups, y)
    for name, values in (("y_pred", rows.z), ("y", rows.y)):
        if values.min() == values.max():
            raise InputError(
                f"{owner}: {name} must vary over the rows; got {values[0]:g} in all {len(values)} rows. "
                "How predictions move with the truth cannot be learned from them: give calibration rows that differ."
            )
    return rows


def check_treatment(owner, treatment, rows):
    """Return 0.0 and 1.0 of the rows that take part; both arms must be there."""
    if treatment is None:
        raise InputError(f"{owner}: treatment must hold 0 or 1 per row; got None.")
    treatment = check_binary(check_vector(treatment, owner, "treatment"), owner, "treatment")
    treatment = _matching(owner, "treatment", treatment, rows)
    if treatment.min() == treatment.max():
        raise InputError(
            f"{owner}: treatment must hold both arms, 0 and 1; got {treatment[0]:g} in all {len(treatment)} rows. "
            "An effect is a difference: give the rows of the other arm, too."
        )
    return treatment


def check_propensity(owner, propensity, rows):
    """Return probabilities of treatment of the rows that take part, or None; one number stands for all rows."""
    if propensity is None:
        return None
    if dimensions(propensity) == 0 and not isinstance(propensity, (str, bytes, dict)):
        propensity = [propensity]
        p = np.repeat(check_vector(propensity, owner, "propensity"), len(rows.z))
    else:
        p = _matching(owner, "propensity", check_vector(propensity, owner, "propensity"), rows)
    if not ((p >= _NEAREST) & (p <= 1 - _NEAREST)).all():
        raise InputError(
            f"{owner}: propensity must lie inside (0, 1), at least {_NEAREST:g} from the ends; got values from "
            f"{p.min():g} to {p.max():g}. A row whose arm was certain belongs to no comparison: leave it out."
        )
    return p


def check_design(owner, X, rows):
    """Return the matrix of the rows that take part, and the names of its columns (None for what has none)."""
    matrix = _matching(owner, "X", check_matrix(X, owner, "X"), rows)
    n, k = matrix.shape
    if n < k:
        raise InputError(f"{owner}: X must have no more columns ({k}) than rows of positive weight; got {n} of these.")
    largest = np.abs(matrix).max(axis=0)
    if (largest < _TINY).any():
        raise InputError(
            f"{owner}: X must have no column of zeros, or of numbers below {_TINY:g}; got one in column "
            f"{int((largest < _TINY).argmax())} (counting from 0). Drop or rescale it."
        )
    root = 1.0 if rows.weights is None else np.sqrt(rows.weights)[:, None]
    r = np.asarray(np.linalg.qr(matrix / largest * root, mode="r"))
    alone = np.abs(np.diag(r)) > 1e-10 * np.sqrt((r**2).sum(axis=0))
    if not alone.all():
        raise InputError(
            f"{owner}: X must have columns of which none is a combination of the others; column "
            f"{int(alone.argmin())} (counting from 0) is one of those before it. Drop it."
        )
    names = column_names(X)
    return matrix, None if names is None else tuple(names)


def _matching(owner, name, array, rows):
    n = len(rows.z) if rows.kept is None else len(rows.kept)
    if len(array) != n:
        raise InputError(
            f"{owner}: {name} must have as many rows as y_pred ({n}); got {len(array)}. "
            "Row i of each must describe the same item."
        )
    return rows.of(array)
