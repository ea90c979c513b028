"""Confidence bounds, probabilities of constraints, and draws of the best point."""

import numpy as np
import pytest
from acquisition_worlds import Averaged, central_difference, data, posterior_of, process
from contracts import require
from scipy import stats

from bayes import GaussianProcess, probability_of_feasibility, thompson_sample, upper_confidence_bound
from bayes.optimization._confidence_bound import UpperConfidenceBound
from bayes.optimization._feasibility import Feasibility, _densities, _log_within
from uq.exceptions import InputError

RNG = np.random.default_rng(99)  # not the seed of any data
POINTS = RNG.random((10, 2))


# ---- upper confidence bound


@pytest.mark.parametrize("beta", [0, 1.0, 4.0, 1e6])
@pytest.mark.parametrize("normalize_y", [True, False])
def test_bound_is_mean_and_multiple_of_sd(beta, normalize_y):
    gp = process(normalize_y=normalize_y)
    mean, sd = gp.predict(POINTS, return_std=True)
    assert upper_confidence_bound(gp, POINTS, beta=beta) == pytest.approx(mean + np.sqrt(beta) * sd, rel=1e-9)
    value, gradient = upper_confidence_bound(gp, POINTS, beta=beta, return_grad=True)
    assert value == pytest.approx(mean + np.sqrt(beta) * sd, rel=1e-9)
    for x, slope in zip(POINTS, gradient, strict=True):
        numeric = central_difference(lambda x: upper_confidence_bound(gp, x[None], beta=beta)[0], x)
        assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-5)


def test_utility_ranks_as_the_bound_and_has_its_slope():
    posterior = posterior_of()
    gp = Averaged(posterior, posterior_of(noise=0.5, seed=1))
    utility, points = UpperConfidenceBound(gp), RNG.random((30, 3))
    assert np.array_equal(np.argsort(utility.screen(points)), np.argsort(upper_confidence_bound(gp, points)))
    for x in points[:8]:
        value, gradient = utility.at(x)
        assert gradient == pytest.approx(central_difference(lambda x: utility.at(x)[0], x), rel=1e-5, abs=1e-6)
        assert utility.screen(x[None])[0] == pytest.approx(value, rel=1e-10)


def test_utility_far_below_the_best_keeps_its_slope():
    X = np.array([[0.0], [1.0]])
    gp = GaussianProcess(
        length_scale=0.1, signal_variance=1e-8, noise_variance=0.0, mean=0.0, hyperparameters="fixed", normalize_y=False
    ).fit(X, np.array([0.0, 1.0]))
    utility = UpperConfidenceBound(gp)
    value, gradient = utility.at(np.array([0.2]))
    assert value < -5000
    assert gradient == pytest.approx(central_difference(lambda x: utility.at(x)[0], np.array([0.2])), rel=1e-4)
    assert utility.screen(np.array([[0.2]]))[0] == pytest.approx(value)


# ---- probability of feasibility


