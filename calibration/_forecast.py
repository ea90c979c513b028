"""What every metric and recalibrator of probabilities checks first: outcomes and forecasts, binary or of classes."""

import contextlib
import warnings
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.classes import (
    check_classes,
    check_probability_rows,
    check_probability_vector,
    classes_in_names,
    clipped,
    names_of_columns,
)
from uq._base.containers import as_labels, as_numeric
from uq._base.exceptions import InputError
from uq._base.validation import check_groups, check_same_length, check_vector, check_weights, is_binary

__all__ = ["Forecast", "check_forecast", "check_probabilities", "labels_are_columns", "match_truth"]

_numbered: ContextVar[bool] = ContextVar("labels are numbers of columns", default=False)


@contextlib.contextmanager
def labels_are_columns():
    """Within, integer labels are the numbers of their columns, whichever of them occur."""
    token = _numbered.set(True)
    try:
        yield
    finally:
        _numbered.reset(token)


@dataclass(frozen=True)
class Forecast:
    """Checked rows: `y` in [0, 1] and `p` of shape (n,) for a binary forecast; codes and (n, K) for classes."""

    y: Any
    p: Any
    weights: Any
    groups: Any
    classes: Any

    @property
    def binary(self):
        """Whether y_prob is P(y = 1), held against y."""
        return self.p.ndim == 1

    def confidence(self):
        """Return (probability of the likeliest class, whether it came true); of a binary forecast (p, y) itself."""
        if self.binary:
            return self.p, self.y
        top = self.p.argmax(axis=1)
        return np.take_along_axis(self.p, top[:, None], axis=1)[:, 0], (top == self.y).astype(np.float64)


def check_probabilities(y_prob, owner, name="y_prob"):
    """Return P(y = 1) of shape (n,), or a matrix (n, K) whose rows sum to 1; clipped to [0, 1] by a hair at most."""
    array = as_numeric(y_prob, owner, name)
    if array.ndim == 2 and array.shape[1] > 1:
        return clipped(check_probability_rows(array, owner, name))
    return clipped(check_probability_vector(array, owner, name))


def check_forecast(y_true, y_prob, owner, *, sample_weight=None, groups=None, classes=None, soft=True, y_name="y_true"):
    """Return the rows as a Forecast.

    Binary: `y_prob` of shape (n,) or (n, 1) is P(y = 1) and `y_true` holds 0 and 1 (or, where `soft`, shares in
    [0, 1]). Classes: `y_prob` of shape (n, K), `y_true` labels; the columns are named by `classes`, else by the names
    of a frame that are just the labels, else by the sorted labels (integers 0 ... K - 1 among which 0 occurs name
    their columns, whether the others occur or not).
    """
    p = check_probabilities(y_prob, owner)
    forecast = match_truth(
        y_true,
        p,
        owner,
        sample_weight=sample_weight,
        groups=groups,
        classes=classes,
        soft=soft,
        y_name=y_name,
        names=names_of_columns(y_prob),
    )
    if forecast.binary and soft and is_binary(p[:100]) and is_binary(p) and not is_binary(forecast.y):
        warnings.warn(
            f"{owner}: all forecasts are 0 or 1, and the outcomes are not. Are {y_name} and y_prob swapped?",
            UserWarning,
            stacklevel=3,
        )
    return forecast


def match_truth(
    y_true, p, owner, *, sample_weight=None, groups=None, classes=None, soft=True, y_name="y_true", names=None
):
    """Return outputs that are checked already (probabilities or logits) with their outcomes, as `check_forecast`.

    `names` are those of the columns of a frame.
    """
    if p.ndim == 1:
        if classes is not None:
            raise InputError(f"{owner}: classes go with probabilities of shape (n, n_classes); got shape {p.shape}.")
        y = _events(y_true, owner, y_name)
        if (not soft and not is_binary(y)) or y.min() < 0 or y.max() > 1:
            allowed = "0, 1 or a share between them" if soft else "0 or 1"
            raise InputError(
                f"{owner}: {y_name} must be {allowed} where y_prob is P(y = 1); got values from {y.min():g} to "
                f"{y.max():g}. For labels pass one column of y_prob per class."
            )
        of_columns = None
    else:
        labels = _labels(y_true, p.shape, owner, y_name)
        check_same_length(owner, **{y_name: labels, "y_prob": p})
        if classes is None:
            classes = _classes(labels, p.shape[1], names, owner, y_name)
        of_columns, y = _columns_of(classes, labels, p.shape[1], owner)
    n = check_same_length(owner, **{y_name: y, "y_prob": p})
    weights = check_weights(sample_weight, owner, n)
    codes = None if groups is None else check_groups(groups, owner, n)[0]
    return Forecast(y, p, weights, codes, of_columns)


def _columns_of(classes, labels, k, owner):
    """Return what `check_classes` does, without sorting the labels where they are the numbers of the columns."""
    if isinstance(classes, range):
        classes = np.asarray(classes)
    counted = isinstance(classes, np.ndarray) and classes.dtype.kind in "iu" and np.array_equal(classes, np.arange(k))
    if counted and labels.dtype.kind in "iu" and len(labels) and labels.min() >= 0 and labels.max() < k:
        return np.arange(k), labels.astype(np.intp)
    return check_classes(classes, labels, k, owner)


def _classes(labels, k, names, owner, y_name):
    """Return the label of each column, or None for the sorted labels; raise where integers could be either."""
    if labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0 or labels.max() >= k:
        return classes_in_names(names, labels)
    if labels.min() > 0 and not _numbered.get():
        raise InputError(
            f"{owner}: {y_name} must hold 0, or all of the {k} labels, for integers to say which column is theirs; got "
            f"{labels.min()} to {labels.max()}, which may count from 0 or from 1. Pass classes=model.classes_, the "
            f"label of each column, such as classes=range({k})."
        )
    named = classes_in_names(names, np.arange(k))
    return np.arange(k) if named is None else named


def _events(y_true, owner, y_name):
    try:
        return check_vector(y_true, owner, y_name)
    except InputError as error:
        try:
            text = next((v for v in as_labels(y_true, owner, y_name) if isinstance(v, (str, bytes))), None)
        except InputError:
            text = None
        if text is None:
            raise
        word = str(text) if isinstance(text, str) else text
        raise InputError(
            f"{owner}: {y_name} must be real numbers, 0 or 1, where y_prob is P(y = 1); got labels such as "
            f"{word!r:.60}. Use {y_name} == {word!r:.60}, or one column of y_prob per class."
        ) from error


def _labels(y_true, shape, owner, y_name):
    try:
        return as_labels(y_true, owner, y_name)
    except InputError as error:
        try:
            alike = np.shape(y_true) == shape
        except (ValueError, TypeError, RuntimeError):
            alike = False
        if not alike:
            raise
        raise InputError(
            f"{error} Columns of 0 and 1 become labels by {y_name}.argmax(axis=1), numbers of columns."
        ) from error
