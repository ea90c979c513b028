"""The tutorial's noisy expected improvement, against refits from scratch, its limits, and what others mean by it."""

import time
from itertools import pairwise

import numpy as np
import pytest
from acquisition_worlds import Averaged, central_difference, data, expectation, posterior_of, process, refitted_mean
from scipy.stats import norm

from bayes import GaussianProcess, expected_improvement, expected_max_affine, noisy_expected_improvement
from bayes.optimization._lookahead import Lookahead
from bayes.optimization._noisy_ei import NoisyEI, evaluated_points
from bayes.optimization._posterior import Posterior
from uq.exceptions import InputError

RNG = np.random.default_rng(99)  # not the seed of any data
POINTS = RNG.random((6, 2))


def by_refits(gp, x, noise):
    """Integrate over the next y; for each, fit the process anew and take its best mean at what was evaluated."""
    X = gp.posteriors_[0].X
    mean, sd = gp.predict(x[None], return_std=True)
    sd = float(np.sqrt(sd[0] ** 2 + noise))
    after = np.vstack([X, x])
    nodes = np.array([-2.0, 2.0, -0.5, 1.0])
    # means at two y determine the lines, two more check that they are lines
    means = np.array([refitted_mean(gp, x[None], mean[0] + sd * z, after) for z in nodes])
    slope = (means[1] - means[0]) / (nodes[1] - nodes[0])
    start = means[0] - slope * nodes[0]
    assert means == pytest.approx(start + slope * nodes[:, None], abs=1e-8)
    crossings = [
        (start[i] - start[j]) / (slope[j] - slope[i])
        for i in range(len(after))
        for j in range(i)
        if slope[i] != slope[j]
    ]
    return expectation(lambda z: (start + slope * z).max(), points=np.unique(crossings)) - gp.predict(X).max()


@pytest.mark.parametrize("noise", [0.05, 1.0])
def test_against_refits_from_scratch(noise):
    gp = process(n=5, noise=noise)
    values = noisy_expected_improvement(gp, POINTS)
    assert values == pytest.approx([by_refits(gp, x, noise) for x in POINTS], rel=1e-6, abs=1e-9)


@pytest.mark.slow
def test_against_simulated_observations():
    """Draw y, fit anew, take the best mean: nothing is integrated."""
    gp = process(n=4, noise=0.3)
    x, rng = POINTS[0], np.random.default_rng(1)
    mean, sd = gp.predict(x[None], return_std=True)
    after = np.vstack([gp.posteriors_[0].X, x])
    y = mean + np.sqrt(sd**2 + 0.3) * rng.normal(size=800)
    best = np.array([refitted_mean(gp, x[None], value, after).max() for value in y]) - gp.predict(after[:-1]).max()
    error = best.std() / np.sqrt(len(best))
    assert abs(noisy_expected_improvement(gp, x[None])[0] - best.mean()) < 4 * error


def test_it_is_the_lines_and_what_the_mean_promises():
    """Where the next mean exceeds the best one, the expected maximum of the lines alone drops most of the value."""
    gp = process(n=5, noise=0.01, seed=3, mean=3.0)
    post = gp.posteriors_[0]
    promising = [x for x in RNG.random((200, 2)) if gp.predict(x[None])[0] > gp.predict(post.X).max()]
    shares = []
    for x in promising:
        at = post.targets(post.X).at(x)
        root = np.sqrt(at.var + 0.01)
        lines = np.append(post.targets(post.X).mu, at.mu), np.append(at.cov, at.var) / root
        naive = expected_max_affine(*lines)
        step = at.mu - lines[0][:-1].max()
        assert noisy_expected_improvement(gp, x[None])[0] == pytest.approx(naive + step, rel=1e-10)
        shares.append(naive / (naive + step))
    assert min(shares) < 0.6


def test_without_noise_it_is_expected_improvement():
    errors = []
    for noise in (1e-2, 1e-4, 1e-6, 0.0):
        gp = process(n=6, noise=noise)
        plain = expected_improvement(gp, POINTS)
        errors.append(np.abs(noisy_expected_improvement(gp, POINTS) - plain).max() / plain.max())
    assert (np.diff(errors) < 0).all()
    assert errors[-2] < 1e-4
    assert errors[-1] < 1e-7


