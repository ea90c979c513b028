"""Max-value entropy search: its integrals against quadrature and high precision, its maxima against enumeration."""

from itertools import pairwise

import numpy as np
import pytest
from acquisition_worlds import Averaged, central_difference, data, posterior_of, process
from contracts import require
from scipy import integrate, stats

from bayes import GaussianProcess, max_value_entropy_search
from bayes.optimization._entropy import MaxValueEntropy, gumbel_maxima, sampled_maxima
from bayes.optimization._information import information, noisy_information
from uq.exceptions import InputError

RNG = np.random.default_rng(99)  # not the seed of any data
POINTS = RNG.random((6, 2))


def entropy_lost(mean, var, noise, bound):
    """H(y) - H(y | f <= bound), both from densities on a grid, nothing derived."""
    total = np.sqrt(var + noise)
    y = np.linspace(mean - 12 * total, mean + 12 * total, 200_001)
    plain = stats.norm.pdf(y, mean, total)
    if noise:
        given = mean + var / (var + noise) * (y - mean)
        cut = plain * stats.norm.cdf(bound, given, np.sqrt(var * noise / (var + noise)))
    else:
        cut = np.where(y <= bound, plain, 0.0)
    cut = cut / stats.norm.cdf(bound, mean, np.sqrt(var))
    entropies = [integrate.trapezoid(-np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), y) for p in (plain, cut)]
    return entropies[0] - entropies[1]


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.5, 10.0])
@pytest.mark.parametrize("bound", [-0.8, 0.3, 1.0, 2.5])
def test_information_is_the_entropy_lost(noise, bound):
    mean, var = 0.2, 0.6
    gamma = np.array([(bound - mean) / np.sqrt(var)])
    log = noisy_information(gamma, np.array([noise / (var + noise)]))[0] if noise else information(gamma)[0]
    assert np.exp(log[0]) == pytest.approx(entropy_lost(mean, var, noise, bound), rel=1e-4 if noise else 1e-3, abs=1e-7)


@pytest.mark.parametrize("gamma", [-6.0, -2.0, 0.0, 0.7, 4.0, 9.0])
@pytest.mark.parametrize("share", [1e-6, 1e-2, 0.3, 0.9])
@pytest.mark.slow
def test_noisy_information_against_high_precision(gamma, share):
    mp = require("mpmath")
    with mp.workdps(60):
        g, c = mp.mpf(gamma), mp.mpf(share)
        rho = mp.sqrt(1 - c)
        below = lambda z: mp.erfc(-z / mp.sqrt(2)) / 2  # noqa: E731
        whole, sd = below(g), mp.sqrt(c)

        def integrand(w):
            ratio = below((g - rho * w) / sd) / whole
            return mp.npdf(w) * (ratio * mp.log(ratio) - ratio + 1 if ratio > 0 else 1)

        step, width, peak = g / rho, mp.sqrt(c) / rho, 2 * rho * g / (1 + rho**2)
        low, high = min(0, rho * g) - 12, max(0, peak) + 12
        cuts = [-5, -2, 0, 2, 5, peak - 1, peak, peak + 1, step - 3, step - 1, step, step + 1]
        cuts += [step + k * width for k in (-8, -2, 2, 8)]
        with mp.workdps(30 if gamma < 5 else 60):
            divergence = mp.quad(integrand, [low, *sorted(p for p in set(cuts) if low < p < high), high])
            expected = float(mp.log(divergence + rho**2 * g * mp.npdf(g) / (2 * whole)))
    value = noisy_information(np.array([gamma]), np.array([share]))[0][0]
    assert value == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("gamma", [-10.0, -3.0, 0.0, 1e-9, 2.0, 14.0, 37.0, 60.0])
def test_exact_information_against_high_precision(gamma):
    mp = require("mpmath")
    with mp.workdps(2500 if gamma > 30 else 200):
        g = mp.mpf(gamma)
        below = mp.erfc(-g / mp.sqrt(2)) / 2
        expected = float(mp.log(g * mp.npdf(g) / (2 * below) - mp.log(below)))
        ratio = mp.npdf(g) / below
        slope = float(-ratio / 2 * (1 + g * g + g * ratio) / (g * ratio / 2 - mp.log(below)))
    value, gradient = information(np.array([gamma]))
    assert value[0] == pytest.approx(expected, abs=1e-11, rel=1e-12)
    assert gradient[0] == pytest.approx(slope, rel=1e-10)


