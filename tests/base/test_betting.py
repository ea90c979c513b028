"""The fast betting bounds against the double loop in extended precision; monotony, rounding, hostile values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uq._base import betting
from uq._base.betting import CAP, fixed_bets, log_capital, lower_limit

LAWS = {
    "beta": lambda rng, n: rng.beta(1, 3, n),
    "skewed": lambda rng, n: rng.beta(0.1, 5, n),
    "coin": lambda rng, n: (rng.random(n) < 0.1) * 1.0,
    "two points": lambda rng, n: np.where(rng.random(n) < 0.1, 0.9, 0.3),
    "ones": lambda rng, n: np.ones(n),
    "zeros": lambda rng, n: np.zeros(n),
    "tiny": lambda rng, n: 1e-12 * rng.random(n),
}


def naive_log_capitals(x, bets, m, weights=None):
    """Return log M_t(m) after each row, one row at a time in extended precision; m is a number or a grid."""
    m, capitals = np.asarray(m, dtype=np.longdouble), []
    cap, total = np.full(m.shape, np.inf, dtype=np.longdouble), np.zeros(m.shape, dtype=np.longdouble)
    np.divide(np.longdouble(CAP), m, out=cap, where=m > 0)
    for t in range(len(x)):
        stake = np.minimum(np.longdouble(bets[t]), cap)
        w = np.longdouble(1 if weights is None else weights[t])
        total = total + np.log1p(w * stake * (np.longdouble(x[t]) - m))
        capitals.append(total)
    return np.array(capitals)


@pytest.fixture(params=LAWS)
def x(request, rng):
    return LAWS[request.param](rng, 30)


@pytest.fixture
def weights(rng):
    w = rng.integers(1, 20, 30) / 1.0
    return w / w.max()


def test_bets_written_out(rng, weights):
    x, alpha = rng.beta(1, 3, 30), 0.03
    for w in (np.ones(30), weights):
        expected = []
        for t in range(30):
            past = [w[s] * (x[s] - (0.5 + w[: s + 1] @ x[: s + 1]) / (1 + w[: s + 1].sum())) for s in range(t)]
            variance = (0.25 + sum(p * p for p in past)) / (1 + sum(w[:t] ** 2))
            expected.append(betting.BOLDNESS * np.sqrt(2 * np.log(1 / alpha) / (variance * sum(w**2))))
        assert np.allclose(fixed_bets(x, alpha, w), expected, rtol=1e-12)


def test_a_bet_knows_only_the_rows_before_it(rng):
    x = rng.random(30)
    bets = fixed_bets(x, 0.05)
    for t in (0, 1, 17, 29):
        other = x.copy()
        other[t:] = rng.random(30 - t)
        assert np.array_equal(fixed_bets(other, 0.05)[: t + 1], bets[: t + 1])


def test_bets_are_the_same_for_the_mirror_image(x):
    assert np.allclose(fixed_bets(x, 0.05), fixed_bets(1 - x, 0.05), rtol=1e-9)


def test_log_capital_is_the_naive_one_rounded_down(x, weights):
    for w in (None, weights):
        bets = fixed_bets(x, 0.025, w)
        for m in (0.0, 1e-300, 1e-13, 1e-3, 0.1, 0.25, 0.5, 0.9, 1.0):
            naive = naive_log_capitals(x, bets, m, w)
            error = 32 * np.finfo(float).eps * len(x) * max(1, np.abs(naive).max())
            assert naive.max() - 1.1 * error <= log_capital(x, bets, m, w) <= naive.max()


def test_capital_falls_with_m(x, weights):
    grid = np.concatenate([[0.0], np.geomspace(1e-14, 1, 200)])
    for w in (None, weights):
        bets = fixed_bets(x, 0.025, w)
        capitals = naive_log_capitals(x, bets, grid, w)
        assert (np.diff(capitals, axis=1) <= 1e-15).all()
        # and no capital is ever lost altogether
        assert np.isfinite(capitals).all()


@pytest.mark.parametrize("alpha", [0.5, 0.025, 1e-6])
def test_limit_against_a_grid(x, weights, alpha):
    grid, threshold = np.linspace(0, 1, 2001), np.log(1 / np.longdouble(alpha))
    for w in (None, weights):
        bets = fixed_bets(x, 0.025, w)
        kept = naive_log_capitals(x, bets, grid, w).max(axis=0) < threshold
        limit = lower_limit(x, bets, alpha, w)
        assert kept[-1]
        assert limit <= grid[kept].min() <= limit + 1 / 2000 + 1e-12
        if limit > 0:
            # never inside of the true root, and nearer to it than can be seen
            assert naive_log_capitals(x, bets, limit, w).max() >= threshold * (1 - 1e-15)
            assert naive_log_capitals(x, bets, limit * (1 + 1e-9) + 1e-17, w).max() < threshold


def test_nothing_is_rejected_where_no_capital_suffices():
    assert betting.betting_lower(np.zeros(50), 0.05) == 0
    assert betting.betting_upper(np.ones(50), 0.05) == 1
    assert betting.betting_lower(np.array([1.0, 1.0]), 1e-9, tuned_alpha=0.025) == 0
    assert betting.betting_upper(np.array([0.3]), 1e-300, -7, 5, tuned_alpha=0.025) == 5


def test_all_ones_reach_nearly_the_exact_bound():
    # the sharpest bound of all is .05 ** (1/50) = .942
    assert 0.92 < betting.betting_lower(np.ones(50), 0.05) < 0.05 ** (1 / 50)


def test_parts_do_not_matter(x, monkeypatch, weights):
    bets = fixed_bets(x, 0.025, weights)
    whole = [log_capital(x, bets, m, weights) for m in (0.0, 0.1, 0.7)]
    monkeypatch.setattr(betting, "CHUNK", 7)
    assert np.allclose([log_capital(x, bets, m, weights) for m in (0.0, 0.1, 0.7)], whole, atol=1e-10)


def test_upper_is_the_mirror_image_and_follows_the_range(x, weights):
    for w in (None, weights):
        lower = betting.betting_lower(x, 0.05, weights=w)
        assert betting.betting_upper(1 - x, 0.05, weights=w) == pytest.approx(1 - lower, abs=1e-12)
        moved = betting.betting_lower(6 * x - 4, 0.05, -4, 2, weights=w)
        assert moved == pytest.approx(6 * lower - 4, abs=1e-11)


def test_equal_weights_are_none(x):
    assert lower_limit(x, fixed_bets(x, 0.05), 0.05) == lower_limit(
        x, fixed_bets(x, 0.05, np.ones(30)), 0.05, np.ones(30)
    )


def test_many_rows_are_quick_and_tight(rng):
    x = rng.beta(1, 3, 300_000)
    width = betting.betting_upper(x, 0.025) - betting.betting_lower(x, 0.025)
    assert 2 * 1.96 * x.std() / np.sqrt(len(x)) < width < 3.2 * 1.96 * x.std() / np.sqrt(len(x))


hostile = st.lists(
    st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e-300, 1e-17, np.nextafter(1, 0)]), min_size=1, max_size=15
)


@given(hostile, st.sampled_from([0.999999, 0.5, 0.025, 1e-6, 1e-300]), st.sampled_from([0.025, 0.4]))
def test_hostile_values(values, alpha, tuned):
    x = np.array(values)
    for low, high in ((0.0, 1.0), (-3.0, 1e9), (-1.7e308, 1.7e308)):
        scores = np.clip(low * (1 - x) + high * x, low, high)
        lower = betting.betting_lower(scores, alpha, low, high, tuned_alpha=tuned)
        upper = betting.betting_upper(scores, alpha, low, high, tuned_alpha=tuned)
        assert low <= lower <= max(scores)
        assert min(scores) <= upper <= high


@given(st.floats(0, 1), st.integers(1, 40))
def test_equal_values_are_inside(value, n):
    x = np.full(n, value)
    lower, upper = betting.betting_lower(x, 0.025), betting.betting_upper(x, 0.025)
    assert 0 <= lower <= value <= upper <= 1


@given(st.floats(0, 1), st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_outward_is_outward(x, low, width):
    high = low + width
    assert betting.to_unit(betting.outward(x, low, high, -1), low, high) <= x + 1e-15
    assert betting.to_unit(betting.outward(x, low, high, +1), low, high) >= x - 1e-15
    assert betting.outward(0.0, low, high, +1) >= low
    assert betting.outward(1.0, low, high, -1) <= high
