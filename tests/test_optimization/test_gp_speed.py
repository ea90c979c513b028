"""What a proposal may cost beside plain linear algebra of the same size, in CPU seconds of one BLAS thread.

Ratios, and the best of several turns: machines differ, and have other work.
"""

from time import process_time

import numpy as np
import pytest

from bayes import GaussianProcess
from bayes.optimization._likelihood import Likelihood, LogPrior, default_theta


def best(work, turns):
    costs = []
    for _ in range(turns):
        start = process_time()
        work()
        costs.append(process_time() - start)
    return min(costs)


def data(n, d=6):
    rng = np.random.default_rng(0)
    X = rng.random((n, d))
    return X, np.sin(5 * X[:, 0]) + 3 * X[:, 1] ** 2 + 0.1 * rng.normal(size=n)


def plain(X, times=1):
    """Distances, a kernel, its factor and a solution, without any thought."""
    for _ in range(times):
        K = np.exp(-((X[:, None] - X) ** 2).sum(axis=2)) + np.eye(len(X))
        np.linalg.cholesky(K)
        np.linalg.solve(K, X)


@pytest.mark.slow
def test_costs_of_a_fit():
    X, y = data(100)
    assert best(lambda: GaussianProcess().fit(X, y), 15) < 9 * best(lambda: plain(X, 10), 15)  # 4.1 to 5.3
    X, y = data(1000)
    likelihood = Likelihood(
        "matern52", X, np.arange(6), y - y.mean(), np.ones((1000, 1)), np.zeros(1000), 1.0, LogPrior.default(6),
        np.ones(8, bool),
    )  # fmt: skip
    assert best(lambda: likelihood(default_theta(6)), 5) < 1.5 * best(lambda: plain(X), 5)  # 0.5 to 0.6


@pytest.mark.slow
def test_costs_of_a_point():
    X, y = data(100)
    gp = GaussianProcess().fit(X, y)
    post = gp.posteriors_[0]
    targets = post.targets(post.X)
    points = best(lambda: [targets.at(X[0]) for _ in range(200)], 10)
    assert points < 8 * best(lambda: plain(X, 10), 15)  # 2.8 to 3.9
    assert best(lambda: post.append(X[0], 0.0), 10) < best(lambda: gp._fit(X, y), 3)