@pytest.mark.parametrize("limits", [{"upper": 1.0}, {"lower": 0.7}, {"lower": 0.5, "upper": 1.2}])
def test_probability_is_that_of_the_normal_law(limits):
    gp = process(normalize_y=True)
    mean, sd = gp.predict(POINTS, return_std=True)
    law = stats.norm(mean, sd)
    expected = law.cdf(limits.get("upper", np.inf)) - law.cdf(limits.get("lower", -np.inf))
    value, gradient = probability_of_feasibility(gp, POINTS, **limits, return_grad=True)
    assert value == pytest.approx(expected, rel=1e-9)
    assert probability_of_feasibility(gp, POINTS, **limits) == pytest.approx(expected, rel=1e-9)
    for x, slope in zip(POINTS, gradient, strict=True):
        numeric = central_difference(lambda x: probability_of_feasibility(gp, x[None], **limits)[0], x)
        assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("low", "high"), [(-40.0, -39.0), (39.0, 40.0), (-1.0, 30.0), (5.0, 5.0001), (-0.1, 0.2), (8.0, 300.0)]
)
def test_logarithm_of_two_tails(low, high):
    mp = require("mpmath")
    with mp.workdps(400):
        below = lambda z: mp.erfc(-mp.mpf(z) / mp.sqrt(2)) / 2  # noqa: E731
        expected = float(mp.log(below(high) - below(low)))
    assert _log_within(np.array(low), np.array(high)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("center", [0.0, -1.0, 8.0, -40.0, 1e3, -1e5])
@pytest.mark.parametrize("width", [1e-9, 1e-6, 0.01, 1.0, 20.0, np.inf])
def test_densities_over_a_difference_of_tails(center, width):
    mp = require("mpmath")
    low, high = center - width / 2, center if width == np.inf else center + width / 2
    with mp.workdps(60):
        ends = mp.mpf(low), mp.mpf(high)
        # the upper tail as the lower one of -z, lest their difference vanish
        below = lambda z: mp.erfc(-z / mp.sqrt(2)) / 2  # noqa: E731
        between = (
            below(-ends[0]) - below(-ends[1]) if center > 0 and width < np.inf else below(ends[1]) - below(ends[0])
        )
        expected = [float(sign * mp.npdf(z) / between) for z, sign in zip(ends, (-1, 1), strict=True)]
    assert _densities(low, high) == pytest.approx(expected, rel=1e-8, abs=1e-280)


def test_a_limit_that_is_hopeless_has_a_slope():
    """The square of its distance is a float, but the digits of exponents are lost long before."""
    assert _densities(-np.inf, -1e100) == (0.0, pytest.approx(1e100))
    assert _densities(1e100, np.inf) == (pytest.approx(-1e100), 0.0)
    assert _densities(-1e308, 1e308) == (0.0, 0.0)
    logarithm, gradient = probability_of_feasibility(process(), POINTS[:2], upper=-1e100, log=True, return_grad=True)
    assert (logarithm < -1e190).all()
    assert np.isfinite(gradient).all()
    assert gradient.any()


@pytest.mark.parametrize("limits", [(-np.inf, -30.0), (30.0, np.inf), (-0.3, 0.2), (40.0, 41.0)])
def test_gradients_of_logarithms_far_out(limits):
    utility = Feasibility(Averaged(posterior_of(), posterior_of(noise=0.5, seed=1)), *limits)
    for x in RNG.random((6, 3)):
        value, gradient = utility.at(x)
        assert gradient == pytest.approx(central_difference(lambda x: utility.at(x)[0], x), rel=1e-5, abs=1e-6)
        assert utility.screen(x[None])[0] == pytest.approx(value, rel=1e-10)


def test_what_is_known_is_feasible_or_not():
    X, y = data(8, 2)
    gp = process(noise=0.0)
    limit = float(np.median(y))
    value, gradient = probability_of_feasibility(gp, X, upper=limit, return_grad=True)
    assert value.tolist() == (y <= limit).astype(float).tolist()
    assert not gradient.any()
    assert probability_of_feasibility(gp, X, upper=limit).tolist() == value.tolist()


# ---- Thompson sampling


def test_points_are_drawn_with_the_probability_of_being_best():
    gp = process(n=3, noise=0.5)
    points = RNG.random((5, 2))
    post = gp.posteriors_[0]
    draws = np.random.default_rng(1).multivariate_normal(post.mean(points), post.cov(points, points), 200_000)
    probability = np.bincount(draws.argmax(axis=1), minlength=5) / 200_000
    counts = np.bincount(thompson_sample(gp, points, size=20_000, rng=0), minlength=5)
    for count, p in zip(counts, probability, strict=True):
        low, high = stats.binom.interval(1 - 1e-4, 20_000, p)
        assert low - 60 <= count <= high + 60  # the probabilities are simulated as well


def test_draws_come_from_every_posterior():
    up, down = (Averaged(process(n=6, noise=0.01, seed=s).posteriors_[0]) for s in (1, 2))
    both = Averaged(*up.posteriors_, *down.posteriors_)
    points = RNG.random((6, 2))
    shares = [np.bincount(thompson_sample(gp, points, size=4000, rng=0), minlength=6) / 4000 for gp in (up, down, both)]
    assert shares[2] == pytest.approx((shares[0] + shares[1]) / 2, abs=0.04)


def test_same_seed_same_draw():
    gp = process()
    first, again, other = (thompson_sample(gp, POINTS, size=50, rng=seed).tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("function", "change", "words"),
    [
        (upper_confidence_bound, {"beta": -1}, "beta"),
        (upper_confidence_bound, {"beta": np.nan}, "beta"),
        (probability_of_feasibility, {}, "lower or upper"),
        (probability_of_feasibility, {"lower": 1.0, "upper": 1.0}, "less than upper"),
        (probability_of_feasibility, {"upper": "2"}, "upper"),
        (thompson_sample, {"size": 0}, "size"),
        (thompson_sample, {"rng": -1}, "rng"),
        (thompson_sample, {"gp": GaussianProcess()}, "fit"),
    ],
)
def test_bad_input(function, change, words):
    with pytest.raises(InputError, match=words):
        function(**{"gp": process(), "X": POINTS, **change})
