"""The record of a selection: which rows were taken, by which threshold, and what is promised about them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.record import Result, format_number

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection(Result):
    """Rows that were selected, and the promise that goes with them.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_samples,)
        Which rows are selected.
    threshold : float
        Infinite where nothing could be selected.
    confidence_level : float
        The level that was asked for.
    max_false : int, optional
        Largest number of false claims that is promised (`BatchSelector`).
    target : float, optional
        Risk among the selected that is promised (`RiskControl`).
    attained_level : float, optional
        Level that is attained at least, where it is known.
    guarantee : {"exact", "finite-sample", "asymptotic", "posterior", "none"}
    method : str
    scores : ndarray of shape (n_samples,), optional
        What was held against the threshold.
    index : pandas.Index, optional
        The caller's row labels.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import Selection
    >>> selection = Selection(mask=np.array([True, False, True]), threshold=.7, confidence_level=.9, max_false=1)
    >>> selection.n_selected, selection.rows, selection.max_false_fraction
    (2, array([0, 2]), 0.5)
    """

    mask: Any
    threshold: float
    confidence_level: float
    max_false: int | None = None
    target: float | None = None
    attained_level: float | None = None
    guarantee: str = "none"
    method: str = ""
    scores: Any = None
    index: Any = None

    @property
    def n_selected(self) -> int:
        """Number of selected rows."""
        return int(self.mask.sum())

    @property
    def rows(self) -> np.ndarray:
        """Positions of the selected rows."""
        return np.flatnonzero(self.mask)

    @property
    def max_false_fraction(self) -> float | None:
        """Largest fraction of false claims that is promised, with the same level; None where no number is."""
        return None if self.max_false is None else min(1.0, self.max_false / max(self.n_selected, 1))

    def __len__(self) -> int:
        return len(self.mask)

    def _index(self):
        return self.index

    def _table(self):
        return {"selected": self.mask} if self.scores is None else {"score": self.scores, "selected": self.mask}

    def _promise(self):
        if self.max_false is not None:
            return f"at most {self.max_false} of them false"
        return f"risk below {format_number(self.target)}" if self.target is not None else "no promise"

    def _title(self):
        attained = "" if self.attained_level is None else f" (attained {100 * self.attained_level:.6g} %)"
        return (
            f"{self.n_selected} of {len(self.mask)} selected, {self._promise()}, "
            f"with probability {100 * self.confidence_level:.6g} %{attained}"
        )

    def __repr__(self):
        return f"<{self._title()}; threshold {format_number(self.threshold)}>"

    def __str__(self):
        return f"{self._title()}\nthreshold: {format_number(self.threshold)}, {self._caption()}"

    def _draw(self, ax):
        if self.scores is None:
            ax.bar(
                ["selected", "not selected"], [self.n_selected, len(self.mask) - self.n_selected], color=["C0", "0.7"]
            )
            ax.set_ylabel("rows")
        else:
            bins = min(len(np.histogram_bin_edges(self.scores, bins="auto")) - 1, 60)
            parts = [self.scores[self.mask], self.scores[~self.mask]]
            ax.hist(parts, bins, stacked=True, color=["C0", "0.8"], label=["selected", "not selected"])
            if np.isfinite(self.threshold):
                ax.axvline(self.threshold, color="k", lw=1)
            ax.set_xlabel("score")
            ax.set_ylabel("rows")
            ax.legend(frameon=False)
        ax.set_title(f"{self.n_selected} of {len(self.mask)} selected, {self._promise()}")
        return ax
