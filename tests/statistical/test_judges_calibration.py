"""Simulation-based calibration of the Gibbs sampler: among posterior draws the truth has a uniform rank.

The data sets run side by side as chains. Judged by simultaneous bands around the ECDF of the ranks, exact binomials
with Bonferroni over points and quantities, so that a right sampler falls out once in 1,000 runs of a test.
"""

import numpy as np
import pytest
from judges_worlds import World, gibbs_ranks, rank_band

ALL = (0, 1, 2)
WORLDS = {
    "constant": World(blocks=((ALL, 60, False),)),
    "finite constancy": World(constancy=5.0, blocks=((ALL, 40, False),)),
    "anchors and missing votes": World(
        blocks=((ALL, 20, False), ((0, 1), 20, False), (ALL, 10, True), ((2,), 5, True))
    ),
    "three levels": World(n_levels=3, n_cells=2, blocks=((ALL, 40, False),)),
    "family": World(family=(0, 0, 1, 2), blocks=(((0, 1, 2, 3), 40, False), ((0, 2), 20, False))),
    "family, finite constancy": World(
        n_cells=2, family=(0, 0, 1, 2), constancy=5.0, blocks=(((0, 1, 2, 3), 30, False),)
    ),
    "self-votes": World(constancy=5.0, own_cells=(1,), blocks=((ALL, 40, False),)),
}


def check(world, n_sets, **options):
    ranks = gibbs_ranks(world, np.random.default_rng(5), n_sets, **options)
    outside = {name: rank_band(of_one, error=1e-3 / len(ranks)).tolist() for name, of_one in ranks.items()}
    assert not any(outside.values()), outside


def test_ranks_are_uniform_in_few_data_sets():
    check(WORLDS["constant"], 60, thin=3, burn=100)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_ranks_are_uniform(name):
    check(WORLDS[name], 500, thin=4, burn=150)


def test_the_band_finds_ranks_that_are_not_uniform():
    rng = np.random.default_rng(0)
    uniform, narrow = rng.integers(0, 100, 500), np.clip(rng.normal(49.5, 22, 500), 0, 99).astype(int)
    assert not rank_band(uniform).size
    assert rank_band(narrow).size
    assert rank_band(np.minimum(uniform, rng.integers(0, 100, 500))).size
