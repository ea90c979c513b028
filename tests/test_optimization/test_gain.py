"""E(z + Z)^+ and its relatives, against high precision."""

import numpy as np
import pytest
from contracts import require

from bayes.optimization._gain import log_gain, log_gain_slope, lower_tail, safe_exp

POINTS = [
    -1e100,
    -1e4,
    -100.0,
    -80.1,
    -79.9,
    -40.0,
    -20.0,
    -5.0,
    -1.0,
    -1e-3,
    0.0,
    1e-3,
    0.3,
    1.0,
    8.0,
    79.9,
    81.0,
    1e5,
]


def exact(z):
    mp = require("mpmath")
    with mp.workdps(60):
        z = mp.mpf(z)
        phi, below = mp.npdf(z), mp.erfc(-z / mp.sqrt(2)) / 2
        gain = phi + z * below
        if gain <= 0 or abs(z) > 1e6:  # beyond the digits: the leading terms are exact to a float
            return float(-(z**2) / 2 - mp.log(2 * mp.pi) / 2 - 2 * mp.log(-z)), float(-z)
        return float(mp.log(gain)), float(below / gain)


@pytest.mark.parametrize("z", POINTS)
def test_logarithm_and_slope_hold_twelve_digits(z):
    log, slope = exact(z)
    assert log_gain(z) == pytest.approx(log, rel=1e-12, abs=2e-12)
    assert log_gain_slope(z) == pytest.approx(slope, rel=2e-12)


def test_no_jump_where_the_series_takes_over():
    z = -80 + np.array([-1e-9, 1e-9])
    assert np.diff(log_gain(z))[0] == pytest.approx(2e-9 * log_gain_slope(-80.0), abs=5e-12)


def test_quoted_values_of_the_tail():
    assert log_gain(-30.0) == pytest.approx(-457.72465376059, abs=1e-11)
    assert log_gain(-1e4) == pytest.approx(-50000019.3396193, abs=1e-7)


def test_infinite_arguments_are_answered():
    assert log_gain(np.array([-np.inf, np.inf])).tolist() == [-np.inf, np.inf]
    log_phi, mills, q = lower_tail(np.array([np.inf, 1e200, 0.0]))
    assert log_phi[:2].tolist() == [-np.inf, -np.inf]
    assert np.isfinite(mills).all()
    assert q[2] == 1.0
    assert safe_exp(1e9) == safe_exp(700.0) < np.inf


def test_shapes_are_kept():
    z = np.linspace(-90, 90, 12).reshape(3, 4)
    assert log_gain(z).shape == log_gain_slope(z).shape == (3, 4)
    assert np.array_equal(log_gain(z).ravel(), log_gain(z.ravel()))
