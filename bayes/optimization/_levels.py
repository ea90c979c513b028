"""Numbers in order, one step apart: an environment whose values are given one by one."""

import numbers
from dataclasses import dataclass

import numpy as np

from uq._base.exceptions import InputError

from ._dimensions import Dimension

__all__ = ["Levels"]


@dataclass(frozen=True, slots=True)
class Levels(Dimension):
    """A parameter that takes one of several numbers, of which neighbours are alike.

    Their order counts and not their distances: 128, 512 and 8192 are as far apart as 1, 2 and 3.

    Parameters
    ----------
    values : tuple of float or int
        Different ones.
    """

    values: tuple[float, ...]

    @property
    def size(self):
        """Number of values."""
        return len(self.values)

    def check(self, value, owner, name):
        """Return the value that equals this one."""
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            for other in self.values:
                if other == value:
                    return other
        raise InputError(f"{owner}: {name} must be one of {list(self.values)!r:.200}; got {value!r:.100}.")

    def levels(self):
        """Return the places of all values, in the order in which they were given."""
        ranks = np.argsort(np.argsort(self.values))
        return ranks[:, None] / max(self.size - 1, 1)

    def encode(self, value):
        """Return the place of the value among all."""
        return self.levels()[self.index(value)]

    def decode(self, columns):
        """Return the value whose place is nearest."""
        return self.values[int(np.abs(self.levels()[:, 0] - columns[0]).argmin())]

    def place(self, uniform):
        """Return the places of values that are equally likely."""
        return self.levels()[np.minimum((uniform * self.size).astype(int), self.size - 1)]

    def snap(self, columns):
        """Return the nearest places."""
        steps = max(self.size - 1, 1)
        return np.rint(columns.clip(0.0, 1.0) * steps) / steps

    def index(self, value):
        """Return which of the values it is."""
        return self.values.index(value)

    def describe(self):
        """Return the values."""
        return ["levels", list(self.values)]
