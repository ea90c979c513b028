"""What is kept of scores that come in parts: sums, from which the mean and its error follow as from all rows.

Sums of clusters are kept in two floats each, ``high + low``. Far from 0 a cluster's sum less its share of the mean
would otherwise lose the digits that make up the error.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._base.exceptions import InputError
from .._base.frozen import Frozen
from .._base.moments import power_of_two
from .._base.validation import check_groups, is_binary
from ._mean_law import error_of_units, rounding_of

__all__ = ["ClusterSums", "RowSums"]


class _Sums(Frozen):
    """What both kinds know: how many rows, their lowest and highest score, how many are 1 where all are 0 or 1."""

    __slots__ = ()
    n: int
    lowest: float
    highest: float
    ones: int | None

    @property
    def rounding(self):
        """Return the deviation from the mean that rounding alone can make of none."""
        return rounding_of(max(abs(self.lowest), abs(self.highest)))

    def _shared(self, other):
        """Return the shared fields of the rows of both."""
        ones = None if self.ones is None or other.ones is None else self.ones + other.ones
        lowest, highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        return {"n": self.n + other.n, "lowest": lowest, "highest": highest, "ones": ones}


def _seen(scores):
    """Return the shared fields of scores at hand."""
    ones = int(scores.sum()) if is_binary(scores) else None
    return {"n": len(scores), "lowest": float(scores.min()), "highest": float(scores.max()), "ones": ones}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowSums(_Sums):
    """Sums over independent rows.

    Parameters
    ----------
    high, low : float
        Their sum is the sum of the scores.
    square, scale : float
        The sum of squared deviations from the mean is ``square * scale**2``; the scale is a power of two, or 0
        where there are none.
    """

    n: int
    lowest: float
    highest: float
    ones: int | None
    high: float
    low: float
    square: float
    scale: float

    @classmethod
    def of(cls, scores):
        """Return the sums of scores, of which there is at least one."""
        coarse, fine = _split(scores)
        high, low = float(coarse.sum()), float(fine.sum())
        pivot = _short((high + low) / len(scores))
        deviations = (scores - pivot) - _less(high, low, len(scores), pivot) / len(scores)
        scale = _scale(np.abs(deviations).max())
        deviations /= scale or 1.0
        return cls(high=high, low=low, square=float(deviations @ deviations), scale=scale, **_seen(scores))

    def merge(self, other):
        """Return the sums of the rows of both."""
        pivot = _short(self.high / self.n)
        means = [_less(part.high, part.low, part.n, pivot) / part.n for part in (self, other)]
        apart = means[1] - means[0]
        scale = max(self.scale, other.scale, _scale(abs(apart)))
        unit = scale or 1.0
        square = sum(part.square * (part.scale / unit) ** 2 for part in (self, other))
        square += (apart / unit) ** 2 * (self.n * (other.n / (self.n + other.n)))
        high, low = _added(self.high, self.low, other.high, other.low)
        return RowSums(high=high, low=low, square=square, scale=scale, **self._shared(other))

    def moments(self):
        """Return the mean and its standard error, as `uq._evaluation._mean.moments` does of rows."""
        mean = (self.high + self.low) / self.n
        if self.n == 1:
            return mean, np.inf
        if max(self.highest - mean, mean - self.lowest) <= self.rounding:
            return mean, 0.0
        error = self.scale * float(np.sqrt(self.square / (self.n - 1) / self.n))
        return mean, max(error, float(np.spacing(abs(mean))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterSums(_Sums):
    """Sums of each cluster; a cluster whose rows lie in several parts is put together by its label.

    Parameters
    ----------
    labels : ndarray of shape (n_groups,)
        Sorted.
    sizes : ndarray of int64, shape (n_groups,)
    high, low : ndarray of shape (n_groups,)
        Their sum is the sum of the scores.
    """

    n: int
    lowest: float
    highest: float
    ones: int | None
    labels: Any
    sizes: Any
    high: Any
    low: Any

    @classmethod
    def of(cls, scores, codes, labels):
        """Return the sums of scores, of which there is at least one; each code 0 ... n_groups - 1 occurs."""
        if labels.dtype.kind in "iu" and (labels.dtype.kind == "i" or int(labels.max()) < 2**63):
            labels = labels.astype(np.int64, copy=False)
        high, low = (np.bincount(codes, part) for part in _split(scores))
        return cls(labels=labels, sizes=np.bincount(codes), high=high, low=low, **_seen(scores))

    def merge(self, other, owner):
        """Return the sums of the rows of both; raise where their labels cannot be compared."""
        joined = _joined(self.labels, other.labels, owner)
        codes, labels = check_groups(joined, owner, len(joined), min_groups=1)
        n_groups, cut = len(labels), len(self.labels)
        here, there = codes[:cut], codes[cut:]
        sizes = np.zeros(n_groups, np.int64)
        sizes[here] += self.sizes
        sizes[there] += other.sizes
        high, low, high2, low2 = np.zeros((4, n_groups))
        high[here], low[here], high2[there], low2[there] = self.high, self.low, other.high, other.low
        high, low = _added(high, low, high2, low2)
        return ClusterSums(labels=labels, sizes=sizes, high=high, low=low, **self._shared(other))

    def moments(self):
        """Return the mean and its cluster-robust standard error, as `uq._evaluation._mean.moments` does of rows."""
        mean = math.fsum(np.concatenate([self.high, self.low]).tolist()) / self.n
        deviations = _less(self.high, self.low, self.sizes, _short(mean))
        rest = deviations.sum() / self.n
        rounding = self.rounding * np.sqrt(self.sizes.max())
        return mean, error_of_units(deviations - self.sizes * rest, rounding, self.n, mean)

    def counts(self):
        """Return how many scores are 1 and how many there are in each cluster."""
        return np.round(self.high + self.low).astype(int), self.sizes

    def checked(self, owner):
        """Return itself, or raise: a mean of fewer than two clusters has no error."""
        check_groups(self.labels, owner, len(self.labels))
        return self


def _split(scores):
    """Return two parts of each score: multiples of so large a unit that their sums are exact, and what is left."""
    anchor = np.ldexp(1.5, np.frexp(np.abs(scores).max())[1] + len(scores).bit_length())
    coarse = (scores + anchor) - anchor
    return coarse, scores - coarse


def _scale(largest):
    return float(power_of_two(largest)) if largest else 0.0


def _added(high, low, high2, low2):
    """Add two sums of two floats each; what the first floats lose to rounding goes to the second."""
    total = high + high2
    arrived = total - high
    return total, low + low2 + ((high - (total - arrived)) + (high2 - arrived))


def _short(x):
    """Return x rounded to 25 bits, so short that a number of rows times it is exact."""
    mantissa, exponent = np.frexp(x)
    return float(np.ldexp(np.round(np.ldexp(mantissa, 25)), exponent - 25))


def _less(high, low, sizes, pivot):
    """Return sums of rows less so many times the pivot, which lies near their mean."""
    return (high - sizes * pivot) + low


def _joined(ours, theirs, owner):
    """Return both sets of labels one after the other, as one kind; raise where a label would change or be confused."""
    kinds = [_kind(labels) for labels in (ours, theirs)]
    if kinds[0] != kinds[1] or {ours.dtype.kind, theirs.dtype.kind} == {"i", "u"}:
        wide = " beyond 64 bits" if kinds[0] == kinds[1] else ""
        raise InputError(
            f"{owner}: groups must be labels of one kind in all parts; got {kinds[0]}, then {kinds[1]}{wide}. "
            "Write them as texts in every part, so that equal clusters have equal labels."
        )
    return np.concatenate([ours, theirs])


def _kind(labels):
    kinds = {"b": "true/false", "i": "integers", "u": "integers", "f": "floats", "U": "texts", "S": "bytes"}
    if labels.dtype.kind == "O":
        return "texts" if isinstance(labels[0], str) else type(labels[0]).__name__
    return kinds.get(labels.dtype.kind, labels.dtype.name.split("[")[0])
