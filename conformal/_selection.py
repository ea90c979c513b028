"""The record of a selection: which rows were taken, by which threshold, and what is promised about them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.frozen import Frozen
from uq._base.record import GUARANTEES, Result, format_number
from uq._base.validation import check_count, check_level, check_number, check_option, check_vector

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

    Raises
    ------
    InputError
        For a mask that is not a boolean vector, a NaN as threshold, levels and numbers out of their range, and lengths
        that differ.

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

    def __post_init__(self):
        owner = "Selection"
        mask = np.asarray(self.mask)
        if mask.ndim != 1 or mask.dtype != bool:
            raise InputError(f"{owner}: mask must be boolean, of shape (n,); got {mask.dtype} of shape {mask.shape}.")
        threshold = as_numeric(self.threshold, owner, "threshold")
        if threshold.ndim or np.isnan(threshold):
            raise InputError(f"{owner}: threshold must be one number, or infinite; got {self.threshold!r:.100}.")
        object.__setattr__(self, "confidence_level", check_level(self.confidence_level, owner))
        check_option(self.guarantee, GUARANTEES, owner, "guarantee")
        if self.max_false is not None:
            object.__setattr__(self, "max_false", check_count(self.max_false, owner, "max_false", low=0))
        for name in ("target", "attained_level"):
            if (value := getattr(self, name)) is not None:
                check_number(value, owner, name, low=0, high=1, closed=True)
        if self.scores is not None:
            object.__setattr__(self, "scores", check_vector(self.scores, owner, "scores", allow_empty=True))
        for name in ("scores", "index"):
            if (rows := getattr(self, name)) is not None and len(rows) != len(mask):
                raise InputError(f"{owner}: {name} must have one value per row of mask ({len(mask)}); got {len(rows)}.")
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "threshold", float(threshold))
        Frozen.__post_init__(self)

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

    def _doubt(self):
        return ", without a guarantee" if self.guarantee == "none" else ""

    def _title(self):
        attained = "" if self.attained_level is None else f" (attained {100 * self.attained_level:.6g} %)"
        return (
            f"{self.n_selected} of {len(self.mask)} selected, {self._promise()}, "
            f"with probability {100 * self.confidence_level:.6g} %{attained}{self._doubt()}"
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
        elif len(self.scores):
            parts = {"selected": (self.scores[self.mask], "C0"), "not selected": (self.scores[~self.mask], "0.8")}
            parts = {name: part for name, part in parts.items() if len(part[0])}
            ax.hist(
                [scores for scores, _ in parts.values()],
                self._edges(),
                stacked=True,
                color=[color for _, color in parts.values()],
                label=list(parts),
            )
            if np.isfinite(self.threshold):
                ax.axvline(self.threshold, color="k", lw=1)
            ax.set_xlabel("score")
            ax.set_ylabel("rows")
            ax.legend(frameon=False)
        ax.set_title(f"{self.n_selected} of {len(self.mask)} selected, {self._promise()}{self._doubt()}")
        return ax

    def _edges(self):
        """Return edges of bins, the threshold among them: no bar may hold rows of both sides."""
        bins = min(max(len(np.histogram_bin_edges(self.scores, bins="auto")) - 1, 1), 60)
        edges = np.histogram_bin_edges(self.scores, bins=bins)
        if edges[0] < self.threshold < edges[-1]:
            inner = 1 + np.abs(edges[1:-1] - self.threshold).argmin() if len(edges) > 2 else 1
            edges = np.insert(edges, 1, self.threshold) if len(edges) == 2 else edges
            edges[inner] = self.threshold
        return edges
