"""Several estimates side by side, each with the name that its owner gave it: one table, one picture."""

from dataclasses import dataclass

import numpy as np

from ._base.record import Result, rows_figsize
from ._base.results import Estimate, without_empty

__all__ = ["NamedEstimates"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedEstimates(Result):
    """Estimates with names of their own, one row per coefficient.

    Parameters
    ----------
    names : tuple of str
    results : tuple of Estimate
    """

    names: tuple[str, ...]
    results: tuple[Estimate, ...]

    def _table(self):
        parts = [result._columns() for result in self.results]
        for name, result, columns in zip(self.names, self.results, parts, strict=True):
            columns["name"] = [f"{name}: {c}" for c in columns["name"]] if np.ndim(result.estimate) else [name]
            if result.n_groups is None:
                columns["n_groups"] = [""] * len(columns["name"])
        return without_empty({column: [value for part in parts for value in part[column]] for column in parts[0]})

    def _note(self, table):
        notes = [result._note(result._table()) for result in self.results]
        return " ".join(dict.fromkeys(filter(None, notes)))

    def _title(self):
        return "95 % intervals"

    def _figsize(self):
        table = self._table()
        return rows_figsize(len(table["name"]), self._note(table))

    def _draw(self, ax):
        from ._base import plot

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
            zero_within=0.5 if all(result._may_be_negative() for result in self.results) else 0.0,
        )
