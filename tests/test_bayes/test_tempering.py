"""The design effect of judges who voted on the same items, against enumeration of all patterns and a plain loop."""

import itertools

import numpy as np
import pytest
from judges_brute import problem_of

from bayes.ranking._tempering import design_effects, first_fit

# accuracies of the judges, the design effect (exact), and what the mean correlation of votes would say
KNOWN = [
    ((0.95, 0.95, 0.55, 0.55, 0.55), 1.85, 1.55),
    ((0.97, 0.97, 0.52, 0.52, 0.52), 1.89, 1.45),
    ((0.9,) * 3 + (0.5,) * 5, 2.28, 1.48),
    ((0.8,) * 5, 2.44, 2.44),
    ((0.7,), 1.0, 1.0),
]


def two_level_judges(accuracy):
    return np.array([[[a, 1 - a], [1 - a, a]] for a in accuracy])


def pattern_law(pi, theta):
    """Return all patterns (P, J), and P(pattern) in each cell (C, P)."""
    n_judges, n_levels, _ = theta.shape
    patterns = np.array(list(itertools.product(range(n_levels), repeat=n_judges)))
    given = np.prod([theta[j][:, patterns[:, j]] for j in range(n_judges)], axis=0)  # (M, P)
    return patterns, pi @ given


def expected_problem(pi, theta, n_items, n_levels=2):
    """Return the problem in which every pattern occurs as often as expected."""
    patterns, law = pattern_law(pi, theta)
    n_cells = len(pi)
    rows, cells = np.tile(patterns, (n_cells, 1)), np.repeat(np.arange(n_cells), len(patterns))
    problem = problem_of(rows, cells, n_levels=n_levels)  # sorts the rows as they are
    return problem.changed(count=np.round(law.ravel() * n_items).astype(np.int64))


@pytest.mark.parametrize(("accuracy", "needed", "by_correlation"), KNOWN)
def test_design_effect_of_known_judges_is_that_of_enumeration(accuracy, needed, by_correlation):
    pi, theta = np.array([[0.5, 0.5]]), two_level_judges(accuracy)
    patterns, law = pattern_law(pi, theta)
    slope = np.array([theta[j, 1, patterns[:, j]] - theta[j, 0, patterns[:, j]] for j in range(len(theta))])
    gamma = np.array([pi[0] @ theta[j][:, patterns[:, j]] for j in range(len(theta))])
    u = slope / gamma
    exact = (law[0] @ u.sum(axis=0) ** 2) / (u**2 @ law[0]).sum()
    found = design_effects(expected_problem(pi, theta, 10**12), pi, theta)
    np.testing.assert_allclose(found, exact, rtol=1e-6)
    assert exact == pytest.approx(needed, abs=0.006)
    covariance = np.atleast_2d(np.cov(patterns.T, aweights=law[0]))
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    n = len(accuracy)
    assert 1 + (correlation.sum() - n) / n == pytest.approx(by_correlation, abs=0.006)


def random_problem(rng, n_items=40, n_cells=3, n_judges=4, n_levels=3):
    votes = rng.integers(0, n_levels, (n_items, n_judges))
    votes[rng.random(votes.shape) < 0.3] = -1
    votes[(votes < 0).all(axis=1), 0] = 0
    truth = np.where(rng.random(n_items) < 0.2, rng.integers(0, n_levels, n_items), -1)
    cell = np.r_[np.arange(n_cells), rng.integers(0, n_cells, n_items - n_cells)]
    return (votes, cell, truth), problem_of(votes, cell, truth, n_levels=n_levels)


