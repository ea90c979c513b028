"""Several estimates side by side, each with the name that its owner gave it: one table, one picture."""

from dataclasses import dataclass

import numpy as np

from .record import Result, format_number, format_percent, rows_figsize
from .results import Estimate, without_empty

__all__ = ["NamedEstimates"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedEstimates(Result):
    """Estimates with names of their own, one row per coefficient.

    Parameters
    ----------
    names : tuple of str
    results : tuple of Estimate
    confidence_level : float, default .95
        Of the intervals shown.
    reference : float, optional
        What the estimates are held against; a dashed line in the picture.
    """

    names: tuple[str, ...]
    results: tuple[Estimate, ...]
    confidence_level: float = 0.95
    reference: float | None = None

    def _table(self):
        level = self.confidence_level
        parts = [result._columns(result._quiet_interval(level)) for result in self.results]
        for name, result, columns in zip(self.names, self.results, parts, strict=True):
            columns["name"] = [f"{name}: {c}" for c in columns["name"]] if np.ndim(result.estimate) else [name]
            if result.n_groups is None:
                columns["n_groups"] = [""] * len(columns["name"])
        return without_empty({column: [value for part in parts for value in part[column]] for column in parts[0]})

    def _note(self, table):
        notes = [result._note(result._table()) for result in self.results]
        return " ".join(dict.fromkeys(filter(None, notes)))

    def _title(self):
        against = "" if self.reference is None else f", reference {format_number(self.reference)}"
        return f"{format_percent(self.confidence_level)} intervals{against}"

    def _figsize(self):
        table = self._table()
        return rows_figsize(len(table["name"]), self._note(table))

    def _draw(self, ax):
        from . import plot

        table = self._table()
        return plot.intervals(
            ax,
            table["estimate"],
            table["lower"],
            table["upper"],
            names=table["name"],
            title=self._title(),
            label="estimate",
            note=self._note(table),
            reference=self.reference,
            zero_within=0.5 if all(result._may_be_negative() for result in self.results) else 0.0,
        )
