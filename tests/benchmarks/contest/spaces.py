"""Search spaces as every method of the contest sees them; a point is a dict of plain numbers and strings."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import qmc


@dataclass(frozen=True)
class Dimension:
    """One coordinate: real in [low, high], integer in {low, ..., high}, or one of `levels`."""

    name: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    levels: tuple = ()

    def values(self):
        """Return all values of a finite coordinate."""
        return list(self.levels) if self.kind == "categorical" else list(range(self.low, self.high + 1))

    def at(self, u):
        """Return the value at u in [0, 1); every value of a finite coordinate has the same share."""
        if self.kind == "real":
            return float(self.low + (self.high - self.low) * u)
        values = self.values()
        return values[min(int(u * len(values)), len(values) - 1)]

    def columns(self, values):
        """Return unit-cube columns (n, k): one-hot over sqrt(2), so that two levels are one unit apart."""
        if self.kind == "categorical":
            return (np.array(values)[:, None] == np.array(self.levels)[None, :]) / np.sqrt(2)
        return ((np.array(values, float) - self.low) / (self.high - self.low))[:, None]


@dataclass(frozen=True)
class Space:
    """A product of dimensions."""

    dimensions: tuple

    @property
    def names(self):
        return [d.name for d in self.dimensions]

    @property
    def finite(self):
        return all(d.kind != "real" for d in self.dimensions)

    @cached_property
    def cells(self):
        """All points of a finite space."""
        return [
            dict(zip(self.names, c, strict=True)) for c in itertools.product(*(d.values() for d in self.dimensions))
        ]

    def key(self, point):
        """Return the point as a tuple, to look it up by."""
        return tuple(point[name] for name in self.names)

    def encode(self, points):
        """Return the points in the unit cube, (n, columns)."""
        return np.hstack([d.columns([p[d.name] for p in points]) for d in self.dimensions]).astype(float)

    def decode(self, row):
        """Return the point of one row of a space of reals."""
        return {
            d.name: float(d.low + (d.high - d.low) * min(max(u, 0.0), 1.0))
            for d, u in zip(self.dimensions, row, strict=True)
        }

    def sobol(self, n, rng):
        """Return n points of a scrambled Sobol sequence."""
        d = len(self.dimensions)
        u = qmc.Sobol(d, rng=rng).random_base2(int(np.ceil(np.log2(n))))[:n]
        return [{k.name: k.at(v) for k, v in zip(self.dimensions, row, strict=True)} for row in u]


def box(*bounds):
    """Return the space of reals between these bounds."""
    return Space(tuple(Dimension(f"x{j}", "real", low, high) for j, (low, high) in enumerate(bounds)))
