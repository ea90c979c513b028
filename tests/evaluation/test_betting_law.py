"""The betting law keeps the contracts of intervals and p-values, at every level and for clusters too."""

import pickle

import numpy as np
import pytest
from contracts import IntervalContract, PValueContract, SuperUniformContract
from hypothesis import given
from hypothesis import strategies as st

from uq import Estimate
from uq._base import betting
from uq._base.exceptions import EmptyIntervalWarning
from uq._evaluation._betting import BettingLaw


def law_of(scores, low=0.0, high=1.0, weights=None, **options):
    values = betting.to_unit(np.asarray(scores, float), low, high)
    return BettingLaw.from_unit_values(values, low=low, high=high, weights=weights, **options)


def estimate_of(scores, low=0.0, high=1.0, weights=None):
    mean = float(np.average(scores, weights=weights))
    law = law_of(scores, low, high, weights)
    return Estimate(estimate=mean, std_error=0.1, n=len(scores), method="betting", guarantee="finite-sample", law=law)


_rng = np.random.default_rng(4)
_sizes = _rng.integers(1, 9, 40).astype(float)
CASES = {
    "beta": estimate_of(_rng.beta(1, 3, 50)),
    "coin": estimate_of((_rng.random(80) < 0.2) * 1.0),
    "grades": estimate_of(_rng.integers(1, 6, 60) * 1.0, 1, 5),
    "symmetric": estimate_of(_rng.uniform(-1, 1, 40), -2, 3),
    "clusters": estimate_of(_rng.random(40), weights=_sizes / _sizes.max()),
    "ones": estimate_of(np.ones(20)),
    "one row": estimate_of([0.4]),
}


class TestBettingLaw(IntervalContract, PValueContract):
    @pytest.fixture(params=CASES)
    def result(self, request):
        return CASES[request.param]

    def center(self, result):
        # the largest capital was won on the way: below level .9 the mean of all rows may lie outside
        return None

    def test_contains_its_own_estimate_at_usual_levels(self, result):
        for level in (0.9, 0.95, 0.99):
            assert result.conf_int(level).contains(result.estimate)


class TestGreaterIsSuperUniform(SuperUniformContract):
    def simulate(self, rng):
        return law_of((rng.random(20) < 0.1) * 1.0).p_greater(0.1)


class TestTwoSidedIsSuperUniform(SuperUniformContract):
    def simulate(self, rng):
        return law_of(rng.beta(0.3, 2, 15)).pvalue(0.3 / 2.3, "two-sided")


@pytest.mark.parametrize("case", CASES)
def test_one_sided_limits_and_p_values_are_inverse(case):
    law = CASES[case].law
    low, high = law.support
    for alpha in (0.9, 0.5, 0.2, 0.025, 1e-3, 1e-9):
        lower, upper = law.lower(alpha), law.upper(alpha)
        if lower > low:
            assert alpha * (1 - 1e-6) <= law.p_greater(lower) <= alpha * (1 + 1e-12)
        if upper < high:
            assert alpha * (1 - 1e-6) <= law.p_less(upper) <= alpha * (1 + 1e-12)


def test_nulls_outside_of_the_range():
    law = law_of([2.0, 3.0, 3.5], 1, 5)
    assert (law.p_greater(0.9), law.p_greater(5.1)) == (0, 1)
    assert (law.p_less(0.9), law.p_less(5.1)) == (1, 0)
    assert law.support == (1, 5)


def test_level_for_which_it_is_tuned_is_shortest(rng):
    x = rng.beta(1, 3, 400)
    widths = {t: np.diff(law_of(x, tuned_alpha=t).interval(0.95, "two-sided"))[0] for t in (1e-6, 0.025, 0.5)}
    assert widths[0.025] < min(widths[1e-6], widths[0.5])


def test_crossing_sides_give_the_point_rejected_last():
    drift = np.repeat([0.0, 1.0], 40)
    law = law_of(drift)
    assert law.lower(0.025) > law.upper(0.025)
    with pytest.warns(EmptyIntervalWarning, match="drift"):
        lower, upper = law.interval(0.95, "two-sided")
    assert lower == upper
    assert law.upper(0.025) < lower < law.lower(0.025)
    best = law.pvalue(lower, "two-sided")
    assert best < 0.05
    assert best >= max(law.pvalue(m, "two-sided") for m in np.linspace(0, 1, 501)) * (1 - 1e-9)
    # the set is empty up to the level 1 - best, and grows from this point on
    inner = law.interval(1 - best * 0.99, "two-sided")
    assert inner[0] <= lower <= inner[1]
    # one-sided answers know nothing of it
    assert law.interval(0.95, "less") == (0, law.upper(1 - 0.95))


def test_a_rare_low_level_does_not_warn():
    law = law_of(np.repeat([0.0, 1.0], 40))
    assert law.interval(0.3, "two-sided")[0] == law.interval(0.4, "two-sided")[1]


def test_is_frozen_pickles_and_compares():
    scores = np.array([0.2, 0.4, 0.9])
    law = law_of(scores, weights=np.array([0.5, 1.0, 0.25]))
    assert pickle.loads(pickle.dumps(law)) == law
    assert law != law_of(scores)
    assert law_of(scores, weights=np.ones(3)) == law_of(scores)
    for array in (law.values, law.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        law.low = 3


@given(
    st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324]), min_size=1, max_size=12),
    st.sampled_from([0.999, 0.95]),
    st.sampled_from([(0, 1), (-1e300, 1e300), (0, 1e-300)]),
)
def test_hostile_scores(values, level, bounds):
    law = BettingLaw(values=np.array(values), low=float(bounds[0]), high=float(bounds[1]))
    alpha = (1 - level) / 2
    lower, upper = law.lower(alpha), law.upper(alpha)
    assert bounds[0] <= lower <= bounds[1]
    assert bounds[0] <= upper <= bounds[1]
    for null in (bounds[0], lower, upper, bounds[1]):
        for alternative in ("two-sided", "less", "greater"):
            assert 0 <= law.pvalue(null, alternative) <= 1
