"""Splines as solutions of an integral equation: two knots are the line, errors are derivatives, tails are lines."""

import numpy as np
import pytest
from contracts import OutputEstimatorContract

from causal import LinearDebiaser, SplineDebiaser
from causal._spline_core import knots_of, learn_spline, natural_basis, solve
from uq.exceptions import ExtrapolationWarning, SmallSampleWarning, UntestedAssumptionWarning


def spline(*given, **parameters):
    return SplineDebiaser(*given, nondifferential=True, **parameters)


def bent(n, rng):
    y = rng.normal(size=n)
    return np.tanh(0.5 * y + 0.3 * rng.normal(size=n)), y


class TestContract(OutputEstimatorContract):
    verbs = ("transform", "mean")
    rtol = 1e-9

    @pytest.fixture
    def estimator(self):
        return spline(3, n_resamples=49, random_state=0)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        z = np.round(rng.normal(size=260) * 64) / 64
        return z[:240], np.round((z[:240] + 0.5 + 0.3 * rng.normal(size=240)) * 64) / 64, z[240:]

    def ask(self, fitted, outputs):
        """Weights are of sampling, not of counts: a row of weight 2 is not two rows for an error."""
        return {"transform": fitted.transform(outputs), "mean": fitted.mean(outputs).estimate}


def test_the_basis_is_that_of_natural_splines():
    knots = np.array([-1.0, 0.2, 0.5, 2.0])
    x = np.linspace(-4, 5, 9001)
    basis = natural_basis(x, knots)
    assert basis.shape == (9001, 4)
    second = np.diff(basis, 2, axis=0) / (x[1] - x[0]) ** 2
    outside = (x[1:-1] < -1.01) | (x[1:-1] > 2.01)
    assert np.abs(second[outside]).max() < 1e-6
    assert np.abs(np.diff(second, axis=0)).max() < 0.05  # no jump in the second derivative
    within = (x[1:-2] > 0.21) & (x[1:-2] < 0.49)
    third = np.diff(second, axis=0)[within]
    assert np.abs(third - third[0]).max() < 1e-4  # a cubic between knots
    assert np.linalg.matrix_rank(basis) == 4


def test_far_away_the_basis_is_still_a_line():
    knots = np.array([-1.0, 0.2, 0.5, 2.0])
    one, two, four = natural_basis(np.array([1e9, 2e9, 4e9]), knots)
    assert np.allclose((four - two)[1:], 2 * (two - one)[1:], rtol=1e-12)


def test_two_knots_are_the_linear_debiaser():
    rng = np.random.default_rng(0)
    z, y = bent(80, rng)
    new, arm = bent(40, rng)[0], np.arange(40) % 2
    with pytest.warns(SmallSampleWarning, match="LinearDebiaser"):
        two = spline(2).fit(z, y)
    line = LinearDebiaser(nondifferential=True).fit(z, y)
    assert np.allclose(two.transform(new), line.transform(new), rtol=1e-10)
    for ours, theirs in ((two.ate(new, arm), line.ate(new, arm)), (two.mean(new), line.mean(new))):
        assert ours.estimate == pytest.approx(theirs.estimate, rel=1e-10)
        assert ours.std_error == pytest.approx(theirs.std_error, rel=1e-9)


def test_two_stages_are_two_stages():
    rng = np.random.default_rng(1)
    z, y = bent(200, rng)
    w = rng.random(200) + 0.1
    B, Q = natural_basis(z, knots_of(z, w, 4)), natural_basis(y, knots_of(y, w, 5))
    root = np.sqrt(w)[:, None]
    stage = Q @ np.linalg.lstsq(Q * root, B * root)[0]
    expected = np.linalg.lstsq(stage * root, y * root[:, 0])[0]
    beta, _ = solve(B, Q, y, w)
    assert np.allclose(beta, expected, rtol=1e-8)


@pytest.mark.parametrize("law", ["bent", "no solution"])
def test_the_spread_is_the_derivative_by_the_weights(law):
    """Knots held; also where no spline solves the equation, and the textbook sandwich would be wrong."""
    rng = np.random.default_rng(2)
    z, y = bent(120, rng)
    if law == "no solution":
        y = y**3 + np.sin(9 * z)
    w = rng.uniform(0.5, 1, 120)
    B, Q = natural_basis(z, knots_of(z, w, 4)), natural_basis(y, knots_of(y, w, 5))
    _, influence = solve(B, Q, y, w)
    for i in range(0, 120, 7):
        change = np.zeros(120)
        change[i] = 1e-5
        slope = (solve(B, Q, y, w + change)[0] - solve(B, Q, y, w - change)[0]) / 2e-5 * w[i]
        assert np.allclose(influence[i], slope, rtol=1e-4, atol=1e-5 * np.abs(influence).max())


def test_a_bent_scale_is_straightened():
    rng = np.random.default_rng(3)
    y = rng.normal(size=20_000)
    z = np.tanh(0.6 * y)
    fitted = spline(8).fit(z, y)
    line = LinearDebiaser(nondifferential=True).fit(z, y)
    ours, theirs = (np.square(one.transform(z) - y)[np.abs(y) < 1.5].mean() for one in (fitted, line))
    assert ours < 0.25 * theirs


@pytest.mark.parametrize("y", ["two values", "three values"])
def test_knots_are_as_many_as_the_truth_can_tell_apart(y):
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 2 if y == "two values" else 3, 400).astype(float)
    fitted = spline(6).fit(truth + 0.3 * rng.normal(size=400), truth)
    assert len(fitted.knots_) == (2 if y == "two values" else 3)
    means = [fitted.transform(fitted._rows.z[truth == v]).mean() for v in np.unique(truth)]
    assert np.allclose(means, np.unique(truth), atol=1e-8)  # exactly identified


def test_beyond_the_calibration_rows_it_warns_where_it_is_no_line():
    rng = np.random.default_rng(5)
    z, y = bent(300, rng)
    fitted = spline(4).fit(z, y)
    with pytest.warns(ExtrapolationWarning, match="line by decree"):
        fitted.transform([0.0, 1.5])
    fitted.transform(np.r_[np.zeros(400), 1.5, 1.5])  # no more than chance
    spline(2).fit(z, y).transform([5.0])


def test_auto_knots_grow_slowly():
    for n, knots in ((120, 3), (500, 4), (5000, 5)):
        z, y = bent(n, np.random.default_rng(6))
        assert len(spline().fit(z, y).knots_) == knots
    z, y = bent(40, np.random.default_rng(6))
    assert len(learn_spline("", z, y, None, 2).knots) == 2


def test_the_bootstrap_draws_knots_anew_and_agrees():
    rng = np.random.default_rng(7)
    z, y = bent(400, rng)
    fitted = spline(4, n_resamples=399, random_state=1).fit(z, y)
    new, arm = bent(300, rng)[0], np.arange(300) % 2
    assert fitted.ate(new, arm, method="bootstrap").std_error == pytest.approx(fitted.ate(new, arm).std_error, rel=0.15)


def test_fieller_is_refused_and_the_world_is_asked_for():
    rng = np.random.default_rng(8)
    z, y = bent(200, rng)
    with pytest.warns(UntestedAssumptionWarning):
        fitted = SplineDebiaser().fit(z, y)
    with pytest.raises(ValueError, match="ratio"):
        fitted.ate(z, np.arange(200) % 2, method="fieller")
