"""E max(a + b Z) - max(a): the sweep, the walk, and quadrature that knows neither."""

import numpy as np
import pytest
from acquisition_worlds import expectation
from contracts import require
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes import expected_max_affine
from bayes.optimization._affine import affine_gain, many_affine_gains, upper_envelope
from uq.exceptions import InputError


def brute(a, b):
    """Integrate the maximum itself, in pieces between all crossings of two lines."""
    da, db = a[:, None] - a, b - b[:, None]
    crossings = np.unique(da[db > 0] / db[db > 0])
    return expectation(lambda z: (a + b * z).max() - a.max(), points=crossings)


def precise(a, b):
    """The same gain for lines by pairs of neighbours on the envelope, with 80 digits; the envelope by enumeration."""
    mp = require("mpmath")
    with mp.workdps(80):
        a, b = [mp.mpf(float(v)) for v in a], [mp.mpf(float(v)) for v in b]
        cuts = sorted({(a[i] - a[j]) / (b[j] - b[i]) for i in range(len(a)) for j in range(len(a)) if b[j] != b[i]})
        total = mp.mpf(0)
        for c in cuts:
            on_top = [
                k
                for k in range(len(a))
                if abs(a[k] + b[k] * c - max(x + y * c for x, y in zip(a, b, strict=True))) < 1e-60
            ]
            step = max(b[k] for k in on_top) - min(b[k] for k in on_top)
            t = abs(c)
            total += step * (mp.npdf(t) - t * mp.erfc(t / mp.sqrt(2)) / 2)
        return mp.log(total) if total else -mp.inf


LINES = st.lists(
    st.tuples(st.sampled_from([-2.0, -1.0, 0.0, 0.3, 1.0, 1.0]), st.sampled_from([-1.5, 0.0, 0.5, 0.5, 2.0])),
    min_size=1,
    max_size=7,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(LINES)
def test_ties_of_all_kinds_against_quadrature(lines):
    a, b = np.array(lines).T
    expected = brute(a, b)
    assert expected_max_affine(a, b) == pytest.approx(expected, abs=1e-10)
    walked = many_affine_gains(np.stack([a, a[::-1]]), np.stack([b, b[::-1]]))
    assert np.exp(walked) == pytest.approx(expected, abs=1e-10)
    assert (expected_max_affine(a, b, log=True) == -np.inf) == (expected < 1e-13)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.slow
def test_random_lines_against_quadrature(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rng.integers(2, 30))) * rng.choice([0.1, 1, 10], size=(2, 1))
    assert expected_max_affine(a, b) == pytest.approx(brute(a, b), rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("gap", [0.0, 1.0, 12.0, 40.0, 79.0, 500.0])
def test_logarithm_against_eighty_digits(gap):
    rng = np.random.default_rng(3)
    a, b = np.append(rng.normal(size=6) - gap, 3.0), np.append(rng.normal(size=6), 0.2)
    assert expected_max_affine(a, b, log=True) == pytest.approx(float(precise(a, b)), rel=1e-11)


def test_the_envelope_is_what_enumeration_finds():
    rng = np.random.default_rng(1)
    grid = np.linspace(-50, 50, 20001)
    for _ in range(50):
        a, b = rng.normal(size=(2, 12))
        lines, points = upper_envelope(a, b)
        assert (np.diff(b[lines]) > 0).all()
        assert (np.diff(points) > 0).all()
        assert set(np.unique((a[:, None] + b[:, None] * grid).argmax(axis=0))) <= set(lines)


def test_order_and_copies_of_lines_do_not_matter():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 40))
    once = expected_max_affine(a, b, log=True)
    order = rng.permutation(80) % 40
    assert expected_max_affine(a[order], b[order], log=True) == pytest.approx(once, rel=1e-13)


def test_a_parabola_of_lines_that_are_all_on_top():
    """Every line touches its envelope, more than the walk takes: it falls back to the sweep."""
    t = np.linspace(-4, 4, 201)
    a, b = -(t**2) / 2, t
    lines, _ = upper_envelope(a, b)
    assert len(lines) == 201
    # max over all t of t z - t^2 / 2 is z^2 / 2, of mean 1 / 2
    assert expected_max_affine(a, b) == pytest.approx(0.5, abs=1e-3)
    assert many_affine_gains(a[None], b[None])[0] == expected_max_affine(a, b, log=True)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("gap", [0.5, 3.0, 12.0])
