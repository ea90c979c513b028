"""The boundary of prediction-powered inference: labelled and unlabelled rows, whole or in parts."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from uq._base.alignment import check_order
from uq._base.containers import as_numeric, column_names, index_of
from uq._base.exceptions import InputError
from uq._base.validation import check_binary, check_matrix, check_vector, check_weights

from ._checks import Rows, check_design, check_propensity, check_rows, check_treatment
from ._functional import carrying_units
from ._ppi_maps import MANY_ROWS, well_inverted
from ._ppi_moments import Collected
from ._row_labels import only_count, same_rows

__all__ = ["Taken", "check_apart", "check_clusters", "check_kind", "take"]


@dataclass(frozen=True, slots=True)
class Taken:
    """Checked rows of positive weight.

    Parameters
    ----------
    rows : Rows
    folds : ndarray of shape (n, n_folds) or None
    X : ndarray of shape (n, k) or None
    names : tuple of str or None
    treatment, propensity : ndarray of shape (n,) or None
    weights : ndarray of shape (n,) or None
        As the caller gave them.
    """

    rows: Rows
    folds: Any = None
    X: Any = None
    names: Any = None
    treatment: Any = None
    propensity: Any = None
    weights: Any = None

    @property
    def units(self):
        """Return how many clusters, or rows where there are none, carry a mean."""
        return carrying_units(self.rows.weights, self.rows.groups, len(self.rows.z))

    @property
    def count(self):
        """Return how many there are."""
        return len(self.rows.z) if self.rows.groups is None else self.rows.n_groups

    @property
    def kind(self):
        """Return what the units are."""
        return "rows" if self.rows.groups is None else "clusters"

    def collected(self):
        """Return the moments of the rows."""
        rows = self.rows
        return Collected.of(rows.z, rows.y, self.X, self.names, self.treatment, self.weights, self.propensity)

    def own(self):
        """Return the same rows in arrays that nobody else can change."""
        rows = self.rows
        rows = replace(rows, z=rows.z.copy(), y=None if rows.y is None else rows.y.copy())
        own = {
            name: None if getattr(self, name) is None else getattr(self, name).copy()
            for name in ("X", "treatment", "propensity", "weights")
        }
        return replace(self, rows=rows, **own)


def take(
    owner, y_pred, *, y=None, X=None, treatment=None, sample_weight=None, groups=None, propensity=None, part=False,
    labelled=False,
):  # fmt: skip
    """Return the rows that take part; a `part` of several need not hold both arms, nor enough rows for X.

    A part whose weights are all 0 is None, once all else of it is checked.

    Parameters
    ----------
    labelled : bool
        Rows with truth have one prediction each, others may have several.
    """
    folds, nothing = None, False
    if part and sample_weight is not None:
        given = check_vector(sample_weight, owner, "sample_weight")
        nothing = not given.any()
        sample_weight = given + 1 if nothing else sample_weight
    order = check_order(
        owner, y_pred=y_pred, y=y, X=X, treatment=treatment, sample_weight=sample_weight, groups=groups,
        propensity=propensity,
    )  # fmt: skip
    if labelled:
        if y is None:
            raise InputError(f"{owner}: y must hold what turned out to be true, one number per row; got None.")
    else:
        y_pred, folds, index = _averaged(owner, y_pred)
    rows = replace(check_rows(owner, y_pred, sample_weight, groups, y), order=order)
    if rows.weights is not None and rows.weights.min() == 1:
        rows = replace(rows, weights=None)  # equal ones are none
    if folds is not None:
        folds = rows.of(folds)
        if groups is None and index is not None:
            rows = replace(rows, ids=rows.of(index))
    design, names = (None, None) if X is None else _check_columns(owner, X, rows, part)
    arm = None
    if treatment is not None:
        arm = _check_arms(owner, treatment, rows) if part else check_treatment(owner, treatment, rows)
    p = check_propensity(owner, propensity, rows)
    if p is not None and arm is None:
        raise InputError(f"{owner}: propensity must come with treatment; got treatment=None.")
    if nothing:
        return None
    weights = None if sample_weight is None else rows.of(check_weights(sample_weight, owner, _given(rows)))
    return Taken(rows, folds, design, names, arm, p, weights)


def _averaged(owner, y_pred):
    """Return one prediction per row, all of them where there are several, and the row labels of the caller."""
    array = as_numeric(y_pred, owner, "y_pred")
    if array.ndim != 2 or array.shape[1] < 2:
        return y_pred, None, None
    folds = check_matrix(y_pred, owner, "y_pred")
    return folds.mean(axis=1), folds, index_of(y_pred)


def _given(rows):
    return len(rows.z) if rows.kept is None else len(rows.kept)


def _check_columns(owner, X, rows, part):
    if not part and _given(rows) < MANY_ROWS:
        return check_design(owner, X, rows)
    matrix = check_matrix(X, owner, "X")
    if len(matrix) != _given(rows):
        raise InputError(
            f"{owner}: X must have as many rows as y_pred ({_given(rows)}); got {len(matrix)}. "
            "Row i of each must describe the same item."
        )
    matrix = rows.of(matrix)
    if not part and well_inverted(matrix, rows.weights) is None:
        return check_design(owner, X, rows)
    names = column_names(X)
    return matrix, None if names is None else tuple(names)


def _check_arms(owner, treatment, rows):
    arm = check_binary(check_vector(treatment, owner, "treatment"), owner, "treatment")
    if len(arm) != _given(rows):
        raise InputError(
            f"{owner}: treatment must have as many rows as y_pred ({_given(rows)}); got {len(arm)}. "
            "Row i of each must describe the same item."
        )
    return rows.of(arm)


def check_kind(owner, verb, labelled, unlabelled):
    """Raise unless both kinds of rows have what a verb needs; each is a `Taken` or a `Collected`."""
    check_clusters(owner, labelled, unlabelled)
    if verb == "ate":
        has = [_has_propensity(side) for side in (labelled, unlabelled)]
        if has[0] != has[1]:
            raise InputError(
                f"{owner}: propensity must be given for labelled and unlabelled rows alike, or for neither; got it for "
                f"{'the labelled' if has[0] else 'the unlabelled'} ones only."
            )
    if verb in ("ols", "logistic"):
        columns = [side.n_x if isinstance(side, Collected) else side.X.shape[1] for side in (labelled, unlabelled)]
        if columns[0] != columns[1]:
            raise InputError(
                f"{owner}: X must have the columns of the labelled rows ({columns[0]}); got {columns[1]} columns."
            )
        if None not in (labelled.names, unlabelled.names) and labelled.names != unlabelled.names:
            raise InputError(
                f"{owner}: X must have the columns of the labelled rows, {', '.join(labelled.names)}, in this order; "
                f"got {', '.join(unlabelled.names)}."
            )


def check_clusters(owner, labelled, unlabelled):
    """Raise unless both kinds of rows are clusters, or neither; moments never are."""
    has = [isinstance(side, Taken) and side.rows.groups is not None for side in (labelled, unlabelled)]
    if has[0] == has[1]:
        return
    remedy = "Rows that belong to no cluster get a label of their own."
    if any(isinstance(side, Collected) for side in (labelled, unlabelled)):
        remedy = "Moments (partial_fit, partial_estimate, merge) know no clusters: give the rows to fit and the verb."
    raise InputError(
        f"{owner}: groups must be given for labelled and unlabelled rows alike, or for neither; got them for "
        f"{'the labelled' if has[0] else 'the unlabelled'} ones only. {remedy}"
    )


def check_apart(owner, labelled, unlabelled):
    """Raise where row labels show that labelled rows are among the unlabelled ones.

    Numbers, dates, and labels that stand at the same place of both may name rows of other frames alike: there the
    predictions must agree as well.
    """
    if isinstance(labelled, Collected) or isinstance(unlabelled, Collected):
        return
    orders = labelled.rows.order, unlabelled.rows.order
    if None in orders:
        return
    here, there = labelled.rows.of(orders[0][1]), unlabelled.rows.of(orders[1][1])
    if here.nlevels != there.nlevels or not (here.is_unique and there.is_unique):
        return
    try:
        places = there.get_indexer(here)
    except (TypeError, ValueError, NotImplementedError):  # labels of kinds that are not compared are different
        return
    shared = places >= 0
    if not shared.any():
        return
    counted = only_count(here) or only_count(there) or np.array_equal(places[shared], np.flatnonzero(shared))
    if counted and not same_rows(labelled.rows.z[shared], unlabelled.rows.z[places[shared]]):
        return
    raise InputError(
        f"{owner}: y_pred must hold unlabelled rows alone; by its index {int(shared.sum())} of {len(there)} rows are "
        f"labelled ones of fit, such as {here[shared][0]!r:.60}, and would count twice. Drop them, or, if these are "
        "others, give rows an index that tells them apart."
    )


def _has_propensity(side):
    return side.propensity if isinstance(side, Collected) else side.propensity is not None
