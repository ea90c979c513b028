"""Sums over the rows of each cluster."""

import numpy as np

__all__ = ["cluster_sums"]


def cluster_sums(values, groups, n_groups=0):
    """Return the sums of the rows (n, k) of each cluster, shape (n_groups, k), by codes 0 ... G-1.

    `n_groups` is needed where the last clusters may have no rows; theirs are 0.
    """
    return np.stack([np.bincount(groups, column, n_groups) for column in values.T], axis=1)
