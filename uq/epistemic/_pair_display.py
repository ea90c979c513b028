"""How distributions of pairs are shown: as a table, a line, a picture."""

from typing import TYPE_CHECKING, Any

import numpy as np

__all__ = ["PairDisplay"]


class PairDisplay:
    """Table, title and picture of `PairDistribution`."""

    __slots__ = ()
    if TYPE_CHECKING:
        __len__: Any
        marginal: Any
        classes: Any
        index: Any
        n_classes: Any
        decompose: Any
        _bounds: Any
        _coarse: Any
        _caption: Any

    def _table(self):
        top = self.marginal.argmax(axis=1)
        variance, confidence = (np.take_along_axis(a, top[:, None], axis=1)[:, 0] for a in self._bounds())
        split = self._split()
        rows = range(len(self)) if self.index is None else map(str, self.index)
        return {
            "row": list(rows),
            "class": top if self.classes is None else [self.classes[k] for k in top],
            "probability": np.take_along_axis(self.marginal, top[:, None], axis=1)[:, 0],
            "epistemic_sd": np.where(variance < 0, np.nan, np.sqrt(np.maximum(variance, 0.0))),
            "confidence": confidence,
            "aleatoric": split[0],
            "epistemic": split[1],
        }

    def _split(self):
        """Return noise and ignorance of the variances that are shown, which rounding may have raised."""
        split = self.decompose()
        if not self._coarse:
            return split.aleatoric, split.epistemic
        epistemic = np.minimum(self._bounds()[0].sum(axis=1), split.total)
        return split.total - epistemic, epistemic

    def _title(self):
        return f"{len(self)} pair distributions of {self.n_classes} classes"

    def __repr__(self):
        return f"<{self._title()}, {self._caption()}>"

    def _draw(self, ax):
        ax.plot(*self._split(), "o", ms=3, alpha=0.6)
        ax.set(xlabel="aleatoric (noise)", ylabel="epistemic (ignorance)", title=self._title())
        return ax