def test_little_noise_is_the_closed_form_and_much_leaves_nothing():
    gamma = np.array([-1.0, 0.5, 3.0])
    exact = information(gamma)[0]
    assert noisy_information(gamma, np.full(3, 1e-11))[0] == pytest.approx(exact, abs=1e-4)
    shares = [np.exp(noisy_information(gamma, np.full(3, c))[0]) for c in (1e-6, 0.1, 0.5, 0.9, 1 - 1e-9)]
    assert all((more > less).all() for more, less in pairwise(shares))
    assert (shares[-1] < 1e-7).all()


@pytest.mark.parametrize("noise", [1e3, 1e8, 1e10, 1e20, 1e150])
def test_noise_that_drowns_all_leaves_its_first_order(noise):
    gp, maxima = process(noise=0.3), np.array([1.0, 1.5, 3.0])
    mean, sd = gp.predict(POINTS, return_std=True)
    gamma = (maxima - mean[:, None]) / sd[:, None]
    r = np.exp(stats.norm.logpdf(gamma) - stats.norm.logcdf(gamma))
    expected = np.log((r * (gamma + r)).mean(axis=1)) + np.log(sd**2) - np.log(2 * noise)

    def value(X, **more):
        return max_value_entropy_search(gp, X, max_values=maxima, y_var=noise, log=True, **more)

    found, gradient = value(POINTS, return_grad=True)
    assert found == pytest.approx(expected, abs=5 / noise + 1e-6)
    for x, slope in zip(POINTS, gradient, strict=True):
        assert slope == pytest.approx(central_difference(lambda x: value(x[None])[0], x), rel=1e-4, abs=1e-4)


def test_noise_beyond_all_numbers_tells_nothing():
    X, y = data(8, 2, 0)
    gp = GaussianProcess(hyperparameters="fixed").fit(X, 1e-140 * y)
    value, gradient = max_value_entropy_search(gp, POINTS, max_values=[1e-140], y_var=1e150, return_grad=True)
    assert (value == 0).all()
    assert (gradient == 0).all()


