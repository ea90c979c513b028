"""Each observation against what the other rows say about it."""

from dataclasses import dataclass

import numpy as np

from uq._base.record import Result

__all__ = ["LeaveOneOut"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeaveOneOut(Result):
    """Predictions of each observation from all others, hyperparameters held.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Observations, in their units.
    mean, std : ndarray of shape (n,)
        Of each observation given the others; the noise is part of `std`.
    z : ndarray of shape (n,)
        (y - mean) / std: about standard normal where the model is right, but too small, as the hyperparameters were
        chosen with the row.
    method, guarantee : str
    """

    y: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    z: np.ndarray
    method: str = "leave-one-out, hyperparameters held"
    guarantee: str = "none"

    def _table(self):
        return {"y": self.y, "mean": self.mean, "std": self.std, "z": self.z}

    def _title(self):
        return f"Leave-one-out, {len(self.y)} rows"

    def _draw(self, ax):
        from uq._base import plot

        half = 1.6448536269514722 * self.std
        title = "Observations, and 90 % intervals from the others"
        return plot.intervals(ax, self.y, self.mean - half, self.mean + half, title=title, label="y")
