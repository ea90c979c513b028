"""What one parameter of a space may be: a real number, an integer, one of several choices."""

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import check_number, check_switch

__all__ = ["Categorical", "Dimension", "Integer", "Real"]

_LARGEST = 1e150  # squares of a range must not overflow
_EXACT = 2**53  # larger integers do not fit into a float
_MOST_CHOICES = 1000
_LEVEL = math.sqrt(0.5)  # two one-hot rows of this height are at distance 1


class Dimension:
    """One parameter: its values, and their columns in the unit cube.

    `size` values (infinite for real ones) take `n_columns` columns. Nothing here validates but `check`.
    """

    __slots__ = ()

    @property
    def size(self) -> float:
        """Number of values; infinite for real ones."""
        raise NotImplementedError

    @property
    def n_columns(self) -> int:
        """Columns that a value takes."""
        return 1

    def check(self, value, owner, name):
        """Return the value as the log and the user get it; raise InputError for one that is not allowed."""
        raise NotImplementedError

    def encode(self, value):
        """Return the columns (n_columns,) of one value."""
        raise NotImplementedError

    def decode(self, columns):
        """Return the value that is nearest to columns (n_columns,)."""
        raise NotImplementedError

    def place(self, uniform):
        """Return the columns (m, n_columns) at quantiles (m,) of the uniform law on the values."""
        raise NotImplementedError

    def snap(self, columns):
        """Return the columns (m, n_columns) of the nearest values."""
        raise NotImplementedError

    def levels(self):
        """Return the columns (size, n_columns) of all values, where they are finitely many."""
        raise NotImplementedError

    def index(self, value):
        """Return the place of a value among all of them, where they are finitely many."""
        raise NotImplementedError

    def describe(self):
        """Return what JSON can hold and `restore_space` reads."""
        raise NotImplementedError


def _check_range(owner, low, high, log, *, least):
    check_switch(log, owner, "log")
    if log and low < least:
        raise InputError(f"{owner}: low must be {'above 0' if least < 1 else 'at least 1'} with log=True; got {low!r}.")