def test_gradients_against_differences(log, gap):
    rng = np.random.default_rng(4)
    a, b = np.append(rng.normal(size=5) - gap, 1.5), rng.normal(size=6)
    value, grad_a, grad_b = expected_max_affine(a, b, log=log, return_grad=True)
    assert value == expected_max_affine(a, b, log=log)
    for i, step in enumerate(np.eye(6) * 1e-6):
        for gradient, shifted in ((grad_a, (step, 0)), (grad_b, (0, step))):
            up = expected_max_affine(a + shifted[0], b + shifted[1], log=log)
            down = expected_max_affine(a - shifted[0], b - shifted[1], log=log)
            assert gradient[i] == pytest.approx((up - down) / 2e-6, rel=2e-6, abs=1e-9)


def test_the_gradient_of_the_best_line_does_not_round_to_nothing():
    """P(best stays on top) - 1 is 0 in floats twelve sd away; breakpoint by breakpoint it is not."""
    _, grad, _ = expected_max_affine([0.0, -12.0], [0.0, 1.0], return_grad=True)
    assert grad == pytest.approx([-1.776482112077679e-33, 1.776482112077679e-33], rel=1e-12)
    _, grad, _ = expected_max_affine([0.0, -40.0], [0.0, 1.0], log=True, return_grad=True)
    assert grad[1] == pytest.approx(40.0499, abs=1e-3)


def test_gains_are_never_negative_and_vanish_without_difference():
    assert expected_max_affine([1.0], [2.0]) == 0
    value, grad_a, grad_b = expected_max_affine([1.0, 2.0, 2.0], [3.0, 3.0, 3.0], log=True, return_grad=True)
    assert value == -np.inf
    assert not grad_a.any()
    assert not grad_b.any()


@pytest.mark.parametrize(
    ("a", "b"),
    [([0, 1e150], [0, 1e-150]), ([0, 1e150], [1e150, -1e150]), ([0, -1e150], [0, 1e-300]), ([0, 0], [0, 5e-324])],
)
def test_extremes_overflow_nowhere(a, b):
    for log in (False, True):
        value, grad_a, grad_b = expected_max_affine(a, b, log=log, return_grad=True)
        assert not np.isnan(value)
        assert np.isfinite(grad_a).all()
        assert np.isfinite(grad_b).all()


def test_differences_of_slopes_may_be_tiny():
    assert expected_max_affine([0, 0], [0, 1e-300], log=True) == pytest.approx(np.log(1e-300) - 0.5 * np.log(2 * np.pi))


def test_many_problems_at_once():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 7, 5))
    values, grad_a, grad_b = expected_max_affine(a, b, return_grad=True)
    assert values.shape == (7,)
    assert grad_a.shape == grad_b.shape == (7, 5)
    for i in range(7):
        assert (values[i], grad_a[i].tolist()) == (
            expected_max_affine(a[i], b[i]),
            expected_max_affine(a[i], b[i], return_grad=True)[1].tolist(),
        )
    assert np.log(values) == pytest.approx(many_affine_gains(a, b), rel=1e-12)


def test_scale_and_shift():
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, 9))
    assert expected_max_affine(1e100 * a, 1e100 * b) == pytest.approx(1e100 * expected_max_affine(a, b), rel=1e-12)
    assert expected_max_affine(a + 7, b + 3) == pytest.approx(expected_max_affine(a, b), rel=1e-12)


def test_work_grows_as_n_log_n():
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=(2, 200_000))
    assert affine_gain(a, b).log == pytest.approx(affine_gain(a[::-1].copy(), b[::-1].copy()).log)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([0, np.nan], [0, 1], "a must be finite"),
        ([0, 1], [0, np.inf], "b must be finite"),
        ([], [], "at least one"),
        ([0, 1], [0, 1, 2], "shape of a"),
        ([[0, 1]], [0, 1], "shape"),
        (["x"], [1], "real numbers"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), "shape"),
        ([0, 1e200], [0, 1], "1e\\+150"),
    ],
)
def test_bad_input(a, b, words):
    with pytest.raises(InputError, match=words):
        expected_max_affine(a, b)
