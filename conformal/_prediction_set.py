"""Sets of classes, one per row: what `predict_set` returns."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.classes import codes_of
from uq._base.containers import as_labels, as_numeric, dimensions
from uq._base.exceptions import InputError
from uq._base.frozen import Frozen
from uq._base.record import GUARANTEES, Result, format_number, format_percent
from uq._base.validation import check_level, check_option

__all__ = ["PredictionSet"]

SHOWN_CLASSES = 6
SHOWN_ROWS = 30  # of a long table the head and the tail are printed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictionSet(Result):
    """A set of classes per row.

    Parameters
    ----------
    mask : ndarray of bool, shape (n, n_classes)
        Which classes are in the set of each row. A set may be empty, or hold all classes.
    classes : ndarray of shape (n_classes,)
        The label of each column.
    confidence_level : float
        The level that was asked for.
    attained_level : float, ndarray of shape (n,) or None
        The exact coverage of the procedure where it is known.
    guarantee : {"exact", "finite-sample", "asymptotic", "posterior", "none"}
    method : str
    index : pandas.Index, tuple of str or None
        The caller's row labels.

    See Also
    --------
    SplitConformal, SimultaneousConformal : where the sets come from.
    uq.coverage_report : coverage on fresh truth, in all and by the size of the sets.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import PredictionSet
    >>> mask = np.array([[True, False, False], [True, True, False]])
    >>> sets = PredictionSet(mask=mask, classes=np.array(["bird", "cat", "dog"]), confidence_level=.9)
    >>> sets.sizes
    array([1, 2])
    >>> sets.contains(["bird", "dog"])
    array([ True, False])
    >>> sets
    <2 sets of 3 classes, mean size 1.5, 90 % prediction sets, guarantee: none>
    """

    mask: Any
    classes: Any
    confidence_level: float
    attained_level: Any = None
    guarantee: str = "none"
    method: str = ""
    index: Any = None

    def __post_init__(self):
        try:
            mask = np.asarray(self.mask)
        except ValueError:  # a ragged list
            raise InputError("PredictionSet: mask must have rows of one length.") from None
        classes = as_labels(self.classes, "PredictionSet", "classes")
        if mask.ndim != 2 or mask.dtype != bool:
            raise InputError(
                f"PredictionSet: mask must be boolean, of shape (n, n_classes); got {mask.dtype} of shape {mask.shape}."
            )
        if mask.shape[1] != len(classes):
            raise InputError(
                f"PredictionSet: classes must hold one label per column of mask ({mask.shape[1]}); got {len(classes)}."
            )
        if len(set(classes.tolist())) < len(classes):
            raise InputError(f"PredictionSet: classes must differ from each other; got {classes.tolist()!r:.200}.")
        if self.index is not None and (dimensions(self.index) == 0 or len(self.index) != len(mask)):
            raise InputError(
                f"PredictionSet: index must hold one label per set ({len(mask)}); got {self.index!r:.100}."
            )
        object.__setattr__(self, "confidence_level", check_level(self.confidence_level, "PredictionSet"))
        check_option(self.guarantee, GUARANTEES, "PredictionSet", "guarantee")
        if self.attained_level is not None:
            attained = as_numeric(self.attained_level, "PredictionSet", "attained_level")
            if attained.shape not in ((), (len(mask),)) or not ((attained >= 0) & (attained <= 1)).all():
                raise InputError(
                    f"PredictionSet: attained_level must be one probability, or one per set; got "
                    f"{self.attained_level!r:.200}."
                )
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "classes", classes)
        Frozen.__post_init__(self)

    @property
    def sizes(self) -> np.ndarray:
        """How many classes each set holds, of shape (n,)."""
        return self.mask.sum(axis=1)

    def contains(self, y) -> np.ndarray:
        """Tell which labels are in the set of their row.

        Parameters
        ----------
        y : array-like of shape (n,)
            Labels of the kind of `classes`. One that is no class is in no set.

        Returns
        -------
        ndarray of bool, shape (n,)

        Raises
        ------
        InputError
            For lengths that differ, missing labels, and words where the classes are numbers (or the other way round).
        """
        owner = "PredictionSet.contains"
        labels = as_labels(y, owner, "y")
        if len(labels) != len(self.mask):
            raise InputError(f"{owner}: y must hold one label per set ({len(self.mask)}); got {len(labels)}.")
        if len(labels) == 0:
            return np.zeros(0, bool)
        if (labels.dtype.kind in "US") != (self.classes.dtype.kind in "US"):
            raise InputError(
                f"{owner}: y must hold labels of the kind of classes, such as {self.classes[0]!r}; got {labels[0]!r}."
            )
        codes = codes_of(labels, self.classes, owner, "y")
        return self.mask[np.arange(len(codes)), codes] & (codes >= 0)

    def _index(self):
        return self.index if self.index is None or not isinstance(self.index, tuple) else list(self.index)

    def _table(self):
        columns = {str(label): self.mask[:, j] for j, label in enumerate(self.classes.tolist())}
        return {"set_size": self.sizes, **columns}

    def _shown(self):
        n = len(self.mask)
        names = range(n) if self.index is None else [str(i) for i in self.index]
        texts = [self._text_of(i) if i < SHOWN_ROWS or i >= n - SHOWN_ROWS else "" for i in range(n)]
        return {"row" if self.index is None else "name": names, "set_size": self.sizes, "classes": texts}

    def _text_of(self, i):
        held = [str(label) for label in self.classes[self.mask[i]][: SHOWN_CLASSES + 1].tolist()]
        return ", ".join(held[:SHOWN_CLASSES] + ["..."] * (len(held) > SHOWN_CLASSES)) or "(empty)"

    def _title(self):
        attained = "" if self.attained_level is None else f" (attained {format_percent(np.min(self.attained_level))})"
        return f"{format_percent(self.confidence_level)} prediction sets{attained}"

    def __repr__(self):
        n, k = self.mask.shape
        size = f"mean size {format_number(float(self.sizes.mean()))}, " if n else ""
        return f"<{n} sets of {k} classes, {size}{self._title()}, {self._caption()}>"

    def _draw(self, ax):
        from uq._base.plot import INK

        counts = np.bincount(self.sizes, minlength=2)
        sizes = np.arange(len(counts))
        ax.bar(sizes, counts, color=INK)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        ax.set(xlabel="classes in the set", ylabel="rows", title=self._title())
        return ax
