"""The running band: what it says at each look, how it looks, what it refuses."""

import numpy as np
import pytest
from contracts import CONTAINERS, in_container
from hypothesis import given
from hypothesis import strategies as st

from uq import Curve
from uq._base.betting import BOLDNESS, CAP
from uq._base.exceptions import EmptyIntervalWarning
from uq._evaluation import _running
from uq._evaluation._running import HORIZONS, PATIENCE, SLACK, Gamblers, running_lower
from uq._evaluation._sequence import mean_sequence
from uq.exceptions import InputError

LAWS = {
    "beta": lambda rng, n: rng.beta(2, 5, n),
    "coin": lambda rng, n: (rng.random(n) < 0.1) * 1.0,
    "ones": lambda rng, n: np.ones(n),
    "zeros": lambda rng, n: np.zeros(n),
    "tiny": lambda rng, n: 1e-9 * rng.random(n),
}


@pytest.fixture
def scores(rng):
    return rng.beta(2, 5, 150)


def naive_log_capitals(x, alpha, m):
    """Return the log of the shared capital after each row: gambler by gambler, row by row, in extended precision."""
    parts = np.full(len(HORIZONS), 1 / np.longdouble(len(HORIZONS)))
    shared = []
    for t in range(len(x)):
        past = [x[s] - (0.5 + sum(x[: s + 1])) / (s + 2) for s in range(t)]
        variance = (0.25 + sum(d * d for d in past)) / (1 + t)
        for k, horizon in enumerate(HORIZONS):
            if t < PATIENCE * horizon:
                stake = BOLDNESS * np.sqrt(2 * np.log(len(HORIZONS) / alpha) / (horizon * variance))
                stake = stake if m == 0 else min(stake, CAP / m)
                parts[k] *= 1 + np.longdouble(stake) * (np.longdouble(x[t]) - np.longdouble(m))
        shared.append(np.log(parts.sum()))
    return np.array(shared)


@pytest.mark.parametrize("law", LAWS)
def test_shared_capital_is_the_naive_one_rounded_down(rng, law, monkeypatch):
    # gamblers stop within the sample, and within a part
    monkeypatch.setattr(_running, "PATIENCE", 3)
    monkeypatch.setitem(globals(), "PATIENCE", 3)
    x = LAWS[law](rng, 50)
    gamblers = Gamblers(x, 0.05)
    for size in (1 << 16, 7):
        monkeypatch.setattr(_running, "CHUNK", size)
        for m in (0.0, 1e-9, 0.05, 0.3, 0.9, 1.0):
            naive = naive_log_capitals(x, 0.05, m)
            whole, _ = gamblers.walk(m, 0, 50, gamblers.start)
            assert naive.max() - 1e-9 <= whole <= naive.max()
            # in two walks as in one
            first, state = gamblers.walk(m, 0, 20, gamblers.start)
            second, _ = gamblers.walk(m, 20, 50, state)
            assert naive[:20].max() - 1e-9 <= first <= naive[:20].max()
            assert naive[20:].max() - 1e-9 <= second <= naive[20:].max()


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_shared_capital_falls_with_m(rng, law):
    x = LAWS[law](rng, 40)
    capitals = np.array([naive_log_capitals(x, 0.05, m) for m in [0.0, *np.geomspace(1e-12, 1, 60)]])
    assert (np.diff(capitals, axis=0) <= 1e-15).all()


def test_a_bet_knows_only_the_rows_before_it(rng):
    x = rng.random(30)
    other = np.concatenate([x[:12], rng.random(18)])
    assert np.array_equal(Gamblers(x, 0.1).base[:13], Gamblers(other, 0.1).base[:13])


@pytest.mark.parametrize("law", LAWS)
def test_each_limit_is_rejected_and_barely_so(rng, law):
    x = LAWS[law](rng, 60)
    for looks in (np.arange(1, 61), np.array([1, 30, 60])):
        limits = running_lower(x, 0.1, looks)
        assert (np.diff(limits) >= 0).all()
        for t, limit in zip(looks, limits, strict=True):
            if t in (1, 2, 7, 30, 60):
                top = naive_log_capitals(x[:t], 0.1, limit).max()
                assert top <= np.log(10) + SLACK + 1e-9
                assert limit == 0 or top >= np.log(10) * (1 - 1e-15)


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e-17]), min_size=1, max_size=12))
def test_hostile_values(values):
    x = np.array(values)
    curve = mean_sequence(x, (0, 1), confidence_level=0.999)
    assert ((curve.lower >= 0) & (curve.lower <= curve.upper) & (curve.upper <= 1)).all()


def test_what_the_curve_is(scores):
    curve = mean_sequence(scores, (0, 1), confidence_level=0.9)
    assert isinstance(curve, Curve)
    assert np.array_equal(curve.x, np.arange(1, 151))
    assert np.array_equal(curve.count, curve.x)
    assert np.allclose(curve.y, [scores[:t].mean() for t in curve.x], rtol=1e-12)
    lower, mirror = running_lower(scores, 0.05, curve.x), running_lower(1 - scores, 0.05, curve.x)
    assert np.allclose(curve.lower, lower, atol=1e-12)
    assert np.allclose(curve.upper, 1 - mirror, atol=1e-12)
    assert (curve.lower <= lower).all()
    assert (curve.upper >= 1 - mirror).all()
    assert (curve.confidence_level, curve.guarantee, curve.method) == (0.9, "finite-sample", "betting")
    assert curve.certified