@dataclass(frozen=True, slots=True)
class Real(Dimension):
    """A parameter that takes any real number of a closed range.

    Parameters
    ----------
    low, high : float
        Ends of the range, in the parameter's own unit; ``low < high``.
    log : bool, default False
        Whether ratios count rather than differences, as for a learning rate; `low` must then be above 0.

    Raises
    ------
    InputError
        For ends that are not finite numbers in this order, or not positive with ``log=True``.

    Examples
    --------
    >>> from bayes import Real
    >>> Real(1e-4, .1, log=True)
    Real(low=0.0001, high=0.1, log=True)
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self):
        ends = [
            check_number(getattr(self, end), "Real", end, low=-_LARGEST, high=_LARGEST, closed=True)
            for end in ("low", "high")
        ]
        if not ends[0] < ends[1]:
            raise InputError(
                f"Real: low must be below high; got {self.low!r} and {self.high!r}. What is always the same is no "
                "parameter: leave it out, or give Categorical([value])."
            )
        _check_range("Real", ends[0], ends[1], self.log, least=5e-324)
        for end, value in zip(("low", "high"), ends, strict=True):
            object.__setattr__(self, end, value)
        object.__setattr__(self, "log", bool(self.log))

    @property
    def size(self):
        """Infinite."""
        return math.inf

    def check(self, value, owner, name):
        """Return the value as a float within the range."""
        value = _plain(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high:
            return float(value)
        raise InputError(
            f"{owner}: {name} must be a number in [{self.low!r}, {self.high!r}]; got {value!r:.100}. Widen the space "
            "to tell of points outside of it."
        )

    def _span(self):
        return (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)

    def encode(self, value):
        """Return the place of the value in its range."""
        low, high = self._span()
        u = ((math.log(value) if self.log else value) - low) / (high - low)
        return np.array([min(max(u, 0.0), 1.0)])

    def decode(self, columns):
        """Return the value at a place in the range."""
        u = float(columns[0])
        if u <= 0 or u >= 1:  # the ends themselves, which logarithms would miss by a hair
            return self.low if u <= 0 else self.high
        low, high = self._span()
        value = low + u * (high - low)
        return min(max(math.exp(value) if self.log else value, self.low), self.high)

    def place(self, uniform):
        """Return the quantiles, which are the places themselves."""
        return uniform[:, None]

    def snap(self, columns):
        """Return the columns, all of which are values."""
        return columns.clip(0.0, 1.0)

    def describe(self):
        """Return the ends and the scale."""
        return ["real", self.low, self.high, self.log]


@dataclass(frozen=True, slots=True)
class Integer(Dimension):
    """A parameter that takes the integers of a closed range.

    The surrogate sees the rounded value only, so that no two suggestions differ by less than one step.

    Parameters
    ----------
    low, high : int
        Ends of the range, both included; at most 2**53 in size.
    log : bool, default False
        Whether ratios count rather than differences, as for a batch size; `low` must then be at least 1.

    Raises
    ------
    InputError
        For ends that are not integers in this order, or below 1 with ``log=True``.

    Examples
    --------
    >>> from bayes import Integer
    >>> Integer(1, 256, log=True)
    Integer(low=1, high=256, log=True)
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self):
        for end in ("low", "high"):
            value = getattr(self, end)
            whole = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
            if not (whole and abs(int(value)) <= _EXACT):
                raise InputError(f"Integer: {end} must be an integer of at most 2**53 in size; got {value!r:.100}.")
            object.__setattr__(self, end, int(value))
        if self.low > self.high:
            raise InputError(f"Integer: low must not exceed high; got {self.low} and {self.high}.")
        _check_range("Integer", self.low, self.high, self.log, least=1)
        object.__setattr__(self, "log", bool(self.log))

    @property
    def size(self):
        """Number of integers in the range."""
        return self.high - self.low + 1

    def check(self, value, owner, name):
        """Return the value as an int within the range; floats without a fraction are integers."""
        value = _plain(value)
        whole = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
        if whole and self.low <= value <= self.high and value == int(value):
            return int(value)
        raise InputError(
            f"{owner}: {name} must be an integer in [{self.low}, {self.high}]; got {value!r:.100}. Widen the space to "
            "tell of points outside of it."
        )

    def _columns(self, values):
        if self.low == self.high:
            return np.zeros(np.shape(values))
        low, high, values = float(self.low), float(self.high), np.asarray(values, dtype=float)
        if self.log:
            low, high, values = math.log(low), math.log(high), np.log(values)
        return ((values - low) / (high - low)).clip(0.0, 1.0)

    def _values(self, columns):
        if self.low == self.high:
            return np.full(np.shape(columns), float(self.low))
        low, high = float(self.low), float(self.high)
        if self.log:
            low, high = math.log(low), math.log(high)
        values = low + np.asarray(columns, dtype=float) * (high - low)
        return np.rint(np.exp(values) if self.log else values).clip(self.low, self.high)

    def encode(self, value):
        """Return the place of the value in its range."""
        return self._columns([value])

    def decode(self, columns):
        """Return the nearest integer."""
        return int(self._values(columns[:1])[0])

    def place(self, uniform):
        """Return the columns of integers that are equally likely (in ratios, with ``log=True``)."""
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            values = np.rint(np.exp(low + uniform * (high - low)))
        else:
            values = self.low + np.floor(uniform * self.size)
        return self._columns(values.clip(self.low, self.high))[:, None]

    def snap(self, columns):
        """Return the columns of the nearest integers."""
        return self._columns(self._values(columns))

    def levels(self):
        """Return the columns of all integers."""
        return self._columns(np.arange(self.low, self.high + 1))[:, None]

    def index(self, value):
        """Return how far the value is above the lowest."""
        return value - self.low

    def describe(self):
        """Return the ends and the scale."""
        return ["integer", self.low, self.high, self.log]


