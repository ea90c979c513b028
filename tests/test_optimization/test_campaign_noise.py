"""What a campaign takes for noise when it has seen some dozen values only."""

import numpy as np
from benchmarks.contest.problems import hartmann6

from bayes import GaussianProcess

SD = 0.3


def fitted_sd(seed, n, sd):
    """Return the noise that a campaign sees in values of Hartmann's function, half of them around the best place."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, 6))
    best = X[np.argmax([hartmann6(x) for x in X])]
    X[n // 2 :] = np.clip(best + 0.1 * rng.standard_normal((n - n // 2, 6)), 0, 1)
    y = np.array([hartmann6(x) for x in X]) + sd * rng.standard_normal(n)
    gp = GaussianProcess()
    gp._natural = True
    gp = gp._fit(X, y, input_scale=np.ones(6))
    return gp.scale_ * np.sqrt(gp.posteriors_[0].noise_variance)


def test_noise_is_seen_within_a_campaign():
    found = np.median([fitted_sd(seed, 32, SD) for seed in range(25)])
    assert 0.4 * SD < found < SD  # .54; .19 under a prior half as wide, which hands noise over to short length scales


def test_no_noise_is_not_taken_for_some():
    X = np.linspace(0, 1, 12)[:, None]
    gp = GaussianProcess()
    gp._natural = True
    gp = gp._fit(X, np.sin(6 * X[:, 0]), input_scale=np.ones(1))
    assert gp.scale_ * np.sqrt(gp.posteriors_[0].noise_variance) < 0.025  # .019; .032 under the prior half as wide