def test_two_more_that_share_its_name_are_others():
    gp = process(n=8, noise=0.5)
    ours = noisy_expected_improvement(gp, POINTS)
    plug_in = expected_improvement(gp, POINTS)
    luckiest = expected_improvement(gp, POINTS, best="observed")
    post = gp.posteriors_[0]
    rng = np.random.default_rng(0)
    letham = []
    for x in POINTS:
        draws = post.sample(np.vstack([post.X, x]), 20_000, rng)
        letham.append(np.maximum(draws[:, -1] - draws[:, :-1].max(axis=1), 0).mean())
    for other in (plug_in, luckiest, np.array(letham)):
        assert (np.abs(other - ours) > 0.05 * ours).any()


@pytest.mark.parametrize("seed", range(5))
def test_never_negative(seed):
    gp = process(n=7, noise=[0.0, 1e-6, 0.1, 10.0, 1e4][seed], seed=seed)
    points = np.vstack([np.random.default_rng(seed).random((50, 2)), data(7, 2, seed)[0], [[9.0, -9.0]]])
    values = noisy_expected_improvement(gp, points)
    assert (values >= 0).all()
    assert np.isfinite(values).all()


def test_a_second_look_is_worth_something_under_noise_and_nothing_without():
    X = data(6, 2)[0]
    assert (noisy_expected_improvement(process(n=6, noise=0.5), X) > 0).all()
    assert (noisy_expected_improvement(process(n=6, noise=0.0), X, log=True) == -np.inf).all()
    # the only point there is stays the best one whatever is seen
    alone = process(n=1, noise=0.5)
    assert noisy_expected_improvement(alone, data(1, 2)[0]) == pytest.approx([0.0], abs=1e-15)


@pytest.mark.parametrize("name", ["matern32", "matern52", "gaussian"])
@pytest.mark.parametrize("noise", [0.0, 1e-6, 0.01, 1.0])
def test_gradients_against_differences(name, noise):
    posterior = posterior_of(name=name, noise=noise, n=15)
    utility = NoisyEI(Averaged(posterior, posterior_of(noise=0.5, seed=1)))
    near = [] if name == "gaussian" and noise < 1e-3 else [posterior.X[0] + 1e-3]
    for x in [*RNG.random((10, 3)), *near, posterior.X.mean(axis=0)]:
        value, gradient = utility.at(x)
        numeric = central_difference(lambda x: utility.at(x)[0], x)
        assert gradient == pytest.approx(numeric, rel=1e-5, abs=2e-5 * max(1, np.abs(gradient).max()))
        assert utility.screen(x[None])[0] == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_the_gradient_is_smooth_where_the_mean_passes_the_best_one():
    """The two parts have kinks there, their sum has none."""
    gp = process(n=5, noise=0.05, seed=3, mean=3.0)
    post = gp.posteriors_[0]
    lookahead = Lookahead(post, post.X)
    points = RNG.random((300, 2))
    inside, outside = points[post.mean(points).argmax()], post.X[lookahead._means.argmin()]
    assert post.mean(inside[None])[0] > lookahead.baseline
    for _ in range(60):
        middle = (inside + outside) / 2
        if post.mean(middle[None])[0] > lookahead.baseline:
            inside = middle
        else:
            outside = middle
    (low, before), (high, after) = lookahead.at(outside), lookahead.at(inside)
    assert low == pytest.approx(high, rel=1e-10)
    assert before == pytest.approx(after, rel=1e-6)
    assert before == pytest.approx(central_difference(lambda x: lookahead.at(x)[0], inside, h=1e-5), rel=1e-5)


def test_far_behind_the_best_the_logarithm_keeps_its_slope():
    X = np.array([[0.0], [0.5], [1.0]])
    gp = GaussianProcess(
        length_scale=0.05,
        signal_variance=0.01,
        noise_variance=1e-6,
        mean=0.0,
        hyperparameters="fixed",
        normalize_y=False,
    ).fit(X, np.array([0.0, 8.0, 0.0]))
    x = np.array([[0.2]])
    log, slope = noisy_expected_improvement(gp, x, log=True, return_grad=True)
    assert log[0] < -1000
    assert noisy_expected_improvement(gp, x)[0] == 0
    numeric = central_difference(lambda x: noisy_expected_improvement(gp, x[None], log=True)[0], x[0], h=1e-7)
    assert slope[0] == pytest.approx(numeric, rel=1e-4)


