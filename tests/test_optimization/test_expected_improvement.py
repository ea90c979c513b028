"""Expected improvement against quadrature and differences; what noise and posteriors without data do to it."""

import numpy as np
import pytest
from acquisition_worlds import Averaged, central_difference, data, expectation, posterior_of, process

from bayes import expected_improvement
from bayes.optimization._expected_improvement import ExpectedImprovement
from bayes.optimization._posterior import Posterior
from uq.exceptions import InputError

RNG = np.random.default_rng(99)  # not the seed of any data
POINTS = RNG.random((12, 2))


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("normalize_y", [True, False])
def test_against_quadrature_in_units_of_y(noise, normalize_y):
    gp = process(noise=noise, normalize_y=normalize_y)
    best = gp.predict(data(8, 2)[0]).max()
    mean, sd = gp.predict(POINTS, return_std=True)
    expected = [
        expectation(lambda z, m=m, s=s: max(m + s * z - best, 0), points=[(best - m) / s])
        for m, s in zip(mean, sd, strict=True)
    ]
    assert expected_improvement(gp, POINTS) == pytest.approx(expected, rel=1e-7, abs=1e-11)


def test_the_best_so_far_can_be_the_luckiest_value_or_a_number():
    gp = process(noise=0.5)
    y = data(8, 2)[1]
    observed = expected_improvement(gp, POINTS, best="observed")
    assert observed == pytest.approx(expected_improvement(gp, POINTS, best=float(y.max())), rel=1e-10)
    assert (observed < expected_improvement(gp, POINTS)).all()


@pytest.mark.parametrize("name", ["matern12", "matern32", "matern52", "gaussian"])
def test_gradients_against_differences(name):
    posterior = posterior_of(name=name)
    utility = ExpectedImprovement(Averaged(posterior, posterior_of(noise=0.5, seed=1)))
    points = [*RNG.random((10, 3)), posterior.X[0] + 1e-3, posterior.X[3] + 1e-4, posterior.X.mean(axis=0)]
    for x in points:
        value, gradient = utility.at(x)
        numeric = central_difference(lambda x: utility.at(x)[0], x, h=1e-7 if name == "matern12" else 1e-6)
        assert gradient == pytest.approx(numeric, rel=2e-5, abs=2e-6 * max(1, np.abs(gradient).max()))
        assert utility.screen(x[None])[0] == pytest.approx(value, rel=1e-10, abs=1e-10)


def test_public_values_logarithms_and_gradients_agree():
    gp = process()
    value, gradient = expected_improvement(gp, POINTS, return_grad=True)
    log, log_gradient = expected_improvement(gp, POINTS, log=True, return_grad=True)
    assert np.exp(log) == pytest.approx(value, rel=1e-12)
    assert gradient == pytest.approx(value[:, None] * log_gradient, rel=1e-10)
    assert expected_improvement(gp, POINTS) == pytest.approx(value, rel=1e-9)
    assert (value.shape, gradient.shape) == ((12,), (12, 2))


def test_far_behind_the_best_the_logarithm_keeps_its_slope():
    gp = process(noise=0.0, signal_variance=1e-4)
    x = np.array([[0.3, 0.2]])
    best = 60 * gp.predict(x, return_std=True)[1][0] + gp.predict(x)[0]
    value, gradient = expected_improvement(gp, x, best=float(best), return_grad=True)
    log, slope = expected_improvement(gp, x, best=float(best), log=True, return_grad=True)
    assert value[0] == 0.0
    assert not gradient.any()
    assert log[0] < -1800
    assert np.isfinite(slope).all()
    assert slope.any()
    numeric = central_difference(lambda x: expected_improvement(gp, x[None], best=float(best), log=True)[0], x[0])
    assert slope[0] == pytest.approx(numeric, rel=1e-4)


def test_what_is_known_without_noise_is_not_worth_a_second_look():
    gp = process(noise=0.0)
    X = data(8, 2)[0]
    value, gradient = expected_improvement(gp, X, log=True, return_grad=True)
    assert (value == -np.inf).all()
    assert not gradient.any()
    assert (expected_improvement(gp, X) == 0).all()


def test_several_posteriors_are_averaged_in_linear_space():
    parts = posterior_of(), posterior_of(noise=0.5, seed=1)
    x = RNG.random((5, 3))
    single = [np.exp(ExpectedImprovement(Averaged(part)).screen(x)) for part in parts]
    assert np.exp(ExpectedImprovement(Averaged(*parts)).screen(x)) == pytest.approx(np.mean(single, axis=0), rel=1e-12)


def test_without_data_it_improves_on_the_level_of_the_process():
    one = posterior_of()
    prior = Posterior.build(np.empty((0, 3)), np.empty(0), np.empty(0), 0.1, one.kernel, None, 0.0, 2.0)
    value, gradient = ExpectedImprovement(Averaged(prior)).at(np.full(3, 0.5))
    assert np.exp(value) == pytest.approx(2.0 * np.sqrt(1.2) / np.sqrt(2 * np.pi))
    assert not gradient.any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gp": None}, "fitted bayes.GaussianProcess"),
        ({"X": [[np.nan, 0]]}, "finite"),
        ({"X": [[0.0]]}, "must have 2 columns"),
        ({"X": [0.0, 1.0]}, "shape"),
        ({"best": "luck"}, "'mean', 'observed'"),
        ({"best": np.inf}, "best"),
        ({"log": "yes"}, "log must be True or False"),
        ({"return_grad": 1}, "return_grad must be True or False"),
    ],
)
def test_bad_input(change, words):
    with pytest.raises(InputError, match=words):
        expected_improvement(**{"gp": process(), "X": POINTS, **change})
