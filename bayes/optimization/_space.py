"""The space of settings: a dict of parameters, and its image in the unit cube, where the surrogate lives.

Every setting is one row of the cube: one column per number, one per choice. A row is always computed from the setting
and never kept beside it, so that a log that holds the settings holds the rows, to the last bit.
"""

import itertools
import json
from collections.abc import Mapping
from hashlib import sha256

import numpy as np

from uq._base.exceptions import InputError

from ._dimensions import Categorical, Dimension, Integer, Real

__all__ = ["MOST_CELLS", "Space", "check_space", "restore_space"]

MOST_CELLS = 50_000  # finite spaces up to this size are enumerated
_MOST_COLUMNS = 2000
_FEW = 24  # neighbours of an integer: all of a short range, some of a long one


class Space:
    """Parameters in a fixed order.

    Parameters
    ----------
    dimensions : dict of str to Dimension

    Attributes
    ----------
    names : tuple of str
    size : float
        Number of settings; infinite with a real parameter.
    n_columns : int
    columns : ndarray of shape (n_columns,)
        The parameter that each column belongs to: choices of one parameter share a length scale.
    continuous : ndarray of bool of shape (n_columns,)
        Columns of real parameters.
    """

    def __init__(self, dimensions):
        self.dimensions = dict(dimensions)
        self.names = tuple(self.dimensions)
        with np.errstate(over="ignore"):  # beyond the floats it is infinite
            self.size = np.prod([float(d.size) for d in self.dimensions.values()])
        widths = [d.n_columns for d in self.dimensions.values()]
        ends = np.cumsum(widths)
        self.n_columns = int(ends[-1])
        self._slices = [slice(int(end - width), int(end)) for end, width in zip(ends, widths, strict=True)]
        self.columns = np.repeat(np.arange(len(widths)), widths)
        self.continuous = np.repeat([np.isinf(d.size) for d in self.dimensions.values()], widths)
        self._cells = None

    @property
    def enumerable(self):
        """Whether all settings fit into a table."""
        return self.size <= MOST_CELLS

    def check(self, params, owner, name="params"):
        """Return the params as plain Python values in the order of the space; raise InputError for others."""
        if not isinstance(params, Mapping):
            raise InputError(
                f"{owner}: {name} must be a Trial or a dict with a value for each of {', '.join(self.names):.200}; "
                f"got {params!r:.100}."
            )
        missing, unknown = [n for n in self.names if n not in params], [n for n in params if n not in self.dimensions]
        if missing or unknown:
            raise InputError(
                f"{owner}: {name} must have a value for each of {', '.join(self.names):.200} and for nothing else; "
                f"missing: {missing!r:.100}, unknown: {unknown!r:.100}."
            )
        return {n: d.check(params[n], owner, f"{name}[{n!r}]") for n, d in self.dimensions.items()}

    def encode(self, params):
        """Return the row (n_columns,) of checked params."""
        return np.concatenate([d.encode(params[n]) for n, d in self.dimensions.items()])

    def decode(self, row):
        """Return the params of a row."""
        return {n: d.decode(row[s]) for (n, d), s in zip(self.dimensions.items(), self._slices, strict=True)}

    def place(self, uniform):
        """Return the rows (m, n_columns) of points (m, n_parameters) of the unit cube of quantiles."""
        parts = zip(self.dimensions.values(), uniform.T, strict=True)
        return np.hstack([dimension.place(column) for dimension, column in parts])

    def snap(self, rows):
        """Return the nearest rows that are settings."""
        parts = zip(self.dimensions.values(), self._slices, strict=True)
        return np.hstack([dimension.snap(rows[:, s]) for dimension, s in parts])

    def cells(self):
        """Return the rows (size, n_columns) of all settings of a finite space."""
        if self._cells is None:
            levels = [d.levels() for d in self.dimensions.values()]
            indices = np.indices([len(level) for level in levels]).reshape(len(levels), -1)
            self._cells = np.hstack([level[i] for level, i in zip(levels, indices, strict=True)])
        return self._cells

    def index(self, params):
        """Return the row of `cells` that params are."""
        shape = tuple(int(d.size) for d in self.dimensions.values())
        return int(np.ravel_multi_index([d.index(params[n]) for n, d in self.dimensions.items()], shape))

    def neighbours(self, row):
        """Return the rows that differ from `row` in one parameter which is not real."""
        rows = []
        for dimension, s in zip(self.dimensions.values(), self._slices, strict=True):
            if np.isinf(dimension.size):
                continue
            others = self._levels_near(dimension, row[s])
            block = np.tile(row, (len(others), 1))
            block[:, s] = others
            rows.append(block)
        return np.vstack(rows) if rows else np.empty((0, self.n_columns))

    @staticmethod
    def _levels_near(dimension, columns):
        if isinstance(dimension, Integer) and dimension.size > _FEW:
            here = dimension.decode(columns)
            # steps that double reach every part of a long range in few moves
            steps = [s for s in itertools.takewhile(lambda s: s < dimension.size, (2**k for k in range(60)))]
            values = sorted({here + sign * s for s in steps for sign in (-1, 1)})
            return dimension._columns([v for v in values if dimension.low <= v <= dimension.high])[:, None]
        levels = dimension.levels()
        return levels[~(levels == columns).all(axis=1)]

    def describe(self):
        """Return a list that JSON can hold and `restore_space` reads."""
        return [[name, *dimension.describe()] for name, dimension in self.dimensions.items()]

    @property
    def hash(self):
        """What tells this space from others, across processes and versions."""
        return sha256(json.dumps(self.describe()).encode()).hexdigest()[:16]


def check_space(space, owner):
    """Return the Space of a dict of parameters."""
    if not isinstance(space, Mapping) or not space:
        raise InputError(
            f"{owner}: space must be a dict from names to Real, Integer or Categorical, with at least one of them; "
            f"got {space!r:.100}."
        )
    for name, dimension in space.items():
        if not isinstance(name, str) or not name or name.encode("utf-8", "replace").decode() != name:
            raise InputError(f"{owner}: names in space must be strings that are not empty; got {name!r:.100}.")
        if not isinstance(dimension, Dimension):
            raise InputError(
                f"{owner}: space[{name!r}] must be Real(low, high), Integer(low, high) or Categorical(choices); got "
                f"{dimension!r:.100}. Parameters that exist for some settings only (nested dicts, functions) are not "
                "offered: give each its own parameter, and let the evaluation ignore what does not apply."
            )
    made = Space(space)
    if made.n_columns > _MOST_COLUMNS:
        raise InputError(
            f"{owner}: space must need at most {_MOST_COLUMNS} columns, one per number and one per choice; got "
            f"{made.n_columns}. Leave out what matters least."
        )
    return made


def restore_space(description):
    """Return the dict of parameters that `Space.describe` wrote down."""
    kinds = {"real": Real, "integer": Integer, "categorical": Categorical}
    return {name: kinds[kind](*arguments) for name, kind, *arguments in description}
