"""Probabilities of classes and the labels they belong to, checked where they come in."""

from numbers import Real

import numpy as np

from .containers import as_labels, column_names
from .exceptions import InputError
from .validation import check_groups, check_matrix, check_vector

__all__ = [
    "check_classes",
    "check_column_names",
    "check_probability_rows",
    "check_probability_vector",
    "classes_in_names",
    "clipped",
    "codes_of",
    "names_of_columns",
]

OFF_ONE = 1e-3  # by how much the probabilities of a row may sum to something else: half precision, printed digits
ROUNDED = 1e-6  # a softmax in single precision may exceed 1 by a hair


def check_probability_rows(x, owner, name, off_one=OFF_ONE):
    """Return a float64 matrix (rows, classes) of probabilities, each row of which sums to 1 but for rounding."""
    array = check_matrix(x, owner, name, min_columns=2)
    if array.min() < -ROUNDED or array.max() > 1 + ROUNDED:
        raise InputError(
            f"{owner}: {name} must hold probabilities, within [0, 1]; got values from {array.min():g} to "
            f"{array.max():g}. Logits must go through a softmax first."
        )
    sums = array @ np.ones(array.shape[1])  # several times quicker than sum(axis=1) over a few columns
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > off_one:
        raise InputError(
            f"{owner}: the probabilities of each row of {name} must sum to 1; got {sums[worst]:g} in row {worst} "
            "(counting from 0). Divide each row by its sum."
        )
    return array


def check_probability_vector(x, owner, name):
    """Return probabilities of one event, float64 of shape (n,), within [0, 1] but for rounding."""
    array = check_vector(x, owner, name)
    if array.min() < -ROUNDED or array.max() > 1 + ROUNDED:
        raise InputError(
            f"{owner}: {name} must hold probabilities, within [0, 1]; got values from {array.min():g} to "
            f"{array.max():g}. Logits must go through a sigmoid first."
        )
    return array


def clipped(array):
    """Return the array itself where nothing lies outside of [0, 1], which saves a copy: never write to it."""
    return array if array.min() >= 0 and array.max() <= 1 else np.clip(array, 0.0, 1.0)


def check_classes(classes, labels, n_columns, owner, hint=""):
    """Return the labels of the columns, and the column of each row's label."""
    if classes is None:
        codes, names = check_groups(labels, owner, len(labels), name="y", min_groups=1)
        if len(names) != n_columns:
            raise InputError(
                f"{owner}: y must hold as many different labels as there are columns of probabilities ({n_columns}); "
                f"got {len(names)}{hint}. Pass classes=model.classes_, the label of each column."
            )
        return _plain(names), codes
    names = as_labels(classes, owner, "classes")
    if len(names) != n_columns or len(set(names.tolist())) < n_columns:
        raise InputError(
            f"{owner}: classes must name each of the {n_columns} columns, none twice; got {names.tolist()!r:.200}."
        )
    codes = codes_of(labels, names, owner, "y")
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise InputError(
            f"{owner}: y must hold labels of classes ({names.tolist()!r:.200}); got {labels[row]!r} in row {row} "
            "(counting from 0)."
        )
    return _plain(names.copy()), codes


def names_of_columns(x):
    """Return the names of two or more columns; one column can be called anything."""
    names = column_names(x)
    return None if names is None or len(names) < 2 else names


def check_column_names(names, x, owner, name, classes=None):
    """Raise where the columns have other names than in fit, or another order: numbers would be taken for others.

    Where fit saw no names, the `classes` of its columns must not stand in another order.
    """
    found = names_of_columns(x)
    if names is None and classes is not None and found != [str(j) for j in range(len(classes))]:
        order = classes_in_names(found, classes)
        names = found if order is None else [found[order.tolist().index(label)] for label in classes.tolist()]
    if names is None or found is None or names == found:
        return
    numbered = [str(j) for j in range(len(names))]  # what a frame calls columns that have no name
    if sorted(names) == sorted(found) or numbered not in (names, found):
        raise InputError(
            f"{owner}: {name} must have the columns of fit, in their order ({names!r:.200}); got {found!r:.200}. "
            "Select them by name, in the order of fit."
        )


def classes_in_names(names, labels):
    """Return the labels in the order of the columns, where the names of these are just the labels; else None."""
    if names is None or len(labels) == 0:
        return None
    try:
        given = set(labels.tolist())
    except TypeError:  # labels that cannot be hashed: they are refused soon
        return None
    for spell in (str, _spelled):  # as texts first: "01" and "1", or "1E1" and "10", may be two classes
        known = {spell(label): label for label in given}
        spelled = [spell(name) for name in names]
        if len(set(spelled)) == len(spelled) == len(given) and set(spelled) == set(known):
            return np.array([known[name] for name in spelled], dtype=labels.dtype)
    return None


def _spelled(label):
    """Return a number for what reads as one, so that 1, 1.0, "1" and True are one label, else the text."""
    text = str(label)
    if text in ("True", "False"):
        return float(text == "True")
    try:
        return float(text)
    except ValueError:
        return text


def codes_of(labels, classes, owner, name):
    """Return the column of each label, and -1 for a label that is no class."""
    codes, names = check_groups(labels, owner, len(labels), name=name, min_groups=1)
    column = {label: j for j, label in enumerate(classes.tolist())}
    return np.array([column.get(label, -1) for label in names.tolist()], dtype=np.intp)[codes]


def _plain(names):
    """Return numbers in an array of objects as an array of numbers."""
    whole = names.dtype == object and all(isinstance(name, Real) for name in names)
    return np.array(names.tolist()) if whole else names