def test_a_pending_point_counts_as_evaluated():
    """Else its own promise, (mean - best)^+, would draw the next proposal to it again."""
    gp = process(n=4, noise=0.05, seed=3, d=1, mean=3.0)
    grid = np.linspace(0, 1, 401)[:, None]
    first = grid[noisy_expected_improvement(gp, grid).argmax()]
    believed = gp.posteriors_[0].append(first)
    second = grid[NoisyEI(Averaged(believed)).screen(grid).argmax()]
    assert abs(first[0] - second[0]) > 0.03
    forgetful = Lookahead(believed, gp.posteriors_[0].X)
    assert abs(grid[forgetful.screen(grid).argmax()][0] - first[0]) < abs(second[0] - first[0])


def test_the_noise_of_the_next_observation_can_be_told():
    gp = process(n=6, noise=0.1)
    values = [noisy_expected_improvement(gp, POINTS, y_var=noise) for noise in (0.0, 0.1, 1.0, 1e6)]
    assert values[1] == pytest.approx(noisy_expected_improvement(gp, POINTS), rel=1e-12)
    assert all((more >= less).all() for more, less in pairwise(values))
    by_row = GaussianProcess(hyperparameters="fixed", noise_variance=0.0, normalize_y=False).fit(*data(6, 2), y_var=0.3)
    assert noisy_expected_improvement(by_row, POINTS) == pytest.approx(
        noisy_expected_improvement(by_row, POINTS, y_var=0.3), rel=1e-12
    )


def test_duplicated_rows_are_one_choice():
    X, y = data(5, 2)
    gp = GaussianProcess(hyperparameters="fixed", noise_variance=0.2, normalize_y=False).fit(
        np.r_[X, X[:2]], np.r_[y, y[:2]]
    )
    post = gp.posteriors_[0]
    assert len(evaluated_points(post)) == 5
    assert np.exp(Lookahead(post, post.X).screen(POINTS)) == pytest.approx(
        noisy_expected_improvement(gp, POINTS), rel=1e-10
    )


def test_without_data_it_improves_on_the_level_of_the_process():
    one = posterior_of()
    prior = Posterior.build(np.empty((0, 3)), np.empty(0), np.empty(0), 0.3, one.kernel, None, 0.0, 2.0)
    utility, x = NoisyEI(Averaged(prior)), np.full(3, 0.5)
    value, gradient = utility.at(x)
    assert np.exp(value) == pytest.approx(2.0 * (1.2 / np.sqrt(1.5)) * norm.pdf(0))
    assert utility.screen(x[None])[0] == pytest.approx(value)
    assert not gradient.any()


def test_public_values_logarithms_and_gradients_agree():
    gp = process()
    value, gradient = noisy_expected_improvement(gp, POINTS, return_grad=True)
    log, log_gradient = noisy_expected_improvement(gp, POINTS, log=True, return_grad=True)
    assert np.exp(log) == pytest.approx(value, rel=1e-12)
    assert gradient == pytest.approx(value[:, None] * log_gradient, rel=1e-10)
    assert noisy_expected_improvement(gp, POINTS) == pytest.approx(value, rel=1e-9)


def test_drawn_hyperparameters_are_averaged():
    X, y = data(8, 2)
    gp = GaussianProcess(hyperparameters="slice", random_state=0).fit(X, y)
    single = [np.exp(NoisyEI(Averaged(post)).screen(POINTS)) for post in gp.posteriors_]
    assert len(single) > 1
    assert noisy_expected_improvement(gp, POINTS) == pytest.approx(np.mean(single, axis=0), rel=1e-10)


@pytest.mark.parametrize("y_var", [-1.0, np.nan, "1", True, [0.1]])
def test_bad_noise(y_var):
    with pytest.raises(InputError, match="y_var"):
        noisy_expected_improvement(process(), POINTS, y_var=y_var)


@pytest.mark.slow
def test_one_point_costs_little():
    """150 us for value and gradient at 100 rows on an idle machine; the best of many, and room for a busy one."""
    utility, x = NoisyEI(Averaged(posterior_of(n=100, d=6))), np.full(6, 0.4)
    times = []
    for _ in range(300):
        start = time.perf_counter()
        utility.at(x)
        times.append(time.perf_counter() - start)
    assert min(times) < 3 * 150e-6