@dataclass(frozen=True, slots=True)
class Categorical(Dimension):
    """A parameter that takes one of several values without an order.

    Parameters
    ----------
    choices : sequence
        One value or more, no two of them equal: strings, numbers, True and False, None, or tuples of these, which a
        file of text can hold. Give names, and look up what cannot be written down (functions, models) by name.

    Raises
    ------
    InputError
        For no choices, equal ones, and values that cannot be written down.

    Examples
    --------
    >>> from bayes import Categorical
    >>> Categorical(["rbf", "poly"])
    Categorical(choices=('rbf', 'poly'))
    """

    choices: tuple[Any, ...]

    def __post_init__(self):
        choices: Any = self.choices
        # what has no length may have no end
        if isinstance(choices, (str, bytes, dict)) or not (
            hasattr(choices, "__iter__") and hasattr(choices, "__len__")
        ):
            raise InputError(f"Categorical: choices must be a sequence of values; got {choices!r:.100}.")
        try:
            n = len(choices)
        except (TypeError, OverflowError):  # an array without axes, a range beyond all memory
            n = 0
        if not 1 <= n <= _MOST_CHOICES:
            raise InputError(f"Categorical: choices must be 1 to {_MOST_CHOICES} values; got {choices!r:.100}.")
        choices = [_plain(c) for c in (sorted(choices, key=repr) if isinstance(choices, (set, frozenset)) else choices)]
        for i, choice in enumerate(choices):
            if not _can_be_written(choice):
                raise InputError(
                    "Categorical: choices must be strings, finite numbers, True, False, None or tuples of them; got "
                    f"{choice!r:.100}. Give its name, and look it up where the trial is evaluated. Parameters that "
                    "exist for some choices only are not offered: give each its own parameter."
                )
            if any(choice == other for other in choices[:i]):
                raise InputError(f"Categorical: choices must differ from each other; got {choice!r:.100} twice.")
        object.__setattr__(self, "choices", tuple(choices))

    @property
    def size(self):
        """Number of choices."""
        return len(self.choices)

    @property
    def n_columns(self):
        """One per choice."""
        return len(self.choices)

    def check(self, value, owner, name):
        """Return the choice that equals the value."""
        value = _plain(value)
        if _can_be_written(value):
            for choice in self.choices:
                if choice == value:
                    return choice
        allowed = ", ".join(map(repr, self.choices))
        raise InputError(f"{owner}: {name} must be one of {allowed:.200}; got {value!r:.100}.")

    def encode(self, value):
        """Return a one-hot row, at distance 1 from every other."""
        return _LEVEL * (np.arange(self.size) == self.choices.index(value))

    def decode(self, columns):
        """Return the choice with the largest column."""
        return self.choices[int(np.argmax(columns))]

    def place(self, uniform):
        """Return the rows of choices that are equally likely."""
        return self.levels()[np.minimum((uniform * self.size).astype(int), self.size - 1)]

    def snap(self, columns):
        """Return the row of the choice with the largest column."""
        return self.levels()[columns.argmax(axis=1)]

    def levels(self):
        """Return the rows of all choices."""
        return _LEVEL * np.eye(self.size)

    def index(self, value):
        """Return which of the choices it is."""
        return self.choices.index(value)

    def describe(self):
        """Return the choices; tuples become lists, as JSON has it."""
        return ["categorical", list(self.choices)]


def _plain(value):
    """Return NumPy's scalars as Python's, and lists as tuples."""
    if isinstance(value, np.generic):
        value = value.item()
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def _can_be_written(value):
    if isinstance(value, tuple):
        return all(map(_can_be_written, value))
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() == value  # no lone surrogates
    if isinstance(value, (float, int)):
        return abs(value) <= 1e300  # false for NaN
    return value is None
