"""What comes in as a joint, as logits, as conditionals or as counts of responses is checked here, once."""

import numpy as np

from uq._base.classes import ROUNDED, check_probability_rows, check_probability_vector, clipped
from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.validation import check_matrix

from ._class_names import check_same_classes, column_labels
from ._pair_rounding import input_eps, off_one

__all__ = [
    "check_class_probabilities",
    "check_conditional",
    "check_counts",
    "check_joint_shape",
    "check_joint_values",
    "check_log_joint",
    "check_members",
]


def check_joint_shape(x, owner, name):
    """Return a float64 array (n, K, K); (n, K * K), the rows of each joint one after the other, is taken as well."""
    array = as_numeric(x, owner, name)
    if array.ndim == 2:
        k = round(array.shape[1] ** 0.5)
        if k * k == array.shape[1] and k > 1 and array.shape != (k, k):
            array = array.reshape(len(array), k, k)
    if array.ndim != 3 or array.shape[1] != array.shape[2] or array.shape[1] < 2:
        raise InputError(
            f"{owner}: {name} must have shape (n_samples, n_classes, n_classes) with two classes or more; got "
            f"{array.shape}. One row alone is written {name}[None]."
        )
    if not len(array):
        raise InputError(f"{owner}: {name} must hold at least one row; got none.")
    return array


def check_joint_values(sums, least, off, owner, name):
    """Raise unless the entries are probabilities of pairs that sum to 1 in every row, but for `off`."""
    if not least >= -ROUNDED:
        what = f"{least:g}" if least == least else "NaN"
        raise InputError(
            f"{owner}: {name} must hold probabilities of pairs, none negative or missing; got {what}. Logits go "
            "through PairDistribution.from_logits."
        )
    gap = np.abs(sums - 1)
    worst = int(np.argmax(np.where(np.isfinite(gap), gap, np.inf)))
    if not gap[worst] <= off:
        raise InputError(
            f"{owner}: the entries of {name} must sum to 1 in each row, over all pairs of classes; got {sums[worst]:g} "
            f"in row {worst} (counting from 0). Divide each matrix by its sum."
        )


def check_log_joint(x, owner, name):
    """Return logits (n, K, K), where -inf rules a pair out."""
    array = as_numeric(x, owner, name)
    side = array.shape[0] if array.ndim == 2 else 0
    if side > 1 and array.shape == (side, side) and round(side**0.5) ** 2 == side:
        k = round(side**0.5)
        raise InputError(
            f"{owner}: {name} must have three axes where they could be one row or many; got shape {array.shape}. One "
            f"row of {side} classes is {name}[None], {side} rows of {k} are {name}.reshape({side}, {k}, {k})."
        )
    array = check_joint_shape(array, owner, name)
    top = array.reshape(len(array), -1).max(axis=1)
    if not (np.isfinite(top) & (np.abs(top) <= 1e150)).all():
        row = int(np.flatnonzero(~(np.isfinite(top) & (np.abs(top) <= 1e150)))[0])
        raise InputError(
            f"{owner}: {name} must be finite, or -inf for pairs that cannot be, but not for all of a row; got "
            f"{top[row]:g} as the largest of row {row} (counting from 0)."
        )
    low = np.where(np.isneginf(array), 0.0, array).min()
    if not low >= -1e150:
        raise InputError(f"{owner}: {name} must be -inf or not below -1e150; got {low:g}.")
    return array


def check_class_probabilities(x, owner, name, eps=None):
    """Return probabilities (n, K) whose rows sum to 1; one column is P(the second of two classes)."""
    array = as_numeric(x, owner, name)
    eps = input_eps(x) if eps is None else eps
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        p = check_probability_vector(array, owner, name)
        array = np.column_stack([1 - p, p])
    array = check_probability_rows(array, owner, name, off_one(eps, np.atleast_1d(array).shape[-1]))
    array = clipped(array)
    sums = array @ np.ones(array.shape[1])
    off = np.abs(sums - 1) > 1e-12
    return array / np.where(off, sums, 1.0)[:, None] if off.any() else array


def check_members(x, owner, name):
    """Return probabilities (n_members, n, K) of several models, or of draws of one."""
    array = as_numeric(x, owner, name)
    if array.ndim == 2:
        array = np.stack([1 - array, array], axis=-1)
    if array.ndim != 3 or not array.size:
        raise InputError(
            f"{owner}: {name} must have shape (n_members, n_samples, n_classes), or (n_members, n_samples) for the "
            f"probabilities of the second of two classes; got {array.shape}."
        )
    members, n, k = array.shape
    return check_class_probabilities(array.reshape(members * n, k), owner, name, input_eps(x)).reshape(members, n, k)


def check_conditional(marginal, conditional, owner):
    """Return (n, K) probabilities of the first response and (n, K, K) of the second given the first."""
    m = check_class_probabilities(marginal, owner, "marginal")
    c = check_joint_shape(conditional, owner, "conditional")
    if c.shape != (len(m), m.shape[1], m.shape[1]):
        raise InputError(
            f"{owner}: conditional must have shape {(len(m), m.shape[1], m.shape[1])}, a distribution of the second "
            f"response for each first one; got {c.shape}."
        )
    n, k = m.shape
    return m, check_class_probabilities(c.reshape(n * k, k), owner, "conditional", input_eps(conditional)).reshape(
        n, k, k
    )


def check_counts(y, owner, name="y", *, n=None, k=None, classes=None, of="pairs"):
    """Return counts of responses (n, K) as floats: whole numbers, two or more in each row.

    The columns of a frame must be called as `classes`, those of the argument `of`, where these are known.
    """
    array = check_matrix(y, owner, name, min_columns=2)
    if (array < 0).any() or (array != np.floor(array)).any():
        bad = array[(array < 0) | (array != np.floor(array))][0]
        raise InputError(
            f"{owner}: {name} must hold counts of responses per class, whole numbers of at least 0; got {bad:g}. "
            "Shares must be multiplied by the number of responses."
        )
    if array.max() > 2**31:
        raise InputError(f"{owner}: {name} must hold counts of at most 2**31; got {array.max():g}.")
    total = array.sum(axis=1)
    if total.min() < 2:
        row = int(np.flatnonzero(total < 2)[0])
        raise InputError(
            f"{owner}: {name} must hold at least 2 responses per row, independent given x; got {total[row]:g} in "
            f"row {row} (counting from 0). One response says nothing about the variance: leave such rows out."
        )
    if n is not None and array.shape != (n, k):
        raise InputError(
            f"{owner}: {name} must have one row per item and one column per class, shape {(n, k)}; got {array.shape}."
        )
    check_same_classes(column_labels(y, owner, name), classes, owner, name, of)
    return array
