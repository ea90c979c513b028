"""Every function of this room that takes `n_jobs` gives the same numbers for any number of workers."""

import inspect

import numpy as np
import pytest

import uq.sampling
from uq.sampling import (
    cost_of_pass,
    essentialness,
    frontier_cost_of_pass,
    majority_at_k,
    pass_all_k,
    pass_at_k,
    verified_sampling_from_counts,
)

pytestmark = pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")

N = 40
RNG = np.random.default_rng(0)
RIGHT = RNG.binomial(12, RNG.beta(2, 1, N))
GROUPS = np.arange(N) % 8
RUNS = RNG.gamma(2, 0.5, (2, N, 12)), (RNG.random((2, N, 12)) < 0.7).astype(float)
UNEQUAL = tuple(np.where(np.arange(12) < 6 + np.arange(N)[:, None] % 7, x, np.nan) for x in RUNS)
BOOTSTRAP = {"method": "bootstrap", "n_resamples": 300}
VOTES = np.column_stack([RIGHT, 12 - RIGHT])


def verified(**options):
    wrong = (12 - RIGHT) // 2
    return verified_sampling_from_counts(
        n_accepted_correct=RIGHT, n_accepted=RIGHT + wrong, n_trials=12, penalty=0.5, n_resamples=300, **options
    )


CALLS = {
    "pass_at_k": lambda **o: pass_at_k(RIGHT, 12, [1, 5], **BOOTSTRAP, **o),
    "pass_at_k, clusters": lambda **o: pass_at_k(RIGHT, 12, [1, 5], groups=GROUPS, **BOOTSTRAP, **o),
    "pass_all_k": lambda **o: pass_all_k(RIGHT, 12, [1, 5], **BOOTSTRAP, **o),
    "majority_at_k": lambda **o: majority_at_k(VOTES, np.zeros(N, int), [1, 5], form="counts", **BOOTSTRAP, **o),
    "cost_of_pass": lambda **o: cost_of_pass(RUNS[0][0], RUNS[1][0], n_resamples=300, **o),
    "cost_of_pass, unequal": lambda **o: cost_of_pass(UNEQUAL[0][0], UNEQUAL[1][0], n_resamples=300, **o),
    "frontier_cost_of_pass": lambda **o: frontier_cost_of_pass(*RUNS, baseline=3, n_resamples=300, **o),
    "essentialness": lambda **o: essentialness(*RUNS, baseline=3, n_resamples=300, **o),
    "verified_sampling_from_counts": verified,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_the_draws_do_not_depend_on_the_workers(name):
    found = [CALLS[name](n_jobs=jobs, rng=4) for jobs in (None, 1, 2)]
    assert found[0] == found[1] == found[2]
    assert found[0] != CALLS[name](n_jobs=2, rng=5)


def test_no_function_that_takes_workers_is_left_out():
    public = {name: getattr(uq.sampling, name) for name in uq.sampling.__all__}
    asked = {name for name, each in public.items() if "n_jobs" in inspect.signature(each).parameters}
    assert asked == {name.split(",")[0] for name in CALLS}
