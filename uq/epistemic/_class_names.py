"""Names of classes: what the columns of a frame are called, and whether two objects mean the same by a column."""

from itertools import starmap
from typing import Any

import numpy as np

from uq._base.classes import classes_in_names, codes_of, names_of_columns
from uq._base.containers import as_labels, dimensions
from uq._base.exceptions import InputError

__all__ = ["check_class_names", "check_same_classes", "class_codes", "column_labels", "label_array", "plain"]


def plain(value):
    """Return a NumPy scalar as what Python calls it."""
    return value.item() if isinstance(value, (np.number, np.bool_, np.str_)) else value


def column_labels(x, owner, name):
    """Return the labels of the columns of a frame as a tuple, numbers and truth values as such; None for no names."""
    names = names_of_columns(x)
    if names is None:
        return None
    labels: Any = getattr(x, "columns", None)  # pyarrow's are the data, and have no names
    if type(labels).__name__ == "RangeIndex" and list(labels) == list(range(len(names))):
        return None
    if type(x).__module__.startswith("polars") and names == [f"column_{j}" for j in range(len(names))]:
        return None
    found = tuple(starmap(_label, zip(labels, names, strict=True))) if hasattr(x, "iloc") else tuple(names)
    if len(set(found)) < len(found) or len(set(names)) < len(names):
        twice = next(
            label for label, text in zip(found, names, strict=True) if found.count(label) > 1 or names.count(text) > 1
        )
        raise InputError(f"{owner}: the columns of {name} must have different names; got {twice!r} more than once.")
    return found


def _label(value, text):
    value = plain(value)
    return value if isinstance(value, (bool, int, float)) and value == value else text


def label_array(labels):
    """Return labels as an array that holds what they are: objects where they are of several kinds."""
    kinds = {type(label) for label in labels}
    if len(kinds) == 1 and kinds <= {bool, int, float, str}:
        return np.array(labels)
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


def check_same_classes(found, classes, owner, name, of):
    """Raise where `found`, the classes of the columns of `name`, are others than `classes`, those of `of`, or turned.

    None on either side says nothing; nor do the numbers 0, 1, ..., which are what columns without names are called.
    Equal means of one spelling: 1 is "1".
    """
    if found is None or classes is None or len(found) != len(classes):
        return
    if list(map(str, found)) == list(map(str, classes)):
        return
    order = classes_in_names([str(label) for label in found], label_array(classes))
    if order is None:
        numbered = [str(j) for j in range(len(classes))]
        same = numbered in ([str(label) for label in found], [str(label) for label in classes])
    else:
        same = order.tolist() == list(classes)
    if not same:
        raise InputError(
            f"{owner}: {name} must have the classes of {of}, in their order ({list(classes)!r:.200}); got "
            f"{list(found)!r:.200}. Select the columns in that order, or rename them."
        )


def check_class_names(classes, k, owner):
    """Return the names of the classes as a tuple of k different labels, or None."""
    if classes is None:
        return None
    names = tuple(plain(label) for label in as_labels(classes, owner, "classes").tolist())
    if len(names) != k or len(set(names)) < k:
        raise InputError(f"{owner}: classes must name each of the {k} classes, none twice; got {names!r:.200}.")
    return names


def class_codes(y, classes, n, k, owner):
    """Return the column of the class of each row; `y` is one label or one per row (columns where none are named)."""
    alone = dimensions(y) == 0 or isinstance(y, str)
    labels = as_labels([plain(y)] if alone else y, owner, "y")
    names = list(range(k)) if classes is None else list(classes)
    if labels.dtype == object or len({type(name) for name in names}) > 1:  # an array would turn 1 beside "a" into text
        column = {name: j for j, name in enumerate(names)}
        codes = np.array([_column(column, plain(label)) for label in labels.tolist()], dtype=np.intp)
    else:
        codes = codes_of(labels, np.array(names), owner, "y") if len(labels) else np.empty(0, dtype=np.intp)
    if (codes < 0).any():
        raise InputError(
            f"{owner}: y must name a class ({names!r:.200}); got {plain(labels[codes < 0][0])!r}. Where the classes "
            "have no names they are numbered from 0."
        )
    if not alone and len(codes) != n:
        raise InputError(f"{owner}: y must be one class, or one per row ({n}); got {len(codes)}.")
    return np.repeat(codes, n) if alone else codes


def _column(columns, label):
    try:
        return columns.get(label, -1)
    except TypeError:  # a dict or a set, which names nothing
        return -1
