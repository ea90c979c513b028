"""Scores: how far the truth of a row lies from its outputs, and which values lie no farther than a threshold.

`score(outputs, y, y_std)` and `interval(outputs, threshold, y_std)` belong together: the interval holds every y whose
score, as computed in doubles, is at most the threshold. y_pred + (y - y_pred) is not quite y, and with tied outcomes a
hair decides, so the ends are moved outwards by a few units in the last place. A `two_sided` score has a pair of
thresholds, (low, high). The ends may cross where no value is that close.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from uq._base.containers import as_numeric
from uq._base.exceptions import InputError

__all__ = [
    "BUILT_IN",
    "AbsoluteScore",
    "AdaptiveScore",
    "CallableScore",
    "LeastAmbiguousScore",
    "NormalizedScore",
    "QuantileScore",
    "Score",
    "SignedScore",
    "as_score",
]

FEW_CLASSES, CHUNK = 16, 1 << 14
FEW_ULPS = 2.0**-50  # 8 half-units: the score, its threshold and the end are rounded at most 5 times


@dataclass(frozen=True)
class Score:
    """What the estimators ask of a score; kind is "regression" or "classification"."""

    name: ClassVar[str]
    kind: ClassVar[str] = "regression"
    two_sided: ClassVar[bool] = False
    exact: ClassVar[bool] = True  # whether ties aside the coverage is the attained level
    needs_std: ClassVar[bool] = False
    columns: ClassVar[int | None] = 1  # None: whatever comes
    may_cross: ClassVar[bool] = False
    own: ClassVar[bool] = True  # and no caller's


class AbsoluteScore(Score):
    """|y - y_pred|."""

    name: ClassVar[str] = "absolute"

    def score(self, outputs, y, y_std=None):
        """Return one score per row."""
        scores = y - outputs
        return np.abs(scores, out=scores)

    def interval(self, outputs, threshold, y_std=None):
        """Return the ends."""
        reach = np.abs(outputs)
        reach *= FEW_ULPS
        reach += threshold * (1 + FEW_ULPS)
        upper = outputs + reach
        return np.subtract(outputs, reach, out=reach), upper


class SignedScore(Score):
    """y - y_pred, with a threshold for each side."""

    name: ClassVar[str] = "signed"
    two_sided: ClassVar[bool] = True

    def score(self, outputs, y, y_std=None):
        """Return one score per row."""
        return y - outputs

    def interval(self, outputs, threshold, y_std=None):
        """Return the ends."""
        low, high = threshold
        return -_beyond(-outputs, -low), _beyond(outputs, high)


class NormalizedScore(Score):
    """|y - y_pred| / y_std."""

    name: ClassVar[str] = "normalized"
    needs_std: ClassVar[bool] = True

    def score(self, outputs, y, y_std=None):
        """Return one score per row."""
        with np.errstate(over="ignore"):
            return np.abs(y - outputs) / y_std

    def interval(self, outputs, threshold, y_std=None):
        """Return the ends."""
        with np.errstate(over="ignore"):  # the next double: a quotient may have been rounded down, even to 0
            reach = np.nextafter(threshold, np.inf) * y_std
        return AbsoluteScore().interval(outputs, reach)


class QuantileScore(Score):
    """max(low - y, y - high) for two columns of predicted quantiles: negative within them."""

    name: ClassVar[str] = "quantile"
    columns: ClassVar[int] = 2
    may_cross: ClassVar[bool] = True

    def score(self, outputs, y, y_std=None):
        """Return one score per row."""
        return np.maximum(outputs[:, 0] - y, y - outputs[:, 1])

    def interval(self, outputs, threshold, y_std=None):
        """Return the ends, which cross where the threshold is more negative than the quantiles are apart."""
        return -_beyond(-outputs[:, 0], threshold), _beyond(outputs[:, 1], threshold)


def _beyond(center, offset):
    """Return center + offset, and a few units in the last place more."""
    return center + (offset + FEW_ULPS * (np.abs(center) + np.abs(offset)))


class LeastAmbiguousScore(Score):
    """1 - p_y: sets of all classes above one probability."""

    name: ClassVar[str] = "lac"
    kind: ClassVar[str] = "classification"

    def score(self, outputs, codes, classes):
        """Return one score per row, that of the class with this code."""
        return 1.0 - outputs[np.arange(len(outputs)), codes]

    def table(self, outputs, classes):
        """Return the score of every class, of shape (n, n_classes)."""
        return 1.0 - outputs


class AdaptiveScore(Score):
    """Sum of the probabilities of all classes that are at least as probable as y, ties taken together."""

    name: ClassVar[str] = "aps"
    kind: ClassVar[str] = "classification"
    exact: ClassVar[bool] = False  # every row whose truth is the least probable class has a score of 1

    def score(self, outputs, codes, classes):
        """Return one score per row, that of the class with this code."""
        return self.table(outputs, classes)[np.arange(len(outputs)), codes]

    def table(self, outputs, classes):
        """Return the score of every class, of shape (n, n_classes)."""
        if outputs.shape[1] <= FEW_CLASSES:
            return _sums_by_counting(outputs)
        order = np.argsort(-outputs, axis=1, kind="stable")
        ordered = np.take_along_axis(outputs, order, axis=1)
        sums = np.cumsum(ordered, axis=1)
        # within a tie all have the sum at its end
        sums[:, :-1][ordered[:, :-1] == ordered[:, 1:]] = np.inf
        sums = np.minimum.accumulate(sums[:, ::-1], axis=1)[:, ::-1]
        scores = np.empty_like(sums)
        np.put_along_axis(scores, order, sums, axis=1)
        return scores


def _sums_by_counting(outputs):
    """Count for each class how many are at least as probable: for few classes less work than following the sort."""
    n, k = outputs.shape
    scores = np.empty((n, k))
    for start in range(0, n, CHUNK):
        part = outputs[start : start + CHUNK]
        sums = np.cumsum(np.sort(part, axis=1)[:, ::-1], axis=1)
        columns, rows = np.ascontiguousarray(part.T), np.arange(len(part))
        for j in range(k):
            scores[start : start + CHUNK, j] = sums[rows, np.count_nonzero(columns >= columns[j], axis=0) - 1]
    return scores


@dataclass(frozen=True)
class CallableScore:
    """The caller's own ``score(y_pred, y)``; with `interval` for outcomes, else asked about every class."""

    function: Any
    kind: str
    two_sided: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    needs_std: ClassVar[bool] = False
    columns: ClassVar[int | None] = None
    may_cross: ClassVar[bool] = True
    own: ClassVar[bool] = False

    @property
    def name(self):
        """Its name, as results carry it."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def score(self, outputs, y, extra=None):
        """Return one score per row; `y` are outcomes, or codes of classes."""
        return self._ask(outputs, y if self.kind == "regression" else extra[y])

    def table(self, outputs, classes):
        """Return the score of every class, of shape (n, n_classes)."""
        columns = [self._ask(outputs, np.repeat(classes[j : j + 1], len(outputs))) for j in range(len(classes))]
        return np.column_stack(columns)

    def interval(self, outputs, threshold, y_std=None):
        """Return the ends as the caller's object gives them."""
        ends = self.function.interval(_unwritable(outputs), threshold)
        if not isinstance(ends, (tuple, list)) or len(ends) != 2:
            raise InputError(f"score: interval(y_pred, threshold) must return (lower, upper); got {ends!r:.100}.")
        lower, upper = (self._column(end, len(outputs), "interval(y_pred, threshold)") for end in ends)
        return lower, upper

    def _ask(self, outputs, y):
        return self._column(self.function(_unwritable(outputs), _unwritable(y)), len(outputs), "score(y_pred, y)")

    def _column(self, values, n, what):
        values = as_numeric(values, "score", f"the answer of {what}")
        if values.shape != (n,) or np.isnan(values).any():
            nan = f" with {int(np.isnan(values).sum())} NaN" if np.isnan(values).any() else ""
            raise InputError(
                f"score: {what} must give one number per row, of shape ({n},), none of them NaN; "
                f"got shape {values.shape}{nan}."
            )
        return values.copy()  # it may be a view of the caller's outputs, or an array that the caller goes on using


def _unwritable(array):
    view = array.view()
    view.flags.writeable = False
    return view


BUILT_IN = {
    each.name: each()
    for each in (AbsoluteScore, SignedScore, NormalizedScore, QuantileScore, LeastAmbiguousScore, AdaptiveScore)
}


def as_score(score, y_pred, classes, owner):
    """Return the score object of a word, or of a caller's function: for classes where that has no `interval`."""
    if isinstance(score, str):
        return BUILT_IN[score]
    if isinstance(score, type):
        raise InputError(f"{owner}: score must be an object; got the class itself. Write {score.__name__}(...).")
    if callable(getattr(score, "interval", None)):
        return CallableScore(score, "regression")
    shape = as_numeric(y_pred, owner, "y_pred").shape
    if (len(shape) == 2 and shape[1] > 1) or classes is not None:
        return CallableScore(score, "classification")
    raise InputError(
        f"{owner}: score must have a method interval(y_pred, threshold) -> (lower, upper) where outcomes are numbers; "
        f"{CallableScore(score, 'regression').name} has none. Pass an object with __call__(y_pred, y) and interval; "
        "for classes give y_prob of shape (n, n_classes)."
    )
