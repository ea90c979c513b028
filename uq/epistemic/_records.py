"""What comes back: uncertainty in two parts, and what is wrong with a joint."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cite_methods, cites
from uq._base.record import Result

__all__ = ["Decomposition", "PairDiagnosis", "row_names"]

cite_methods(
    members=("depeweg2018", "houlsby2011"),
    pairs="johnson2024",
    **{"pairs, Cantelli": "johnson2024", "pairs, Chebyshev": "johnson2024"},
)


def row_names(index, n):
    """Return the caller's labels as text, or numbers."""
    return list(range(n)) if index is None else [str(label) for label in index]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decomposition(Result):
    """Uncertainty of each row, and its two parts.

    Parameters
    ----------
    total : ndarray of shape (n_samples,)
    aleatoric : ndarray of shape (n_samples,)
        Noise: what remains if the input is understood.
    epistemic : ndarray of shape (n_samples,)
        Ignorance: what more knowledge of the input would take away. NaN where one member alone cannot show it.
    kind : {"entropy", "gini", "variance"}
        Entropies are in nats.
    method : {"members", "pairs"}
        Whether several models told it, or pairs of responses.
    guarantee : str
    index : pandas.Index or None

    Examples
    --------
    >>> from uq.epistemic import decompose_samples
    >>> parts = decompose_samples([[[.9, .1]], [[.1, .9]]], kind="gini")
    >>> parts.total.round(3), parts.aleatoric.round(3), parts.epistemic.round(3)
    (array([0.5]), array([0.18]), array([0.32]))
    """

    total: Any
    aleatoric: Any
    epistemic: Any
    kind: str
    method: str = ""
    guarantee: str = "none"
    index: Any = None

    def _table(self):
        return {
            "row": row_names(self.index, len(self.total)),
            "total": self.total,
            "aleatoric": self.aleatoric,
            "epistemic": self.epistemic,
        }

    def _title(self):
        return f"uncertainty of {len(self.total)} rows ({self.kind})"

    def __repr__(self):
        return f"<{self._title()}, {self._caption()}>"

    def _draw(self, ax):
        ax.plot(self.aleatoric, self.epistemic, "o", ms=3, alpha=0.6)
        ax.set(xlabel="aleatoric (noise)", ylabel="epistemic (ignorance)", title=self._title())
        return ax


@cites("johnson2024")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairDiagnosis(Result):
    """What no calibrated model of pairs says, counted in each row.

    Parameters
    ----------
    asymmetry : ndarray of shape (n_samples,)
        The largest difference between the joint and its transpose, before they were averaged.
    least_eigenvalue : ndarray of shape (n_samples,)
        Of the covariance; below 0 (but for rounding) it is none.
    negative_variances : ndarray of int, shape (n_samples,)
        Classes with J[y, y] < m[y]^2.
    confidence_above_one : ndarray of int, shape (n_samples,)
        Those of them with J[y, y] > 0: their m^2 / J is above 1 and would claim certainty.
    negative_entries : ndarray of int, shape (n_samples,)
        Entries of the joint below 0, after `project` or from counts.
    n_classes : int
    tolerance : ndarray of shape (n_samples,)
        How far below 0 the least eigenvalue may lie by the rounding of the numbers that came in.
    guarantee : str
    index : pandas.Index or None

    Examples
    --------
    >>> from uq.epistemic import PairDistribution
    >>> print(PairDistribution([[[.1, .4], [.4, .1]]]).diagnose())
    1 rows of 2 classes
                   fault  rows  worst
               asymmetry     0      0
    negative eigenvalues     1   -0.3
      negative variances     1      2
    confidence above one     1      2
        negative entries     0      0
    guarantee: none
    """

    asymmetry: Any
    least_eigenvalue: Any
    negative_variances: Any
    confidence_above_one: Any
    negative_entries: Any
    n_classes: int
    tolerance: Any
    guarantee: str = "none"
    index: Any = None

    @property
    def sound(self) -> bool:
        """Whether no variance and no eigenvalue is negative, but for rounding, and no entry of the joint."""
        return not (self._bent().any() or self.negative_variances.any() or self.negative_entries.any())

    def _bent(self):
        return self.least_eigenvalue < -self.tolerance

    def _table(self):
        return {
            "row": row_names(self.index, len(self.asymmetry)),
            "asymmetry": self.asymmetry,
            "least_eigenvalue": self.least_eigenvalue,
            "negative_variances": self.negative_variances,
            "confidence_above_one": self.confidence_above_one,
            "negative_entries": self.negative_entries,
        }

    def _shown(self):
        counts = (self.negative_variances, self.confidence_above_one, self.negative_entries)
        names = ("negative variances", "confidence above one", "negative entries")
        return {
            "fault": ["asymmetry", "negative eigenvalues", *names],
            "rows": [
                int((self.asymmetry > 1e-12).sum()),
                int(self._bent().sum()),
                *(int((c > 0).sum()) for c in counts),
            ],
            "worst": [
                float(self.asymmetry.max()),
                float(np.where(self._bent(), self.least_eigenvalue, 0.0).min()),
                *(int(c.max()) for c in counts),
            ],
        }

    def _title(self):
        return f"{len(self.asymmetry)} rows of {self.n_classes} classes"

    def __repr__(self):
        return f"<PairDiagnosis of {self._title()}, {'sound' if self.sound else 'not sound'}>"

    def _draw(self, ax):
        ax.hist(self.least_eigenvalue, bins=40)
        ax.axvline(0.0, color="#888888", lw=1, ls="--")
        ax.set(xlabel="least eigenvalue of the covariance", ylabel="rows", title=self._title())
        return ax
