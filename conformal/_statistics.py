"""What is asked of a batch: a mean or a sum, or one of its order statistics. Each owns its rank bounds."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from uq._base.validation import check_number

from ._levels import ceil_product

__all__ = ["SHORTCUTS", "Linear", "OrderStatistic", "Quantile", "as_statistic"]


class OrderStatistic:
    """Base of the statistics that are read off sorted values; subclasses give `ranks`."""

    linear: ClassVar[bool] = False

    def ranks(self, m):
        """Return the order of the lower and of the upper bound: which sorted test score stands for the statistic."""
        raise NotImplementedError

    def evaluate(self, values):
        """Return the statistic of each row of values, shape (..., m)."""
        low, high = self.ranks(values.shape[-1])
        values = np.partition(values, sorted({low - 1, high - 1}), axis=-1)
        return values[..., low - 1] / 2 + values[..., high - 1] / 2 if low < high else values[..., low - 1]

    def scale(self, m):
        """Return what the bound of the scores is multiplied by."""
        return 1


@dataclass(frozen=True)
class Quantile(OrderStatistic):
    """The q-quantile of a batch: its k-th smallest value, k = ceil(q m) and at least 1.

    This is the left-continuous quantile, the least value below which (it included) lies a fraction q of the batch; it
    is NumPy's ``method="inverted_cdf"`` and not the default there. ``q * m`` is computed from the decimal that q is
    written as, so that the .9-quantile of 100 values is the 90th.

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
class _Median(OrderStatistic):
    def ranks(self, m):
        # even m: the mean of two order statistics lies between them
        return (m + 1) // 2, m // 2 + 1


@dataclass(frozen=True)
class _Least(OrderStatistic):
    def ranks(self, m):
        return 1, 1


@dataclass(frozen=True)
class _Greatest(OrderStatistic):
    def ranks(self, m):
        return m, m


@dataclass(frozen=True)
class Linear:
    """The mean of a batch, or its sum."""

    total: bool = False

    linear: ClassVar[bool] = True

    def scale(self, m):
        """Return what the mean is multiplied by."""
        return m if self.total else 1

    def evaluate(self, values):
        """Return the statistic of each row of values, shape (..., m)."""
        return values.mean(axis=-1) * self.scale(values.shape[-1])


SHORTCUTS = {
    "mean": Linear(),
    "sum": Linear(total=True),
    "median": _Median(),
    "min": _Least(),
    "max": _Greatest(),
}


def as_statistic(statistic):
    """Return the object behind a shortcut."""
    return SHORTCUTS[statistic] if isinstance(statistic, str) else statistic
