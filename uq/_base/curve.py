"""A curve with its band: reliability, running means, coverage against k, the value of one more sample."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .containers import as_real
from .exceptions import InputError
from .frozen import Frozen
from .record import Result, format_percent

__all__ = ["Curve"]

_SHOWN = 21


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve(Result):
    """Points of a curve, with a band where there is one.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
    lower, upper : ndarray of shape (n,), optional
        Band; both or neither.
    count : ndarray of shape (n,), optional
        Rows behind each point.
    confidence_level : float, optional
    guarantee, method : str
    x_label, y_label : str

    Raises
    ------
    InputError
        For vectors of different lengths, NaN, a band with one end or with ends in the wrong order.

    Examples
    --------
    >>> from uq import Curve
    >>> curve = Curve(x=[1, 2, 3], y=[.5, .6, .7], x_label="k", y_label="coverage")
    >>> curve.to_dict()["y"].tolist()
    [0.5, 0.6, 0.7]
    """

    x: Any
    y: Any
    lower: Any = None
    upper: Any = None
    count: Any = None
    confidence_level: float | None = None
    guarantee: str = "none"
    method: str = ""
    x_label: str = "x"
    y_label: str = "y"

    def __post_init__(self):
        for name in ("x", "y", "lower", "upper", "count"):
            value = getattr(self, name)
            if value is not None or name in ("x", "y"):
                object.__setattr__(self, name, np.atleast_1d(as_real(value, "Curve", name)))
        Frozen.__post_init__(self)
        shapes = {n: v.shape for n in ("x", "y", "lower", "upper", "count") if (v := getattr(self, n)) is not None}
        if set(shapes.values()) != {(len(self.x),)} or (self.lower is None) != (self.upper is None):
            raise InputError(
                f"Curve: x, y, both ends of the band and count must be vectors of one length; got {shapes}."
            )
        if np.isnan(self.x).any() or np.isnan(self.y).any():
            raise InputError("Curve: x and y must not be NaN; leave points out where nothing is known.")
        if self.lower is not None and not np.all(self.lower <= self.upper):
            raise InputError("Curve: lower must not exceed upper, and neither may be NaN.")

    def _table(self):
        columns = {"x": self.x, "y": self.y, "lower": self.lower, "upper": self.upper, "count": self.count}
        return {name: value for name, value in columns.items() if value is not None}

    def _shown(self):
        table = self._table()
        if len(self.x) <= _SHOWN:
            return table
        rows = np.unique(np.linspace(0, len(self.x) - 1, _SHOWN).round().astype(int))
        return {name: values[rows] for name, values in table.items()}

    def _heading(self):
        band = "" if self.confidence_level is None else f", {format_percent(self.confidence_level)} band"
        return f"{self.y_label} against {self.x_label}{band}"

    def _title(self):
        return self._heading() + (f" ({_SHOWN} of {len(self.x)} points)" if len(self.x) > _SHOWN else "")

    def __repr__(self):
        return f"<Curve of {len(self.x)} points: {self.y_label} against {self.x_label}>"

    def _draw(self, ax):
        from . import plot

        return plot.curve(ax, self, title=self._heading())
