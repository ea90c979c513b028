"""The base of all results: how a frozen record prints, plots and turns into a dict, a table or a DataFrame."""

import html
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from .containers import to_frame
from .frozen import Frozen
from .laws import Law

if TYPE_CHECKING:
    from .plot import Axes

__all__ = ["GUARANTEES", "Result", "format_count", "format_number", "format_percent", "rows_figsize"]

# from the strongest promise to none; the first two make a result `certified`
GUARANTEES = ("exact", "finite-sample", "asymptotic", "posterior", "none")


def format_number(value: Any, digits: int = 4) -> str:
    """Write a number for people: 4 significant digits, infinities as inf."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.{digits}g}"
    return str(value)


def format_count(n: int, kind: str) -> str:
    """Write a number of things, named in the plural: 3 problems, 1 problem."""
    return f"{n} {kind.removesuffix('s') if n == 1 else kind}"


def format_percent(level: float) -> str:
    """Write a level for people: .95 as 95 %."""
    return f"{100 * level:.6g} %"


def rows_figsize(n_rows: int, note: str = "") -> tuple[float, float]:
    """Return the size of a picture of horizontal intervals, in inches."""
    return 6.4, min(1.1 + 0.35 * n_rows, 12.0) + (0.6 if note else 0.0)


class Result(Frozen):
    """Base of everything a function or a fitted estimator returns.

    Subclasses are frozen dataclasses; they give `_table` (a dict of equally long columns) and `_draw`.
    """

    __slots__ = ()

    @property
    def certified(self) -> bool:
        """Whether the guarantee holds at the sample size at hand ("exact" or "finite-sample")."""
        return getattr(self, "guarantee", "none") in GUARANTEES[:2]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict; needs no pandas.

        Values are numbers, strings, None, NumPy arrays where a field holds several numbers, tuples, and row labels as
        the caller had them; a nested result is a dict, a tuple of results stays one, and a law is named by its class.
        `json.dumps` takes arrays only with ``default=lambda x: x.tolist()``.
        """
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.repr}

    def to_frame(self) -> Any:
        """Return a tidy pandas DataFrame, one row per reported number (needs the extra ``frames``)."""
        return to_frame(self._table(), index=self._index())

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the result on `ax` (a new figure where None) and return the matplotlib Axes (extra ``plot``)."""
        from . import plot

        return self._draw(plot.axes(ax, self._figsize()))

    def _figsize(self):
        return None

    def _shown(self):
        """Return the table that is printed, which may leave rows out and says so in its title."""
        return self._table()

    def _table(self):
        raise TypeError(f"{type(self).__name__} has no table")

    def _draw(self, ax):
        raise TypeError(f"{type(self).__name__} has no picture")

    def _index(self):
        return None

    def _title(self):
        return type(self).__name__

    def _caption(self):
        guarantee = getattr(self, "guarantee", None)
        method = getattr(self, "method", None)
        return ", ".join(f"{k}: {v}" for k, v in (("method", method), ("guarantee", guarantee)) if v)

    def _note(self, table):
        """Return the line that a reader of the numbers in the table needs; mostly nothing."""
        return ""

    def __str__(self):
        table = self._shown()
        return self._text(table, self._caption(), self._note(table))

    def _text(self, table, *below):
        rows = [list(table)] + [[format_number(v) for v in row] for row in zip(*table.values(), strict=True)]
        if len(rows) > 31:
            rows = [*rows[:26], ["..."] * len(table), *rows[-4:]]
        widths = [max(len(row[j]) for row in rows) for j in range(len(table))]
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([self._title(), *lines, *filter(None, below)])

    def _repr_html_(self):
        table = self._shown()
        head = "".join(f"<th>{html.escape(c)}</th>" for c in table)
        rows = list(zip(*table.values(), strict=True))
        cut = len(rows) - 30
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(format_number(v))}</td>" for v in row) + "</tr>" for row in rows[:30]
        )
        for line in (f"{cut} more rows" if cut > 0 else "", self._note(table)):
            body += f"<tr><td colspan='{len(table)}'>{html.escape(line)}</td></tr>" if line else ""
        caption = html.escape(" | ".join(filter(None, [self._title(), self._caption()])))
        return f"<table class='errorbars'><caption>{caption}</caption><tr>{head}</tr>{body}</table>"


def _plain(value):
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, Law):
        return type(value).__name__
    return value
