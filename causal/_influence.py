"""Which rows an estimate leans on, and how strongly: what the covariance of two estimates on shared rows comes from."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uq._base.exceptions import InputError
from uq._base.frozen import Frozen

__all__ = ["Influence", "covariance", "label_sums"]


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
    """

    fit: Any
    apply: Any
    fit_ids: Any = field(default=None)
    apply_ids: Any = field(default=None)

    @property
    def cov(self):
        """Return the covariance matrix of the estimate, shape (k, k)."""
        return self.fit.T @ self.fit + self.apply.T @ self.apply


def covariance(a, b, ids_a, ids_b):
    """Return the covariance matrix (k_a, k_b) of two estimates that share rows.

    Parameters
    ----------
    a, b : Influence
    ids_a, ids_b : (array, array)
        Labels of the fit rows and of the apply rows. A label means the same row wherever it stands; within one block
        labels do not repeat.

    Notes
    -----
    The sum, over the labels that both know, of the products of their influence values. A row that one estimate used in
    both blocks (calibrated and applied on it) has the sum of its two values.
    """
    labels = np.concatenate([np.concatenate(ids_a), np.concatenate(ids_b)])
    codes = np.unique(labels, return_inverse=True)[1]
    n_a = sum(map(len, ids_a))
    size = codes.max() + 1
    sums = []
    for influence, own in ((a, codes[:n_a]), (b, codes[n_a:])):
        sums.append(label_sums(influence, own, size))
    return sums[0].T @ sums[1]


def label_sums(influence, codes, size):
    """Return the sums of the influence values of each label, shape (size, k); codes of the fit rows come first."""
    values = np.concatenate([influence.fit, influence.apply])
    if len(values) != len(codes):
        raise InputError(f"{len(values)} influence values, but {len(codes)} row labels.")
    return np.stack([np.bincount(codes, column, minlength=size) for column in values.T], axis=1)