def test_what_was_said_stays_said(scores):
    whole = mean_sequence(scores, (0, 1))
    part = mean_sequence(scores[:60], (0, 1))
    assert np.allclose(part.lower, whole.lower[:60], atol=2e-3)
    assert np.allclose(part.upper, whole.upper[:60], atol=2e-3)
    assert (np.diff(whole.lower) >= 0).all()
    assert (np.diff(whole.upper) <= 0).all()


def test_fewer_looks_show_the_same_band(scores):
    whole = mean_sequence(scores, (0, 1))
    few = mean_sequence(scores, (0, 1), n_looks=12)
    assert few.x[0] == 1
    assert few.x[-1] == 150
    assert 5 < len(few.x) <= 12
    # seen at fewer looks the largest capital is still sought over all rows
    assert np.allclose(few.lower, whole.lower[few.x - 1], atol=2e-3)
    assert np.allclose(few.upper, whole.upper[few.x - 1], atol=2e-3)
    assert mean_sequence(scores, (0, 1), n_looks=1).x.tolist() == [150]


def test_sides(scores):
    both = mean_sequence(scores, (0, 1), confidence_level=0.9)
    less = mean_sequence(scores, (0, 1), confidence_level=0.95, alternative="less")
    greater = mean_sequence(scores, (0, 1), confidence_level=0.95, alternative="greater")
    assert np.allclose(less.upper, both.upper, atol=2e-3)
    assert np.allclose(greater.lower, both.lower, atol=2e-3)
    assert (less.lower == 0).all()
    assert (greater.upper == 1).all()


def test_follows_the_range(scores):
    unit = mean_sequence(scores, (0, 1))
    moved = mean_sequence(10 * scores - 4, (-4, 6))
    for name in ("y", "lower", "upper"):
        assert np.allclose(getattr(moved, name), 10 * getattr(unit, name) - 4, atol=1e-2)


def test_narrows_and_holds_a_long_run(rng):
    curve = mean_sequence((rng.random(20_000) < 0.3) * 1.0, (0, 1))
    assert len(curve.x) <= 1000
    assert curve.x[-1] == 20_000
    assert curve.lower[-1] < 0.3 < curve.upper[-1]
    # 1.96 standard errors on each side are .0127
    assert 0.0127 < curve.upper[-1] - curve.lower[-1] < 2 * 0.0127


def test_equal_scores(scores):
    for value in (0.0, 0.37, 1.0):
        curve = mean_sequence(np.full(100, value), (0, 1))
        assert ((curve.lower <= value) & (value <= curve.upper)).all()
        assert curve.upper[-1] - curve.lower[-1] < 0.15


def test_one_row():
    curve = mean_sequence([0.4], (0, 1))
    assert 0 <= curve.lower[0] <= 0.4 <= curve.upper[0] <= 1
    assert len(curve.x) == 1


def test_a_drift_empties_the_band_and_is_told():
    scores = np.repeat([0.0, 1.0], 200)
    with pytest.warns(EmptyIntervalWarning, match="drift") as caught:
        curve = mean_sequence(scores, (0, 1))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert (curve.lower <= curve.upper).all()
    assert (np.diff(curve.lower) >= 0).all()
    assert (np.diff(curve.upper) <= 0).all()
    assert curve.lower[-1] < curve.upper[-1] < 0.5
    frozen = curve.lower == curve.lower[-1]
    assert frozen.sum() > 50
    with pytest.warns(EmptyIntervalWarning, match="after 400 of 400"):
        curve = mean_sequence(scores, (0, 1), n_looks=1)
    assert (curve.lower[0], curve.upper[0]) == (0, 1)


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(scores, container):
    coarse = np.round(scores[:20] * 64) / 64  # the same in every precision
    expected = mean_sequence(coarse, (0, 1))
    assert mean_sequence(in_container(container, coarse), (0, 1)) == expected


def test_inputs_stay_as_they_are(scores):
    before = scores.copy()
    mean_sequence(scores, (0, 1), n_looks=5)
    assert np.array_equal(scores, before)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scores": [0.1, np.nan]}, "scores must be finite"),
        ({"scores": [0.1, np.inf]}, "scores must be finite"),
        ({"scores": []}, "at least one row"),
        ({"scores": np.ones((3, 2))}, "shape"),
        ({"scores": ["a"]}, "real numbers"),
        ({"scores": [0.1, 1.2]}, "within bounds"),
        ({"bounds": (1, 0)}, "low < high"),
        ({"bounds": (0, np.inf)}, "finite"),
        ({"bounds": None}, "pair"),
        ({"confidence_level": 0}, "confidence_level"),
        ({"confidence_level": 1}, "confidence_level"),
        ({"confidence_level": 1.5}, "confidence_level"),
        ({"alternative": "both"}, "alternative"),
        ({"n_looks": 0}, "n_looks"),
        ({"n_looks": 2.5}, "n_looks"),
    ],
)
def test_bad_input(changed, message):
    with pytest.raises(InputError, match=f"mean_sequence.*{message}"):
        mean_sequence(**{"scores": [0.1, 0.2], "bounds": (0, 1), **changed})


def test_the_mean_of_dependent_rows_can_leave_its_own_band():
    """What the docstring says of rows that are not independent: one text of 300 wrong answers, then one of 30 right."""
    curve = mean_sequence(np.repeat([0.0, 1.0], [300, 30]), bounds=(0, 1))
    assert curve.y[-1] > curve.upper[-1]
    assert (np.diff(curve.upper) <= 0).all()
