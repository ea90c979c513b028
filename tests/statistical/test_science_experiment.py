"""The experiment in Science, at a size whose share of chosen features to rows is the same (k / n = 1 / 20)."""

import numpy as np
import pytest
from science2015 import experiment, mechanisms, world

pytestmark = pytest.mark.slow
N, K, REPEATS = 2000, 100, 30


@pytest.fixture(scope="module")
def reports():
    """Return a dict from mechanism to an array of (reported, tolerance, fresh) per repetition."""
    rng = np.random.default_rng(2015)
    found = {name: [] for name in mechanisms(N, N, 1)}
    for seed in range(REPEATS):
        sets = world(N, N, rng)
        for name, mechanism in mechanisms(N, N, 1).items():
            found[name].append(experiment(mechanism, sets, [K], seed)[0])
    return {name: np.array(rows) for name, rows in found.items()}


def _mean_within(values, center, tolerance):
    """The mean lies within the tolerance, up to three standard errors of so few repetitions."""
    assert abs(values.mean() - center) <= tolerance + 3 * values.std(ddof=1) / np.sqrt(len(values))


def test_naive_reuse_reports_63_percent_for_coins(reports):
    reported, _, fresh = reports["naive"].T
    _mean_within(fresh, 0.5, 0.0)
    _mean_within(reported, 0.63, 0.01)
    assert (np.abs(reported - 0.5) > reports["naive"][:, 1]).all(), "outside of the interval that it claims, each time"


def test_thresholdout_stays_within_two_percent(reports):
    reported, _, fresh = reports["thresholdout"].T
    _mean_within(reported - fresh, 0.0, 0.02)
    # its noise has a standard deviation of 1 / sqrt(n)
    assert reported.std() < 2 / np.sqrt(N)


def test_guess_and_check_keeps_what_it_certifies(reports):
    reported, tolerance, _ = reports["guess and check"].T
    assert mechanisms(N, N, 1)["guess and check"].guarantee == "finite-sample"
    assert (tolerance < 0.5).all()
    assert (np.abs(reported - 0.5) <= tolerance).all()
