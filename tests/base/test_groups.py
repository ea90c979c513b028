"""Sums over clusters, against adding up row by row."""

import numpy as np
import pytest

from uq._base.groups import cluster_sums


@pytest.mark.parametrize("n_groups", [0, 4, 7])
def test_cluster_sums_are_what_adding_row_by_row_gives(n_groups):
    rng = np.random.default_rng(0)
    groups, values = rng.permutation([0, 0, 0, 1, 3, 3]), rng.integers(-5, 5, size=(6, 2)).astype(float)
    slow = np.zeros((max(n_groups, 4), 2))
    for code, row in zip(groups, values, strict=True):
        slow[code] += row
    np.testing.assert_array_equal(cluster_sums(values, groups, n_groups), slow)


def test_inputs_stay_as_they_are():
    groups, values = np.array([1, 0, 1]), np.asfortranarray(np.arange(6.0).reshape(3, 2))
    for array in (groups, values):
        array.flags.writeable = False
    np.testing.assert_array_equal(cluster_sums(values, groups), [[2.0, 3.0], [4.0, 6.0]])