@pytest.mark.parametrize("gamma", [-5.0, -1.0, 0.0, 2.0, 9.0, 25.0, 45.0])
@pytest.mark.parametrize("share", [1e-6, 1e-3, 0.3, 0.9])
def test_slopes_of_the_quadrature(gamma, share):
    rho = np.sqrt(1 - share)
    _, in_gamma, in_rho = noisy_information(np.array([gamma]), np.array([share]))

    def value(g, r):
        return noisy_information(np.array([g]), np.array([1 - r * r]))[0][0]

    h, step = 1e-4, 1e-3 * min(1 - rho, rho)
    assert in_gamma[0] == pytest.approx((value(gamma + h, rho) - value(gamma - h, rho)) / (2 * h), rel=1e-5, abs=1e-5)
    assert in_rho[0] == pytest.approx((value(gamma, rho + step) - value(gamma, rho - step)) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("observation", ["exact", "noisy"])
def test_public_value_is_the_mean_over_maxima(observation):
    gp = process(normalize_y=True, noise=0.3)
    maxima = np.array([1.5, 2.0, 2.2, 4.0])
    mean, sd = gp.predict(POINTS, return_std=True)
    noise = 0.3 if observation == "noisy" else 0.0
    expected = [np.mean([entropy_lost(m, s * s, noise, y) for y in maxima]) for m, s in zip(mean, sd, strict=True)]
    value, gradient = max_value_entropy_search(gp, POINTS, max_values=maxima, observation=observation, return_grad=True)
    assert value == pytest.approx(expected, rel=2e-3, abs=1e-6)
    for x, slope in zip(POINTS, gradient, strict=True):
        numeric = central_difference(
            lambda x: max_value_entropy_search(gp, x[None], max_values=maxima, observation=observation)[0], x
        )
        assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("observation", ["exact", "noisy"])
def test_gradients_of_logarithms(observation):
    posterior = posterior_of()
    gp = Averaged(posterior, posterior_of(noise=0.5, seed=1))
    utility = MaxValueEntropy(
        gp, bounds=np.tile([0.0, 1.0], (3, 1)), observation=observation, rng=np.random.default_rng(0)
    )
    for x in [*RNG.random((6, 3)), posterior.X[0] + 1e-3]:
        gradient = utility.at(x)[1]
        numeric = central_difference(lambda x: utility.at(x)[0], x)
        assert gradient == pytest.approx(numeric, rel=1e-4, abs=2e-5 * max(1, np.abs(gradient).max()))


def test_the_screen_ranks_as_the_values_do():
    gp = process(n=10, noise=0.1)
    utility = MaxValueEntropy(gp, bounds=np.array([[0.0, 1.0]] * 2), rng=np.random.default_rng(0))
    points = RNG.random((40, 2))
    values = [utility.at(x)[0] for x in points]
    assert stats.spearmanr(utility.screen(points), values)[0] > 0.9
    exact = MaxValueEntropy(gp, bounds=np.array([[0.0, 1.0]] * 2), observation="exact", rng=np.random.default_rng(0))
    assert exact.screen(points) == pytest.approx([exact.at(x)[0] for x in points], rel=1e-9)


def test_sampled_maxima_are_those_of_joint_draws():
    posterior = posterior_of(n=6, d=1)
    pool = np.linspace(0, 1, 50)[:, None]
    draws = np.random.default_rng(1).multivariate_normal(posterior.mean(pool), posterior.cov(pool, pool), 20_000)
    expected = np.quantile(draws.max(axis=1), [0.1, 0.3, 0.5, 0.7, 0.9])
    spread = draws.max(axis=1).std()
    found = sampled_maxima(posterior, pool, 5, np.random.default_rng(0))
    assert found == pytest.approx(expected, abs=0.35 * spread)


def test_gumbel_meets_the_quartiles_of_independent_normals():
    rng = np.random.default_rng(0)
    mu, var = rng.normal(size=200), rng.uniform(0.1, 1, 200)
    draws = (mu + np.sqrt(var) * rng.normal(size=(20_000, 200))).max(axis=1)
    found = gumbel_maxima(mu, var, 1001)
    assert np.quantile(found, [0.25, 0.5, 0.75]) == pytest.approx(np.quantile(draws, [0.25, 0.5, 0.75]), abs=0.03)


def test_what_is_known_bounds_the_maximum_and_tells_nothing():
    X, y = data(6, 2)
    gp = process(n=6, noise=0.0)
    for law in ("sampled", "gumbel"):
        value = max_value_entropy_search(gp, X, max_values=law, log=True, rng=0)
        assert (value == -np.inf).all()
        utility = MaxValueEntropy(gp, X, max_values=law, rng=np.random.default_rng(0))
        post = gp.posteriors_[0]
        assert (utility.parts[0]._maxima >= (y.max() - post.offset) / post.scale - 1e-9).all()


def test_many_candidates_are_thinned_where_they_cannot_be_best():
    gp = process(n=6, noise=0.1)
    candidates = RNG.random((3000, 2))
    few = max_value_entropy_search(gp, POINTS, candidates=candidates, rng=0)
    box = max_value_entropy_search(gp, POINTS, bounds=[[0, 1], [0, 1]], rng=0)
    assert few == pytest.approx(box, rel=0.4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_values": "largest"}, "'sampled', 'gumbel'"),
        ({"max_values": [np.nan]}, "max_values must be finite"),
        ({"max_values": []}, "max_values must hold"),
        ({"n_max_values": 0}, "n_max_values"),
        ({"n_max_values": 10**9}, "n_max_values must be at most 10,000"),
        ({"observation": "none"}, "observation must be one of"),
        ({"bounds": [[0, 1]]}, "bounds must have shape"),
        ({"bounds": [[0, 1]] * 2, "candidates": POINTS}, "left out"),
        ({"rng": 1.5}, "rng"),
    ],
)
def test_bad_input(change, words):
    with pytest.raises(InputError, match=words):
        max_value_entropy_search(process(), POINTS, **change)