@pytest.mark.parametrize("seed", range(5))
def test_design_effect_is_that_of_a_loop_over_items(seed):
    rng = np.random.default_rng(seed)
    (votes, cell, truth), problem = random_problem(rng)
    pi, theta = rng.dirichlet(np.ones(3), 3), rng.dirichlet(np.ones(3), (4, 3))
    expected = []
    for c in range(3):
        utility = pi[c] @ problem.levels
        u = {}
        items = [i for i in range(len(votes)) if cell[i] == c and truth[i] < 0]
        for i in items:
            for j in range(4):
                v = votes[i, j]
                if v >= 0:
                    up = sum(pi[c, m] * (problem.levels[m] - utility) * theta[j, m, v] for m in range(3))
                    u[i, j] = up / (pi[c] @ theta[j][:, v])
        mean = {j: np.mean([u[i, j] for i in items if (i, j) in u]) for j in range(4) if any(b == j for _, b in u)}
        joint = sum(sum(u[i, j] - mean[j] for j in range(4) if (i, j) in u) ** 2 for i in items)
        single = sum((value - mean[j]) ** 2 for (_, j), value in u.items())
        expected.append(np.clip(joint / single, 1, len(u) / len(items)))
    np.testing.assert_allclose(design_effects(problem, pi, theta), expected)


def test_first_fit_is_a_mode():
    rng = np.random.default_rng(1)
    _, problem = random_problem(rng, n_items=200)
    known = problem.truth >= 0

    def objective(log_pi, log_theta):
        log_pi = log_pi - np.log(np.exp(log_pi).sum(axis=1, keepdims=True))
        log_theta = log_theta - np.log(np.exp(log_theta).sum(axis=2, keepdims=True))
        total = problem.alpha * log_pi.sum() + (problem.prior * log_theta).sum()
        for row in range(len(problem.count)):
            c, t, n = problem.cell[row], problem.truth[row], problem.count[row]
            total += n * log_pi[c, t] * known[row]
            for j, v in enumerate(problem.votes[row]):
                if v >= 0:
                    total += n * (
                        log_theta[j, t, v] if known[row] else np.log(np.exp(log_pi[c] + log_theta[j, :, v]).sum())
                    )
        return total

    pi, theta = (np.log(x) for x in first_fit(problem))
    best = objective(pi, theta)
    for scale in (1e-3, 0.1, 1.0):
        for _ in range(10):
            assert (
                objective(pi + scale * rng.normal(size=pi.shape), theta + scale * rng.normal(size=theta.shape))
                < best + 1e-6 * scale
            )


def test_effect_at_a_first_fit_is_near_that_at_the_truth():
    """Marginals show which judges are sharp as soon as candidates differ."""
    theta = two_level_judges((0.9,) * 3 + (0.55,) * 5)
    pi = np.column_stack([1 - np.linspace(0.2, 0.8, 6), np.linspace(0.2, 0.8, 6)])
    problem = expected_problem(pi, theta, 2000)
    at_truth, at_fit = design_effects(problem, pi, theta), design_effects(problem, *first_fit(problem))
    np.testing.assert_allclose(at_fit, at_truth, rtol=0.15)
    assert (at_truth > 2).all()


def test_where_items_tell_nothing():
    theta = two_level_judges((0.8, 0.7, 0.6))
    flat = np.full((2, 2), 0.5)
    apart = problem_of([[0, -1, -1], [1, -1, -1], [-1, 1, -1], [-1, 0, 1]], [0, 0, 1, 1])
    # one vote per item; at most the mean number of votes
    assert design_effects(apart, flat, theta)[0] == 1
    assert design_effects(apart, flat, theta)[1] <= 1.5
    # votes without items cannot tell
    np.testing.assert_array_equal(design_effects(apart.changed(has_items=False), flat, theta), [1, 1])
    # a cell of one item takes what all cells say together
    votes = [[1, 1, 1], [0, 0, 0], [1, 1, 0], [0, 1, 0], [1, 1, 1]]
    found = design_effects(problem_of(votes, [0, 0, 0, 0, 1]), flat, theta)
    assert found[0] > 1
    assert found[1] == pytest.approx(found[0])
    # where nothing varies the votes might be copies
    np.testing.assert_array_equal(design_effects(problem_of([[1, 1, 1]] * 3, [0, 0, 1]), flat, theta), [3, 3])
    # items with a known true score are not of this likelihood
    anchored = problem_of([[1, 1, 1], [0, 0, 0], [1, 0, 1]], [0, 0, 1], [1, 0, 1])
    np.testing.assert_array_equal(design_effects(anchored, flat, theta), [1, 1])
