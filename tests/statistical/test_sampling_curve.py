"""Coverage of the interval of a coverage curve under its model, at few problems, within and beyond the samples."""

import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln

from uq.exceptions import ExtrapolationWarning, InfiniteBoundWarning, SmallSampleWarning
from uq.sampling import CoverageCurve

REPS = 200
# law of rates, samples per problem; percent of nominal 95 % at k = 1, 10, n, 100 n for 20 and 50 problems
TABLE = {
    (0.3, 3.0, 20): ([90.5, 98.0, 97.0, 98.5], [94.5, 96.5, 96.0, 95.0]),
    (0.2, 10.0, 100): ([90.0, 93.0, 96.5, 96.5], [94.5, 96.0, 96.5, 96.5]),
    (2.0, 2.0, 50): ([92.5, 92.5, 88.5, 87.0], [96.5, 94.0, 94.0, 92.0]),
}


def simulate(draw, truth, ks, *, reps=REPS, model="beta_binomial", groups=None):
    rng = np.random.default_rng(1)
    covered = np.zeros(len(ks))
    with warnings.catch_warnings():
        for category in (SmallSampleWarning, InfiniteBoundWarning, ExtrapolationWarning):
            warnings.simplefilter("ignore", category)
        for seed in range(reps):
            fitted = CoverageCurve(model, n_resamples=299, random_state=seed).fit(*draw(rng), groups)
            lower, upper = fitted.predict_interval(ks)
            covered += (lower <= truth) & (truth <= upper)
    return covered


@pytest.mark.slow
@pytest.mark.parametrize("law", TABLE, ids=str)
def test_what_few_problems_cost_is_known(law):
    a, b, n = law
    ks = np.array([1, 10, n, 100 * n])
    truth = -np.expm1(betaln(a, b + ks) - betaln(a, b))
    for problems, percent in zip((20, 50), TABLE[law], strict=True):
        covered = simulate(lambda rng, m=problems: (rng.binomial(n, rng.beta(a, b, m)), n), truth, ks)
        assert 100 * covered / REPS == pytest.approx(percent, abs=2.0), problems


@pytest.mark.slow
def test_many_problems_are_covered_at_the_level():
    a, b, n, ks = 0.3, 3.0, 20, np.array([1, 5, 20])
    truth = -np.expm1(betaln(a, b + ks) - betaln(a, b))
    covered = simulate(lambda rng: (rng.binomial(n, rng.beta(a, b, 300)), n), truth, ks)
    assert (covered >= stats.binom.ppf(1e-4, REPS, 0.94)).all()


@pytest.mark.slow
def test_clusters_of_problems_are_covered():
    """Four problems share one rate: drawn whole they cover, as single problems they do not."""
    a, b, n, ks = 0.5, 3.0, 20, np.array([1, 5, 20])
    truth = -np.expm1(betaln(a, b + ks) - betaln(a, b))
    groups = np.repeat(np.arange(40), 4)

    def draw(rng):
        return rng.binomial(n, rng.beta(a, b, 40)[groups]), n

    assert (simulate(draw, truth, ks, groups=groups) >= stats.binom.ppf(1e-4, REPS, 0.94)).all()
    assert (simulate(draw, truth, ks) < 0.85 * REPS).all()


@pytest.mark.slow
def test_stopping_by_outcomes_is_covered():
    """The first success, or 100 samples: the likelihood is the same."""
    a, b, ks = 0.5, 5.0, np.array([1, 5, 50])
    truth = -np.expm1(betaln(a, b + ks) - betaln(a, b))

    def draw(rng):
        first = rng.geometric(np.maximum(rng.beta(a, b, 120), 1e-9))
        return (first <= 100).astype(int), np.minimum(first, 100)

    assert (simulate(draw, truth, ks) >= stats.binom.ppf(1e-4, REPS, 0.93)).all()


@pytest.mark.slow
def test_in_short():
    a, b, n, ks = 1.0, 3.0, 10, np.array([1, 10])
    truth = -np.expm1(betaln(a, b + ks) - betaln(a, b))
    covered = simulate(lambda rng: (rng.binomial(n, rng.beta(a, b, 80)), n), truth, ks, reps=60)
    assert (covered >= stats.binom.ppf(1e-4, 60, 0.94)).all()


@pytest.mark.slow
@pytest.mark.parametrize("law", [(0.3, 3.0), (0.6, 2.5)], ids=str)
def test_the_power_law_that_many_problems_would_fit_is_covered(law):
    """No law of rates has this curve for all k, so what is covered is where the fit ends with ever more problems."""
    n, ks = 20, np.array([1, 5, 20])
    counts = np.random.default_rng(0).binomial(n, np.random.default_rng(1).beta(*law, 400_000))
    limit = CoverageCurve("exp_power").fit(counts, n).predict(ks)
    for problems in (50, 300):
        covered = simulate(
            lambda rng, m=problems: (rng.binomial(n, rng.beta(*law, m)), n), limit, ks, model="exp_power"
        )
        assert (covered >= stats.binom.ppf(1e-4, REPS, 0.92)).all(), problems
