"""What is asked of a batch: a mean or a sum, one of its order statistics, or two of them at once."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import check_number

from ._levels import ceil_product

__all__ = ["SHORTCUTS", "Quantile", "QuantileBand", "Statistic", "as_statistic"]


class Statistic:
    """Base of the statistics of a batch; `kind` says how they are bounded."""

    kind: ClassVar[str] = "order"

    def ranks(self, m):
        """Return the order of the lower and of the upper bound: which sorted test score stands for the statistic."""
        return 1, 1

    def evaluate(self, values):
        """Return the statistic of each row of values, shape (..., m)."""
        low, high = self.ranks(values.shape[-1])
        values = np.partition(values, sorted({low - 1, high - 1}), axis=-1)
        return values[..., low - 1] / 2 + values[..., high - 1] / 2 if low < high else values[..., low - 1]


@dataclass(frozen=True)
class Quantile(Statistic):
    """The q-quantile of a batch: its k-th smallest value, k = ceil(q m) and at least 1.

    This is the left-continuous quantile, the least value below which (it included) lies a fraction q of the batch; it
    is not NumPy's default. `q` is taken as the decimal that it is written as, so that the .07-quantile of 100 values is
    the 7th (NumPy's ``method="inverted_cdf"`` multiplies binary numbers and takes the 8th).

    Parameters
    ----------
    q : float
        In (0, 1).

    Raises
    ------
    InputError
        If q is not such a number.

    Examples
    --------
    >>> from conformal import BatchPredictor, Quantile
    >>> scores = range(1, 201)
    >>> BatchPredictor(Quantile(.9), alternative="less").fit(scores).predict_interval(n_test=20)
    [-inf, 191] (90 % upper bound (attained 91.6775 %), method: exact, guarantee: exact)
    """

    q: float

    def __post_init__(self):
        object.__setattr__(self, "q", check_number(self.q, "Quantile", "q", low=0, high=1))

    def ranks(self, m):
        """Return the order of the lower and of the upper bound."""
        k = max(1, ceil_product(self.q, m))
        return k, k


@dataclass(frozen=True)
class QuantileBand(Statistic):
    """Two quantiles of a batch at once: a band that holds both.

    Parameters
    ----------
    q1, q2 : float
        In (0, 1), ``q1 <= q2``; k-th smallest values as in `Quantile`.

    Raises
    ------
    InputError
        If they are not such numbers.

    Notes
    -----
    The ranks of the band grow step by step from those of the two quantiles among the calibration scores, by n, m and
    the level alone, until the exact joint law of the two places reaches the level.

    Examples
    --------
    >>> from conformal import BatchPredictor, QuantileBand
    >>> scores = range(1, 201)
    >>> BatchPredictor(QuantileBand(.25, .75)).fit(scores).predict_interval(n_test=20)  # both quartiles of twenty
    [22, 178] (90 % interval (attained 90.4892 %), method: exact, guarantee: exact)
    """

    q1: float
    q2: float

    kind: ClassVar[str] = "band"

    def __post_init__(self):
        for name in ("q1", "q2"):
            object.__setattr__(self, name, check_number(getattr(self, name), "QuantileBand", name, low=0, high=1))
        if self.q1 > self.q2:
            raise InputError(f"QuantileBand: q1 must not exceed q2; got {self.q1:g} and {self.q2:g}.")

    def ranks(self, m):
        """Return the orders of the two quantiles."""
        return max(1, ceil_product(self.q1, m)), max(1, ceil_product(self.q2, m))


@dataclass(frozen=True)
class _Median(Statistic):
    def ranks(self, m):
        # even m: the mean of two order statistics lies between them
        return (m + 1) // 2, m // 2 + 1


@dataclass(frozen=True)
class _Least(Statistic):
    def ranks(self, m):
        return 1, 1


@dataclass(frozen=True)
class _Greatest(Statistic):
    def ranks(self, m):
        return m, m


@dataclass(frozen=True)
class _Sum(Statistic):
    mean: bool

    kind: ClassVar[str] = "sum"

    def evaluate(self, values):
        return values.mean(axis=-1) if self.mean else values.sum(axis=-1)

    def coefficient(self, m):
        """Return what each score counts."""
        return 1.0 / m if self.mean else 1.0


SHORTCUTS = {"mean": _Sum(True), "sum": _Sum(False), "median": _Median(), "min": _Least(), "max": _Greatest()}


def as_statistic(statistic):
    """Return the object behind a shortcut."""
    return SHORTCUTS[statistic] if isinstance(statistic, str) else statistic
