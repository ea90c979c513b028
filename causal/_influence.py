"""Which rows an estimate leans on, and how strongly: what the covariance of two estimates on shared rows comes from."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uq._base.exceptions import InputError
from uq._base.frozen import Frozen
from uq._base.groups import cluster_sums

from ._row_labels import numbers_of

__all__ = ["Influence", "Source", "label_sums"]


@dataclass(frozen=True, slots=True)
class Source:
    """Who the rows of a block are.

    Parameters
    ----------
    ids : array or None
        Labels of the rows, or of the clusters.
    clustered : bool
        Which of the two.
    values : ndarray of shape (n,) or None
        Their predictions, or the sums of those: what tells row 0 of one frame from row 0 of another. Kept where the
        labels are numbers or dates, as those of every frame without names are.
    """

    ids: Any = None
    clustered: bool = False
    values: Any = None

    @classmethod
    def of(cls, ids, z, groups):
        """Return the source of rows with predictions z and codes `groups` (None for rows without clusters)."""
        if ids is None or numbers_of(ids) is None:
            return cls(ids, groups is not None)
        return cls(ids, groups is not None, z.copy() if groups is None else np.bincount(groups, z))

    def pick(self, kept):
        """Return the rows that a mask or places pick."""
        return Source(
            None if self.ids is None else self.ids[kept],
            self.clustered,
            None if self.values is None else self.values[kept],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence(Frozen):
    """Influence values of an estimate in the two data sets that it came from.

    Values are scaled so that their squares sum to the variance: ``fit.T @ fit + apply.T @ apply`` is the covariance of
    the estimate, whatever small-sample factor went into it. Under clusters a row is a cluster.

    Parameters
    ----------
    fit : ndarray of shape (n_fit, k)
        Of the rows whose truth was known.
    apply : ndarray of shape (n_apply, k)
        Of the rows that the verb (`mean`, `ols`, `ate`) was given.
    fit_ids, apply_ids : ndarray or None
        Who these rows are: the row labels of the caller's frame, or the labels of the clusters.
    fit_clustered, apply_clustered : bool or ndarray of bool
        Whether a row of the block is a cluster.
    fit_values, apply_values : ndarray or None
        See `Source`; NaN where nothing is known.
    estimand : str or None
        The verb: "mean", "ols", "ate", "logistic", "quantile(0.5)"; None where nobody said.
    """

    fit: Any
    apply: Any
    fit_ids: Any = field(default=None)
    apply_ids: Any = field(default=None)
    fit_clustered: Any = field(default=False)
    apply_clustered: Any = field(default=False)
    fit_values: Any = field(default=None)
    apply_values: Any = field(default=None)
    estimand: str | None = field(default=None)

    @classmethod
    def of(cls, fit, apply, fit_source, apply_source, estimand):
        """Return the influence values of two blocks of which each has its `Source`; None for a block without rows."""
        one, two = (Source() if source is None else source for source in (fit_source, apply_source))
        return cls(
            fit=fit, apply=apply, fit_ids=one.ids, apply_ids=two.ids, fit_clustered=one.clustered,
            apply_clustered=two.clustered, fit_values=one.values, apply_values=two.values, estimand=estimand,
        )  # fmt: skip

    @property
    def cov(self):
        """Return the covariance matrix of the estimate, shape (k, k)."""
        return self.fit.T @ self.fit + self.apply.T @ self.apply


def label_sums(influence, codes, size):
    """Return the sums of the influence values of each label, shape (size, k); codes of the fit rows come first."""
    values = np.concatenate([influence.fit, influence.apply])
    if len(values) != len(codes):
        raise InputError(f"{len(values)} influence values, but {len(codes)} row labels.")
    return cluster_sums(values, codes, size)
