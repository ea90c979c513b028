"""How often the bounds miss: by enumeration of all counts where that is possible, else by seeded simulation."""

import warnings

import numpy as np
import pytest
from scipy import stats

from uq._base import bounds
from uq._base.exceptions import EmptyIntervalWarning
from uq._evaluation._betting import BettingLaw
from uq._evaluation._running import Gamblers
from uq._evaluation._sequence import mean_sequence

PROBABILITIES = np.round(np.arange(0.02, 0.981, 0.02), 2)
DOUBT = 1e-6

LAWS = {
    "coin .1": (lambda rng, size: (rng.random(size) < 0.1) * 1.0, 0.1),
    "coin .5": (lambda rng, size: (rng.random(size) < 0.5) * 1.0, 0.5),
    "beta(1, 3)": (lambda rng, size: rng.beta(1, 3, size), 0.25),
    "beta(.2, 2)": (lambda rng, size: rng.beta(0.2, 2, size), 0.2 / 2.2),
    "two points": (lambda rng, size: np.where(rng.random(size) < 0.1, 0.9, 0.3), 0.36),
    "two rare points": (lambda rng, size: np.where(rng.random(size) < 0.03, 1.0, 0.01), 0.03 + 0.97 * 0.01),
}


def at_most(misses, alpha):
    """Tell whether so many misses agree with a probability of at most alpha."""
    return misses.sum() <= stats.binom.isf(DOUBT, misses.size, alpha)


@pytest.mark.parametrize("n", [10, 20, 50])
@pytest.mark.parametrize("alpha", [0.1, 0.025])
@pytest.mark.parametrize("name", ["clopper_pearson", "kl"])
def test_binomial_coverage_by_enumeration(n, alpha, name):
    k = np.arange(n + 1)
    if name == "kl":
        lower, upper = bounds.kl_lower_of_mean(k / n, n, alpha), bounds.kl_upper_of_mean(k / n, n, alpha)
    else:
        lower, upper = bounds.clopper_pearson_lower(k, n, alpha), bounds.clopper_pearson_upper(k, n, alpha)
    weight = stats.binom.pmf(k, n, PROBABILITIES[:, None])
    below = (weight * (PROBABILITIES[:, None] < lower)).sum(axis=1)
    above = (weight * (PROBABILITIES[:, None] > upper)).sum(axis=1)
    assert (below <= alpha).all()
    assert (above <= alpha).all()
    # an exact bound comes near its level somewhere; Chernoff's keeps a distance
    if name == "clopper_pearson":
        assert max(below.max(), above.max()) > 0.75 * alpha


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [10, 50])
def test_closed_forms_cover(law, n):
    draw, mean = LAWS[law]
    values = draw(np.random.default_rng(11), (n, 20_000))
    for lower, upper in (
        (bounds.hoeffding_lower, bounds.hoeffding_upper),
        (bounds.empirical_bernstein_lower, bounds.empirical_bernstein_upper),
        (bounds.kl_lower, bounds.kl_upper),
    ):
        assert at_most(lower(values, 0.1) > mean, 0.1)
        assert at_most(upper(values, 0.1) < mean, 0.1)
    variance = draw(np.random.default_rng(12), 10**6).var() * 1.02
    assert at_most(bounds.bernstein_lower(values, variance, 0.1) > mean, 0.1)
    assert at_most(bounds.bernstein_upper(values, variance, 0.1) < mean, 0.1)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [10, 20, 50])
@pytest.mark.slow
def test_betting_covers_on_each_side_at_every_level(law, n):
    draw, mean = LAWS[law]
    rng = np.random.default_rng(n)
    p = []
    for i in range(1500):
        answer = BettingLaw(values=draw(rng, n))
        p.append((answer.p_greater(mean), answer.p_less(mean)))
        if i % 100 == 0:  # the p-value stands for the limit, which takes longer
            assert (answer.lower(0.1) > mean) == (p[-1][0] < 0.1)
            assert (answer.upper(0.1) < mean) == (p[-1][1] < 0.1)
    for alpha in (0.01, 0.025, 0.1, 0.3):
        assert at_most(np.array(p)[:, 0] < alpha, alpha)
        assert at_most(np.array(p)[:, 1] < alpha, alpha)


def test_betting_covers_on_clusters():
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 12, 25)
    weights = sizes / sizes.max()
    misses = []
    for _ in range(2000):
        # rows of one cluster share their probability; its mean over clusters is .2
        rate = rng.beta(0.1, 0.4, 25)
        answer = BettingLaw(values=rng.binomial(sizes, rate) / sizes, weights=weights)
        misses.append([answer.p_greater(0.2) < 0.1, answer.p_less(0.2) < 0.1])
    assert at_most(np.array(misses)[:, 0], 0.1)
    assert at_most(np.array(misses)[:, 1], 0.1)
    # rows taken for independent miss far too often here: the simulation can tell
    assert not at_most(_row_misses(np.random.default_rng(6), sizes), 0.1)


def _row_misses(rng, sizes):
    misses = []
    for _ in range(500):
        rates = np.repeat(rng.beta(0.1, 0.4, len(sizes)), sizes)
        rows = rng.permutation((rng.random(len(rates)) < rates) * 1.0)
        misses.append(min(bounds.clopper_pearson_upper(rows.sum(), len(rows), 0.1) - 0.2, 0) < 0)
    return np.array(misses)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.slow
def test_shared_capital_holds_at_all_looks_at_once(law):
    draw, mean = LAWS[law]
    rng = np.random.default_rng(3)
    misses = []
    for _ in range(1000):
        x = draw(rng, 1000)
        pair = [Gamblers(x, 0.1), mean], [Gamblers(1 - x, 0.1), 1 - mean]
        misses.append([g.walk(m, 0, 1000, g.start)[0] > -np.log(0.1) for g, m in pair])
    assert at_most(np.array(misses)[:, 0], 0.1)
    assert at_most(np.array(misses)[:, 1], 0.1)


@pytest.mark.slow
def test_mean_sequence_misses_at_no_look():
    draw, mean = LAWS["coin .1"]
    rng = np.random.default_rng(9)
    n = np.arange(1, 201)
    ever, naive = [], []
    for _ in range(400):
        x = draw(rng, 200)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", EmptyIntervalWarning)
            curve = mean_sequence(x, (0, 1), confidence_level=0.8, n_looks=40)
        # an empty band contains nothing
        ever.append(((curve.lower > mean) | (curve.upper < mean)).any() or bool(caught))
        # a bound for one n, looked at after every row
        ends = [f(np.cumsum(x), n, 0.1) for f in (bounds.clopper_pearson_lower, bounds.clopper_pearson_upper)]
        naive.append(((ends[0] > mean) | (ends[1] < mean)).any())
    assert at_most(np.array(ever), 0.2)
    assert not at_most(np.array(naive), 0.2)
