"""What a verb of prediction-powered inference works on: rows or moments of both kinds, checked, and their two sides."""

import numpy as np

from uq._base.exceptions import InputError, NotIdentifiedError

from ._ppi_maps import effect, mean, regression
from ._ppi_moments import Collected, LabelledMoments, UnlabelledMoments
from ._ppi_rows import Taken, check_apart, check_kind, take
from ._ppi_sides import Labelled, Unlabelled

__all__ = ["added", "all_added", "rows_of_verb", "side_of"]

NEEDS = {"ols": "X", "logistic": "X", "ate": "treatment"}


def rows_of_verb(owner, verb, labelled, unlabelled, y_pred, given):
    """Return labelled and unlabelled rows that have what a verb needs, each `Taken` or `Collected`.

    `unlabelled` are the moments collected before, which stand where there is no `y_pred`.
    """
    needed = NEEDS.get(verb)
    if verb in ("quantile", "logistic") and isinstance(labelled, Collected):
        raise InputError(
            f"{owner}: the labelled rows themselves are needed; got moments, of partial_fit or merge. Use fit."
        )
    has = labelled.n_x if isinstance(labelled, Collected) and needed == "X" else _column(labelled, needed)
    if needed and has is None:
        raise InputError(f"{owner}: {needed} must be given to fit, for the labelled rows; got {needed}=None there.")
    if y_pred is None:
        if verb in ("quantile", "logistic"):
            raise InputError(f"{owner}: y_pred must hold the predictions of the unlabelled rows; got None.")
        if unlabelled is None or any(value is not None for value in given.values()):
            raise InputError(
                f"{owner}: y_pred must hold the predictions of the unlabelled rows, unless these went to "
                "partial_estimate, with all that belongs to them; got None."
            )
        if needed and (unlabelled.n_x if needed == "X" else unlabelled.arms) is None:
            raise InputError(f"{owner}: {needed} must be given to partial_estimate; got {needed}=None there.")
    else:
        if needed and given[needed] is None:
            raise InputError(f"{owner}: {needed} must be given, one row per prediction; got None.")
        unlabelled = take(owner, y_pred, **given)
        check_apart(owner, labelled, unlabelled)
    check_kind(owner, verb, labelled, unlabelled)
    return labelled, unlabelled


def _column(side, name):
    if name is None:
        return None
    if isinstance(side, Collected):
        return {"treatment": side.arms}.get(name)
    return side.rows.groups if name == "groups" else getattr(side, name)


def side_of(owner, verb, rows, labelled):
    """Return the side, labelled or not, that rows or moments are to a linear verb."""
    if isinstance(rows, Taken):
        make = {
            "mean": lambda: mean(rows.rows),
            "ols": lambda: regression(rows.rows, rows.X, rows.names),
            "ate": lambda: effect(rows.rows, rows.treatment, rows.propensity),
        }[verb]
        return (Labelled if labelled else Unlabelled)(make(), rows.rows)
    if verb == "ate" and None in rows.arms:
        raise InputError(f"{owner}: treatment must hold both arms, 0 and 1; the parts so far hold one of them.")
    try:
        return (LabelledMoments if labelled else UnlabelledMoments)(rows, verb)
    except np.linalg.LinAlgError:
        raise NotIdentifiedError(
            f"{owner}: the columns of X depend on each other in the rows so far. Drop one, or give more rows."
        ) from None


def all_added(owner, parts):
    """Return the moments of one part or two, None for none."""
    return added(owner, None if len(parts) == 1 else parts[0], parts[-1]) if parts else None


def added(owner, old, new):
    """Return the moments of both parts, which must hold the same; `old` may be None."""
    if old is None:
        return new
    if old.kind() != new.kind():
        raise InputError(f"{owner}: all parts must hold the same; got {new.kind()} after {old.kind()}.")
    return old.merge(new)
