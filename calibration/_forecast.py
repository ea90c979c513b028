"""What every metric and recalibrator of probabilities checks first: outcomes and forecasts, binary or of classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.classes import check_classes, check_probability_rows
from uq._base.containers import as_labels, as_numeric
from uq._base.exceptions import InputError
from uq._base.validation import check_groups, check_same_length, check_vector, check_weights

__all__ = ["Forecast", "check_forecast", "check_probabilities", "match_truth"]

ROUNDED = 1e-6  # a sigmoid in single precision may exceed 1 by a hair


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
        return _clipped(check_probability_rows(array, owner, name))
    array = check_vector(array, owner, name)
    if array.min() < -ROUNDED or array.max() > 1 + ROUNDED:
        raise InputError(
            f"{owner}: {name} must hold probabilities, within [0, 1]; got values from {array.min():g} to "
            f"{array.max():g}. Logits must go through a sigmoid first."
        )
    return _clipped(array)


def _clipped(array):
    """Return the array itself where nothing lies outside, which saves a copy: never write to it."""
    return array if array.min() >= 0 and array.max() <= 1 else np.clip(array, 0.0, 1.0)


def check_forecast(y_true, y_prob, owner, *, sample_weight=None, groups=None, classes=None, soft=True, y_name="y_true"):
    """Return the rows as a Forecast.

    Binary: `y_prob` of shape (n,) or (n, 1) is P(y = 1) and `y_true` holds 0 and 1 (or, where `soft`, shares in
    [0, 1]). Classes: `y_prob` of shape (n, K), `y_true` labels; `classes` names the columns, the sorted labels
    otherwise (integers 0 ... K - 1 name their columns, whether all occur or not).
    """
    p = check_probabilities(y_prob, owner)
    return match_truth(
        y_true, p, owner, sample_weight=sample_weight, groups=groups, classes=classes, soft=soft, y_name=y_name
    )


def match_truth(y_true, p, owner, *, sample_weight=None, groups=None, classes=None, soft=True, y_name="y_true"):
    """Return outputs that are checked already (probabilities or logits) with their outcomes, as `check_forecast`."""
    if p.ndim == 1:
        if classes is not None:
            raise InputError(f"{owner}: classes go with probabilities of shape (n, n_classes); got shape {p.shape}.")
        y = check_vector(y_true, owner, y_name)
        if (not soft and not ((y == 0) | (y == 1)).all()) or y.min() < 0 or y.max() > 1:
            allowed = "0, 1 or a share between them" if soft else "0 or 1"
            raise InputError(
                f"{owner}: {y_name} must be {allowed} where y_prob is P(y = 1); got values from {y.min():g} to "
                f"{y.max():g}. For labels pass one column of y_prob per class."
            )
        names = None
    else:
        labels = as_labels(y_true, owner, y_name)
        check_same_length(owner, **{y_name: labels, "y_prob": p})
        k = p.shape[1]
        numbered = labels.dtype.kind in "iu" and len(labels) and labels.min() >= 0 and labels.max() < k
        if classes is None and numbered:
            names, y = np.arange(k), labels.astype(np.intp)
        else:
            names, y = check_classes(classes, labels, k, owner)
    n = check_same_length(owner, **{y_name: y, "y_prob": p})
    weights = check_weights(sample_weight, owner, n)
    codes = None if groups is None else check_groups(groups, owner, n)[0]
    return Forecast(y, p, weights, codes, names)
