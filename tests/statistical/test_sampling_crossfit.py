"""Coverage of the price of routing: models chosen by one half of the runs, paid at the prices of the other half."""

import warnings

import numpy as np
import pytest
from atlas.sampling import BASELINE, cost_world
from scipy import stats

from uq.exceptions import InfiniteBoundWarning, SmallSampleWarning
from uq.sampling import frontier_cost_of_pass

REPS = 200


@pytest.mark.slow
@pytest.mark.parametrize(("n", "runs", "least"), [(50, 32, 0.5), (50, 8, 0.3), (20, 8, 0.3)])
def test_what_the_choice_by_half_of_the_runs_costs_is_covered(n, runs, least):
    items = frontier_cost_of_pass(
        *cost_world(np.random.default_rng(0), 40_000, runs, least),
        baseline=BASELINE,
        selection="crossfit",
        average=None,
    )
    rng, covered = np.random.default_rng(1), 0
    with warnings.catch_warnings():
        for category in (SmallSampleWarning, InfiniteBoundWarning):
            warnings.simplefilter("ignore", category)
        for _ in range(REPS):
            costs, successes = cost_world(rng, n, runs, least)
            found = frontier_cost_of_pass(
                costs, successes, baseline=BASELINE, selection="crossfit", n_resamples=299, rng=rng
            )
            covered += int(found.conf_int().contains(items.mean()))
    assert covered >= stats.binom.ppf(1e-4, REPS, 0.93)
