"""Values that come with their noise variance: forecasts and intervals of a campaign know of it."""

import numpy as np
import pytest
from scipy.stats import norm

from bayes import BayesianOptimizer, GaussianProcess, Real

SD = 0.3


def campaign(seed, n=15, told=SD**2, **parameters):
    rng = np.random.default_rng(seed)
    made = BayesianOptimizer({"x": Real(0, 1)}, random_state=seed, **parameters)
    for _ in range(n):
        trial = made.ask()
        made.tell(trial, SD * rng.normal(), y_var=told)
    return made


@pytest.mark.slow
def test_forecasts_are_judged_with_the_variance_that_was_told():
    known = GaussianProcess(length_scale=1.0, signal_variance=1e-8, noise_variance=1e-8, hyperparameters="fixed")
    z = np.concatenate([campaign(seed, 25, surrogate=known).diagnostics().forecast_z for seed in range(4)])
    assert 0.8 < np.std(z) < 1.3  # 1, with what the mean is unsure of; without the variance it is in the thousands


def test_the_interval_at_the_best_holds_a_new_noisy_observation():
    covered = []
    for seed in range(6):
        made = campaign(seed, n_initial=15)
        interval = made.best_interval(0.9)
        covered.append(norm.cdf(interval.upper / SD) - norm.cdf(interval.lower / SD))
    assert np.mean(covered) > 0.85


def test_the_variance_of_a_new_observation_is_the_median_one():
    made = campaign(0, told=None)
    before = made.best_interval()
    assert before == made.best_interval()
    some = campaign(0)
    row = [[some.best_params_["x"]]]
    gp = some._models(some._campaign).objective
    expected = gp.predict_interval(row, y_var=SD**2)
    assert np.isclose(some.best_interval().upper, expected.upper[0])
    assert some.best_interval().width > gp.predict_interval(row).width[0]
